"""k-means whose result depends on the points and the seed alone, not on the threads that work on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["kmeans"]

_MOST_ROUNDS = 200


def kmeans(
    points: NDArray[np.float64], k: int, *, seed: int = 0, n_starts: int = 10
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Divide points into k groups about their means.

    Parameters
    ----------
    points : (n, d) float64
    k : int
        At least 1; groups may stay empty where fewer points are distinct.
    seed : int
    n_starts : int
        The best of so many starts (by the sum of squared distances) is taken.

    Returns
    -------
    labels : (n,) int64
    centres : (k, d) float64

    Notes
    -----
    Lloyd's rounds from starts far apart (Arthur & Vassilvitskii 2007, k-means++). scikit-learn's adds up in
    an order that depends on its threads, so that its results are not the same bytes everywhere.
    """
    random = np.random.default_rng(seed)
    size = np.einsum("ij,ij->i", points, points)
    best = (np.inf, np.zeros(len(points), np.int64), np.zeros((k, points.shape[1])))
    for _ in range(n_starts):
        centres = _start(points, size, k, random)
        labels, centres, cost = _rounds(points, size, centres)
        if cost < best[0] * (1 - 1e-9):
            best = (cost, labels, centres)
    return best[1], best[2]


def _distances(
    points: NDArray[np.float64], size: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    squares = np.einsum("ij,ij->i", centres, centres)
    return np.asarray(np.maximum(size[:, None] - 2 * (points @ centres.T) + squares[None], 0), np.float64)


def _start(
    points: NDArray[np.float64], size: NDArray[np.float64], k: int, random: np.random.Generator
) -> NDArray[np.float64]:
    chosen = [int(random.integers(len(points)))]
    nearest = _distances(points, size, points[chosen])[:, 0]
    while len(chosen) < k:
        total = nearest.sum()
        share = nearest / total if total > 0 else None
        chosen.append(int(random.choice(len(points), p=share)))
        nearest = np.minimum(nearest, _distances(points, size, points[chosen[-1:]])[:, 0])
    return points[chosen]


def _rounds(
    points: NDArray[np.float64], size: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    labels = np.full(len(points), -1)
    for _ in range(_MOST_ROUNDS):
        distance = _distances(points, size, centres)
        new = np.argmin(distance, axis=1)
        if np.array_equal(new, labels):
            break
        labels = new
        number = np.bincount(labels, minlength=len(centres))
        member = np.zeros((len(centres), len(points)))
        member[labels, np.arange(len(points))] = 1
        moved = member @ points / np.maximum(number, 1)[:, None]
        centres = np.where(number[:, None] > 0, moved, centres)
    cost = float(_distances(points, size, centres)[np.arange(len(points)), labels].sum())
    return labels.astype(np.int64), centres, cost
