"""Signals arrive at the frames without aliases, and gaps stay gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.behaviour.resampling import at_frames


def naive(time, values, n_frames, rate):
    """Raised cosine of two frames' width, weighted by the time between neighbours."""
    step = np.median(np.diff(time))
    result = np.full(n_frames, np.nan)
    for frame in range(n_frames):
        top = total = 0.0
        for k, (t, v) in enumerate(zip(time, values, strict=True)):
            u = t * rate - (frame + 0.5)
            if abs(u) < 1:
                before = min(time[k] - time[k - 1], 1.5 * step) if k else step
                after = min(time[k + 1] - time[k], 1.5 * step) if k + 1 < len(time) else step
                weight = 0.5 * (1 + np.cos(np.pi * u)) * 0.5 * (before + after)
                top, total = top + weight * v, total + weight
        if total * rate >= 0.5:
            result[frame] = top / total
    return result


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(2.0, 9.0))
def test_dense_samples_are_averaged_as_the_loop_does(seed, rate):
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.uniform(0.01, 0.06, 120)) - 0.4
    time = time[(time < 0.9) | (time > 1.9)]
    values = rng.standard_normal(len(time))
    np.testing.assert_allclose(
        at_frames(time, values, 20, rate, max_gap=0), naive(time, values, 20, rate), atol=1e-9
    )


@pytest.mark.parametrize(("frequency", "left"), [(9.0, 0.06), (10.0, 0.005), (15.0, 0.005), (21.3, 0.03)])
def test_what_is_faster_than_the_frames_does_not_appear_as_slow(frequency, left):
    rate, n_frames = 10.0, 400
    time = np.arange(0, 40, 1 / 1000)
    wave = np.sin(2 * np.pi * frequency * time)
    inner = at_frames(time, wave, n_frames, rate)[2:-2]
    assert np.abs(inner).max() < left
    picked = wave[(1000 * (np.arange(n_frames) + 0.5) / rate).astype(int)]
    if frequency in (9.0, 21.3):
        assert np.abs(picked).max() > 0.9, "one sample a frame would show it whole, at another frequency"


def test_what_is_slow_stays_and_the_mean_is_kept(rng):
    time = np.arange(0, 60, 0.004)
    wave = 3 + np.sin(2 * np.pi * 0.3 * time)
    got = at_frames(time, wave, 600, 10.0)
    middle = (np.arange(600) + 0.5) / 10
    np.testing.assert_allclose(got[2:-2], 3 + np.sin(2 * np.pi * 0.3 * middle)[2:-2], atol=0.01)
    noise = rng.standard_normal(len(time))
    np.testing.assert_allclose(np.mean(at_frames(time, noise, 600, 10.0)), noise.mean(), atol=2e-3)


def test_slow_samples_are_joined_by_lines():
    time = np.arange(0, 30, 1.0)
    got = at_frames(time, 2 * time, 290, 10.0)
    np.testing.assert_allclose(got, 2 * (np.arange(290) + 0.5) / 10, atol=1e-9)
    assert np.isnan(at_frames(time, time, 310, 10.0)[292:]).all(), "after the last sample nothing is known"


def test_long_gaps_stay_and_short_ones_are_bridged():
    time = np.arange(0, 20, 0.01)
    keep = ~((time > 3) & (time < 3.6)) & ~((time > 10) & (time < 14))
    got = at_frames(time[keep], time[keep], 200, 10.0, max_gap=1.0)
    np.testing.assert_allclose(got[25:40], (np.arange(25, 40) + 0.5) / 10, atol=0.03)
    assert np.isnan(got[102:138]).all()
    assert np.isfinite(got[:99]).all()
    assert np.isfinite(got[142:]).all()
    sparse = np.r_[np.arange(0, 10, 0.5), np.arange(15, 20, 0.5)]
    got = at_frames(sparse, sparse, 200, 10.0, max_gap=1.0)
    assert np.isnan(got[100:149]).all()
    assert np.isfinite(got[150:194]).all()


def test_missing_samples_count_as_gaps_and_nothing_is_changed():
    time, values = np.arange(0, 10, 0.01), np.ones(1000)
    values[300:600] = np.nan
    values.flags.writeable = False
    got = at_frames(time, values, 100, 10.0)
    assert np.isnan(got[31:59]).all()
    np.testing.assert_allclose(got[np.isfinite(got)], 1)


@pytest.mark.parametrize(
    ("time", "values"),
    [([], []), ([1.0], [np.nan]), ([500.0, 501.0], [1.0, 2.0]), ([-9.0, -8.0], [1.0, 2.0])],
)
def test_nothing_known_is_nothing_told(time, values):
    assert np.isnan(at_frames(time, values, 50, 10.0)).all()
    assert at_frames(time, values, 0, 10.0).shape == (0,)


def test_one_sample_tells_its_own_frame():
    got = at_frames([2.05], [7.0], 50, 10.0)
    assert got[20] == 7.0
    assert np.isfinite(got).sum() <= 2


def test_times_and_values_must_agree():
    with pytest.raises(ValueError, match="equally long"):
        at_frames([1.0, 2.0], [1.0], 5, 10.0)
