from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.progress import Cancelled
from napari_calcium.spikes import infer_spike_rate as public
from napari_calcium.spikes.ensemble import Ensemble
from napari_calcium.spikes.frame_grid import frames_per_group
from napari_calcium.spikes.inference import infer_spike_rate, spike_rate_error, trace_context

RATES = (2.0, 7.5, 30.0, 60.0, 120.0)
TOLD = {"indicator": "GCaMP6s", "cell_type": "excitatory"}


def test_the_public_name_is_the_function():
    assert public is infer_spike_rate


@pytest.mark.parametrize("frame_rate", RATES)
@pytest.mark.parametrize("told", [{}, TOLD], ids=["untold", "told"])
def test_one_neuron_or_many_the_result_is_the_same(ensemble, simulated, frame_rate, told):
    traces, _ = simulated(n_rois=5, frame_rate=frame_rate, seconds=max(20, 200 / frame_rate))
    together = infer_spike_rate(traces, frame_rate, ensemble=ensemble, **told)
    assert together.shape == traces.shape
    assert together.dtype == np.float32
    for row in range(5):
        alone = infer_spike_rate(traces[row : row + 1], frame_rate, ensemble=ensemble, **told)
        assert_allclose(alone[0], together[row], atol=1e-5)


@pytest.mark.parametrize("frame_rate", RATES)
@pytest.mark.parametrize("told", [{}, TOLD], ids=["untold", "told"])
def test_a_trace_in_pieces_gives_the_result_of_the_whole(ensemble, simulated, frame_rate, told):
    traces, _ = simulated(n_rois=3, frame_rate=frame_rate, seconds=600 / frame_rate)
    group = frames_per_group(frame_rate)
    whole = infer_spike_rate(traces, frame_rate, ensemble=ensemble, **told)
    context = trace_context(traces, frame_rate, ensemble=ensemble, **told)
    overlap, length = 24 * group, 120 * group
    for start in range(0, 600, length):
        first, last = max(0, start - overlap), min(600, start + length + overlap)
        piece = infer_spike_rate(
            traces[:, first:last], frame_rate, context=context, ensemble=ensemble, **told
        )
        kept = slice(start, min(600, start + length))
        assert_allclose(piece[:, start - first :][:, : kept.stop - start], whole[:, kept], atol=1e-5)


def test_a_context_of_other_traces_is_refused(ensemble, simulated):
    traces, _ = simulated(n_rois=3, seconds=5)
    context = trace_context(traces, 30.0, ensemble=ensemble)
    with pytest.raises(ValueError, match="context must have one row a trace, got 3 for 2"):
        infer_spike_rate(traces[:2], 30.0, context=context, ensemble=ensemble)


@pytest.mark.parametrize("told", [{}, TOLD], ids=["untold", "told"])
def test_any_number_of_workers_gives_the_same_bytes(ensemble, simulated, told, monkeypatch):
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 1)
    traces, _ = simulated(n_rois=7, seconds=10)
    expected = infer_spike_rate(traces, 30.0, ensemble=ensemble, **told)
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            made = infer_spike_rate(traces, 30.0, ensemble=ensemble, executor=pool, **told)
        assert_array_equal(made, expected)


class _Pickling(Executor):
    def submit(self, fn, /, *args, **kwargs):
        import pickle

        fn, args = pickle.loads(pickle.dumps((fn, args)))
        future = Future()
        future.set_result(fn(*args))
        return future


def test_rows_can_be_sent_to_other_machines(ensemble, simulated):
    traces, _ = simulated(n_rois=3, seconds=10)
    expected = infer_spike_rate(traces, 30.0, ensemble=ensemble)
    assert_allclose(infer_spike_rate(traces, 30.0, ensemble=ensemble, executor=_Pickling()), expected)


@pytest.mark.parametrize("frame_rate", RATES)
def test_gaps_stay_gaps_and_nothing_else_is_missing(ensemble, simulated, frame_rate):
    traces, _ = simulated(n_rois=4, frame_rate=frame_rate, seconds=300 / frame_rate)
    traces[0, 100:140] = np.nan
    traces[1, :3] = np.nan
    traces[2] = np.nan
    rate = infer_spike_rate(traces, frame_rate, ensemble=ensemble)
    assert_array_equal(np.isnan(rate), np.isnan(traces))
    assert (rate[~np.isnan(traces)] >= 0).all()


