"""Tests by circular shift against naive loops, and that they hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.ndimage import gaussian_filter1d
from tests.nominal import assert_nominal

from napari_calcium.numerics.circular_shift import (
    at_least_as_far,
    best_lags,
    far_shifts,
    recurrence,
    shifted_correlations,
    shifted_sums,
    window_p_values,
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def naive_correlations(x, y):
    result = np.full((len(x), x.shape[1]), np.nan)
    least = None
    for row, (a, b) in enumerate(zip(x, np.broadcast_to(y, x.shape), strict=True)):
        least = (np.isfinite(a) & np.isfinite(b)).sum()
        for shift in range(x.shape[1]):
            moved = np.roll(b, shift)
            both = np.isfinite(a) & np.isfinite(moved)
            if both.sum() < max(3, 0.5 * least) or np.ptp(a[both]) == 0 or np.ptp(moved[both]) == 0:
                continue
            result[row, shift] = stats.pearsonr(a[both], moved[both])[0]
    return result


def naive_window_p(r, max_lag):
    n = len(r)
    statistic = np.zeros(n)
    for shift in range(n):
        for lag in range(-max_lag, max_lag + 1):
            value = abs(np.nan_to_num(r[(shift + lag) % n])) * (1 - abs(lag) / (max_lag + 1))
            statistic[shift] = max(statistic[shift], value)
    known = np.isfinite(r)
    return (statistic[known] >= statistic[0] * (1 - 1e-9)).mean()


def slow(rng, shape, sigma):
    return gaussian_filter1d(rng.standard_normal(shape), sigma, axis=-1, mode="wrap")


def test_sums_are_those_of_rolled_series(rng):
    x, y = rng.standard_normal((3, 31)), rng.standard_normal((1, 31))
    expected = np.array([[a @ np.roll(y[0], k) for k in range(31)] for a in x])
    np.testing.assert_allclose(shifted_sums(x, y), expected, atol=1e-12)


@pytest.mark.parametrize("gaps", ["none", "activity", "behaviour", "both"])
def test_correlations_are_pearsons_of_rolled_series(rng, gaps):
    x, y = rng.standard_normal((4, 40)) + 100, rng.standard_normal((1, 40)) - 7
    if gaps in ("activity", "both"):
        x[1, 3:9], x[2, ::5] = np.nan, np.nan
    if gaps in ("behaviour", "both"):
        y[0, 20:33] = np.nan
    before = x.copy(), y.copy()
    np.testing.assert_allclose(shifted_correlations(x, y), naive_correlations(x, y), atol=1e-9)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_each_row_may_have_a_series_of_its_own(rng):
    x, y = rng.standard_normal((3, 25)), rng.standard_normal((3, 25))
    np.testing.assert_allclose(shifted_correlations(x, y), naive_correlations(x, y), atol=1e-10)


@pytest.mark.parametrize("level", [0.0, 3.3, 1e6])
def test_a_constant_series_has_no_correlation(rng, level):
    x = np.full((2, 30), level)
    x[1, 4] = np.nan
    assert np.isnan(shifted_correlations(x, rng.standard_normal((1, 30)))).all()
    assert np.isnan(window_p_values(shifted_correlations(x, rng.standard_normal((1, 30))), 2)).all()


def test_nothing_known_and_one_frame():
    assert np.isnan(shifted_correlations(np.full((2, 9), np.nan), np.ones((1, 9)))).all()
    assert np.isnan(shifted_correlations(np.ones((1, 1)), np.ones((1, 1)))).all()
    assert shifted_correlations(np.empty((0, 9)), np.ones((1, 9))).shape == (0, 9)
    assert window_p_values(np.empty((0, 9)), 3).shape == (0,)


def test_a_later_activity_has_a_lag_above_0(rng):
    signal = slow(rng, 400, 4)
    late = np.roll(signal, 7)
    r = shifted_correlations(late[None], signal[None])
    assert best_lags(r, 20).tolist() == [7]
    assert best_lags(r, 3).tolist() == [3]
    assert best_lags(np.full((1, 400), np.nan), 20).tolist() == [0]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 8), st.integers(5, 40), st.booleans())
def test_the_window_test_counts_what_the_loop_counts(seed, max_lag, n, gaps):
    rng = np.random.default_rng(seed)
    r = rng.uniform(-1, 1, (2, n))
    if gaps:
        r[0, rng.integers(1, n, 3)] = np.nan
    max_lag = min(max_lag, (n - 1) // 2)
    expected = [naive_window_p(row, max_lag) for row in r]
    np.testing.assert_allclose(window_p_values(r, max_lag), expected, atol=1e-12)


@pytest.mark.parametrize("max_lag", [0, 15])
def test_slow_unrelated_series_pass_no_more_often_than_they_may(max_lag):
    """At 5 % at most 5 % of pairs pass; a p-value that takes frames for independent lets most pass."""
    rng = np.random.default_rng(3)
    x, y = slow(rng, (2000, 600), 12), slow(rng, (2000, 600), 12)
    p = window_p_values(shifted_correlations(x, y), max_lag)
    assert_nominal(p)
    assert (p <= 0.05).mean() > 0.03
    naive = np.array([stats.pearsonr(a, b)[1] for a, b in zip(x, y, strict=True)])
    assert (naive <= 0.05).mean() > 0.5


def test_a_relation_at_a_lag_is_found_with_many_tests_in_mind(rng):
    signal = slow(rng, 3000, 5)
    noisy = np.roll(signal, 6) + 0.15 * rng.standard_normal(3000)
    p = window_p_values(shifted_correlations(noisy[None], signal[None]), 20)
    assert p[0] < 0.006


def test_the_two_sided_tail_counts_both_ends():
    sums = np.array([[5.0, 1, 2, 3, 4, 0, 1, 2, 3, 4], [0.0, 1, 2, 3, 4, 5, 6, 7, 8, np.nan], [2.0] * 10])
    np.testing.assert_allclose(at_least_as_far(sums), [0.2, 2 / 9, 1.0])
    assert np.isnan(at_least_as_far(np.array([[np.nan, 1.0, 2.0]]))).all()


def test_far_shifts_keep_their_distance_to_either_side():
    assert far_shifts(10, 3).tolist() == [3, 4, 5, 6, 7]
    assert far_shifts(10, 0).tolist() == list(range(1, 10))
    assert not len(far_shifts(5, 3))


def test_what_comes_at_equal_intervals_meets_itself_again():
    flashes = np.zeros(1000)
    flashes[(np.arange(0, 1000, 50)[:, None] + np.arange(10)).ravel()] = 1
    # Of 50 shifts, those by 0 and ±1 frames leave eight tenths of every flash in common.
    assert recurrence(flashes, 10) == pytest.approx(0.06, abs=0.01)
    assert recurrence(np.random.default_rng(1).standard_normal(1000), 10) == 0
    assert recurrence(np.ones(100)) == 0
    assert recurrence(np.empty(0)) == 0
