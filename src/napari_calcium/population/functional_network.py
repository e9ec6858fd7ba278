"""The functional network: which pairs of cells are correlated beyond chance, and how the links lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.population.shift_test import ShiftTest

__all__ = ["Network", "clustering_coefficients", "modularity", "modules", "significant_pairs"]

_MOST_PAIRS = 1_000_000
_BLOCK_ROWS = 512


@dataclass(frozen=True)
class Network:
    """Pairs that are correlated beyond chance.

    Attributes
    ----------
    adjacency : (n_rois, n_rois) bool
        Symmetric; all significant pairs.
    row_a, row_b : (n_pairs,) int64
        Rows of each pair, ``row_a < row_b``, sorted; at most a million, those that stand out most.
    z_score, p_value, q_value : (n_pairs,) float64
        Correlation over its spread under shift, its pooled p-value, its false-discovery rate.
    n_pairs : int
        Significant pairs in all.
    n_tested : int
    """

    adjacency: NDArray[np.bool_]
    row_a: NDArray[np.int64]
    row_b: NDArray[np.int64]
    z_score: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    n_pairs: int
    n_tested: int


def significant_pairs(matrix: NDArray[np.float32], test: ShiftTest, alpha: float = 0.05) -> Network:
    """Return the pairs whose correlation a circular shift does not give, at a false-discovery rate.

    Parameters
    ----------
    matrix : (n_rois, n_rois) float32
        Correlations; NaN is not tested.
    test : ShiftTest
        Of the same cells.
    alpha : float
        False-discovery rate, 0 to 1.

    Returns
    -------
    Network
        Without pairs where no shift was possible.

    Notes
    -----
    Benjamini–Hochberg on pooled p-values, in classes of 0.01 of the score, so that no list
    of all pairs is sorted: cost and memory go with the square of the cells.
    """
    n = len(matrix)
    observed = np.zeros(len(test.tail), np.int64)
    blocks = [slice(s, min(s + _BLOCK_ROWS, n)) for s in range(0, n, _BLOCK_ROWS)]
    for rows in blocks:
        levels = _upper(test.levels(matrix[rows], rows), rows)
        observed += np.bincount(levels[levels >= 0], minlength=len(observed))
    n_tested = int(observed.sum())
    p = test.p_values(np.arange(len(observed)))
    reaching = np.cumsum(observed[::-1])[::-1]
    # From the weakest level up: a stronger pair is never less significant than a weaker one.
    rate = np.where(reaching > 0, p * n_tested / np.maximum(reaching, 1), np.inf)
    q = np.minimum(np.minimum.accumulate(rate), 1.0)
    passing = (q <= alpha) & (reaching > 0)
    least = int(np.argmax(passing)) if passing.any() else len(observed)
    n_pairs = int(reaching[least]) if least < len(observed) else 0
    cut = _cut_for(reaching, least)
    adjacency = np.zeros((n, n), bool)
    found: list[tuple[NDArray[np.int64], ...]] = []
    for rows in blocks:
        levels = test.levels(matrix[rows], rows)
        adjacency[rows] = levels >= least
        a, b = np.nonzero(_upper(levels, rows) >= cut)
        found.append((a + rows.start, b, levels[a, b]))
    np.fill_diagonal(adjacency, False)
    a, b, level = (
        (np.concatenate(c) if c else np.empty(0, np.int64) for c in zip(*found, strict=True))
        if (found)
        else (np.empty(0, np.int64),) * 3
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (matrix[a, b] / test.spread[a, b]).astype(np.float64)
    return Network(adjacency, a, b, z, p[level], q[level], n_pairs, n_tested)


def _upper(levels: NDArray[np.int64], rows: slice) -> NDArray[np.int64]:
    """Leave of some rows only what is right of the diagonal."""
    column = np.arange(levels.shape[1])
    return np.where(column[None] > np.arange(rows.start, rows.stop)[:, None], levels, -1)


def _cut_for(reaching: NDArray[np.int64], least: int) -> int:
    """Return the level from which on pairs are listed: all significant ones, or the strongest million."""
    return max(least, int(np.argmax(reaching <= _MOST_PAIRS)))


def clustering_coefficients(adjacency: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for each cell the share of its partners' pairs that are linked themselves.

    Parameters
    ----------
    adjacency : (n, n) bool
        Symmetric, without loops.

    Returns
    -------
    (n,) float64
        NaN for cells with fewer than two partners.

    References
    ----------
    Watts & Strogatz 1998, doi:10.1038/30918.
    """
    n = len(adjacency)
    degree = adjacency.sum(axis=1)
    triangles = np.zeros(n)
    # A dense product is quicker than a sparse one from a few per cent of links on.
    dense = degree.sum() > 0.03 * n * n
    links = adjacency.astype(np.float32) if dense else sparse.csr_array(adjacency.astype(np.float32))
    for start in range(0, n, _BLOCK_ROWS):
        rows = slice(start, min(start + _BLOCK_ROWS, n))
        part = links[rows]
        if dense:
            triangles[rows] = np.einsum("ij,ij->i", part @ links, part)
        else:
            triangles[rows] = np.asarray((sparse.csr_array(part @ links) * part).sum(axis=1)).ravel()
    possible = degree * (degree - 1.0)
    return np.where(degree > 1, triangles / np.maximum(possible, 1), np.nan)


