"""Clusters of cells with like activity, how many there are, and whether chance gives as good ones."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Literal, Self

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from threadpoolctl import threadpool_limits

from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.population.binned_activity import Activity, PopulationInput
from napari_calcium.population.correlation import correlation_matrix
from napari_calcium.population.kmeans import kmeans
from napari_calcium.population.likeness_order import likeness_tree
from napari_calcium.population.principal_components import leading_components
from napari_calcium.population.row_shifting import cell_shifts, rolled
from napari_calcium.population.standardising import row_scale
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.population_results import CellClusters, ClusterNumbers

__all__ = [
    "ClusterSettings",
    "HierarchicalClusters",
    "KMeansClusters",
    "SpectralClusters",
    "cluster_cells",
    "silhouettes",
]


class _Clusters(PopulationInput):
    fewest: Annotated[int, Ge(2), Le(100)] = Field(
        2, title="At least", description="Smallest number of clusters that is tried."
    )
    most: Annotated[int, Ge(2), Le(100)] = Field(
        10,
        title="At most",
        description="Largest number of clusters that is tried; the one with the best silhouette is taken.",
    )
    copies: Annotated[int, Ge(0), Le(500)] = Field(
        20,
        title="Shifted copies",
        description="Copies in which every cell is shifted in time on its own: their clusters are chance. "
        "0 leaves the test out.",
    )
    seed: Annotated[int, Ge(0)] = Field(0, title="Seed", description="Where a method starts.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fewest > self.most:
            raise ValueError(f"at least {self.fewest} clusters cannot be more than at most {self.most}")
        return self


class KMeansClusters(_Clusters):
    """Around centres: round clusters of like size."""

    method: Literal["kmeans"] = "kmeans"


class HierarchicalClusters(_Clusters):
    """Branches of a tree of correlations (average linkage)."""

    method: Literal["hierarchical"] = "hierarchical"


class SpectralClusters(_Clusters):
    """By the eigenvectors of the similarities: clusters of any shape."""

    method: Literal["spectral"] = "spectral"


ClusterSettings = Annotated[
    KMeansClusters | HierarchicalClusters | SpectralClusters, Field(discriminator="method")
]


def cluster_cells(
    activity: Activity,
    roi_ids: ArrayLike,
    settings: ClusterSettings = KMeansClusters(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> CellClusters:
    """Cluster cells by the correlation of their activity.

    Parameters
    ----------
    activity : Activity
    roi_ids : (n_rois,) int64
    settings : ClusterSettings
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    CellClusters
        Constant and empty cells have cluster 0. With fewer than three active cells there is one cluster and
        no silhouette.

    Notes
    -----
    Any method finds clusters in anything. The silhouette says how good they are, and the shifted copies how
    good chance makes them: where no number of clusters beats chance there is no reason to believe in any.
    Hierarchical and spectral clusters need memory for cells² numbers.
    """
    ids = np.asarray(roi_ids, np.int64)
    scale = row_scale(activity.values)
    rows = np.flatnonzero(scale.defined)
    z = scale.unit(activity.values, slice(None))[rows]
    numbers = np.arange(settings.fewest, min(settings.most, len(rows) - 1) + 1)
    cluster, silhouette = np.zeros(len(ids), np.int64), np.full(len(ids), np.nan)
    if not len(numbers):
        cluster[rows] = 1
        return CellClusters(ids, cluster, silhouette, method=settings.method, input=activity.name)
    with threadpool_limits(limits=1, user_api="blas"):
        labels = _divided(z, numbers, settings)
        each = [silhouettes(z, label) for label in labels]
    means = np.array([float(values.mean()) for values in each])
    on_progress(1, 10)
    chance = _chance(z, ids[rows], numbers, settings, part(on_progress, 0.1, 1.0), executor)
    best = int(np.argmax(means))
    cluster[rows] = _by_size(labels[best])
    silhouette[rows] = each[best]
    table = ClusterNumbers(numbers.astype(np.int64), means, chance)
    return CellClusters(ids, cluster, silhouette, table, settings.method, activity.name)


def silhouettes(z: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the silhouette of every cell under the distance 1 − correlation.

    Parameters
    ----------
    z : (n, n_bins) float32
        Rows of mean 0 and length 1.
    labels : (n,) int64

    Returns
    -------
    (n,) float64
        0 for a cell that is alone in its cluster, and for all where there is but one cluster.

    Notes
    -----
    The mean correlation with the cells of a cluster is the product with the cluster's mean, so the exact
    silhouette costs cells × bins × clusters, and never a matrix of all pairs (Rousseeuw 1987,
    doi:10.1016/0377-0427(87)90125-7).
    """
    names, member = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        return np.zeros(len(z))
    size = np.bincount(member)
    sums = np.zeros((len(names), z.shape[1]))
    for k in range(len(names)):
        sums[k] = z[member == k].sum(axis=0, dtype=np.float64)
    total = np.asarray(z @ sums.T.astype(np.float32), np.float64)
    row = np.arange(len(z))
    own = (size[member] - total[row, member]) / np.maximum(size[member] - 1, 1)
    others = 1 - total / size
    others[row, member] = np.inf
    nearest = others.min(axis=1)
    scale = np.maximum(np.maximum(own, nearest), 1e-12)
    return np.where(size[member] > 1, (nearest - own) / scale, 0.0)


