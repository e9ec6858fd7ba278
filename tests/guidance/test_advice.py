"""Warnings come where a choice is wrong for the data, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.ensembles.coactivity import CoactivitySettings
from napari_calcium.ensembles.significance import ConditionalNull, PooledNull
from napari_calcium.events.deconvolved import DeconvolvedEvents
from napari_calcium.events.ridge import RidgeEvents
from napari_calcium.events.threshold import ThresholdEvents
from napari_calcium.guidance.advice import Advice, advise, advise_stage, transient_s
from napari_calcium.pipeline import PipelineSettings, run, run_stage
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.results.tables import Events
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.spikes.spikes_settings import DeconvolvedSpikes, NetworkSpikes
from napari_calcium.traces.background import HighPassBackground, LowerEnvelopeBackground
from napari_calcium.traces.baseline import PercentileBaseline, SlidingPercentileBaseline
from napari_calcium.traces.denoise import SavitzkyGolayDenoise

RATE = 10.0


def fluorescence(n_rois: int = 20, n_frames: int = 1000, level: float = 100.0) -> np.ndarray:
    return np.random.default_rng(0).normal(level, 5, (n_rois, n_frames)).astype(np.float32)


def recording(rate: float | None = RATE, unit: str = "a.u.", level: float = 100.0, **changes) -> Recording:
    traces = {"raw": Trace(fluorescence(level=level), unit)}
    return Recording("plain", np.arange(20) * 3, rate, traces, **changes)


def with_events(per_cell: int, length: float) -> Recording:
    """Events of one length, evenly spread over 100 s."""
    cells = np.repeat(np.arange(20) * 3, per_cell)
    onset = np.tile(np.linspace(0, 100 - length, per_cell), 20)
    ones = np.ones(len(onset))
    return recording(events=Events(cells, onset, onset, onset + length, ones, ones))


def fields(found: tuple[Advice, ...]) -> list[str]:
    return [advice.field for advice in found]


def test_the_defaults_are_fine_for_a_usual_recording():
    sample = simulate(SimulationSettings(n_rois=40, n_frames=3000, frame_rate=10, n_ensembles=2))
    analysed = run(sample.to_recording("usual").replace(movie=None))
    assert advise(analysed, PipelineSettings()) == ()


def test_without_a_frame_rate_nothing_can_be_said():
    assert advise(recording(rate=None, unit="ΔF/F"), PipelineSettings()) == ()


@pytest.mark.parametrize(("unit", "level"), [("ΔF/F", 100.0), ("a.u.", 0.0)])
def test_baseline_of_dff_is_warned_of(unit, level):
    found = advise_stage(recording(unit=unit, level=level), "baseline", PercentileBaseline())
    assert fields(found) == ["input"]


def test_an_offset_is_no_dff():
    assert advise_stage(recording(level=30), "baseline", PercentileBaseline()) == ()


@pytest.mark.parametrize(
    ("share", "percentile", "warned"), [(0.1, 25, False), (0.8, 25, True), (0.8, 8, False)]
)
def test_a_percentile_within_transients(share, percentile, warned):
    active = with_events(10, share * 10)
    found = advise_stage(active, "baseline", PercentileBaseline(percentile=percentile))
    assert fields(found) == (["percentile"] if warned else [])


def test_what_is_proposed_is_not_warned_of_again():
    active = with_events(10, 8.0)
    text = advise_stage(active, "baseline", PercentileBaseline(percentile=25))[0].text
    proposed = float(text.split("Take ")[1].split(" %")[0])
    assert advise_stage(active, "baseline", PercentileBaseline(percentile=proposed)) == ()


def test_windows_are_held_against_the_length_of_transients():
    long = with_events(5, 6.0)
    assert transient_s(long) == pytest.approx(6.0)
    assert "window" in fields(advise_stage(long, "baseline", SlidingPercentileBaseline(window=30)))
    assert "window" not in fields(advise_stage(long, "baseline", SlidingPercentileBaseline(window=60)))
    assert fields(advise_stage(long, "background", HighPassBackground(cutoff=20))) == ["cutoff"]
    assert advise_stage(long, "background", HighPassBackground(cutoff=24)) == ()
    assert fields(advise_stage(long, "background", LowerEnvelopeBackground(window=10))) == ["window"]


def test_before_events_the_indicator_tells_the_length():
    plain = recording()
    assert transient_s(plain) is None
    told = plain.replace(log=(LogEntry("events", {"indicator": "GCaMP6s"}),))
    assert transient_s(told) == pytest.approx(2.1)
    assert transient_s(plain.replace(log=(LogEntry("events", {"indicator": "estimate"}),))) is None


@pytest.mark.parametrize(("rate", "warned"), [(30.0, False), (4.0, True)])
def test_an_indicator_too_fast_for_the_frame_rate(rate, warned):
    found = advise_stage(recording(rate=rate), "events", DeconvolvedEvents(indicator="GCaMP6f"))
    assert fields(found) == (["indicator"] if warned else [])


def test_deconvolution_of_denoised_traces():
    assert fields(advise_stage(recording(), "events", DeconvolvedEvents(input="denoised"))) == ["input"]


def test_false_events_of_a_threshold_are_as_many_as_noise_makes():
    low = ThresholdEvents(n_sd=2, input="dff")
    text = advise_stage(recording(), "events", low)[0].text
    told = float(text.split("about ")[1].split(" times")[0])
    noise = np.random.default_rng(1).standard_normal(600_000)
    above = noise > 2
    per_minute = np.count_nonzero(above[1:] & ~above[:-1]) / (600_000 / RATE / 60)
    assert told == pytest.approx(per_minute, rel=0.1)
    assert advise_stage(recording(), "events", low.replace(n_sd=4)) == ()
    assert advise_stage(recording(), "events", low.replace(input="denoised")) == ()


def test_ridges_and_polynomials_of_less_than_a_few_frames():
    assert fields(advise_stage(recording(), "events", RidgeEvents(shortest=0.1))) == ["shortest"]
    assert fields(advise_stage(recording(), "denoise", SavitzkyGolayDenoise(window=0.3, order=3))) == [
        "window"
    ]
    assert fields(advise_stage(with_events(5, 2.0), "denoise", SavitzkyGolayDenoise(window=5))) == ["window"]


def test_windows_of_coactivity_have_a_frame_and_rest():
    assert fields(advise_stage(recording(), "coactivity", CoactivitySettings(window=0.05))) == ["window"]
    assert advise_stage(recording(), "coactivity", CoactivitySettings(window=0.5)) == ()
    busy = with_events(90, 0.2)
    assert advise_stage(busy, "coactivity", CoactivitySettings(window=0.5)) == ()
    assert fields(advise_stage(busy, "coactivity", CoactivitySettings(window=2))) == ["window"]


def test_percentiles_of_few_shuffles_and_rates_with_nothing_left():
    assert fields(advise_stage(recording(), "significance", PooledNull(percentile=99.9, shuffles=100))) == [
        "shuffles"
    ]
    assert advise_stage(recording(), "significance", PooledNull(percentile=95, shuffles=100)) == ()
    assert fields(advise_stage(recording(), "significance", ConditionalNull(smoothing=1, left_out=5))) == [
        "left_out"
    ]


@pytest.mark.parametrize(("n_frames", "warned"), [(300, True), (1000, False)])
def test_a_recording_too_short_for_its_settings_is_warned_of_before_the_run(n_frames, warned):
    short = Recording("short", np.arange(20), RATE, {"raw": Trace(fluorescence(n_frames=n_frames), "a.u.")})
    looked_at = {
        "background": (HighPassBackground(cutoff=20), LowerEnvelopeBackground(window=20)),
        "significance": (ConditionalNull(smoothing=5),),
    }
    for stage, choices in looked_at.items():
        for chosen in choices:
            said = advise_stage(short, stage, chosen)
            assert bool(said) == warned, chosen
            assert all("lasts 30 s" in advice.text for advice in said)
    assert advise_stage(short, "background", HighPassBackground(cutoff=10)) == ()
    assert advise_stage(short, "significance", ConditionalNull(smoothing=2)) == ()


def test_a_handful_of_cells_has_no_ensembles():
    few = Recording("few", np.arange(6), RATE, {"raw": Trace(fluorescence(6), "a.u.")})
    assert "least_members" in fields(advise(few, PipelineSettings()))


@pytest.mark.parametrize("shape", [(0, 100), (3, 1), (0, 1)])
def test_recordings_without_much_in_them(shape):
    empty = Recording("empty", np.arange(shape[0]), RATE, {"raw": Trace(np.ones(shape), "a.u.")})
    said = advise(empty.replace(events=Events()), PipelineSettings())
    # Nothing is said of noise or kinetics that cannot be known; whatever is said is one line.
    assert all(advice.text and "nan" not in advice.text.lower() for advice in said)


def test_missing_samples_are_no_reason_to_warn():
    holes = fluorescence()
    holes[3] = np.nan
    spoilt = Recording("holes", np.arange(20), RATE, {"raw": Trace(holes, "a.u.")})
    assert advise_stage(spoilt, "baseline", PercentileBaseline()) == ()


def test_skipped_stages_are_not_looked_at():
    assert advise(recording(unit="ΔF/F"), PipelineSettings(baseline=None)) == ()


def test_the_log_has_the_warnings_of_a_run_whatever_was_run_before():
    plain, settings = recording(), CoactivitySettings(window=0.05)
    first = run_stage(run_stage(plain, "baseline", PercentileBaseline()), "events", DeconvolvedEvents())
    once = run_stage(first, "coactivity", settings)
    assert any(note.startswith("⚠") and "shorter than a frame" in note for note in once.log[-1].notes)
    again = run_stage(run_stage(once, "baseline", PercentileBaseline()), "events", DeconvolvedEvents())
    assert run_stage(again, "coactivity", settings).log[-1].notes == once.log[-1].notes
    busy = with_events(10, 8.0)
    notes = run_stage(busy, "baseline", PercentileBaseline()).log[-1].notes
    assert notes == run_stage(busy.replace(events=None), "baseline", PercentileBaseline()).log[-1].notes


def noisy(rate: float = RATE, sd: float = 0.05, unit: str = "ΔF/F") -> Recording:
    dff = sd * np.random.default_rng(0).standard_normal((60, 8000)).astype(np.float32)
    return Recording("noise", np.arange(60), rate, {"dff": Trace(dff, unit)})


def test_spikes_from_usual_dff_are_not_warned_of():
    assert advise_stage(noisy(), "spikes", NetworkSpikes()) == ()
    assert advise_stage(noisy(), "spikes", DeconvolvedSpikes()) == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"rate": 0.5}, "trained from 2 to 120 Hz"),
        ({"sd": 5.0}, "noisier"),
        ({"unit": "a.u."}, "raw fluorescence"),
        ({"unit": "spikes/s"}, "deconvolved already"),
    ],
)
def test_what_the_network_was_not_trained_on_is_told_beside_the_form(changed, words):
    found = advise_stage(noisy(**changed), "spikes", NetworkSpikes())
    assert fields(found) == ["input"]
    assert words in found[0].text


def test_a_denoised_input_is_known_from_the_provenance():
    plain = noisy()
    step = LogEntry("denoise", {}, ("traces/dff",), ("traces/denoised",))
    denoised = plain.with_step(step, traces={"denoised": plain.traces["dff"]})
    found = advise_stage(denoised, "spikes", NetworkSpikes(input="denoised"))
    assert "denoised" in found[0].text
    assert advise_stage(denoised, "spikes", NetworkSpikes(input="dff")) == ()


def test_deconvolving_raw_fluorescence_or_spikes_is_warned_of():
    assert "raw fluorescence" in advise_stage(noisy(unit="a.u."), "spikes", DeconvolvedSpikes())[0].text
    assert "already" in advise_stage(noisy(unit="spikes/s"), "spikes", DeconvolvedSpikes())[0].text


def test_an_indicator_faster_than_the_frames_is_warned_of():
    found = advise_stage(noisy(rate=3.0, sd=0.02), "spikes", NetworkSpikes(indicator="GCaMP8f"))
    assert fields(found) == ["indicator"]


def test_a_trace_that_is_not_there_is_no_matter_of_advice():
    assert advise_stage(recording(), "spikes", NetworkSpikes()) == ()
