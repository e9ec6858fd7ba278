from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from tests.events.simulated_events import recording, score

from napari_calcium.events.deconvolved import DeconvolvedEvents
from napari_calcium.events.event_detection import EventsSettings, detect_events
from napari_calcium.events.ridge import RidgeEvents
from napari_calcium.events.template import TemplateEvents
from napari_calcium.events.threshold import ThresholdEvents
from napari_calcium.progress import Cancelled

METHODS = [DeconvolvedEvents(), ThresholdEvents(), TemplateEvents(), RidgeEvents()]
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda s: s.method)


@every_method
@pytest.mark.parametrize("rate", [4.8, 10.0, 30.0])
def test_finds_clear_events_at_the_right_time(method, rate):
    traces, row, onset = recording(rate, noise=0.08)
    found = detect_events(traces, rate, method)
    precision, recall, error = score(found.roi_id, found.onset_s, row, onset)
    assert precision > 0.93 and recall > 0.95
    assert abs(np.median(error)) < max(0.05, 0.3 / rate)


@pytest.mark.parametrize("rate", [2.0, 5.0, 30.0, 120.0])
def test_default_works_at_every_frame_rate_without_retuning(rate):
    # The same photons: noise of a sample grows with the root of the frame rate.
    traces, row, onset = recording(rate, seconds=120.0, noise=0.03 * np.sqrt(rate), n_rows=4)
    found = detect_events(traces, rate)
    precision, recall, error = score(found.roi_id, found.onset_s, row, onset)
    assert precision > 0.93 and recall > 0.95
    assert abs(np.median(error)) < max(0.03, 0.15 / rate)


@pytest.mark.parametrize("decay", [0.4, 0.8, 2.0])
def test_default_works_for_fast_and_slow_indicators_without_being_told(decay):
    traces, row, onset = recording(10.0, decay=decay, apart=6.0)
    found = detect_events(traces, 10.0)
    precision, recall, _ = score(found.roi_id, found.onset_s, row, onset)
    assert precision > 0.95 and recall > 0.97


def test_a_slow_rise_does_not_delay_the_onset():
    traces, row, onset = recording(30.0, rise=0.2, noise=0.05, decay=1.5, apart=8.0)
    found = detect_events(traces, 30.0)
    error = score(found.roi_id, found.onset_s, row, onset)[2]
    assert abs(np.median(error)) < 0.1


@every_method
def test_events_are_sorted_and_their_times_in_order(method):
    traces, _, _ = recording(noise=0.2, apart=2.0)
    ids = np.array([30, 2, 17, 5, 99, 40])
    found = detect_events(traces, 10.0, method, roi_ids=ids)
    order = found.rows(ids) * 1e6 + found.onset_s
    assert (np.diff(order) > 0).all()
    assert (found.onset_s >= 0).all()
    assert (found.onset_s <= found.peak_s).all() and (found.peak_s <= found.end_s).all()
    assert (found.end_s <= (traces.shape[1] - 1) / 10.0 + 1e-9).all()
    assert (found.amplitude > 0).all()
    assert np.isnan(found.fwhm_s).any() or (found.fwhm_s > 0).all()


@every_method
def test_permuting_neurons_permutes_the_events(method):
    traces, _, _ = recording(n_rows=5, seconds=100.0)
    order = np.array([3, 1, 4, 0, 2])
    plain = detect_events(traces, 10.0, method)
    mixed = detect_events(traces[order], 10.0, method, roi_ids=order)
    for k in range(5):
        mine, same = plain.take(plain.roi_id == k), mixed.take(mixed.roi_id == k)
        np.testing.assert_allclose(mine.onset_s, same.onset_s, atol=1e-6)
        np.testing.assert_allclose(mine.amplitude, same.amplitude, rtol=1e-6)


@every_method
def test_gain_scales_amplitudes_and_moves_nothing(method):
    traces, _, _ = recording(n_rows=3)
    method = method.replace(min_height=0) if isinstance(method, ThresholdEvents) else method
    plain, loud = (detect_events(g * traces, 10.0, method) for g in (1.0, 8.0))
    np.testing.assert_allclose(plain.onset_s, loud.onset_s, atol=1e-4)
    np.testing.assert_allclose(8 * plain.amplitude, loud.amplitude, rtol=1e-4)


@every_method
def test_shape_of_one_transient(method):
    traces, _, _ = recording(20.0, noise=0.02, decay=1.0, rise=0.05, apart=10.0, size=0.7)
    found = detect_events(traces, 20.0, method)
    np.testing.assert_allclose(np.median(found.amplitude), 0.7, rtol=0.07)
    # Half height of exp(-t) - exp(-t/0.05), scaled to unit peak, by hand: 0.86 s wide.
    np.testing.assert_allclose(np.nanmedian(found.fwhm_s), 0.86, rtol=0.1)
    assert (np.nanmax(found.fwhm_s)) < 5
    assert 0.05 < np.median(found.peak_s - found.onset_s) < 0.35


