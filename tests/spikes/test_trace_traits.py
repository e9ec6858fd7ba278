import numpy as np
import pytest

from napari_calcium.spikes.trace_traits import LOWEST_NOISE, N_FEATURES, measure_traits


def test_noise_is_that_of_the_trace(simulated):
    traces, _ = simulated(n_rois=4, noise_level=5.0, rate=0.05)
    assert measure_traits(traces, 30.0).noise_level == pytest.approx(5.0, rel=0.1)


def test_the_noise_of_half_of_the_frames_is_the_same_level():
    rng = np.random.default_rng(0)
    white = rng.standard_normal((3, 20_000)).astype(np.float32)
    slow, fast = measure_traits(white, 15.0), measure_traits(white * np.float32(np.sqrt(2)), 30.0)
    assert slow.noise_level == pytest.approx(fast.noise_level, rel=1e-5)


def test_the_autocovariance_is_the_one_of_the_textbook(simulated):
    traces, _ = simulated(n_rois=3, seconds=200, noise_level=1.0, decay=0.5)
    features = measure_traits(traces, 30.0).features
    for row, trace in enumerate(traces.astype(float)):
        slow = np.array([trace[max(0, i - 260) : i + 260] @ _weights(trace, i) for i in range(len(trace))])
        quick = trace - slow
        lagged = np.array([quick[:-lag] @ quick[lag:] / (len(quick) - lag) for lag in (1, 2, 3, 5, 8, 12)])
        noise = np.median(np.abs(np.diff(trace))) / 0.95387
        expected = lagged / (lagged[:3].mean() + 0.05 * noise**2)
        assert features[row, :6] == pytest.approx(expected, abs=0.03)


def _weights(trace, i):
    """Weights of a Gaussian of 5 s around frame i."""
    frames = np.arange(max(0, i - 260), min(len(trace), i + 260))
    weight = np.exp(-(((frames - i) / 150) ** 2) / 2)
    return weight / weight.sum()


def test_slower_indicators_have_longer_autocovariance(simulated):
    quick, slow = (
        measure_traits(simulated(n_rois=4, decay=decay, noise_level=1.0)[0], 30.0).features.mean(axis=0)
        for decay in (0.15, 1.0)
    )
    assert (slow[4:7] > quick[4:7]).all()


def test_a_row_depends_on_its_own_samples_alone(simulated):
    traces, _ = simulated(n_rois=5)
    together = measure_traits(traces, 30.0)
    for row in range(5):
        alone = measure_traits(traces[row : row + 1], 30.0)
        assert np.array_equal(alone.features[0], together.features[row])
        assert np.array_equal(together[row : row + 1].features, alone.features)


@pytest.mark.parametrize("n_frames", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("value", [0.0, 1e-30, 1e30, -5.0])
def test_any_trace_has_finite_traits(n_frames, value):
    traces = np.full((2, n_frames), value, np.float32)
    traces[1, ::2] = 0
    traits = measure_traits(traces, 7.5)
    assert traits.features.shape == (2, N_FEATURES)
    for array in (traits.features, traits.noise_sd, traits.noise_level):
        assert np.isfinite(array).all()
    assert traits.noise_level[0] == pytest.approx(LOWEST_NOISE)
