from __future__ import annotations

import numpy as np

from napari_calcium.guidance.provenance import entry_words, steps_behind, story
from napari_calcium.pipeline import run
from napari_calcium.recording import LogEntry, Recording, Source, Trace
from napari_calcium.simulate import SimulationSettings, simulate


def stages(entries: tuple[LogEntry, ...]) -> list[str]:
    return [entry.stage for entry in entries]


def analysed() -> Recording:
    sample = simulate(SimulationSettings(n_rois=12, n_frames=600))
    return run(sample.to_recording("a").replace(movie=None))


def test_only_the_steps_that_count_are_told():
    made = analysed()
    behind = stages(steps_behind(made, ("events",)))
    assert behind[-2:] == ["baseline", "events"]
    assert "background" not in behind  # events read ΔF/F
    assert "features" not in stages(steps_behind(made, ("ensembles",)))
    assert stages(steps_behind(made, ("traces/denoised",)))[-3:] == ["baseline", "background", "denoise"]
    assert steps_behind(made) == made.log


def test_whatever_a_step_read_is_behind_it():
    made = analysed()
    for entry in made.log:
        behind = steps_behind(made, entry.writes)
        if entry.writes:
            assert entry in behind
            for earlier in made.log:
                if set(earlier.writes) & set(entry.reads):
                    assert earlier in behind


def test_settings_are_told_as_the_forms_call_them():
    made = analysed()
    events = next(entry for entry in made.log if entry.stage == "events")
    words = entry_words(events)
    assert words.splitlines()[0].startswith("Events")
    assert "  Threshold: 4 SD" in words
    assert "  Read from: ΔF/F" in words
    assert all(f"→ {note}" in words for note in events.notes)


def test_settings_of_another_version_are_told_as_they_are():
    entry = LogEntry("events", {"method": "older", "some_width": 3, "nothing": None}, notes=("12 events",))
    assert entry_words(entry) == "Events\n  method: older\n  some width: 3\n  → 12 events"


def test_the_story_begins_with_the_file():
    traces = {"raw": Trace(np.ones((2, 5), np.float32), "a.u.")}
    source = Source("cells.csv", 1234)
    read = LogEntry("read", {"unit": "raw"}, (), ("traces/raw",), ("each row is a neuron",))
    told = story(Recording("a", np.arange(2), 5.0, traces, source=source, log=(read,)))
    assert told.startswith("From cells.csv (1,234 bytes)\n\n1. Reading the file")
    assert "→ each row is a neuron" in told
    assert "no step was taken" in story(Recording("a", np.arange(2), 5.0, traces))
