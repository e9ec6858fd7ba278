"""Move frames into place and add them up in bins: a compiled kernel that never stores a moved frame."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_calcium.movie.warp import sample_row

__all__ = ["add_neighbours", "add_to_bins"]

_Image = NDArray[np.float32]
_NOTHING = np.float32(np.nan)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def add_to_bins(
    frames: _Image,
    nodes: _Image,
    y0: float,
    y_step: float,
    x0: float,
    x_step: float,
    bins: NDArray[np.int64],
    sums: _Image,
    seen: _Image,
) -> None:
    """Add each frame, sampled on its field, to `sums[bins[k]]`, and 1 to `seen` where a pixel was inside.

    Parameters
    ----------
    frames : (n, height, width) float32
    nodes : (n, ny, nx, 2) float32
    bins : (n,) int64
        Negative for frames that are left out.
    sums, seen : (n_bins, height, width) float32
    """
    row = np.empty(frames.shape[2], np.float32)
    for k in range(frames.shape[0]):
        if bins[k] < 0:
            continue
        for y in range(frames.shape[1]):
            sample_row(frames[k], y, nodes[k], y0, y_step, x0, x_step, _NOTHING, row)
            total = sums[bins[k], y]
            count = seen[bins[k], y]
            for x in range(np.uint64(row.shape[0])):
                value = row[x]
                inside = value == value
                total[x] += value if inside else np.float32(0)
                count[x] += np.float32(1) if inside else np.float32(0)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def add_neighbours(z: _Image, sums: NDArray[np.float32]) -> None:
    """Add a standardised image (height, width) to sums (6, height, width).

    They are of z, z², and z times its neighbour to the right, below, below right and below left.
    """
    height, width = z.shape
    for y in range(height):
        here = z[y]
        below = z[min(y + 1, height - 1)]
        for x in range(width):
            sums[0, y, x] += here[x]
            sums[1, y, x] += here[x] * here[x]
        for x in range(width - 1):
            sums[2, y, x] += here[x] * here[x + 1]
        if y + 1 < height:
            for x in range(width):
                sums[3, y, x] += here[x] * below[x]
            for x in range(width - 1):
                sums[4, y, x] += here[x] * below[x + 1]
            for x in range(1, width):
                sums[5, y, x] += here[x] * below[x - 1]
