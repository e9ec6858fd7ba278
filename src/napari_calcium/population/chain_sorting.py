"""Cells along one line, such that neighbours are alike: an own sorting, for sequences and gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.population.kmeans import kmeans
from napari_calcium.population.principal_components import leading_components

__all__ = ["chain_order", "seriated"]

_MOST_NODES = 100
_FINE = 10
"""Places between two neighbouring nodes at which a cell can stand."""


def chain_order(z: NDArray[np.float32], *, seed: int = 0) -> NDArray[np.int64]:
    """Sort cells along a line on which neighbours are active alike.

    Parameters
    ----------
    z : (n_rois, n_bins) float32
        Rows of mean 0 and length 1; rows of 0 come last.
    seed : int
        Where k-means starts.

    Returns
    -------
    (n_rois,) int64
        Rows from one end to the other; the end with the more active first half of the recording is on top.

    Notes
    -----
    Cells are gathered into at most 100 nodes (k-means on the leading principal components). The nodes are put
    in line: the spectral order of their similarities (the Fiedler vector; Atkins et al. 1998,
    doi:10.1137/S0097539795285771), bettered by turning stretches round and moving them elsewhere as long as
    neighbours, and neighbours' neighbours, become more alike. Along the line a course is interpolated, and
    every cell is put where that course is most like its own.

    Cost: cells × bins × components, and nodes³. Any data can be sorted, noise too, and looks sorted: look at
    time that had no say in the order (``held_out`` in the settings).
    """
    active = np.flatnonzero(z.any(axis=1))
    rest = np.setdiff1d(np.arange(len(z)), active)
    if len(active) < 3:
        return np.concatenate([active, rest]).astype(np.int64)
    values, cells, _ = leading_components(z[active], min(32, *z[active].shape))
    points = cells * np.sqrt(np.maximum(values, 0))
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    nodes = _nodes(points, seed)
    line = nodes[seriated(nodes @ nodes.T)]
    place = _places(points, line)
    order = active[np.argsort(place, kind="stable")]
    return np.concatenate([_turned(order, z), rest]).astype(np.int64)


def _nodes(points: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return directions in the space of components that stand for the cells, as many as cells allow."""
    n_nodes = min(_MOST_NODES, len(points) // 5)
    if n_nodes < 10:
        return points
    centres = kmeans(points, n_nodes, seed=seed, n_starts=1)[1]
    return np.asarray(centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12), np.float64)


def seriated(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return an order in which things that are alike are near each other.

    Parameters
    ----------
    similarity : (n, n) float64
        Symmetric; the larger the more alike.

    Returns
    -------
    (n,) int64
    """
    n = len(similarity)
    if n < 3:
        return np.arange(n)
    off = similarity - similarity.min()
    np.fill_diagonal(off, 0)
    laplacian = np.diag(off.sum(axis=1)) - off
    fiedler = np.linalg.eigh(laplacian)[1][:, 1]
    spectral = np.argsort(fiedler, kind="stable")
    bettered = _bettered(spectral, off)
    # Neighbours may become more alike at the cost of the line as a whole, which comes first.
    return bettered if _worth(bettered, off) >= _worth(spectral, off) else spectral


def _worth(order: NDArray[np.int64], off: NDArray[np.float64]) -> float:
    """Return how alike things are up to a quarter of the line apart, the nearer the more it counts."""
    reach = max(1, len(order) // 4)
    return sum(float(off[order[:-lag], order[lag:]].mean()) / lag for lag in range(1, reach + 1))


def _bettered(order: NDArray[np.int64], off: NDArray[np.float64]) -> NDArray[np.int64]:
    """Turn stretches round, or move them, as long as neighbours become more alike (2-opt and or-opt)."""
    n = len(order)
    for _ in range(10 * n):
        gain, better = _best_turn(order, off)
        if gain <= 1e-9:
            gain, better = _best_move(order, off)
        if gain <= 1e-9:
            break
        order = better
    return order


def _best_turn(order: NDArray[np.int64], off: NDArray[np.float64]) -> tuple[float, NDArray[np.int64]]:
    """Return the turn of a stretch i … j that gains most for the sum over neighbours."""
    n = len(order)
    s = np.zeros((n + 2, n + 2))
    s[1:-1, 1:-1] = off[np.ix_(order, order)]  # beyond both ends there is nothing, alike to nobody
    i, j = np.triu_indices(n, 1)
    a, b = i + 1, j + 1
    gain = s[a - 1, b] + s[a, b + 1] - s[a - 1, a] - s[b, b + 1]
    best = int(np.argmax(gain))
    turned = order.copy()
    turned[i[best] : j[best] + 1] = order[i[best] : j[best] + 1][::-1]
    return float(gain[best]), turned


def _best_move(order: NDArray[np.int64], off: NDArray[np.float64]) -> tuple[float, NDArray[np.int64]]:
    """Return the move of one to three neighbours to another place that gains most."""
    n = len(order)
    best_gain, best_order = 0.0, order
    for length in (1, 2, 3):
        for start in range(n - length + 1):
            piece = order[start : start + length]
            left = np.concatenate([order[:start], order[start + length :]])
            if not len(left):
                continue
            freed = _link(off, order, start - 1, start) + _link(
                off, order, start + length - 1, start + length
            )
            closed = _link(off, left, start - 1, start)
            before = np.concatenate([[0.0], off[left, piece[0]]])
            after = np.concatenate([off[piece[-1], left], [0.0]])
            opened = np.concatenate([[0.0], off[left[:-1], left[1:]], [0.0]])
            gain = before + after - opened + closed - freed
            at = int(np.argmax(gain))
            if gain[at] > best_gain + 1e-12:
                best_gain = float(gain[at])
                best_order = np.concatenate([left[:at], piece, left[at:]])
    return best_gain, best_order


def _link(off: NDArray[np.float64], order: NDArray[np.int64], a: int, b: int) -> float:
    return float(off[order[a], order[b]]) if a >= 0 and b < len(order) else 0.0


def _places(points: NDArray[np.float64], line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each cell the place on the line whose smoothed, interpolated course is most like its own."""
    from scipy.ndimage import gaussian_filter1d

    course = gaussian_filter1d(line, 0.7, axis=0, mode="nearest")
    grid = np.linspace(0, len(line) - 1, (len(line) - 1) * _FINE + 1)
    low = np.minimum(grid.astype(np.int64), max(0, len(line) - 2))
    share = (grid - low)[:, None]
    fine = (1 - share) * course[low] + share * course[np.minimum(low + 1, len(line) - 1)]
    fine /= np.maximum(np.linalg.norm(fine, axis=1, keepdims=True), 1e-12)
    best = np.empty(len(points))
    for start in range(0, len(points), 1024):
        likeness = points[start : start + 1024] @ fine.T
        best[start : start + 1024] = grid[np.argmax(likeness, axis=1)]
    return best


def _turned(order: NDArray[np.int64], z: NDArray[np.float32]) -> NDArray[np.int64]:
    """Put the end on top whose cells are active earlier: the line has no direction of its own."""
    half = z.shape[1] // 2
    early = np.maximum(z[:, :half], 0).sum(axis=1)[order]
    middle = len(order) // 2
    return order[::-1] if early[:middle].sum() < early[len(order) - middle :].sum() else order
