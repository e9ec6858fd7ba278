"""Missing samples: fill them for a filter, and put them back afterwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["fill_gaps"]


def fill_gaps(traces: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.bool_] | None]:
    """Interpolate linearly over NaN, and hold the nearest value at both ends.

    Parameters
    ----------
    traces : (n_rois, n_frames)

    Returns
    -------
    filled : (n_rois, n_frames)
        The input itself, not a copy, when nothing is missing; a row without any value becomes 0.
    missing : (n_rois, n_frames) bool, or None
        Where values were missing; None when nothing was.
    """
    # One reduction that NaN survives is cheaper than a mask of the whole array.
    if not np.isnan(traces.sum(dtype=np.float64)):
        return traces, None
    missing = np.isnan(traces)
    if not missing.any():
        return traces, None
    filled = traces.copy()
    frames = np.arange(traces.shape[1])
    for row in np.flatnonzero(missing.any(axis=1)):
        gap = missing[row]
        if gap.all():
            filled[row] = 0
        else:
            filled[row, gap] = np.interp(frames[gap], frames[~gap], traces[row, ~gap])
    return filled, missing
