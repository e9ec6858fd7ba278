from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import TypeAdapter, ValidationError
from scipy.ndimage import gaussian_filter1d

from napari_calcium.progress import Cancelled
from napari_calcium.traces.baseline import (
    BaselineSettings,
    MaximinBaseline,
    PercentileBaseline,
    SlidingPercentileBaseline,
    baseline,
    dff,
    explain_baseline,
)

METHODS = [
    PercentileBaseline(),
    SlidingPercentileBaseline(),
    SlidingPercentileBaseline(window=3, percentile=10),
    MaximinBaseline(),
    MaximinBaseline(window=3, smoothing=0),
]
methods = pytest.mark.parametrize("method", METHODS, ids=lambda m: f"{m.method}-{getattr(m, 'window', '')}")


@pytest.fixture
def raw():
    rng = np.random.default_rng(0)
    return rng.uniform(100, 200, (5, 400)).astype(np.float32)


def fluorescence(truth, level=500.0):
    return level * (1 + truth.trace)


@methods
def test_dff_ignores_gain(raw, method):
    once = dff(raw, baseline(raw, 10, method))
    for gain in (0.125, 8):
        assert_allclose(dff(gain * raw, baseline(gain * raw, 10, method)), once, atol=1e-5)


@methods
def test_offset_moves_f0_by_as_much(raw, method):
    assert_allclose(baseline(raw + 64, 10, method), baseline(raw, 10, method) + 64, rtol=1e-5)


@methods
def test_constant_traces_give_zero(method):
    constant = np.full((2, 300), 7.0)
    f0 = baseline(constant, 10, method)
    assert_allclose(f0, 7, rtol=1e-6)
    assert_allclose(dff(constant, f0), 0, atol=1e-6)


@methods
def test_permuting_cells_permutes_the_result(raw, method):
    order = [3, 1, 4, 0, 2]
    assert_array_equal(baseline(raw[order], 10, method), baseline(raw, 10, method)[order])


@methods
def test_reversing_time_reverses_f0(raw, method):
    assert_allclose(baseline(raw[:, ::-1], 10, method), baseline(raw, 10, method)[:, ::-1], rtol=1e-5)


@methods
def test_same_bytes_for_any_number_of_workers(raw, method, monkeypatch):
    expected = baseline(raw, 10, method).tobytes()
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 1)
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            assert baseline(raw, 10, method, executor=pool).tobytes() == expected


@methods
@pytest.mark.parametrize("shape", [(0, 4), (1, 1), (2, 2), (3, 5)])
@pytest.mark.parametrize("frame_rate", [0.01, 4.8, 1000.0])
def test_small_shapes(method, shape, frame_rate):
    f0 = baseline(np.ones(shape), frame_rate, method)
    assert f0.dtype == np.float32
    assert_allclose(f0, np.ones(shape), rtol=1e-6)


@methods
def test_gaps_stay_gaps_and_disturb_nothing_else(raw, method):
    gappy = raw.copy()
    gappy[0, 100:150] = np.nan
    gappy[1] = np.nan
    f0 = baseline(gappy, 10, method)
    assert_array_equal(np.isnan(f0), np.isnan(gappy))
    assert_array_equal(f0[2:], baseline(raw, 10, method)[2:])
    assert (np.abs(f0[0] - np.nanmedian(gappy[0])) < 60)[~np.isnan(gappy[0])].all()
    assert_array_equal(np.isnan(dff(gappy, f0)), np.isnan(gappy))


@methods
def test_input_is_not_touched(raw, method):
    before = raw.copy()
    raw.flags.writeable = False
    dff(raw, baseline(raw, 10, method))
    assert_array_equal(raw, before)


@methods
def test_progress_and_cancelling(raw, method):
    calls = []
    baseline(raw, 10, method, on_progress=lambda done, total: calls.append((done, total)))
    assert calls[0] == (0, 5)
    assert calls[-1] == (5, 5)

    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        baseline(raw, 10, method, on_progress=cancel)


@given(percentile=st.floats(0, 50))
@settings(max_examples=20, deadline=None)
def test_global_percentile_is_numpys(percentile):
    traces = np.random.default_rng(1).normal(size=(3, 101)).astype(np.float32)
    traces[1, 20:60] = np.nan
    f0 = baseline(traces, 10, PercentileBaseline(percentile=percentile))
    expected = np.nanpercentile(traces.astype(float), percentile, axis=1)
    assert_allclose(np.nanmedian(f0, axis=1), expected, rtol=1e-5, atol=1e-6)
    assert (np.nanmax(f0, axis=1) == np.nanmin(f0, axis=1)).all()


