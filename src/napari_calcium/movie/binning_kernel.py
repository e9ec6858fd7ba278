"""Move frames into place and add them up in bins: a compiled kernel that never stores a moved frame."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_calcium.movie.warp import sample_row

__all__ = ["add_to_bins", "close_bin"]

_Image = NDArray[np.float32]
_NOTHING = np.float32(np.nan)
_ONE = np.uint64(1)
_ROWS = 8


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
    n, height, width = frames.shape
    row = np.empty(width, np.float32)
    # A few rows of all frames in turn: the rows of the bin stay in the cache.
    for start in range(0, height, _ROWS):
        for k in range(n):
            if bins[k] < 0:
                continue
            for y in range(start, min(start + _ROWS, height)):
                sample_row(frames[k], y, nodes[k], y0, y_step, x0, x_step, _NOTHING, row)
                total = sums[bins[k], y]
                count = seen[bins[k], y]
                for x in range(np.uint64(width)):
                    value = row[x]
                    inside = value == value
                    total[x] += value if inside else np.float32(0)
                    count[x] += np.float32(1) if inside else np.float32(0)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def close_bin(
    total: _Image,
    count: _Image,
    offset: _Image,
    sd: _Image,
    mean: _Image,
    z: _Image,
    highest: _Image,
    whole: NDArray[np.float64],
    sums: _Image,
) -> None:
    """Take one bin (height, width) into the sums over bins.

    Parameters
    ----------
    total, count : (height, width) float32
        Sum over the frames of the bin, and how many saw each pixel.
    offset, sd : (height, width) float32
        By which values are standardised.
    mean, z : (height, width) float32
        Filled with the mean of the bin, NaN where not seen, and its standardised value, 0 where not seen.
    highest : (height, width) float32
        Raised to `mean` where that is higher.
    whole : (3, height, width) float64
        `total`, `count` and the bins that saw the pixel are added.
    sums : (6, height, width) float32
        z, z², and z times its neighbour to the right, below, below right and below left are added.
    """
    height, width = total.shape
    for y in range(height):
        for x in range(np.uint64(width)):
            seen = count[y, x] > 0
            value = total[y, x] / count[y, x] if seen else _NOTHING
            mean[y, x] = value
            z[y, x] = (value - offset[y, x]) / sd[y, x] if seen else np.float32(0)
            highest[y, x] = value if value > highest[y, x] else highest[y, x]
            whole[0, y, x] += total[y, x]
            whole[1, y, x] += count[y, x]
            whole[2, y, x] += np.float32(1) if seen else np.float32(0)
    for y in range(height):
        here = z[y]
        for x in range(np.uint64(width)):
            sums[0, y, x] += here[x]
            sums[1, y, x] += here[x] * here[x]
        for x in range(np.uint64(width - 1)):
            sums[2, y, x] += here[x] * here[x + _ONE]
        if y + 1 == height:
            continue
        below = z[y + 1]
        for x in range(np.uint64(width)):
            sums[3, y, x] += here[x] * below[x]
        for x in range(np.uint64(width - 1)):
            sums[4, y, x] += here[x] * below[x + _ONE]
            sums[5, y, x + _ONE] += here[x + _ONE] * below[x]