def _divided(
    z: NDArray[np.float32], numbers: NDArray[np.int64], settings: ClusterSettings
) -> list[NDArray[np.int64]]:
    """Return labels of every cell for each number of clusters."""
    if isinstance(settings, HierarchicalClusters):
        from scipy.cluster.hierarchy import fcluster

        tree = likeness_tree(correlation_matrix(z))
        return [fcluster(tree, k, criterion="maxclust").astype(np.int64) for k in numbers.tolist()]
    if isinstance(settings, SpectralClusters):
        return _spectral(z, numbers, settings.seed)
    values, cells, _ = leading_components(z, min(50, *z.shape))
    points = cells * np.sqrt(np.maximum(values, 0))
    return [_kmeans(points, k, settings.seed) for k in numbers.tolist()]


def _kmeans(points: NDArray[np.float64], k: int, seed: int) -> NDArray[np.int64]:
    return kmeans(points, k, seed=seed, n_starts=10 if len(points) <= 2000 else 3)[0]


def _spectral(z: NDArray[np.float32], numbers: NDArray[np.int64], seed: int) -> list[NDArray[np.int64]]:
    """Cluster the leading eigenvectors of the normalised similarities (Ng et al. 2002)."""
    from scipy.linalg import eigh

    affinity = np.maximum(correlation_matrix(z).astype(np.float64), 0)
    np.fill_diagonal(affinity, 0)
    degree = affinity.sum(axis=1)
    root = 1 / np.sqrt(np.where(degree > 0, degree, 1.0))
    n, most = len(z), int(numbers.max())
    laplacian = affinity * root[:, None] * root[None]
    vectors = eigh(laplacian, subset_by_index=(n - most, n - 1))[1][:, ::-1]
    labels = []
    for k in numbers.tolist():
        points = vectors[:, :k] / np.maximum(np.linalg.norm(vectors[:, :k], axis=1, keepdims=True), 1e-12)
        labels.append(_kmeans(points, k, seed))
    return labels


def _chance(
    z: NDArray[np.float32],
    ids: NDArray[np.int64],
    numbers: NDArray[np.int64],
    settings: ClusterSettings,
    on_progress: Progress,
    executor: Executor | None,
) -> NDArray[np.float64]:
    if not settings.copies:
        return np.full(len(numbers), np.nan)
    shifts = cell_shifts(ids, z.shape[1], settings.copies, settings.seed)
    work = partial(_silhouettes_of_copy, z, shifts, numbers, settings)
    found = np.empty((settings.copies, len(numbers)))
    for block, values in map_blocks(work, settings.copies, 1, on_progress=on_progress, executor=executor):
        found[block] = values
    return np.asarray(np.percentile(found, 95, axis=0), np.float64)


def _silhouettes_of_copy(
    z: NDArray[np.float32],
    shifts: NDArray[np.int64],
    numbers: NDArray[np.int64],
    settings: ClusterSettings,
    block: slice,
) -> NDArray[np.float64]:
    copy = rolled(z, shifts[block.start])
    return np.array([[silhouettes(copy, labels).mean() for labels in _divided(copy, numbers, settings)]])


def _by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Name clusters 1, 2 … from the largest on."""
    _, member, size = np.unique(labels, return_inverse=True, return_counts=True)
    rank = np.empty(len(size), np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(1, len(size) + 1)
    return rank[member]
