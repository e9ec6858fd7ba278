from __future__ import annotations

import pytest

from napari_calcium.events.ridge import RidgeEvents
from napari_calcium.events.template import TemplateEvents
from napari_calcium.guidance.indicator_choice import indicator_of, with_indicator
from napari_calcium.numerics.indicators import INDICATORS
from napari_calcium.pipeline_settings import TITLES, PipelineSettings
from napari_calcium.settings import SettingsError
from napari_calcium.spikes.spikes_settings import NetworkSpikes
from napari_calcium.traces.denoise import WaveletDenoise


@pytest.mark.parametrize("name", INDICATORS)
def test_one_choice_sets_all_that_depends_on_it(name):
    chosen = with_indicator(PipelineSettings(), name)
    assert chosen.events.indicator == name
    assert chosen.segmentation.decay == INDICATORS[name].decay_s
    assert indicator_of(chosen) == name


def test_all_else_stays():
    usual, chosen = PipelineSettings(), with_indicator(PipelineSettings(), "GCaMP8s")
    assert chosen.events.replace(indicator="estimate") == usual.events
    untouched = [stage for stage in TITLES if stage not in ("denoise", "events", "segmentation", "spikes")]
    assert all(getattr(chosen, stage) == getattr(usual, stage) for stage in untouched)


def test_spike_inference_follows_and_goes_back_to_unknown():
    usual = PipelineSettings(spikes=NetworkSpikes())
    chosen = with_indicator(usual, "GCaMP6f")
    assert chosen.spikes.indicator == "GCaMP6f"
    assert indicator_of(chosen) == "GCaMP6f"
    assert with_indicator(chosen, "estimate") == usual


def test_there_and_back():
    usual = PipelineSettings()
    assert with_indicator(with_indicator(usual, "GCaMP6f"), "estimate") == usual


def test_skipped_stages_stay_skipped_and_methods_without_one_stay_as_they_are():
    few = PipelineSettings(segmentation=None, denoise=WaveletDenoise(), events=RidgeEvents())
    chosen = with_indicator(few, "GCaMP6f")
    assert chosen.segmentation is None
    assert chosen.events == RidgeEvents()
    assert indicator_of(chosen) == "estimate"
    assert (
        with_indicator(few.replace(events=TemplateEvents().model_dump()), "OGB-1").events.indicator == "OGB-1"
    )


def test_an_unknown_one_is_named_with_those_there_are():
    with pytest.raises(SettingsError, match=r"GCaMP9.*GCaMP6f"):
        with_indicator(PipelineSettings(), "GCaMP9")
