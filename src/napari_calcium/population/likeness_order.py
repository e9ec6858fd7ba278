"""Cells that are alike side by side: the order of a matrix by hierarchical clustering."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["likeness_order", "likeness_tree"]

_OPTIMAL = 400
"""Up to so many cells the leaves of the tree are put in their best order, which costs their cube."""


def likeness_tree(matrix: NDArray[np.float32], *, optimal: bool = False) -> NDArray[np.float64]:
    """Return the average-linkage tree of cells from their correlations (distance = 1 − correlation).

    Parameters
    ----------
    matrix : (n, n) float32
        Symmetric; NaN (a pair that shares no sample) counts as no correlation. At least 2 cells.
    optimal : bool
        Turn the branches so that neighbours are as alike as the tree allows.

    Returns
    -------
    (n − 1, 4) float64
        As :func:`scipy.cluster.hierarchy.linkage` gives it.
    """
    from scipy.cluster.hierarchy import linkage

    n = len(matrix)
    distance = np.empty(n * (n - 1) // 2)
    at = 0
    for row in range(n - 1):
        distance[at : at + n - 1 - row] = matrix[row, row + 1 :]
        at += n - 1 - row
    np.nan_to_num(distance, copy=False)
    np.subtract(1.0, distance, out=distance)
    np.clip(distance, 0.0, 2.0, out=distance)
    tree: NDArray[np.float64] = linkage(distance, "average", optimal_ordering=optimal)
    return tree


def likeness_order(matrix: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the rows of a correlation matrix such that cells that are alike stand together.

    Parameters
    ----------
    matrix : (n, n) float32
        Symmetric. Cells without any correlation (NaN on the diagonal) come last, in their order.

    Returns
    -------
    (n,) int64

    Notes
    -----
    The leaves of an average-linkage tree, whose branches are turned optimally up to 400 cells (Bar-Joseph et
    al. 2001, doi:10.1093/bioinformatics/17.suppl_1.S22). Time and memory go with the square of the cells. An
    order always looks like structure: the tests say whether there is some.
    """
    from scipy.cluster.hierarchy import leaves_list

    known = np.isfinite(np.diagonal(matrix))
    rows, rest = np.flatnonzero(known), np.flatnonzero(~known)
    if len(rows) > 2:
        part = matrix if len(rows) == len(matrix) else matrix[np.ix_(rows, rows)]
        rows = rows[leaves_list(likeness_tree(part, optimal=len(rows) <= _OPTIMAL))]
    return np.concatenate([rows, rest]).astype(np.int64)