def test_a_gap_changes_nothing_beyond_the_reach_of_the_network(ensemble, simulated):
    traces, _ = simulated(n_rois=1, seconds=30)
    context = trace_context(traces, 30.0, ensemble=ensemble)
    with_gap = traces.copy()
    with_gap[0, 400:420] = np.nan
    full, gap = (infer_spike_rate(t, 30.0, context=context, ensemble=ensemble)[0] for t in (traces, with_gap))
    reach = ensemble.networks[0].reach
    assert_allclose(gap[: 400 - reach], full[: 400 - reach], atol=1e-6)
    assert_allclose(gap[420 + reach :], full[420 + reach :], atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 100), (1, 1), (3, 2), (1, 5000)])
@pytest.mark.parametrize("value", [0.0, 1e30, -1e30, 1e-30])
def test_extreme_traces_have_finite_results(ensemble, shape, value):
    rate = infer_spike_rate(np.full(shape, value), 30.0, ensemble=ensemble, **TOLD)
    assert rate.shape == shape
    assert np.isfinite(rate).all()


def test_the_traces_are_left_as_they_are(ensemble, simulated):
    traces, _ = simulated(n_rois=2, seconds=5)
    before = traces.copy()
    traces.flags.writeable = False  # an error where it is written to
    infer_spike_rate(traces, 60.0, ensemble=ensemble)
    np.testing.assert_array_equal(traces, before)


def test_progress_counts_rows_and_can_cancel(ensemble, simulated, monkeypatch):
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 1)
    traces, _ = simulated(n_rois=3, seconds=5)
    seen = []
    infer_spike_rate(traces, 30.0, ensemble=ensemble, on_progress=lambda *pair: seen.append(pair))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]

    def stop(done, total):
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        infer_spike_rate(traces, 30.0, ensemble=ensemble, on_progress=stop)


def test_the_course_is_told_but_the_number_is_not(make_ensemble, simulated):
    traces, _ = simulated(n_rois=4, seconds=30)
    for factor in (1.0, 0.5):
        ensemble = make_ensemble(count_factor={"excitatory": factor})
        told = infer_spike_rate(traces, 30.0, ensemble=ensemble, **TOLD)
        blind = infer_spike_rate(traces, 30.0, ensemble=ensemble, cell_type="excitatory")
        assert_allclose(told.sum(axis=1), blind.sum(axis=1), rtol=0.05)
        assert not np.allclose(told, blind, rtol=0.01)


def test_sharpening_lowers_what_lies_below_a_burst(make_ensemble, simulated):
    traces, _ = simulated(n_rois=2, seconds=20)
    plain, sharp = (
        infer_spike_rate(traces, 30.0, ensemble=make_ensemble(**card)) for card in ({}, {"sharpness": 1.2})
    )
    burst = np.float32(9.0)
    assert_allclose(sharp, plain * (plain / burst) ** 0.2, rtol=1e-4)
    assert (sharp[plain < burst] <= plain[plain < burst]).all()


def test_what_lies_below_the_floor_is_no_spike(make_ensemble, simulated):
    traces, _ = simulated(n_rois=2, seconds=20)
    plain = infer_spike_rate(traces, 30.0, ensemble=make_ensemble())
    floor = float(np.median(plain))
    cut = infer_spike_rate(traces, 30.0, ensemble=make_ensemble(floor=floor / 30.0))
    assert_allclose(cut, np.maximum(plain - floor, 0), atol=1e-4)
    assert (cut == 0).mean() == pytest.approx(0.5, abs=0.01)


def test_silence_stays_silence_when_sharpened(make_ensemble):
    ensemble = make_ensemble(sharpness=1.1)
    silent = replace(ensemble.networks[0], out_bias=-1e4)
    ensemble = replace(ensemble, networks=(silent,))
    assert not infer_spike_rate(np.zeros((1, 50)), 30.0, ensemble=ensemble, **TOLD).any()