def test_stacked_events_stay_separate():
    traces, row, onset = recording(10.0, noise=0.03, apart=8.0, decay=1.5)
    traces[:, 12:] += traces[:, :-12].copy()
    found = detect_events(traces, 10.0)
    precision, recall, _ = score(
        found.roi_id, found.onset_s, np.tile(row, 2), np.concatenate([onset, onset + 1.2])
    )
    assert precision > 0.95 and recall > 0.97
    assert np.nanmax(found.fwhm_s) < 3


@every_method
@pytest.mark.parametrize(
    "traces",
    [
        np.empty((0, 100)),
        np.zeros((3, 100)),
        np.full((2, 60), 5.0),
        np.full((2, 60), np.nan),
        np.ones((2, 1)),
        np.array([[1.0, 2.0]]),
        np.array([[np.nan, 1.0, np.nan, 2.0]]),
    ],
    ids=["no rois", "zeros", "constant", "all missing", "one frame", "two frames", "mostly missing"],
)
def test_edges_give_no_events(method, traces):
    found = detect_events(traces, 10.0, method)
    assert len(found) == 0


@every_method
@settings(max_examples=15, deadline=None)
@given(
    n_rows=st.integers(0, 3),
    n_frames=st.integers(1, 80),
    rate=st.floats(0.5, 120),
    seed=st.integers(0, 1000),
    gaps=st.floats(0, 0.9),
)
def test_any_input_gives_a_valid_table(method, n_rows, n_frames, rate, seed, gaps):
    rng = np.random.default_rng(seed)
    traces = np.round(rng.standard_t(2, (n_rows, n_frames)), 1)
    traces[rng.random(traces.shape) < gaps] = np.nan
    found = detect_events(traces, rate, method)
    assert np.isin(found.roi_id, np.arange(n_rows)).all()
    assert (found.onset_s <= found.peak_s).all() and (found.peak_s <= found.end_s).all()
    assert np.isfinite(found.amplitude).all()


@every_method
def test_no_event_begins_in_a_gap(method):
    traces, _, _ = recording(n_rows=2, noise=0.05)
    traces[:, 500:700] = np.nan
    found = detect_events(traces, 10.0, method)
    frame = np.ceil(found.onset_s * 10 - 1e-6).astype(int)
    assert not ((frame > 502) & (frame < 700)).any()
    assert len(found) > 20


@every_method
def test_same_bytes_for_any_number_of_workers_and_input_unchanged(method):
    traces, _, _ = recording(n_rows=20, seconds=60.0)
    traces.flags.writeable = False
    plain = detect_events(traces, 10.0, method)
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            assert detect_events(traces, 10.0, method, executor=pool) == plain


@every_method
def test_reports_progress_and_can_be_cancelled(method):
    traces, _, _ = recording(n_rows=3, seconds=30.0)
    seen = []
    detect_events(traces, 10.0, method, on_progress=lambda done, total: seen.append(done / total))
    assert seen == sorted(seen) and seen[-1] == 1.0

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        detect_events(traces, 10.0, method, on_progress=stop)


def test_noise_alone_gives_few_events():
    noise = np.random.default_rng(0).normal(size=(40, 6000)).astype(np.float32)
    found = detect_events(noise, 10.0)
    minutes = noise.size / 10.0 / 60.0
    assert len(found) / minutes < 0.1


def test_unit_is_handed_on_and_ids_are_checked():
    traces, _, _ = recording(n_rows=2, seconds=30.0)
    assert detect_events(traces, 10.0, unit="counts").unit == "counts"
    with pytest.raises(ValueError, match="one id for each of the 2 traces"):
        detect_events(traces, 10.0, roi_ids=[1])
    with pytest.raises(ValueError, match="different from each other"):
        detect_events(traces, 10.0, roi_ids=[1, 1])
    with pytest.raises(ValueError, match="traces"):
        detect_events(traces[0], 10.0)
    with pytest.raises(ValueError, match="frame_rate"):
        detect_events(traces, 0.0)


def test_settings_say_which_method():
    adapter = TypeAdapter(EventsSettings)
    for settings_ in METHODS:
        assert adapter.validate_python(settings_.model_dump()) == settings_
        assert type(settings_).from_yaml(settings_.to_yaml()) == settings_
    assert detect_events.__defaults__ == (DeconvolvedEvents(),)
    with pytest.raises(ValidationError):
        adapter.validate_python({"method": "magic"})
    with pytest.raises(ValidationError):
        adapter.validate_python({"method": "ridge", "shortest": 3.0, "longest": 1.0})


@every_method
def test_every_setting_explains_itself(method):
    for name, field in type(method).model_fields.items():
        if name != "method":
            assert field.title and field.description and field.description.endswith("."), name


def test_an_indicator_can_be_told():
    traces, row, onset = recording(30.0, decay=0.7, noise=0.3, apart=6.0)
    for method in (DeconvolvedEvents(indicator="GCaMP6s"), TemplateEvents(indicator="GCaMP6s")):
        found = detect_events(traces, 30.0, method)
        precision, recall, _ = score(found.roi_id, found.onset_s, row, onset)
        assert precision > 0.9 and recall > 0.9
