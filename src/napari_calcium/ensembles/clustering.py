"""Clusters of ensemble events, and how many there are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

__all__ = [
    "clusters_of_size",
    "communities",
    "cut_tree",
    "significant_components",
    "silhouette_count",
    "tree",
]


def tree(similarity: NDArray[np.float32], linkage: str) -> NDArray[np.float64]:
    """Return the hierarchical clustering tree of events, from their similarity (distance = 1 − similarity).

    Parameters
    ----------
    similarity : (n_events, n_events) float32
        At least 2 events.
    linkage : str
        ``"average"``, ``"ward"``, ``"complete"`` or ``"single"``.

    Returns
    -------
    (n_events - 1, 4) float64
        As :func:`scipy.cluster.hierarchy.linkage` gives it. Memory and time grow with the square of n_events.
    """
    from scipy.cluster.hierarchy import linkage as link
    from scipy.spatial.distance import squareform

    distance = 1 - similarity.astype(np.float64)
    np.fill_diagonal(distance, 0)
    return np.asarray(link(squareform(distance, checks=False), linkage))


def cut_tree(joined: NDArray[np.float64], n_clusters: int) -> NDArray[np.int64]:
    """Return the cluster of each event, 0, 1 …, when the tree is cut into (at most) so many."""
    from scipy.cluster.hierarchy import fcluster

    return np.asarray(fcluster(joined, n_clusters, "maxclust"), np.int64) - 1


def clusters_of_size(joined: NDArray[np.float64], n_clusters: int, least: int) -> int:
    """Return into how many clusters to cut the tree to get `n_clusters` that are large enough.

    Events that resemble no other make clusters of their own, which must not use up the number wanted.

    Parameters
    ----------
    joined : (n_events - 1, 4) float64
        From :func:`tree`.
    n_clusters : int
        Clusters wanted.
    least : int
        Events in a cluster that counts.

    Returns
    -------
    int
        The coarsest cut with as many large clusters as wanted; if no cut has so many, the coarsest of those
        with the most.
    """
    n = len(joined) + 1
    size = np.concatenate([np.ones(n), joined[:, 3]])
    large = (size >= least).astype(np.int64)
    child = joined[:, :2].astype(np.int64)
    change = large[n:] - large[child[:, 0]] - large[child[:, 1]]
    # Entry m: large clusters after m joins, when n − m clusters are left.
    number = np.concatenate([[0], np.cumsum(change)]) + (n if least <= 1 else 0)
    enough = np.flatnonzero(number >= min(n_clusters, number.max()))
    return int(n - enough[-1])


def significant_components(
    contributors: NDArray[np.float32], shuffles: int, percentile: float, seed: int
) -> int:
    """Count the principal components of the ensemble events that are stronger than chance makes them.

    Chance: every neuron's contributions are dealt anew among the events, and the largest eigenvalue is
    taken; a component is significant above the given percentile of these.

    Parameters
    ----------
    contributors : (n_events, n_rois) float32
        0 and 1.
    shuffles : int
    percentile : float
    seed : int

    Returns
    -------
    int
        0 if no component stands out, or with fewer than 3 events.
    """
    if len(contributors) < 3:
        return 0
    varying = contributors[:, contributors.std(axis=0) > 0].astype(np.float64)
    if not varying.shape[1]:
        return 0
    scores = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    random = np.random.default_rng(seed)
    with threadpool_limits(limits=1, user_api="blas"):
        largest = [_strongest(random.permuted(scores, axis=0)) for _ in range(shuffles)]
        strengths = np.linalg.svd(scores, compute_uv=False) ** 2
    return int((strengths > np.percentile(largest, percentile)).sum())


def _strongest(scores: NDArray[np.float64]) -> float:
    """Return the largest squared singular value, without decomposing the rest."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    if min(scores.shape) < 3:
        return float(np.linalg.norm(scores, 2) ** 2)
    short = scores if len(scores) <= scores.shape[1] else scores.T
    n = len(short)
    operator = LinearOperator((n, n), matvec=lambda v: short @ (short.T @ v), dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(n)
    return float(eigsh(operator, 1, v0=start, tol=1e-4, return_eigenvectors=False)[0])


def silhouette_count(similarity: NDArray[np.float32], joined: NDArray[np.float64], most: int) -> int:
    """Return the number of clusters, from 2 to `most`, with the best mean silhouette.

    It cannot answer 0 or 1: that there are clusters at all must be known otherwise. With fewer than 3
    events the answer is 1.

    References
    ----------
    Rousseeuw 1987, J. Comput. Appl. Math. 20:53, doi:10.1016/0377-0427(87)90125-7.
    """
    n = len(similarity)
    distance = 1 - similarity.astype(np.float64)
    np.fill_diagonal(distance, 0)
    best, best_count = -np.inf, 1
    for count in range(2, min(most, n - 1) + 1):
        label = cut_tree(joined, count)
        found = int(label.max()) + 1
        # Ties in the tree can give fewer clusters than asked for.
        if found == count and (value := _silhouette(distance, label, found)) > best + 1e-12:
            best, best_count = value, count
    return best_count


def _silhouette(distance: NDArray[np.float64], label: NDArray[np.int64], count: int) -> float:
    one = np.zeros((len(label), count))
    one[np.arange(len(label)), label] = 1
    size = one.sum(axis=0)
    total = distance @ one
    own = total[np.arange(len(label)), label] / np.maximum(size[label] - 1, 1)
    other = total / size
    other[np.arange(len(label)), label] = np.inf
    nearest = other.min(axis=1)
    larger = np.maximum(own, nearest)
    value = np.divide(nearest - own, larger, out=np.zeros_like(own), where=larger > 0)
    return float(np.where(size[label] > 1, value, 0.0).mean())


def communities(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Group the nodes of a graph so that there are more links within groups than their degrees explain.

    Louvain's method: nodes move to the neighbouring group that raises the modularity most, then groups
    become the nodes of a smaller graph, until nothing changes. Nodes are visited in order and equal gains go
    to the lowest group, so the result is the same everywhere.

    Parameters
    ----------
    weights : (n, n) float64
        Symmetric, not negative, 0 on the diagonal.

    Returns
    -------
    (n,) int64
        Group of each node, 0, 1 …; nodes without links are alone.

    References
    ----------
    Blondel et al. 2008, J. Stat. Mech. P10008, doi:10.1088/1742-5468/2008/10/P10008.
    """
    label = np.arange(len(weights))
    graph = weights.astype(np.float64)
    while len(graph):
        group = _moved(graph)
        names, group = np.unique(group, return_inverse=True)
        label = group[label]
        if len(names) == len(graph):
            break
        one = np.zeros((len(graph), len(names)))
        one[np.arange(len(graph)), group] = 1
        graph = one.T @ graph @ one
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def _moved(graph: NDArray[np.float64]) -> NDArray[np.int64]:
    """Move each node to the group that raises the modularity most, until no move does."""
    degree = graph.sum(axis=1)
    total = degree.sum()
    group, weight = np.arange(len(graph)), degree.copy()
    moved = total > 0
    while moved:
        moved = False
        for node in range(len(graph)):
            links = np.bincount(group, graph[node], minlength=len(graph))
            links[group[node]] -= graph[node, node]
            weight[group[node]] -= degree[node]
            value = np.where(links > 0, links - degree[node] * weight / total, -np.inf)
            value[group[node]] = links[group[node]] - degree[node] * weight[group[node]] / total
            best = int(value.argmax())
            if value[best] > value[group[node]] + 1e-9 * total:
                group[node], moved = best, True
            weight[group[node]] += degree[node]
    return group