def modules(weights: sparse.csr_array) -> NDArray[np.int64]:
    """Divide a network into modules that are linked more inside than their links let expect.

    Parameters
    ----------
    weights : (n, n) sparse
        Symmetric weights above 0, without loops.

    Returns
    -------
    (n,) int64
        Module of each node, 1 for the largest; 0 for a node without links.

    Notes
    -----
    Modularity is climbed by moving single nodes, then whole modules, until nothing gains (the Louvain
    method); nodes are visited from the strongest on, so the result does not depend on their order where
    strengths differ. Any network has modules, a random one too: look at what they do before you believe
    in them.

    References
    ----------
    Blondel et al. 2008, doi:10.1088/1742-5468/2008/10/P10008.
    """
    from napari_calcium.population.modules_kernel import move_nodes

    n = weights.shape[0]
    member = np.arange(n)
    links = sparse.csr_array(weights, dtype=np.float64)
    loops = np.zeros(n)
    while links.nnz:
        order = np.argsort(-(np.asarray(links.sum(axis=1)).ravel() + loops), kind="stable")
        module = np.arange(links.shape[0])
        start, neighbour = links.indptr.astype(np.int64), links.indices.astype(np.int64)
        if not move_nodes(start, neighbour, links.data, loops, order.astype(np.int64), module):
            break
        names, module = np.unique(module, return_inverse=True)
        member = module[member]
        links, loops = _merged(links, loops, module, len(names))
    linked = np.diff(sparse.csr_array(weights).indptr) > 0
    return _by_size(member, linked)


def _merged(
    links: sparse.csr_array, loops: NDArray[np.float64], module: NDArray[np.int64], n: int
) -> tuple[sparse.csr_array, NDArray[np.float64]]:
    """Make every module one node; links inside become its loop."""
    whole = links.tocoo()
    a, b = module[whole.row], module[whole.col]
    inside = a == b
    merged_loops = np.bincount(module, weights=loops, minlength=n).astype(np.float64)
    merged_loops += np.bincount(a[inside], weights=whole.data[inside], minlength=n)
    outside = sparse.coo_array((whole.data[~inside], (a[~inside], b[~inside])), shape=(n, n))
    return outside.tocsr(), merged_loops


def _by_size(member: NDArray[np.int64], linked: NDArray[np.bool_]) -> NDArray[np.int64]:
    result = np.zeros(len(member), np.int64)
    names, first, size = np.unique(member[linked], return_index=True, return_counts=True)
    for rank, k in enumerate(np.lexsort((first, -size)), 1):
        result[linked & (member == names[k])] = rank
    return result


def modularity(weights: sparse.csr_array, module: NDArray[np.int64]) -> float:
    """Return the modularity of a division: the share of links inside modules minus what degrees let expect.

    NaN where there are no links. Newman 2006, doi:10.1073/pnas.0601602103.
    """
    links = sparse.coo_array(weights)
    whole = float(links.data.sum())
    if whole <= 0:
        return float("nan")
    inside = float(links.data[module[links.row] == module[links.col]].sum())
    degree = np.bincount(links.row, weights=links.data, minlength=len(module))
    of_module = np.bincount(module, weights=degree)
    return inside / whole - float(((of_module / whole) ** 2).sum())
