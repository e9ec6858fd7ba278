import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.numerics.slow_level import lower_envelope, quiet_level


def dense_penalised_curve(values, weights, stiffness):
    n = len(values)
    second = np.diff(np.eye(n), 2, axis=0)
    return np.linalg.solve(np.diag(weights) + stiffness * second.T @ second, weights * values)


def naive_quiet_level(trace, cutoff):
    """Asymmetrically reweighted smoothing with dense matrices, for a cutoff of 24 frames (bins of one)."""
    stiffness = 0.3 / 0.7 * (cutoff / (2 * np.pi)) ** 4
    low, centre, high = np.percentile(trace, [25, 50, 75])
    quiet = np.ones(len(trace))
    for _ in range(20):
        level = dense_penalised_curve(trace - centre, quiet + 1e-6, stiffness)
        above = trace - centre - level
        under = above < 0
        sd = np.sqrt((quiet * above**2)[under].sum() / quiet[under].sum())
        score = above / max(sd, 0.1 * (high - low))
        weight = np.clip(np.minimum(2 - score, 4 + score) * 0.8 + 0.5, 0.003, 1)
        settled = np.abs(weight - quiet).max() < 0.02
        quiet = weight
        if settled:
            break
    return level + centre


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_dense_matrices(seed):
    rng = np.random.default_rng(seed)
    trace = np.sin(np.arange(300) / 25) + rng.normal(0, 0.2, 300)
    for onset in (40, 140, 150, 290):
        trace[onset:] += 3 * np.exp(-np.arange(300 - onset) / 5)
    assert_allclose(quiet_level(trace[None], 24)[0], naive_quiet_level(trace, 24), atol=5e-3)


@pytest.mark.parametrize("cutoff", [5.0, 24.0, 97.3, 600.0])
@pytest.mark.parametrize("n_frames", [3, 50, 997, 1000])
def test_straight_lines_are_their_own_level(cutoff, n_frames):
    lines = np.array([[1.0], [-20.0]]) + np.array([[0.0], [0.03]]) * np.arange(n_frames)
    if n_frames > cutoff:
        # A bin cut off by an end counts as if it were whole: half a bin of the slope at most.
        assert_allclose(quiet_level(lines, cutoff), lines, atol=1e-3 + 0.03 * cutoff / 48)
    assert_allclose(lower_envelope(lines[:1], cutoff, 20), lines[:1], atol=1e-3)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1, 0.3])
@pytest.mark.parametrize(("period", "most"), [(1.0, 0.2), (1.25, 0.1), (1.5, 0.05), (2.0, 0.01), (8.0, 0.01)])
def test_slow_sines_lose_nine_tenths_of_their_power(period, most, noise):
    """Whatever the noise: a crest of drift must not be taken for a transient, nor kept as one."""
    cutoff = 200
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 2 * np.pi, (20, 1))
    sine = np.sin(2 * np.pi * np.arange(6000) / (period * cutoff) + phase)
    left = sine - quiet_level(sine + rng.normal(0, noise, sine.shape), cutoff)
    assert np.median(left.var(axis=1) / sine.var(axis=1)) < most


def test_transients_do_not_lift_the_level():
    rng = np.random.default_rng(3)
    frames = np.arange(5000)
    clean = np.zeros((10, 5000))
    for row in clean:
        for onset in rng.choice(5000, 80, replace=False):
            row[onset:] += np.exp(-(frames[onset:] - onset) / 10)
    noisy = clean + rng.normal(0, 0.1, clean.shape)
    plain = noisy.mean(axis=1)
    for level in (quiet_level(noisy, 200), lower_envelope(noisy, 200, 25)):
        assert np.abs(np.median(level, axis=1)).max() < 0.05
        assert np.sqrt((level**2).mean()) < 0.4 * np.sqrt((plain**2).mean())


@given(gain=st.floats(1e-2, 1e2), offset=st.floats(-50, 50))
@settings(max_examples=15, deadline=None)
def test_follows_gain_and_offset(gain, offset):
    trace = np.random.default_rng(4).normal(size=(1, 400))
    for level in (lambda x: quiet_level(x, 60), lambda x: lower_envelope(x, 60, 25)):
        assert_allclose(
            level(gain * trace + offset), gain * level(trace) + offset, rtol=1e-3, atol=2e-3 * gain
        )


def test_a_recording_that_starts_and_ends_in_a_transient():
    rng = np.random.default_rng(5)
    frames = np.arange(2000)
    signal = 2 * np.exp(-frames / 15)
    noisy = signal + signal[::-1] + rng.normal(0, 0.05, (20, 2000))
    level = quiet_level(noisy, 200)
    assert np.median(np.abs(level[:, [0, -1]])) < 0.15
    assert np.abs(level[:, [0, -1]]).max() < 0.5


@pytest.mark.parametrize("shape", [(0, 10), (1, 1), (2, 2), (2, 3), (3, 7)])
@pytest.mark.parametrize("cutoff", [1.0, 10.0, 1e6])
def test_small_shapes_and_constants(shape, cutoff):
    constant = np.full(shape, 3.0)
    for level in (quiet_level(constant, cutoff), lower_envelope(constant, cutoff, 25)):
        assert level.shape == shape
        assert_allclose(level, 3, atol=1e-4)


def test_gaps_get_a_smooth_continuation():
    rng = np.random.default_rng(6)
    traces = np.sin(np.arange(2000) / 300) + rng.normal(0, 0.1, (3, 2000))
    gappy = traces.copy()
    gappy[0, 900:1000] = np.nan
    gappy[1] = np.nan
    for level in (lambda x: quiet_level(x, 200), lambda x: lower_envelope(x, 200, 25)):
        whole, part = level(traces), level(gappy)
        assert np.isfinite(part).all()
        assert_array_equal(part[1], 0)
        assert_allclose(part[2], whole[2])
        assert_allclose(part[0, 1200:], whole[0, 1200:], atol=0.05)
        assert_allclose(part[0], np.sin(np.arange(2000) / 300), atol=0.3)
