"""Weights that turn frames into one number a cell, and tell overlapping cells apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

__all__ = ["Demixing", "weighted_sums"]

_RIDGE = 1e-3
_LEAST_SUM = 0.2


@dataclass(frozen=True, eq=False)
class Demixing:
    """Weighted means over footprints, from which the light of overlapping cells is told apart.

    Attributes
    ----------
    weights : (n_rois, height * width) csr_array of float64
        Rows of sum 1, or of no entries for a cell without pixels.
    mixing : (n_rois, n_rois) csr_array of float64
        What the weighted means are multiplied by; its rows have sum 1, so that a movie of one
        brightness gives traces of that brightness.
    """

    weights: sparse.csr_array
    mixing: sparse.csr_array

    @classmethod
    def of(
        cls,
        footprints: sparse.csr_array,
        variance: NDArray[np.float32],
        overlap: Literal["demixed", "excluded", "shared"],
    ) -> Self:
        """Make weights from footprints in brightness and the noise variance of each pixel.

        Parameters
        ----------
        footprints : (n_rois, height * width) csr_array
            Not negative.
        variance : (height * width,) float32
            Above 0.
        overlap : {"demixed", "excluded", "shared"}
            Least squares with all cells at once; without shared pixels (a cell that has no others keeps
            them); each cell on its own.

        Notes
        -----
        Demixing is the least-squares fit of the footprints, weighted by 1 / variance, the most precise
        unbiased estimate where footprints are right. A very small ridge keeps two cells of the same footprint
        from blowing up. A cell that would be left with less than a fifth of its weight is not demixed.
        """
        if overlap == "excluded":
            footprints = _without_shared(footprints)
        weighted = sparse.csr_array(footprints.astype(np.float64))
        weighted.data = weighted.data / variance[weighted.indices]
        total = np.asarray(weighted.sum(axis=1)).ravel()
        scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
        weights = sparse.csr_array(sparse.diags_array(scale) @ weighted)
        n = footprints.shape[0]
        mixing = sparse.eye_array(n, format="csr")
        if overlap == "demixed" and n:
            mixing = _unmixing(sparse.csr_array(weights @ footprints.T.astype(np.float64)))
        return cls(weights, sparse.csr_array(mixing))

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n_rois, n) traces of frames (n, height * width); NaN where a pixel is missing."""
        return np.asarray(self.mixing @ weighted_sums(self.weights, pixels), np.float32)

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return what is needed for some cells: their rows of the mixing, and all weights they use."""
        mixing = sparse.csr_array(self.mixing[rows])
        needed = np.unique(mixing.indices)
        return type(self)(sparse.csr_array(self.weights[needed]), sparse.csr_array(mixing[:, needed]))


def weighted_sums(weights: sparse.csr_array, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return weights (n_rois, p) times frames (n, p), (n_rois, n), summed up in double precision."""
    from napari_calcium.movie.weighted_means import add_up

    sums = np.empty((weights.shape[0], len(pixels)))
    add_up(weights.indptr, weights.indices, weights.data, np.ascontiguousarray(pixels), sums)
    return sums


def _without_shared(footprints: sparse.csr_array) -> sparse.csr_array:
    used = np.bincount(footprints.indices, minlength=footprints.shape[1])
    own = footprints.copy()
    rows = np.repeat(np.arange(footprints.shape[0]), np.diff(footprints.indptr))
    free = used[footprints.indices] == 1
    with_free = np.bincount(rows, free, minlength=footprints.shape[0]) > 0
    own.data = np.where(free | ~with_free[rows], footprints.data, 0)
    own.eliminate_zeros()
    return own


def _unmixing(gram: sparse.csr_array) -> sparse.csr_array:
    """Invert, group by group of touching cells, the matrix of what each cell's mean holds of the others."""
    n_groups, group = connected_components(gram, directed=False)
    order = np.argsort(group, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=n_groups))])
    blocks, rows, columns = [], [], []
    for k in range(n_groups):
        members = order[ends[k] : ends[k + 1]]
        blocks.append(_unmixed(gram[members][:, members].toarray()).ravel())
        rows.append(np.repeat(members, len(members)))
        columns.append(np.tile(members, len(members)))
    entries = (np.concatenate(blocks), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(entries, shape=gram.shape)


def _unmixed(block: NDArray[np.float64]) -> NDArray[np.float64]:
    n = len(block)
    if n == 1:
        return np.ones((1, 1))
    diagonal = np.maximum(np.diag(block), 1e-12)
    inverse = np.linalg.inv(block / diagonal[:, None] + _RIDGE * np.eye(n))
    inverse = inverse / diagonal[None]
    total = inverse.sum(axis=1)
    # In units of the cell's own mean, what is left of 1.
    safe = total * diagonal > _LEAST_SUM
    mixed = np.divide(inverse, total[:, None], out=np.eye(n), where=safe[:, None])
    return np.asarray(mixed)
