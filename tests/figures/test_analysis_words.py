"""An analysis in words: every number with its unit and its chance, whatever has run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.figures.degenerate import DEGENERATE

from napari_calcium.figures.analysis_words import analysis_words, members_line, settings_words
from napari_calcium.pipeline_settings import TITLES, PipelineSettings
from napari_calcium.recording import LogEntry
from napari_calcium.results.tables import EnsembleEvents, Motion


def test_what_the_recording_is(recording):
    about = analysis_words(recording).about
    for part in ("40 cells", "1,500 frames", "10 Hz", "2.5 min", "40 with a position", "µm a pixel"):
        assert part in about, part


def test_a_movie_that_was_registered_is_told(recording):
    n = recording.n_frames
    motion = Motion(np.linspace(-3, 3, n), np.zeros(n), np.full(n, 0.9), np.arange(n) < 2)
    first, *others = analysis_words(recording.replace(motion=motion)).findings
    assert first == "Movie registered: shifts up to 3.0 px, median correlation 0.90, 2 bad frames."
    assert tuple(others) == analysis_words(recording).findings


def test_counts_are_those_of_the_tables(recording):
    events, groups, ensembles = analysis_words(recording).findings
    active = len(np.unique(recording.events.roi_id))
    assert events.startswith(f"{len(recording.events)} events in {active} of 40 cells")
    median = 100 * np.median(recording.events.amplitude)
    assert f"median amplitude {median:.3g} %" in events
    alone = np.count_nonzero(recording.ensemble_events.ensemble_id < 0)
    assert groups.startswith(f"{len(recording.ensemble_events)} ensemble events; chance alone would give 0.4")
    assert groups.endswith(f"{alone} in no ensemble.")
    members = len(np.unique(recording.ensembles.members.roi_id))
    assert f"3 ensembles with {members} cells in all" in ensembles
    assert "0.05 on average" in ensembles


def test_the_false_discovery_rate_that_was_asked_for_is_told(recording):
    log = (*recording.log, LogEntry("significance", {"method": "conditional", "false_discovery_rate": 0.01}))
    assert "false-discovery rate 1 %" in analysis_words(recording.replace(log=log)).findings[1]


def test_the_number_of_copies_is_told(recording):
    log = (*recording.log, LogEntry("ensembles", {"method": "calibrated", "surrogates": 20}))
    assert "on 20 copies shifted in time" in analysis_words(recording.replace(log=log)).findings[2]


def test_what_is_not_known_is_not_claimed(recording):
    groups = dataclasses.replace(
        recording.ensemble_events,
        expected_by_chance=float("nan"),
        p_value=np.full(len(recording.ensemble_events), np.nan),
    )
    words = analysis_words(recording.replace(ensemble_events=groups)).findings[1]
    assert "chance" not in words
    assert "p ≤" not in words


@pytest.mark.parametrize("case", DEGENERATE)
def test_whatever_has_run(recording, case):
    words = analysis_words(DEGENERATE[case](recording))
    told = " ".join((words.about, *words.findings, *(text for _, text in words.members)))
    assert words.findings
    assert "nan" not in told.replace("no cells", "").lower().split()
    assert all(sentence.endswith(".") for sentence in words.findings)


def test_zero_is_a_result(recording):
    empty = recording.replace(ensemble_events=EnsembleEvents(expected_by_chance=0.02))
    assert "No ensemble events; chance alone would give 0.02" in analysis_words(empty).findings[1]


def test_members_are_core_first_and_all_there(recording):
    for ensemble in recording.ensembles.ids:
        line = members_line(recording, ensemble)
        core, _, others = line.partition(" (")
        members = recording.ensembles.members_of(ensemble)
        assert core.split(", ") == [str(k) for k in members.roi_id[members.core]]
        rest = [str(k) for k in members.roi_id[~members.core]]
        assert others.rstrip(")").split(", ") == (rest or [""])


def test_members_are_called_as_the_file_calls_them(recording):
    names = tuple(f"cell-{k}" for k in range(recording.n_rois))
    assert "cell-" in members_line(recording.replace(cell_names=names), 0)


@pytest.mark.parametrize("stage", TITLES)
def test_the_default_settings_of_every_stage_have_words(stage):
    settings = getattr(PipelineSettings(), stage) or getattr(PipelineSettings.course(), stage)
    if settings is not None:
        words = settings_words(stage, settings.model_dump(mode="json"))
        assert words
        assert "_" not in words.replace("false_discovery_rate", "")


def test_settings_have_their_units():
    words = settings_words("baseline", {"method": "sliding_percentile", "percentile": 8.0, "window": 45.0})
    assert words == "sliding percentile of raw fluorescence; percentile 8 %, window 45 s"


def test_a_switch_that_is_off_is_not_told():
    assert "sliding" in settings_words("coactivity", {"window": 0.5, "sliding": True})
    assert "sliding" not in settings_words("coactivity", {"window": 0.5, "sliding": False})


def test_settings_of_another_version_are_told_as_they_stand():
    assert settings_words("baseline", {"method": "magic", "wand": 3}) == "method magic, wand 3"
