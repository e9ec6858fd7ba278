from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom

from napari_calcium.numerics.poisson_binomial import poisson_binomial, upper_tail

CHANCES = arrays(np.float64, st.integers(0, 8), elements=st.floats(0, 1))


def enumerated(p):
    """Add up the probability of every one of the 2^n outcomes."""
    pmf = np.zeros(len(p) + 1)
    for outcome in product([0, 1], repeat=len(p)):
        pmf[sum(outcome)] += np.prod([a if hit else 1 - a for a, hit in zip(p, outcome, strict=True)])
    return pmf


@settings(max_examples=30)
@given(CHANCES)
def test_agrees_with_enumeration(p):
    np.testing.assert_allclose(poisson_binomial(p), enumerated(p), atol=1e-14)


def test_equal_chances_make_a_binomial():
    tail = upper_tail(poisson_binomial(np.full(300, 0.01)))
    np.testing.assert_allclose(tail[1:40], binom.sf(np.arange(39), 300, 0.01), rtol=1e-9)


def test_tiny_tails_keep_their_digits():
    tail = upper_tail(poisson_binomial(np.full(200, 1e-3)))
    assert tail[30] == pytest.approx(binom.sf(29, 200, 1e-3), rel=1e-9)
    assert 0 < tail[30] < 1e-50


@settings(max_examples=30)
@given(CHANCES, st.integers(0, 12))
def test_cutting_off_changes_nothing_below(p, largest):
    cut, whole = poisson_binomial(p, largest), poisson_binomial(p)
    n = min(len(cut), len(whole))
    assert len(cut) == largest + 1
    np.testing.assert_array_equal(cut[:n], whole[:n])
    assert (cut[n:] == 0).all()


def test_several_conditions_are_as_good_as_one_by_one():
    p = np.random.default_rng(3).random((20, 5))
    together = poisson_binomial(p, 9)
    for condition in range(5):
        np.testing.assert_allclose(together[condition], poisson_binomial(p[:, condition], 9), rtol=1e-12)


def test_mean_and_variance():
    p = np.random.default_rng(4).random(50)
    pmf, k = poisson_binomial(p), np.arange(51)
    assert pmf.sum() == pytest.approx(1)
    assert (k * pmf).sum() == pytest.approx(p.sum())
    assert (k**2 * pmf).sum() - p.sum() ** 2 == pytest.approx((p * (1 - p)).sum())


def test_order_of_trials_does_not_matter():
    p = np.random.default_rng(5).random(30)
    np.testing.assert_allclose(poisson_binomial(p), poisson_binomial(p[::-1]), rtol=1e-9)


def test_nobody():
    assert poisson_binomial([]).tolist() == [1.0]
    assert poisson_binomial(np.empty((0, 3)), 2).tolist() == [[1.0, 0.0, 0.0]] * 3


def test_certain_and_impossible_trials():
    assert poisson_binomial([1.0, 1.0, 0.0]).tolist() == [0.0, 0.0, 1.0, 0.0]
