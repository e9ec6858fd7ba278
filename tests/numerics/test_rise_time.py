import numpy as np
import pytest

from napari_calcium.numerics.rest_level import rest_level
from napari_calcium.numerics.rise_time import RISE_TIMES_S, estimate_rise


def transients(rate, decay_s, rise_s, noise, n_rois=12, seconds=200.0, seed=0):
    rng = np.random.default_rng(seed)
    n = int(seconds * rate)
    k = np.arange(1, int(8 * decay_s * rate))
    kernel = np.exp(-k / rate / decay_s) - (np.exp(-k / rate / rise_s) if rise_s else 0.0)
    spikes = rng.poisson(0.3 / rate, (n_rois, n)).astype(float)
    clean = np.array([np.convolve(row, kernel / kernel.max())[:n] for row in spikes])
    return (clean + noise * rng.standard_normal(clean.shape)).astype(np.float32)


@pytest.mark.parametrize("rise_s", [0.0, 0.04, 0.1, 0.15])
def test_recovers_the_rise_of_simulated_transients(rise_s):
    traces = transients(30.0, 0.8, rise_s, noise=0.1)
    found = RISE_TIMES_S.index(estimate_rise(traces, 30.0, 0.8))
    assert abs(found - RISE_TIMES_S.index(rise_s)) <= 1


def test_ignores_gain_and_offset():
    traces = transients(30.0, 0.8, 0.07, noise=0.1)
    assert estimate_rise(traces, 30.0, 0.8) == estimate_rise(5 * traces + 3, 30.0, 0.8)


@pytest.mark.parametrize(
    "traces", [np.empty((0, 50)), np.zeros((2, 1)), np.zeros((2, 50)), np.full((2, 50), np.nan)]
)
def test_nothing_to_see_is_a_jump(traces):
    assert estimate_rise(traces, 10.0, 1.0) == 0.0
    np.testing.assert_array_equal(rest_level(traces, 10.0, 1.0), np.zeros(len(traces)))


@pytest.mark.parametrize("rise_s", [0.0, 0.05])
def test_the_level_at_rest_is_found_under_transients(rise_s):
    traces = transients(20.0, 0.6, rise_s, noise=0.1) + np.arange(12)[:, None]
    level = rest_level(traces, 20.0, 0.6, rise_s, penalty=0.3)
    np.testing.assert_allclose(level, np.arange(12), atol=0.05)


def test_gaps_are_left_out_of_the_level():
    traces = transients(20.0, 0.6, 0.0, noise=0.05) + 2
    traces[:, 300:600] = np.nan
    traces[3] = np.nan
    level = rest_level(traces, 20.0, 0.6)
    assert level[3] == 0
    np.testing.assert_allclose(np.delete(level, 3), 2, atol=0.05)
