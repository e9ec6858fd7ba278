"""Checks of arguments that every stage shares: what was wrong, what was got, how to mend it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["check_frame_rate", "check_traces"]


def check_traces(traces: ArrayLike) -> NDArray[np.float32]:
    """Return traces as float32 of shape (n_rois, n_frames), C-contiguous; not copied if they already are.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        Zero ROIs are fine; at least one frame is needed. NaN marks a missing sample.

    Raises
    ------
    ValueError
        If the shape is wrong, there is no frame, the values are not real numbers, or some are infinite
        or too large for float32.
    """
    given = np.asarray(traces)
    if given.ndim != 2:
        raise ValueError(
            f"traces must have shape (n_rois, n_frames), got {given.shape}"
            + ("; pass traces[None] for one ROI" if given.ndim == 1 else "")
        )
    if given.shape[1] == 0:
        raise ValueError(f"traces must have at least one frame, got shape {given.shape}")
    if given.dtype.kind not in "fiub":
        raise ValueError(f"traces must be real numbers, got dtype {given.dtype}")
    # What float32 cannot hold becomes infinite, and is named below.
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.ascontiguousarray(given, dtype=np.float32)
        # A product reads at the speed of memory and needs no mask; its overflow only means a closer look.
        totals = values @ np.ones(values.shape[1], np.float32)
    _refuse_infinite(values, given, np.flatnonzero(~np.isfinite(totals)))
    return values


def _refuse_infinite(values: NDArray[np.float32], given: NDArray[Any], suspects: NDArray[np.intp]) -> None:
    for row in suspects.tolist():
        frames = np.flatnonzero(np.isinf(values[row]))
        if len(frames):
            raise ValueError(
                f"traces must be finite or NaN, got {given[row, frames[0]]} at row {row}, frame {frames[0]}"
            )


def check_frame_rate(frame_rate: float) -> float:
    """Return the frame rate as a float in Hz.

    Raises
    ------
    ValueError
        If it is not a finite number above zero.
    """
    try:
        rate = float(frame_rate)
    except (TypeError, ValueError):
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"frame_rate must be a number above 0 Hz, got {frame_rate!r}")
    return rate
