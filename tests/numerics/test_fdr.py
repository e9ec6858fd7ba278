import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_calcium.numerics.fdr import q_values

P_VALUES = arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 1))


def naive(p):
    """Smallest level at which Benjamini and Hochberg's step-up procedure rejects, straight from the text."""
    n = len(p)
    result = []
    for value in p:
        levels = [q * n / k for q in p if q >= value for k in [sum(r <= q for r in p)]]
        result.append(min([*levels, 1.0]))
    return np.array(result)


@settings(max_examples=40)
@given(P_VALUES)
def test_agrees_with_the_step_up_procedure(p):
    np.testing.assert_allclose(q_values(p), naive(p), rtol=1e-12, atol=0)


@settings(max_examples=40)
@given(P_VALUES, st.randoms())
def test_order_does_not_matter(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    np.testing.assert_array_equal(q_values(p[order]), q_values(p)[order])


@settings(max_examples=40)
@given(P_VALUES)
def test_never_below_p_and_never_above_one(p):
    q = q_values(p)
    assert (q >= p).all()
    assert (q <= 1).all()


def test_missing_tests_do_not_count():
    with_gap = q_values([0.01, np.nan, 0.02])
    assert np.isnan(with_gap[1])
    np.testing.assert_array_equal(with_gap[[0, 2]], q_values([0.01, 0.02]))


def test_tests_that_are_not_shown_count():
    assert q_values([0.01], n_tests=10)[0] == pytest.approx(0.1)
    assert q_values([0.01, 0.02], n_tests=1)[1] == pytest.approx(0.02)


def test_nothing_tested():
    assert q_values([]).shape == (0,)
    assert np.isnan(q_values([np.nan])).all()


def test_controls_false_discoveries():
    random = np.random.default_rng(1)
    shares = []
    for _ in range(200):
        p = random.random(200)
        p[:20] *= 1e-4
        found = q_values(p) <= 0.1
        shares.append(found[20:].sum() / max(found.sum(), 1))
    assert np.mean(shares) < 0.11


def test_input_is_left_alone():
    p = np.array([0.3, 0.1])
    p.flags.writeable = False  # an error where it is written to
    assert q_values(p) is not p
    assert p.tolist() == [0.3, 0.1]
