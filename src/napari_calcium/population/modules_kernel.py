"""Moving nodes between modules until none gains: the inner loop of modularity, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["move_nodes"]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def move_nodes(
    start: NDArray[np.int64],
    neighbour: NDArray[np.int64],
    weight: NDArray[np.float64],
    own_loop: NDArray[np.float64],
    order: NDArray[np.int64],
    module: NDArray[np.int64],
) -> bool:
    """Give every node the module in which it adds most to modularity, again and again; `module` is changed.

    Parameters
    ----------
    start, neighbour, weight
        Links in compressed rows, each in both directions, without loops.
    own_loop : (n,) float64
        Weight of the links inside a node that stands for several, each counted in both directions.
    order : (n,) int64
        In which nodes are visited.
    module : (n,) int64

    Returns
    -------
    bool
        Whether any node moved.
    """
    n = len(own_loop)
    degree = own_loop.copy()
    for i in range(n):
        for k in range(start[i], start[i + 1]):
            degree[i] += weight[k]
    whole = degree.sum()
    total = np.zeros(n)
    for i in range(n):
        total[module[i]] += degree[i]
    to = np.zeros(n)
    seen = np.empty(n, np.int64)
    any_moved = False
    for _ in range(1000):
        moved = 0
        for i in order:
            n_seen = 0
            for k in range(start[i], start[i + 1]):
                m = module[neighbour[k]]
                if to[m] == 0.0:
                    seen[n_seen] = m
                    n_seen += 1
                to[m] += weight[k]
            old = module[i]
            total[old] -= degree[i]
            best, gain = old, to[old] - degree[i] * total[old] / whole
            for s in range(n_seen):
                m = seen[s]
                here = to[m] - degree[i] * total[m] / whole
                if here > gain + 1e-12 * whole:
                    best, gain = m, here
            for s in range(n_seen):
                to[seen[s]] = 0.0
            total[best] += degree[i]
            if best != old:
                module[i] = best
                moved += 1
        if moved == 0:
            break
        any_moved = True
    return any_moved
