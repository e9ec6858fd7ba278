"""Which frames the network works on: fast recordings are averaged in groups, the result is spread again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["FASTEST_HZ", "average_groups", "frames_per_group", "spread_groups"]

FASTEST_HZ = 62.0
"""The highest frame rate that the network sees."""


def frames_per_group(frame_rate: float) -> int:
    """Return how many frames are averaged so that no more than :data:`FASTEST_HZ` are left."""
    return max(1, math.ceil(frame_rate / FASTEST_HZ - 1e-9))


def average_groups(traces: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Average every `size` frames.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        Without NaN.
    size : int
        Frames of a group; the last group may have fewer.

    Returns
    -------
    (n_rois, ceil(n_frames / size)) float32
        The input itself for groups of one.
    """
    if size == 1:
        return traces
    n_rois, n_frames = traces.shape
    whole = n_frames - n_frames % size
    parts: NDArray[np.float32] = traces[:, :whole].reshape(n_rois, -1, size).mean(axis=2)
    if whole == n_frames:
        return parts
    rest = traces[:, whole:].mean(axis=1, dtype=np.float32)
    return np.concatenate([parts, rest[:, None]], axis=1)


def spread_groups(values: NDArray[np.float32], size: int, n_frames: int) -> NDArray[np.float32]:
    """Interpolate values of groups back to every frame, linearly between the middles of the groups.

    Parameters
    ----------
    values : (n_rois, n_groups) float32
        Rates, so that the sum over frames (rate times frame duration) stays what it was, but for the half
        group at each end, which is held.
    size : int
        Frames of a group.
    n_frames : int
        Frames in all.

    Returns
    -------
    (n_rois, n_frames) float32
    """
    if size == 1:
        return values
    n_groups = values.shape[1]
    position = np.clip((np.arange(n_frames) - (size - 1) / 2) / size, 0, n_groups - 1)
    low = np.minimum(position.astype(np.intp), max(n_groups - 2, 0))
    share = (position - low).astype(np.float32)
    high = np.minimum(low + 1, n_groups - 1)
    made: NDArray[np.float32] = values[:, low] * (1 - share) + values[:, high] * share
    return made
