import numpy as np
import pytest
from scipy.stats import binom

from napari_calcium.ensembles.conditional_null import count_null, rate_levels
from napari_calcium.ensembles.moments import local_peaks, rank_windows


def test_levels_are_within_one_percent_of_the_rate():
    rate = np.random.default_rng(0).gamma(5, 0.2, 1000)
    level, relative = rate_levels(rate)
    np.testing.assert_allclose(relative[level], rate, rtol=0.0102)
    assert (np.diff(relative) > 0).all()


def test_extreme_rates_are_held():
    level, relative = rate_levels(np.array([0.0, 1e9]))
    assert relative[level[0]] == pytest.approx(0.02, rel=0.02)
    assert relative[level[1]] == pytest.approx(50, rel=0.02)


def test_equal_neurons_make_a_binomial():
    null = count_null(np.full(40, 0.05), np.array([1.0, 2.0]), np.array([10, 10]), None, 20)
    np.testing.assert_allclose(null.tail[0, 1:10], binom.sf(np.arange(9), 40, 0.05), rtol=1e-9)
    np.testing.assert_allclose(null.tail[1, 1:10], binom.sf(np.arange(9), 40, 1 - 0.95**2), rtol=1e-9)


def test_bins_are_independent_draws():
    null = count_null(np.full(40, 0.05), np.ones(1), np.array([1000]), None, 20)
    np.testing.assert_allclose(null.events(null.tail[0, :10]), 1000 * null.tail[0, :10], rtol=1e-12)


def test_no_more_events_than_windows_above_and_fewer_for_smaller_cuts():
    null = count_null(np.full(40, 0.05), np.ones(1), np.array([1000]), 0.4, 20)
    cuts = null.tail[0, 4:12]
    events = null.events(cuts)
    assert (events <= 1000 * cuts + 1e-12).all()
    assert (np.diff(events) <= 0).all()


def test_crossings_of_sliding_windows_bound_those_of_a_simulation():
    # Independent Poisson trains: count how often the number of active neurons rises to a level.
    random = np.random.default_rng(1)
    n_rois, n_frames, width, rate = 60, 100_000, 5, 0.01
    x = random.random((n_rois, n_frames)) < rate
    active = np.zeros((n_rois, n_frames - width + 1), bool)
    for k in range(width):
        active |= x[:, k : n_frames - width + 1 + k]
    count = active.sum(axis=0)
    entries = (active[:, 1:] & ~active[:, :-1]).sum() / n_frames
    null = count_null(active.mean(axis=1), np.ones(1), np.array([len(count)]), entries, 20)
    for least in (7, 8, 9):
        rises = ((count[1:] >= least) & (count[:-1] < least)).sum()
        expected = null.events(null.tail[0, [least]])[0]
        # Neurons that leave at the same moment are not counted, so it is an upper bound.
        assert 0.3 * expected < rises < expected


def test_cut_keeps_chance_below_the_allowed_share():
    random = np.random.default_rng(2)
    null = count_null(np.full(50, 0.05), np.ones(1), np.array([2000]), None, 30)
    count = np.concatenate([random.binomial(50, 0.05, 1950), random.binomial(50, 0.3, 50)])
    p = null.tail[0, count]
    cut = null.cut(p, np.ones(len(p), bool), 0.05)
    assert null.events(np.array([cut]))[0] <= 0.05 * (p <= cut).sum()
    assert ((p <= cut)[:1950]).sum() <= 8
    assert ((p <= cut)[1950:]).mean() > 0.9


def test_nothing_is_cut_where_nothing_is():
    null = count_null(np.full(50, 0.05), np.ones(1), np.array([100]), None, 30)
    p = null.tail[0, np.full(100, 2)]
    assert null.cut(p, np.ones(100, bool), 0.05) is None
    assert null.events(np.array([null.single_cut(0.05)]))[0] <= 0.05


def test_ranks_break_ties_by_count_and_time():
    rank = rank_windows(np.array([0.5, 0.1, 0.1, 0.1]), np.array([1, 3, 4, 4]))
    assert rank.tolist() == [3, 2, 0, 1]


def test_peaks_are_the_best_of_those_that_overlap():
    rank = np.array([5, 3, 4, 6, 7, 1, 0, 2])
    peaks = local_peaks(rank, 3)
    naive = [rank[t] == rank[max(t - 2, 0) : t + 3].min() for t in range(8)]
    assert peaks.tolist() == naive
