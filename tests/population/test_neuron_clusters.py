import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_samples
from tests.population.neurons import activity, grouped, independent, odd_recordings

from napari_calcium.population.kmeans import kmeans
from napari_calcium.population.neuron_clusters import (
    HierarchicalClusters,
    KMeansClusters,
    SpectralClusters,
    cluster_cells,
    silhouettes,
)
from napari_calcium.population.standardising import standardised

METHODS = (KMeansClusters(), HierarchicalClusters(), SpectralClusters())


def blobs(seed=0):
    random = np.random.default_rng(seed)
    truth = np.repeat(np.arange(4), 25)
    return 6 * random.standard_normal((4, 5))[truth] + random.standard_normal((100, 5)), truth


def test_kmeans_is_as_good_as_scikit_learns():
    for seed in range(5):
        points, truth = blobs(seed)
        labels, centres = kmeans(points, 4, seed=seed)
        cost = ((points - centres[labels]) ** 2).sum()
        assert cost <= KMeans(4, n_init=10, random_state=0).fit(points).inertia_ * 1.001
        assert adjusted_rand_score(truth, labels) > 0.95


def test_kmeans_does_with_fewer_points_than_groups():
    labels, centres = kmeans(np.zeros((3, 2)), 2)
    assert len(labels) == 3 and centres.shape == (2, 2)


@pytest.mark.parametrize("n_clusters", [2, 3, 7])
def test_silhouettes_are_those_of_scikit_learn(n_clusters):
    z = standardised(grouped())
    labels = np.random.default_rng(0).integers(0, n_clusters, 40)
    theirs = silhouette_samples(z.astype(float), labels, metric="cosine")
    np.testing.assert_allclose(silhouettes(z, labels), theirs, atol=1e-4)


def test_a_cell_alone_and_one_cluster_have_no_silhouette():
    z = standardised(grouped(n_rois=5, groups=0))
    assert silhouettes(z, np.array([0, 0, 0, 0, 1]))[4] == 0
    assert (silhouettes(z, np.zeros(5, np.int64)) == 0).all()


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_groups_are_found(method):
    x = grouped(n_rois=45, groups=3, size=15)
    found = cluster_cells(activity(x), np.arange(45), method)
    assert adjusted_rand_score(np.repeat([0, 1, 2], 15), found.cluster) > 0.95
    best = np.argmax(found.numbers.silhouette)
    assert found.numbers.n_clusters[best] == 3
    assert found.numbers.silhouette[best] > found.numbers.chance[best] + 0.1


@pytest.mark.parametrize("method", METHODS[:2], ids=lambda m: m.method)
def test_chance_is_told_where_there_are_no_groups(method):
    beyond = 0
    for seed in range(12):
        numbers = cluster_cells(activity(independent(seed)), np.arange(40), method.replace(most=4)).numbers
        best = int(np.argmax(numbers.silhouette))
        beyond += numbers.silhouette[best] > numbers.chance[best]
    assert beyond <= 4


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_the_same_seed_gives_the_same_result_and_clusters_are_named_by_size(method):
    x = activity(grouped(n_rois=40, groups=2, size=12))
    a, b = (cluster_cells(x, np.arange(40), method.replace(copies=3)) for _ in range(2))
    assert a == b
    assert (np.diff(np.bincount(a.cluster)[1:]) <= 0).all()


def test_constant_and_empty_cells_take_no_part():
    x = grouped()
    x[3], x[5] = 1.0, np.nan
    found = cluster_cells(activity(x), np.arange(40))
    assert found.cluster[[3, 5]].tolist() == [0, 0]
    assert np.isnan(found.silhouette[[3, 5]]).all()
    assert (np.delete(found.cluster, [3, 5]) > 0).all()


def test_limits_that_contradict_are_refused():
    with pytest.raises(ValueError, match="cannot be more than"):
        KMeansClusters(fewest=5, most=3)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)
def test_odd_recordings_are_results(method):
    for odd in odd_recordings():
        found = cluster_cells(odd, np.arange(len(odd.values)), method.replace(copies=2))
        assert len(found.cluster) == len(odd.values)
