"""Averages over squares of pixels, and their interpolation back: kernels of the spatial high-pass."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["pool", "subtract_pooled"]

_Movie = NDArray[np.float32]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def pool(frames: _Movie, factor: int, out: _Movie) -> None:
    """Average (n, height, width) over squares of `factor` pixels into `out`, rounded up; edges hold fewer."""
    n, height, width = frames.shape
    rows, columns = out.shape[1:]
    line = np.empty(width, np.float32)
    for k in range(n):
        for i in range(rows):
            top = i * factor
            below = min(top + factor, height)
            line[:] = frames[k, top]
            for y in range(top + 1, below):
                for x in range(width):
                    line[x] += frames[k, y, x]
            whole = width // factor
            share = np.float32(1 / ((below - top) * factor))
            for j in range(whole):
                total = np.float32(0)
                for x in range(factor):
                    total += line[j * factor + x]
                out[k, i, j] = total * share
            if whole < columns:
                left = whole * factor
                out[k, i, whole] = line[left:].sum() / np.float32((below - top) * (width - left))


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def subtract_pooled(frames: _Movie, pooled: _Movie, factor: int) -> None:
    """Subtract `pooled`, linear between the centres of its squares and constant beyond, in place."""
    n, height, width = frames.shape
    rows, columns = pooled.shape[1:]
    left = np.empty(width, np.int64)
    along = np.empty(width, np.float32)
    for x in range(width):
        place = min(max((x + 0.5) / factor - 0.5, 0.0), columns - 1.0)
        left[x] = min(int(place), max(columns - 2, 0))
        along[x] = place - left[x]
    line = np.empty(columns, np.float32)
    for k in range(n):
        for y in range(height):
            place = min(max((y + 0.5) / factor - 0.5, 0.0), rows - 1.0)
            top = min(int(place), max(rows - 2, 0))
            down = np.float32(place - top)
            below = min(top + 1, rows - 1)
            for j in range(columns):
                line[j] = pooled[k, top, j] + down * (pooled[k, below, j] - pooled[k, top, j])
            for x in range(width):
                a = line[left[x]]
                b = line[min(left[x] + 1, columns - 1)]
                frames[k, y, x] -= a + along[x] * (b - a)