def test_a_family_may_have_a_factor_of_its_own(make_ensemble, simulated):
    traces, _ = simulated(n_rois=2, seconds=10)
    totals = {}
    for factors in ({"inhibitory": 2.0}, {"inhibitory": 2.0, "inhibitory, GCaMP6s": 0.5}):
        ensemble = make_ensemble(count_factor=factors)
        for indicator in ("GCaMP6s", "GCaMP6f"):
            told = {"indicator": indicator, "cell_type": "inhibitory"}
            totals[len(factors), indicator] = infer_spike_rate(traces, 30.0, ensemble=ensemble, **told)
    assert_allclose(totals[2, "GCaMP6s"], 0.25 * totals[1, "GCaMP6s"], rtol=1e-5)
    assert_allclose(totals[2, "GCaMP6f"], totals[1, "GCaMP6f"], rtol=1e-5)


@pytest.mark.parametrize(
    ("traces", "rate", "told", "message"),
    [
        (np.zeros(5), 30, {}, "traces must have shape"),
        (np.full((1, 5), np.inf), 30, {}, "traces must be finite or NaN"),
        (np.zeros((1, 5)), 0, {}, "frame_rate must be a number above 0 Hz"),
        (np.zeros((1, 5)), 30, {"cell_type": "glia"}, "cell_type must be one of"),
    ],
)
def test_what_cannot_be_used_is_named(ensemble, traces, rate, told, message):
    with pytest.raises(ValueError, match=message):
        infer_spike_rate(traces, rate, ensemble=ensemble, **told)


def test_low_and_high_frame_rates_have_their_own_networks(make_ensemble, simulated):
    both = make_ensemble(serves=[[0.0, 15.0], [15.0, 1e9]])
    for k, frame_rate in ((0, 14.9), (1, 15.0)):
        traces, _ = simulated(n_rois=2, seconds=20, frame_rate=frame_rate)
        one = Ensemble((both.networks[k],), {})
        expected = infer_spike_rate(traces, frame_rate, ensemble=one)
        assert_array_equal(infer_spike_rate(traces, frame_rate, ensemble=both), expected)


def test_a_share_of_the_networks_is_told_the_family(make_ensemble, simulated):
    traces, _ = simulated(n_rois=1, seconds=20)
    courses = []
    for share in (0.0, 0.5, 1.0):
        ensemble = make_ensemble(told_share={"GCaMP6s": share})
        rate = infer_spike_rate(traces, 30.0, ensemble=ensemble, indicator="GCaMP6s")[0]
        courses.append(rate / rate.sum())
    blind = infer_spike_rate(traces, 30.0, ensemble=make_ensemble())[0]
    assert_allclose(courses[0], blind / blind.sum(), rtol=1e-4)
    assert not np.allclose(courses[0], courses[1], rtol=0.01)
    assert not np.allclose(courses[1], courses[2], rtol=0.01)


TABLE = {
    "noise_level": [2.0, 8.0],
    "constant": [1.0, 4.0],
    "per_rate": [2.0, 4.0],
    "per_square": [0.0, 1.0],
}


def test_the_error_is_the_table_between_and_its_ends_beyond(make_ensemble):
    ensemble = make_ensemble(squared_error=TABLE)
    rate = np.full((4, 400), 3.0, np.float32)
    error = spike_rate_error(rate, 30.0, np.array([0.1, 2.0, 4.0, 100.0]), ensemble=ensemble)
    expected = np.sqrt([1 + 6, 1 + 6, 2.5 + 9 + 4.5, 4 + 12 + 9])
    assert_allclose(error, np.repeat(expected[:, None], 400, axis=1), rtol=1e-5)


def test_the_error_is_missing_where_the_rate_is(make_ensemble):
    rate = np.ones((2, 50), np.float32)
    rate[0, 10:20] = np.nan
    error = spike_rate_error(rate, 30.0, np.array([2.0, np.nan]), ensemble=make_ensemble(squared_error=TABLE))
    assert_array_equal(np.isnan(error), np.isnan(rate))
