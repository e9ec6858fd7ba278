"""Link the local maxima of a wavelet transform to ridges across its scales."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["walk_ridges"]

# Maxima below this many standard deviations are noise and no part of a ridge.
_FLOOR = 1.0
# A ridge may miss this many scales running before it ends.
_MAX_GAP = 1


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def walk_ridges(
    height: NDArray[np.float64], widths: NDArray[np.float64], n_sd: float, min_scales: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Walk along the ridges of one trace's transform, from the broadest scale to the narrowest.

    Parameters
    ----------
    height : (n_scales, n_frames) float64
        Transform in standard deviations of its noise, narrowest scale first.
    widths : (n_scales,) float64
        Width of each scale in frames, ascending: how far a ridge may step on its way.
    n_sd : float
        Least height of a ridge's highest point.
    min_scales : int
        Least number of scales a ridge runs through.

    Returns
    -------
    peak : (n_ridges,) int64
        Frame where each ridge ends at its narrowest scale.
    best : (n_ridges,) int64
        Scale of its highest point.
    """
    n_scales, n_frames = height.shape
    capacity = n_scales * (n_frames // 2 + 1)
    place, gap = np.empty(capacity, np.int64), np.zeros(capacity, np.int64)
    length, best = np.zeros(capacity, np.int64), np.empty(capacity, np.int64)
    top = np.empty(capacity)
    owner = np.empty(n_frames, np.int64)
    n_ridges = 0
    for scale in range(n_scales - 1, -1, -1):
        row = height[scale]
        _mark_maxima(row, owner)
        reach = max(1, int(np.ceil(widths[scale])))
        for ridge in range(n_ridges):
            if gap[ridge] > _MAX_GAP:
                continue
            t = _nearest_free(owner, place[ridge], reach)
            if t < 0:
                gap[ridge] += 1
                continue
            owner[t] = ridge
            place[ridge], gap[ridge] = t, 0
            length[ridge] += 1
            if row[t] > top[ridge]:
                top[ridge], best[ridge] = row[t], scale
        for t in range(n_frames):
            if owner[t] == -1:
                place[n_ridges], length[n_ridges], top[n_ridges], best[n_ridges] = t, 1, row[t], scale
                n_ridges += 1
    kept = np.flatnonzero((top[:n_ridges] >= n_sd) & (length[:n_ridges] >= min_scales))
    return place[kept], best[kept]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mark_maxima(row: NDArray[np.float64], owner: NDArray[np.int64]) -> None:
    """Fill −1 at the local maxima above the floor and −2 elsewhere."""
    owner[:] = -2
    for t in range(1, row.size - 1):
        if row[t] > _FLOOR and row[t] >= row[t - 1] and row[t] > row[t + 1]:
            owner[t] = -1


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _nearest_free(owner: NDArray[np.int64], centre: int, reach: int) -> int:
    """Return the nearest maximum that no ridge has taken yet, the earlier one of two, or −1."""
    for step in range(reach + 1):
        for t in (centre - step, centre + step):
            if 0 <= t < owner.size and owner[t] == -1:
                return t
    return -1
