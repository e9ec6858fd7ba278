from concurrent.futures import ThreadPoolExecutor

import networkx as nx
import numpy as np
import pytest
from scipy import sparse
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.signal import correlate
from scipy.spatial.distance import squareform
from tests.population.neurons import activity, grouped, independent, odd_recordings

from napari_calcium.population import functional_network
from napari_calcium.population.cell_correlations import CorrelationSettings, correlate_cells
from napari_calcium.population.distance_classes import DistanceClasses, distance_profile
from napari_calcium.population.functional_network import (
    clustering_coefficients,
    modularity,
    modules,
    significant_pairs,
)
from napari_calcium.population.lagged import lagged_correlation, pair_lags
from napari_calcium.population.likeness_order import likeness_order
from napari_calcium.population.shift_test import shift_test
from napari_calcium.population.standardising import standardised
from napari_calcium.progress import Cancelled

FEW = CorrelationSettings(shifts=40, most_lag=0)
"""Few shifts, for tests of many recordings."""


def random_graph(seed=0, n=30, share=0.2):
    links = np.triu(np.random.default_rng(seed).random((n, n)) < share, 1)
    return links | links.T


# --- the stage


def test_links_are_those_of_the_groups():
    found = correlate_cells(activity(grouped(groups=2, size=10)), np.arange(40))
    together = (found.pairs.roi_id_a // 10 == found.pairs.roi_id_b // 10) & (found.pairs.roi_id_a < 20)
    assert together.sum() > 0.9 * 2 * 45
    assert (~together).mean() < 0.1
    assert len(set(found.cells.module[:10])) == len(set(found.cells.module[10:20])) == 1
    assert found.cells.module[0] != found.cells.module[10]


def test_false_links_are_few_among_true_ones():
    false = true = 0
    for seed in range(4):
        found = correlate_cells(activity(grouped(seed, groups=2, size=8)), np.arange(40), settings=FEW)
        pairs = found.pairs
        together = (pairs.roi_id_a // 8 == pairs.roi_id_b // 8) & (pairs.roi_id_b < 16)
        true += int(together.sum())
        false += int((~together).sum())
    assert false < 0.1 * (true + false)


def test_slow_drifts_give_high_correlations_and_few_links():
    drift = np.cumsum(np.random.default_rng(0).standard_normal((30, 900)), axis=1)
    found = correlate_cells(activity(drift), np.arange(30), settings=FEW)
    naive = np.abs(found.matrix[np.triu_indices(30, 1)]) > 1.96 / np.sqrt(900)
    assert naive.mean() > 0.8  # nearly all pairs, if every bin were independent
    assert found.n_pairs < 0.1 * 435  # a walk is not stationary, so shifts are not a perfect null


def test_negative_links_are_found_if_asked():
    random = np.random.default_rng(0)
    x = random.standard_normal((20, 800))
    x[1] = -x[0] + 0.3 * random.standard_normal(800)
    assert correlate_cells(activity(x), np.arange(20)).n_pairs == 0
    pairs = correlate_cells(activity(x), np.arange(20), settings=CorrelationSettings(negative=True)).pairs
    assert list(zip(pairs.roi_id_a.tolist(), pairs.roi_id_b.tolist(), strict=True)) == [(0, 1)]
    assert pairs.correlation[0] < -0.8


def test_permuting_cells_permutes_everything():
    x, order = grouped(), np.random.default_rng(0).permutation(40)
    a, b = correlate_cells(activity(x), np.arange(40)), correlate_cells(activity(x[order]), order)
    np.testing.assert_allclose(b.matrix, a.matrix[np.ix_(order, order)], atol=1e-5)
    np.testing.assert_allclose(b.cells.mean_correlation, a.cells.mean_correlation[order], atol=1e-5)
    assert np.abs(b.cells.degree - a.cells.degree[order]).max() <= 1
    links = {frozenset(p) for p in zip(a.pairs.roi_id_a.tolist(), a.pairs.roi_id_b.tolist(), strict=True)}
    others = {frozenset(p) for p in zip(b.pairs.roi_id_a.tolist(), b.pairs.roi_id_b.tolist(), strict=True)}
    assert len(links ^ others) <= 0.02 * len(links)  # on the edge of significance rounding decides


@pytest.mark.parametrize("measure", ["pearson", "spearman", "cosine"])
def test_the_same_settings_give_the_same_bytes_for_any_number_of_workers(measure):
    x, settings = activity(np.abs(grouped(n_bins=600))), CorrelationSettings(measure=measure)
    places = np.random.default_rng(0).random((40, 2)) * 200
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(4) as four:
        a, b = (correlate_cells(x, np.arange(40), places, "µm", settings, executor=e) for e in (one, four))
    assert a == b
    assert a.n_pairs > 0


def test_odd_recordings_are_results():
    for odd in odd_recordings():
        n = len(odd.values)
        found = correlate_cells(odd, np.arange(n), np.zeros((n, 2)))
        assert found.matrix.shape == (n, n)
        assert len(found.cells) == n


def test_cancelling_ends_the_work():
    def cancel(done, total):
        if done > 0.5 * total:
            raise Cancelled

    with pytest.raises(Cancelled):
        correlate_cells(activity(grouped()), np.arange(40), on_progress=cancel)


# --- significance and network


def test_pairs_are_those_of_benjamini_and_hochberg():
    x = grouped(groups=1, size=6, joins=0.5)
    z = standardised(x)
    test = shift_test(z, least_shift=20)
    matrix = np.clip(z @ z.T, -1, 1)
    found = significant_pairs(matrix, test, 0.05)
    upper = np.triu_indices(40, 1)
    levels = test.levels(matrix, slice(0, 40))[upper]
    p = test.p_values(levels)
    order = np.argsort(p)
    passing = np.flatnonzero(p[order] <= 0.05 * np.arange(1, len(p) + 1) / len(p))
    expected = p <= (p[order][passing[-1]] if len(passing) else -1)
    assert found.n_pairs == expected.sum() > 0
    np.testing.assert_array_equal(found.row_a, upper[0][expected])
    np.testing.assert_array_equal(found.row_b, upper[1][expected])
    assert found.adjacency.sum() == 2 * found.n_pairs
    assert found.n_tested == 780


def test_of_very_many_pairs_the_strongest_are_listed(monkeypatch):
    monkeypatch.setattr(functional_network, "_MOST_PAIRS", 20)
    z = standardised(grouped(groups=2, size=10))
    matrix = np.clip(z @ z.T, -1, 1)
    found = significant_pairs(matrix, shift_test(z, least_shift=20), 0.05)
    assert found.n_pairs > 60
    assert 0 < len(found.row_a) <= 20
    rest = found.adjacency.copy()
    rest[found.row_a, found.row_b] = rest[found.row_b, found.row_a] = False
    assert found.z_score.min() > np.median((matrix / shift_test(z, least_shift=20).spread)[rest])


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_clustering_is_that_of_networkx(share):
    links = random_graph(share=share, n=50)
    theirs = nx.clustering(nx.from_numpy_array(links))
    expected = [theirs[k] if links[k].sum() > 1 else np.nan for k in range(50)]
    np.testing.assert_allclose(clustering_coefficients(links), expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_modules_are_as_modular_as_those_of_networkx(seed):
    links = random_graph(seed, 60, 0.08)
    weights = sparse.csr_array(links * np.random.default_rng(seed).random((60, 60)).round(3))
    weights = sparse.csr_array((weights + weights.T) / 2)
    graph = nx.from_scipy_sparse_array(weights)
    theirs = nx.community.louvain_communities(graph, seed=0)
    mine = modules(weights)
    assert modularity(weights, mine) > nx.community.modularity(graph, theirs) - 0.03
    names = [set(np.flatnonzero(mine == k).tolist()) for k in np.unique(mine)]
    assert modularity(weights, mine) == pytest.approx(nx.community.modularity(graph, names), abs=1e-9)


def test_planted_modules_are_found_and_named_by_size():
    random = np.random.default_rng(0)
    member = np.repeat([0, 1, 2], [15, 10, 5])
    share = np.where(member[:, None] == member, 0.7, 0.02)
    links = np.triu(random.random((30, 30)) < share, 1)
    links = np.pad(links | links.T, (0, 2))
    np.testing.assert_array_equal(modules(sparse.csr_array(links.astype(float))), [*(member + 1), 0, 0])


def test_no_link_is_no_module():
    empty = sparse.csr_array((4, 4))
    assert modules(empty).tolist() == [0, 0, 0, 0]
    assert np.isnan(modularity(empty, np.zeros(4, np.int64)))


# --- distance


def test_profile_is_the_mean_of_pairs_at_a_distance():
    random = np.random.default_rng(0)
    places = random.random((25, 2)) * 100
    places[3] = np.nan
    z = standardised(independent(0, 25, 400))
    classes = DistanceClasses.over(places, 20.0, "µm")
    test = shift_test(z, n_shifts=20, least_shift=5, classes=classes, n_classes=classes.n_classes)
    matrix = z @ z.T
    found = distance_profile(matrix, classes, test)
    gap = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    for k in range(classes.n_classes):
        inside = np.triu((gap >= 20 * k) & (gap < 20 * (k + 1)), 1)
        assert found.n_pairs[k] == inside.sum()
        if inside.any():
            assert found.correlation[k] == pytest.approx(matrix[inside].mean(), abs=1e-5)


def test_correlation_that_falls_with_distance_leaves_the_band_near_and_stays_in_it_far():
    random = np.random.default_rng(1)
    places = np.column_stack([np.zeros(60), np.sort(random.random(60)) * 600])
    kernel = np.exp(-np.abs(places[:, 1, None] - places[None, :, 1]) / 40)
    x = np.linalg.cholesky(kernel + 1e-9 * np.eye(60)) @ random.standard_normal((60, 1500))
    found = correlate_cells(activity(x), np.arange(60), places).distance
    assert (found.correlation[:2] > found.chance_high[:2]).all()
    far = (found.distance_from > 300) & (found.n_pairs > 50)
    assert (found.p_value[far] > 0.05).mean() > 0.7


def test_the_band_holds_where_there_is_nothing():
    outside = []
    for seed in range(16):
        places = np.random.default_rng(seed).random((25, 2)) * 200
        one = activity(independent(seed, 25, 800))
        found = correlate_cells(one, np.arange(25), places, settings=FEW).distance
        outside += (found.p_value[found.n_pairs > 20] <= 0.05).tolist()
    assert np.mean(outside) < 0.12


def test_cells_without_a_place_have_no_distance():
    found = correlate_cells(activity(independent(0, 5, 300)), np.arange(5), np.full((5, 2), np.nan))
    assert len(found.distance) == 0
    assert len(correlate_cells(activity(independent(0, 5, 300)), np.arange(5)).distance) == 0


# --- lags


def test_lags_are_those_of_the_definition():
    random = np.random.default_rng(0)
    x, signal = random.standard_normal((3, 80)), random.standard_normal(80)
    found = lagged_correlation(x, signal, 7)
    a = (signal - signal.mean()) / signal.std()
    for row, values in zip(x, found, strict=True):
        b = (row - row.mean()) / row.std()
        full = correlate(b, a, mode="full")
        for lag in range(-7, 8):
            assert values[7 + lag] == pytest.approx(full[79 + lag] / (80 - abs(lag)), abs=1e-5)


def test_who_follows_whom_has_the_sign_that_the_table_says():
    random = np.random.default_rng(0)
    first = random.standard_normal(500).astype(np.float32)
    z = standardised(np.stack([first, np.roll(first, 6), random.standard_normal(500)]).astype(np.float32))
    peak, lag = pair_lags(z, np.array([0, 1]), np.array([1, 0]), 10)
    assert lag.tolist() == [6, -6]
    assert peak.min() > 0.9


def test_the_pairs_of_the_stage_know_their_lag():
    x = grouped(groups=1, size=6)
    x[1] = np.roll(x[0], 2)
    found = correlate_cells(activity(x), np.arange(40))
    row = np.flatnonzero((found.pairs.roi_id_a == 0) & (found.pairs.roi_id_b == 1))
    if len(row):
        assert found.pairs.peak_lag_s[row[0]] == pytest.approx(1.0)


@pytest.mark.parametrize("most", [0, 3, 200])
def test_lags_beyond_the_recording_are_not_known(most):
    found = lagged_correlation(np.random.default_rng(0).standard_normal((2, 50)), np.arange(50.0), most)
    assert found.shape == (2, 2 * most + 1)
    assert np.isfinite(found[:, most]).all()
    if most > 50:
        assert np.isnan(found[:, 0]).all()


def test_a_constant_cell_has_no_lag_and_a_wrong_signal_is_refused():
    assert np.isnan(lagged_correlation(np.ones((1, 20)), np.arange(20.0), 2)).all()
    with pytest.raises(ValueError, match="signal must have 20 bins"):
        lagged_correlation(np.ones((1, 20)), np.arange(19.0), 2)


# --- order


def test_order_is_that_of_scipys_tree():
    matrix = np.corrcoef(np.random.default_rng(0).standard_normal((20, 50))).astype(np.float32)
    distance = squareform(1 - matrix.astype(float), checks=False)
    expected = leaves_list(linkage(distance, "average", optimal_ordering=True))
    np.testing.assert_array_equal(likeness_order(matrix), expected)


def test_groups_stand_together():
    z = standardised(grouped(groups=3, size=10))
    place = np.argsort(likeness_order(z @ z.T))
    for k in range(3):
        assert np.ptp(place[10 * k : 10 * k + 10]) == 9


def test_cells_without_correlation_come_last():
    matrix = np.corrcoef(np.random.default_rng(0).standard_normal((6, 50))).astype(np.float32)
    matrix[2] = matrix[:, 2] = np.nan
    assert likeness_order(matrix)[-1] == 2
    assert likeness_order(np.full((2, 2), np.nan, np.float32)).tolist() == [0, 1]
