"""Kernel of the min-max decimation; imported when used, since it loads numba."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["extremes"]


@njit(cache=True, nogil=True)
def extremes(
    traces: NDArray[np.float32], edges: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return frame and value of the two extremes of each bin, in order of time.

    Parameters
    ----------
    traces : (n_rows, n_frames) float32, C-contiguous
    edges : (n_bins + 1,) int64
        Bin k holds the frames from ``edges[k]`` up to ``edges[k + 1]``; none is empty.

    Returns
    -------
    frames : (n_rows, 2 * n_bins) int64
    values : (n_rows, 2 * n_bins) float32
        NaN, at the bin's first and last frame, where the bin holds nothing else.
    """
    n_rows, n_bins = traces.shape[0], len(edges) - 1
    frames = np.empty((n_rows, 2 * n_bins), np.int64)
    values = np.empty((n_rows, 2 * n_bins), np.float32)
    for row in range(n_rows):
        for k in range(n_bins):
            low, high = -1, -1
            lowest, highest = np.float32(np.inf), np.float32(-np.inf)
            for frame in range(edges[k], edges[k + 1]):
                value = traces[row, frame]
                # Comparisons with NaN are false, so missing samples fall through.
                if value < lowest:
                    lowest, low = value, frame
                if value > highest:
                    highest, high = value, frame
            if low < 0:
                low, high = edges[k], edges[k + 1] - 1
            frames[row, 2 * k], frames[row, 2 * k + 1] = min(low, high), max(low, high)
            values[row, 2 * k] = traces[row, min(low, high)]
            values[row, 2 * k + 1] = traces[row, max(low, high)]
    return frames, values
