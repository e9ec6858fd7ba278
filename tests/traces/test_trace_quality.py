import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import skew

from napari_calcium.traces.trace_quality import drift, missing_share, signal_to_noise, skewness


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0, 1, (4, 5000)).astype(np.float32)


def test_signal_to_noise_of_noise_is_the_normal_quantile(noise):
    assert_allclose(signal_to_noise(noise), 2.33, rtol=0.1)
    assert_allclose(signal_to_noise(noise, percentile=50), 0, atol=1e-6)


def test_signal_to_noise_grows_with_the_transients(simulated):
    results = [
        np.median(signal_to_noise(simulated(amplitude=amplitude, drift=0).trace))
        for amplitude in (0.1, 0.3, 0.9)
    ]
    assert results == sorted(results)
    assert results[-1] > 8


@given(gain=st.floats(0.01, 100), offset=st.floats(-10, 10))
@settings(max_examples=20, deadline=None)
def test_signal_to_noise_ignores_gain_and_offset(gain, offset):
    trace = np.random.default_rng(1).normal(size=(1, 500))
    assert_allclose(
        signal_to_noise(gain * trace + offset), signal_to_noise(trace), rtol=1e-4 + 1e-5 * abs(offset) / gain
    )


def test_signal_to_noise_without_noise_is_unknown():
    traces = np.full((3, 10), 2.0)
    traces[1] = np.nan
    traces[2, 1:] = np.nan
    assert np.isnan(signal_to_noise(traces)).all()
    assert signal_to_noise(np.empty((0, 3))).shape == (0,)


@pytest.mark.parametrize("percentile", [49, 101, float("nan")])
def test_signal_to_noise_needs_a_high_percentile(noise, percentile):
    with pytest.raises(ValueError, match="percentile must be between 50 and 100, got"):
        signal_to_noise(noise, percentile=percentile)


@pytest.mark.parametrize("strength", [0.05, 0.2, 0.5])
def test_drift_recovers_the_true_drift_under_transients(simulated, strength):
    truth = simulated(drift=strength)
    found = drift(truth.trace, truth.frame_rate)
    assert np.median(found / truth.drift.std(axis=1)) == pytest.approx(1, abs=0.1)


def test_drift_of_steady_traces_is_small(simulated):
    truth = simulated(drift=0)
    assert np.median(drift(truth.trace, truth.frame_rate)) < 0.3 * truth.noise.std()
    assert_allclose(drift(np.full((2, 300), 9.0), 10), 0, atol=1e-5)


def test_drift_slower_than_the_cutoff_only():
    time = np.arange(6000) / 10
    traces = np.sin(2 * np.pi * time / 60)[None]
    assert drift(traces, 10, cutoff=20)[0] == pytest.approx(np.sqrt(0.5), rel=0.02)
    assert drift(traces, 10, cutoff=600)[0] < 0.35


def test_drift_edges(noise):
    gappy = noise.copy()
    gappy[0] = np.nan
    gappy[1, 1000:3000] = np.nan
    result = drift(gappy, 10)
    assert np.isnan(result[0])
    assert np.isfinite(result[1:]).all()
    assert drift(np.empty((0, 4)), 10).shape == (0,)
    assert_array_equal(drift(np.ones((2, 1)), 10), 0)
    with pytest.raises(ValueError, match="cutoff must be above 0 s"):
        drift(noise, 10, cutoff=0)


def test_drift_reports_progress_and_does_not_depend_on_blocks(noise, monkeypatch):
    expected = drift(noise, 10)
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 1)
    calls = []
    assert_array_equal(
        drift(noise, 10, on_progress=lambda done, total: calls.append((done, total))), expected
    )
    assert calls == [(k, 4) for k in range(5)]


def test_skewness_is_scipys():
    traces = np.random.default_rng(2).gamma(1, size=(5, 400))
    assert_allclose(skewness(traces), skew(traces, axis=1), rtol=1e-4)
    traces[0, ::3] = np.nan
    assert_allclose(skewness(traces)[0], skew(traces[0], nan_policy="omit"), rtol=1e-4)


def test_skewness_ignores_scale_and_knows_no_constants(noise):
    assert_allclose(skewness(noise * 1e30), skewness(noise), rtol=1e-4)
    assert_allclose(skewness(-noise), -skewness(noise), rtol=1e-4)
    assert np.isnan(skewness([[1, 1, 1], [np.nan, np.nan, np.nan], [np.nan, 3, np.nan]])).all()


def test_missing_share():
    assert_array_equal(missing_share([[1, np.nan], [1, 1], [np.nan, np.nan]]), [0.5, 0, 1])
    assert missing_share(np.empty((0, 2))).shape == (0,)
