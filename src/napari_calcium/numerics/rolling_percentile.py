"""Percentile of a sliding window: exact, and as fast for long windows as for short ones."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["rolling_percentile"]

_SEGMENT_WINDOWS = 4
_SEGMENT_FRAMES = 512


def rolling_percentile(traces: NDArray[np.float32], percentile: float, window: int) -> NDArray[np.float32]:
    """Compute the percentile of the samples within half a window of every frame.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        NaN is left out of the windows.
    percentile : float
        0 to 100; interpolated linearly between order statistics, as NumPy does.
    window : int
        Frames; an even number is widened by one so that the window is centred. Windows are cut off at both
        ends of the trace.

    Returns
    -------
    (n_rois, n_frames) float32
        NaN where the window holds no sample.

    Notes
    -----
    A trace is cut into segments of a few windows and each segment is sorted once. Then a window is a set of
    ranks, and sliding it by a frame moves its percentile by at most one rank held by the window: O(log
    window) a frame for the sorting, the rest does not depend on the window.
    """
    n_rois, n_frames = traces.shape
    half = min(window // 2, n_frames)
    length = max(_SEGMENT_WINDOWS * (2 * half + 1), _SEGMENT_FRAMES)
    result = np.empty((n_rois, n_frames), np.float32)
    for start in range(0, n_frames, length):
        stop = min(start + length, n_frames)
        first, last = max(0, start - half), min(n_frames, stop + half)
        part = traces[:, first:last]
        order = np.argsort(part, axis=1)
        _slide(part, order, half, percentile, start - first, result[:, start:stop])
    return result


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _slide(
    part: NDArray[np.float32],
    order: NDArray[np.int64],
    half: int,
    percentile: float,
    offset: int,
    result: NDArray[np.float32],
) -> None:  # pragma: no cover - compiled
    """Fill `result`, whose first frame is frame `offset` of `part`, given the sorting `order` of `part`."""
    n_frames = part.shape[1]
    rank = np.empty(n_frames, np.int64)
    for row in range(part.shape[0]):
        for place in range(n_frames):
            rank[order[row, place]] = place
        held = np.zeros(n_frames, np.bool_)
        # `pivot` is a rank, `below` the number of held ranks under it, `count` that of all held ranks.
        pivot, below, count = 0, 0, 0
        for frame in range(-2 * half, result.shape[1]):
            leaves = offset + frame - half - 1
            if frame > 0 and leaves >= 0 and not np.isnan(part[row, leaves]):
                held[rank[leaves]] = False
                count -= 1
                below -= rank[leaves] < pivot
            enters = offset + frame + half
            if 0 <= enters < n_frames and not np.isnan(part[row, enters]):
                held[rank[enters]] = True
                count += 1
                below += rank[enters] < pivot
            if frame < 0:
                continue
            if count == 0:
                result[row, frame] = np.nan
                continue
            position = percentile / 100.0 * (count - 1)
            wanted = min(int(position), count - 1)
            while below > wanted:
                pivot -= 1
                below -= held[pivot]
            while below < wanted or not held[pivot]:
                below += held[pivot]
                pivot += 1
            value = part[row, order[row, pivot]]
            share = position - wanted
            if share > 0:
                above = pivot + 1
                while not held[above]:
                    above += 1
                value += share * (part[row, order[row, above]] - value)
            result[row, frame] = value