@given(percentile=st.floats(0, 50), window=st.floats(1, 20), frame_rate=st.floats(0.5, 8))
@settings(max_examples=30, deadline=None)
def test_sliding_percentile_is_that_of_the_window(percentile, window, frame_rate):
    traces = np.random.default_rng(2).normal(size=(2, 80)).astype(np.float32)
    f0 = baseline(traces, frame_rate, SlidingPercentileBaseline(percentile=percentile, window=window))
    half = max(1, round(window * frame_rate)) // 2
    for frame in (0, 1, 40, 79):
        near = traces[:, max(0, frame - half) : frame + half + 1].astype(float)
        assert_allclose(f0[:, frame], np.percentile(near, percentile, axis=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", [1.0, 3.0, 4.0, 100.0])
def test_maximin_is_the_highest_of_the_lowest(window):
    traces = np.random.default_rng(3).normal(size=(2, 60)).astype(np.float32)
    smooth = gaussian_filter1d(traces, 2.0, axis=1)
    half = int(window) // 2
    lowest = np.array([smooth[:, max(0, k - half) : k + half + 1].min(axis=1) for k in range(60)]).T
    highest = np.array([lowest[:, max(0, k - half) : k + half + 1].max(axis=1) for k in range(60)]).T
    assert_allclose(baseline(traces, 1.0, MaximinBaseline(window=window, smoothing=2)), highest, rtol=1e-5)


def test_the_default_keeps_the_scale_of_transients(simulated):
    """Gain of ΔF/F against the truth within 10 %, from rare to dense activity."""
    for rate in (0.01, 0.03, 0.1):
        truth = simulated(rate=rate)
        raw = fluorescence(truth)
        found = truth.amplitudes(dff(raw, baseline(raw, truth.frame_rate)))
        assert np.median(found / truth.amplitudes(truth.signal)) == pytest.approx(1, abs=0.1)


def test_the_default_is_closer_to_the_truth_than_a_global_percentile(simulated):
    truth = simulated()
    raw = fluorescence(truth)

    def error(method):
        found = dff(raw, baseline(raw, truth.frame_rate, method))
        return np.sqrt(((found - truth.signal) ** 2).mean())

    for percentile in (8, 20, 25, 50):
        assert error(SlidingPercentileBaseline()) < error(PercentileBaseline(percentile=percentile))


class TestDff:
    def test_is_a_fraction(self):
        assert_allclose(dff([[150, 100, 50]], [[100, 100, 100]]), [[0.5, 0, -0.5]])

    def test_one_level_a_row_will_do(self, raw):
        level = raw.min(axis=1, keepdims=True)
        assert_array_equal(dff(raw, level), dff(raw, np.repeat(level, raw.shape[1], axis=1)))

    @given(
        f0=st.lists(
            st.one_of(st.floats(-10, 10, width=32), st.just(np.nan), st.just(1e-42)), min_size=4, max_size=4
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_never_infinite_and_nan_without_a_positive_f0(self, f0):
        traces = np.array([[1e30, -1, 0, np.nan]])
        base = np.array([f0], np.float32)
        result = dff(traces, base)
        assert not np.isinf(result).any()
        assert np.isnan(result[~(base > 0)]).all()

    def test_shapes_must_fit(self, raw):
        with pytest.raises(
            ValueError, match=r"f0 must have the shape of the traces, \(5, 400\), got \(5, 3\)"
        ):
            dff(raw, raw[:, :3])

    def test_blocks_do_not_change_the_result(self, raw, monkeypatch):
        expected = dff(raw, raw[:, :1])
        monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 1)
        assert_array_equal(dff(raw, raw[:, :1]), expected)


class TestExplainBaseline:
    def test_all_is_well(self, raw):
        assert explain_baseline(raw, range(5)) == ()
        assert explain_baseline(np.empty((0, 3)), []) == ()

    def test_names_cells_by_id(self):
        (note,) = explain_baseline([[1, 1], [0, 1], [-1, 1]], [10, 20, 30])
        assert "cells 20, 30" in note
        assert "10" not in note
        assert "not defined" in note
        assert "33 %" in note

    def test_one_cell_is_not_a_plural(self):
        (note,) = explain_baseline([[-1.0]], [4])
        assert "(100 % of all samples)" in note
        assert "cell 4 " in note

    def test_many_cells_are_counted(self):
        (note,) = explain_baseline(np.zeros((13, 2)), np.arange(13))
        assert "cells 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more" in note

    def test_cells_without_values_are_told_apart(self):
        notes = explain_baseline([[np.nan, np.nan], [1, np.nan]], [5, 6])
        assert len(notes) == 1
        assert "cell 5" in notes[0]
        assert "no values" in notes[0]


class TestSettings:
    @pytest.mark.parametrize(
        "bad",
        [{"percentile": 60}, {"window": 0}, {"windw": 3}, {"window": float("nan")}, {"input": "spikes"}],
    )
    def test_reject(self, bad):
        with pytest.raises(ValidationError):
            SlidingPercentileBaseline(**bad)

    @methods
    def test_alternatives_are_told_apart_by_method(self, method):
        assert TypeAdapter(BaselineSettings).validate_python(method.model_dump()) == method

    @methods
    def test_every_field_has_a_title_and_an_explanation(self, method):
        for name, field in type(method).model_fields.items():
            if name != "method":
                assert field.title
                assert field.description

    def test_all_read_the_raw_trace(self):
        assert {method.input for method in METHODS} == {"raw"}


def test_frame_rate_must_make_sense(raw):
    with pytest.raises(ValueError, match="frame_rate"):
        baseline(raw, 0)
