import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.numerics.noise import noise_level, noise_sd


@pytest.fixture
def noise():
    return np.random.default_rng(1).normal(0, 1, (6, 8000)).astype(np.float32)


def naive_noise_sd(trace):
    steps = [abs(b - a) for a, b in pairwise(trace) if not math.isnan(a + b)]
    return float(np.median(steps)) / 0.6744897501960817 / math.sqrt(2) if steps else math.nan


def test_recovers_the_sd_of_white_noise(noise):
    scale = np.array([0.01, 0.1, 1, 3, 10, 100], np.float32)[:, None]
    assert_allclose(noise_sd(noise * scale), scale[:, 0], rtol=0.05)


def test_agrees_with_a_naive_implementation():
    rng = np.random.default_rng(2)
    traces = rng.normal(size=(5, 41)).astype(np.float32)
    traces[1, rng.random(41) < 0.4] = np.nan
    traces[2, ::2] = np.nan
    assert_allclose(noise_sd(traces), [naive_noise_sd(t) for t in traces], rtol=1e-6)


def test_drift_and_rare_transients_do_not_count(noise):
    frames = np.arange(noise.shape[1])
    drift = 20 * np.sin(frames / 700)
    transients = np.zeros(len(frames))
    for onset in range(200, len(frames), 400):
        transients[onset:] += 15 * np.exp(-(frames[onset:] - onset) / 8)
    assert_allclose(noise_sd(noise + drift + transients), noise_sd(noise), rtol=0.1)


@given(gain=st.floats(1e-3, 1e3), offset=st.floats(-100, 100))
@settings(max_examples=25, deadline=None)
def test_scales_with_gain_and_ignores_offset(gain, offset):
    trace = np.random.default_rng(3).normal(size=(1, 300))
    # float32 keeps seven digits: an offset far above the noise costs some of them.
    tolerance = 1e-5 + 1e-6 * abs(offset) / gain
    assert_allclose(noise_sd(gain * trace + offset), gain * noise_sd(trace), rtol=tolerance)


@given(order=st.permutations(range(6)))
@settings(max_examples=10, deadline=None)
def test_permuting_cells_permutes_the_result(order):
    traces = np.random.default_rng(4).normal(size=(6, 50))
    assert_array_equal(noise_sd(traces[order]), noise_sd(traces)[order])


def test_gaps_are_left_out(noise):
    gappy = noise.copy()
    gappy[:, 1000:5000] = np.nan
    assert_allclose(noise_sd(gappy), 1, rtol=0.06)


def test_edges():
    assert noise_sd(np.empty((0, 5))).shape == (0,)
    assert np.isnan(noise_sd(np.ones((2, 1)))).all()
    assert_array_equal(noise_sd(np.full((2, 9), 7.0)), 0)
    traces = np.full((3, 9), np.nan)
    traces[1, ::2] = 1
    traces[2, 3:5] = [1, 2]
    result = noise_sd(traces)
    assert np.isnan(result[:2]).all()
    assert result[2] > 0


def test_blocks_do_not_change_the_result(noise, monkeypatch):
    expected = noise_sd(noise)
    monkeypatch.setattr("napari_calcium.numerics.noise.rows_per_block", lambda n_frames: 2)
    assert_array_equal(noise_sd(noise), expected)


@pytest.mark.parametrize("frame_rate", [1.0, 4.8, 30.0])
def test_noise_level_is_the_sd_in_percent_per_root_hertz(noise, frame_rate):
    dff = 0.05 * noise
    expected = noise_sd(dff) * 0.6744897501960817 * math.sqrt(2) * 100 / math.sqrt(frame_rate)
    assert_allclose(noise_level(dff, frame_rate), expected, rtol=1e-6)


def test_noise_level_does_not_depend_on_the_frame_rate_of_the_same_photons():
    """Averaging n frames of white noise lowers its SD by √n, and ν stays."""
    rng = np.random.default_rng(5)
    fast = rng.normal(0, 0.1, (1, 64000))
    slow = fast.reshape(1, -1, 4).mean(axis=2)
    assert_allclose(noise_level(slow, 7.5), noise_level(fast, 30.0), rtol=0.05)


def test_noise_level_needs_a_frame_rate(noise):
    with pytest.raises(ValueError, match="frame_rate must be a number above 0 Hz"):
        noise_level(noise, 0)


def test_input_is_not_touched(noise):
    before = noise.copy()
    noise.flags.writeable = False  # an error where it is written to
    noise_sd(noise)
    np.testing.assert_array_equal(noise, before)
