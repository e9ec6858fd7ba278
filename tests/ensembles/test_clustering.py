import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import silhouette_score

from napari_calcium.ensembles.clustering import (
    clusters_of_size,
    communities,
    cut_tree,
    significant_components,
    silhouette_count,
    tree,
)
from napari_calcium.ensembles.similarity import contributor_matrix, jaccard, overlap_scores
from napari_calcium.results.tables import EnsembleEvents


def blocks(seed=0, sizes=(8, 10, 12), n_rois=60, joins=0.9, noise=0.03):
    """Events of several groups, each with 12 neurons of its own."""
    random = np.random.default_rng(seed)
    label = np.repeat(np.arange(len(sizes)), sizes)
    chance = np.full((len(label), n_rois), noise)
    for row, k in enumerate(label):
        chance[row, 12 * k : 12 * k + 12] = joins
    return (random.random(chance.shape) < chance).astype(np.float32), label


def same_groups(a, b):
    return len(set(zip(a.tolist(), b.tolist(), strict=True))) == len(set(a.tolist())) == len(set(b.tolist()))


def test_jaccard_agrees_with_scipy():
    x, _ = blocks()
    np.testing.assert_allclose(jaccard(x), 1 - squareform(pdist(x.astype(bool), "jaccard")), atol=1e-6)


def test_jaccard_of_empty_events():
    x = np.array([[0, 0], [0, 0], [1, 0]], np.float32)
    np.testing.assert_array_equal(jaccard(x), np.eye(3))
    assert jaccard(np.empty((0, 4), np.float32)).shape == (0, 0)


def test_overlap_of_independent_events_is_at_chance():
    random = np.random.default_rng(1)
    busy = random.gamma(1, 0.05, 300)
    x = (random.random((80, 300)) < busy).astype(np.float32)
    shared, score = overlap_scores(x, busy)
    off = ~np.eye(80, dtype=bool)
    assert abs(score[off].mean()) < 0.15
    assert (score[off] > 4).mean() < 0.005
    np.testing.assert_array_equal(shared[off], (x @ x.T)[off])


def test_contributors_become_a_matrix():
    events = EnsembleEvents(
        *[np.zeros(2)] * 7, member_offsets=np.array([0, 2, 3]), member_ids=np.array([4, 9, 7])
    )
    matrix = contributor_matrix(events, np.array([9, 7, 4]))
    assert matrix.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert contributor_matrix(EnsembleEvents(), np.empty(0, np.int64)).shape == (0, 0)


@pytest.mark.parametrize("linkage", ["average", "ward", "complete"])
def test_clear_clusters_are_cut_apart(linkage):
    x, label = blocks()
    assert same_groups(cut_tree(tree(jaccard(x), linkage), 3), label)


def test_stray_events_do_not_use_up_clusters():
    x, label = blocks(2)
    stray = np.zeros((4, 60), np.float32)
    for k in range(4):
        stray[k, 40 + 4 * k : 44 + 4 * k] = 1
    joined = tree(jaccard(np.concatenate([x, stray])), "average")
    found = cut_tree(joined, clusters_of_size(joined, 3, 3))
    assert same_groups(found[: len(label)], label)


@pytest.mark.parametrize("wanted", [1, 2, 5, 50])
@pytest.mark.parametrize("least", [1, 2, 4])
def test_clusters_of_size_agree_with_cutting_everywhere(wanted, least):
    joined = tree(jaccard(blocks(3, joins=0.5)[0]), "average")
    n = len(joined) + 1
    large = []
    for count in range(1, n + 1):
        # Cut by the order of joins: scipy's maxclust may skip counts where heights are equal.
        merged = joined.copy()
        merged[:, 2] = np.arange(1, n)
        label = fcluster(merged, n - count + 0.5, "distance")
        large.append((np.bincount(label) >= least).sum())
    goal = min(wanted, max(large))
    assert clusters_of_size(joined, wanted, least) == 1 + next(k for k, v in enumerate(large) if v >= goal)


def test_components_tell_clusters_apart():
    assert significant_components(blocks(4)[0], 50, 99, 0) == 2


def test_no_component_among_independent_contributions():
    found = 0
    for seed in range(20):
        x = (np.random.default_rng(seed).random((40, 60)) < 0.1).astype(np.float32)
        found += significant_components(x, 50, 99, 0) > 0
    assert found <= 2


@pytest.mark.parametrize("shape", [(0, 5), (2, 5), (5, 0), (4, 1), (3, 2)])
def test_too_few_events_or_neurons_for_components(shape):
    assert significant_components(np.ones(shape, np.float32), 20, 99, 0) == 0


def test_silhouette_agrees_with_scikit_learn():
    x, _ = blocks(5, joins=0.7)
    similarity = jaccard(x)
    joined = tree(similarity, "average")
    distance = 1 - similarity.astype(float)
    np.fill_diagonal(distance, 0)
    values = {k: silhouette_score(distance, cut_tree(joined, k), metric="precomputed") for k in range(2, 15)}
    assert silhouette_count(similarity, joined, 14) == max(values, key=values.get)


def modularity(weights, label):
    total, degree = weights.sum(), weights.sum(axis=1)
    same = label[:, None] == label[None]
    return ((weights - np.outer(degree, degree) / total) * same).sum() / total


def test_communities_of_two_cliques():
    weights = np.zeros((10, 10))
    weights[:5, :5] = weights[5:, 5:] = 1
    weights[0, 9] = weights[9, 0] = 1
    np.fill_diagonal(weights, 0)
    assert same_groups(communities(weights), np.repeat([0, 1], 5))


def test_communities_are_at_least_as_modular_as_the_planted_ones():
    random = np.random.default_rng(6)
    label = np.repeat(np.arange(4), 15)
    chance = np.where(label[:, None] == label[None], 0.5, 0.05)
    upper = np.triu(random.random((60, 60)) < chance, 1).astype(float)
    weights = upper + upper.T
    assert modularity(weights, communities(weights)) >= modularity(weights, label) - 1e-9


def test_nodes_without_links_are_alone():
    assert communities(np.zeros((3, 3))).tolist() == [0, 1, 2]
    assert communities(np.zeros((0, 0))).shape == (0,)
