"""Every setting of the program can be explained, and what is said is so."""

from __future__ import annotations

import pytest

from napari_calcium.events.deconvolved import DeconvolvedEvents
from napari_calcium.guidance.setting_help import (
    _kinds,
    kind_of_settings,
    setting_help,
    setting_words,
    touched_by,
)
from napari_calcium.pipeline import STAGES, TITLES, PipelineSettings, run
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.traces.background import HighPassBackground
from napari_calcium.traces.denoise import WaveletDenoise

EVERY = [
    (stage, kind, name)
    for stage in TITLES
    for kind in _kinds(PipelineSettings.model_fields[stage].annotation)
    for name in kind.model_fields
]


@pytest.mark.parametrize(
    ("stage", "kind", "name"), EVERY, ids=lambda value: getattr(value, "__name__", value)
)
def test_every_setting_is_explained(stage, kind, name):
    told = setting_help(kind, name, stage)
    assert told.title
    assert told.default
    assert TITLES[stage] in told.touches
    if name != "method":
        assert told.effect.endswith(".")


def test_unit_range_and_default_are_those_of_the_class():
    told = setting_help(HighPassBackground, "cutoff", "background")
    assert (told.unit, told.allowed, told.default) == ("s", "1 to 3,600 s", "20 s")
    told = setting_help(DeconvolvedEvents, "min_separation", "events")
    assert told.allowed == "above 0 to 10 s"
    told = setting_help(WaveletDenoise, "keep_onsets", "denoise")
    assert told.allowed == "on or off"
    assert told.default in ("on", "off")


def test_choices_are_said_as_forms_say_them():
    told = setting_help(DeconvolvedEvents, "indicator", "events")
    assert told.default == "measured in the traces"
    assert "jRGECO1a" in told.allowed
    assert setting_help(DeconvolvedEvents, "input", "events").default == "ΔF/F"


def test_what_reads_a_trace_is_touched_and_what_does_not_is_not():
    usual = PipelineSettings()
    assert touched_by("denoise", usual) == ("Denoise",)
    reads = usual.replace(events=DeconvolvedEvents(input="denoised").model_dump())
    assert {"Events", "Coactivity", "Ensembles"} <= set(touched_by("denoise", reads))
    assert "Events" in touched_by("background", reads)
    assert touched_by("features", usual) == ("Features",)
    assert "Features" not in touched_by("events", usual.replace(features=None))


def test_what_is_said_to_be_untouched_is_untouched():
    """The log of a run has what each stage read: nothing may depend on a stage that does not name it."""
    made = run(simulate(SimulationSettings(n_rois=12, n_frames=600)).to_recording("a").replace(movie=None))
    writers = {name: entry.stage for entry in made.log for name in entry.writes}
    for stage in STAGES:
        touched = {stage}
        for entry in made.log:
            if any(writers.get(name) in touched for name in entry.reads):
                touched.add(entry.stage)
        told = set(touched_by(stage, PipelineSettings()))
        assert {TITLES[name] for name in touched if name in TITLES} <= told, stage


def test_stages_of_a_movie_touch_all_that_follow():
    assert len(touched_by("registration", PipelineSettings())) == sum(
        getattr(PipelineSettings(), stage) is not None for stage in TITLES
    )
    assert touched_by("nothing of ours", PipelineSettings()) == ()


def test_words_of_a_logged_value():
    kind = kind_of_settings("events", {"method": "deconvolved"})
    assert kind is DeconvolvedEvents
    assert setting_words(kind, "n_sd", 4.0) == ("Threshold", "4 SD")
    assert setting_words(kind, "input", "dff")[1] == "ΔF/F"
    assert kind_of_settings("events", {"method": "of another version"}) is None
    assert kind_of_settings("import", {}) is None
