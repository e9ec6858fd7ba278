import numpy as np
import pytest
from tests.population.neurons import independent, transients

from napari_calcium.population.shift_test import shift_lags, shift_test, spread_under_shift
from napari_calcium.population.standardising import standardised


def all_shifts(z):
    """Correlation of every pair at every circular shift, straight from the definition."""
    return np.array([z.astype(float) @ np.roll(z, lag, axis=1).T.astype(float) for lag in range(z.shape[1])])


@pytest.mark.parametrize("n_bins", [64, 65])
def test_spread_is_that_over_all_circular_shifts(n_bins):
    z = standardised(independent(0, 6, n_bins, rate=0.1))
    np.testing.assert_allclose(spread_under_shift(z), all_shifts(z).std(axis=0), rtol=1e-4)


def test_slow_activity_has_a_wider_spread():
    random = np.random.default_rng(0)
    fast = random.standard_normal((5, 500))
    slow = np.cumsum(random.standard_normal((5, 500)), axis=1)
    wide, narrow = (spread_under_shift(standardised(x.astype(np.float32))) for x in (slow, fast))
    assert np.diagonal(wide).min() > 2 * np.diagonal(narrow).max()


def naive_scores(z, test):
    """Scores of all pairs at all shifts, by the formula of Wilson and Hilferty for each pair by itself."""
    spread = all_shifts(z).std(axis=0)
    scores = []
    for lag in test.lags:
        shifted = z.astype(float) @ np.roll(z, lag, axis=1).T.astype(float)
        for i in range(len(z)):
            for j in range(len(z)):
                if i != j:
                    skew = test.skewness[i] * test.skewness[j]
                    shape = 4 / skew**2
                    gamma = (shape + shifted[i, j] / spread[i, j] * np.sqrt(shape)) / shape
                    scores.append((np.cbrt(gamma) - 1 + 1 / (9 * shape)) * np.sqrt(9 * shape))
    return np.array(scores)


def test_null_is_what_the_shifts_give():
    z = standardised(independent(1, 5, 80, rate=0.1))
    test = shift_test(z, n_shifts=1000, least_shift=3)
    assert test.lags.tolist() == list(range(3, 78))
    scores = naive_scores(z, test)
    assert test.pooled == len(scores)
    for level in (1, 50, 100, 200):
        # Classes of 0.01: a value on an edge may fall to either side.
        assert test.tail[level] == pytest.approx((scores >= level * 0.01).sum(), abs=8)


def test_skewness_is_that_of_shifted_pairs_on_the_whole():
    random = np.random.default_rng(5)
    rate = np.repeat([0.01, 0.15], 6)
    z = standardised(transients((random.random((12, 300)) < rate[:, None]) * 1.0, noise=0.02))
    test = shift_test(z, n_shifts=2000, least_shift=10)
    ratios = all_shifts(z)[test.lags] / spread_under_shift(z)
    pairs = ~np.eye(12, dtype=bool)
    product = np.outer(test.skewness, test.skewness)[pairs]
    found = (ratios**3).mean(axis=0)[pairs]
    assert product.mean() == pytest.approx(found.mean(), rel=0.02)
    assert np.corrcoef(product, found)[0, 1] > 0.4


def test_quiet_and_busy_cells_are_judged_alike():
    random = np.random.default_rng(0)
    rate = np.repeat([0.004, 0.08], 20)
    z = standardised(transients((random.random((40, 3000)) < rate[:, None]) * 1.0, noise=0.02))
    test = shift_test(z, n_shifts=100, least_shift=20)
    quiet, busy = np.ix_(range(20), range(20)), np.ix_(range(20, 40), range(20, 40))
    reached = {"quiet": 0, "busy": 0}
    for lag in range(30, 2900, 30):
        shifted = z @ np.roll(z, lag, axis=1).T
        np.fill_diagonal(shifted, np.nan)
        p = test.p_values(np.maximum(test.levels(shifted, slice(0, 40)), 0))
        for name, part in (("quiet", quiet), ("busy", busy)):
            reached[name] += int((p[part] < 0.002).sum())
    expected = 0.002 * 96 * 380
    # Without the score for skewness all of them are pairs of quiet cells.
    assert 0.2 * expected < reached["busy"] < 3 * expected
    assert 0.2 * expected < reached["quiet"] < 3 * expected


def test_two_sided_counts_sizes():
    z = standardised(independent(1, 5, 80, rate=0.1))
    one, two = (shift_test(z, n_shifts=30, least_shift=3, two_sided=s) for s in (False, True))
    assert two.tail[150] > one.tail[150]


def test_means_of_classes_are_those_of_each_shift():
    z = standardised(independent(2, 6, 90, rate=0.1))
    kinds = np.add.outer(np.arange(6), np.arange(6)) % 3
    np.fill_diagonal(kinds, -1)
    test = shift_test(z, n_shifts=8, least_shift=3, classes=lambda rows: kinds[rows], n_classes=3)
    upper = np.triu(np.ones((6, 6), bool), 1)
    for k, lag in enumerate(test.lags):
        shifted = z @ np.roll(z, lag, axis=1).T
        for row, half in zip(test.class_means[2 * k : 2 * k + 2], (upper, upper.T), strict=True):
            expected = [shifted[(kinds == c) & half].mean() for c in range(3)]
            np.testing.assert_allclose(row, expected, atol=1e-6)


def test_order_of_cells_does_not_matter():
    z = standardised(independent(3, 12, 300))
    order = np.random.default_rng(0).permutation(12)
    a, b = shift_test(z, n_shifts=40, least_shift=10), shift_test(z[order], n_shifts=40, least_shift=10)
    np.testing.assert_allclose(b.spread, a.spread[np.ix_(order, order)], rtol=1e-4)
    assert np.abs(a.tail - b.tail).max() <= 5  # values on the edge of a class


def test_lags_keep_their_distance_on_the_circle():
    lags = shift_lags(1000, 200, 40, seed=1)
    assert len(np.unique(lags)) == 200
    assert lags.min() >= 40 and lags.max() <= 960
    np.testing.assert_array_equal(lags, shift_lags(1000, 200, 40, seed=1))


@pytest.mark.parametrize("n_bins", [1, 5, 19])
def test_no_shift_where_the_recording_is_too_short(n_bins):
    z = standardised(np.random.default_rng(0).standard_normal((3, n_bins)).astype(np.float32))
    test = shift_test(z, least_shift=10)
    assert len(test.lags) == 0 and test.pooled == 0
    assert np.isnan(test.p_values(np.array([0, 5]))).all()


def test_cells_of_zeros_take_no_part():
    z = standardised(independent(4, 6, 200))
    z[2] = 0
    test = shift_test(z, n_shifts=10, least_shift=10)
    assert test.pooled == 10 * 5 * 4
    assert (test.spread[2] == 0).all()
