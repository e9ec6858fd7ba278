"""Where an expected number of spikes is high enough to speak of spikes, and where in there they lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

__all__ = ["Bursts", "find_bursts"]


class Bursts(NamedTuple):
    """Single spikes and the bursts they belong to, sorted by row and time.

    Attributes
    ----------
    row : (n_spikes,) int64
    burst : (n_spikes,) int64
        Number of the burst, from 0 on, counted through all rows.
    place : (n_spikes,) float64
        In frames; frame k is centred on k.
    """

    row: NDArray[np.int64]
    burst: NDArray[np.int64]
    place: NDArray[np.float64]


def find_bursts(expected: NDArray[np.float64], width: int, least: float) -> Bursts:
    """Place whole spikes where enough are expected.

    Parameters
    ----------
    expected : (n_rows, n_frames) float64
        Expected number of spikes per frame, not negative, without NaN.
    width : int
        Frames over which the expectation is added up, 1 to n_frames.
    least : float
        Number that must be expected within them.

    Returns
    -------
    Bursts

    Notes
    -----
    A burst is a stretch of frames all of which lie in some window with at least `least` spikes expected. It
    gets the whole number nearest to its expected number, at least one, where the expected number so far
    passes ½, 1½, 2½ … of the number placed. Linear time.
    """
    in_window = uniform_filter1d(expected, width, axis=1, mode="constant") * width
    # Every frame of a window that holds enough belongs to a burst; an even window leans the other way back.
    origin = 0 if width % 2 else -1
    bursting = maximum_filter1d(in_window, width, axis=1, mode="constant", origin=origin) >= least
    padded = np.pad(bursting, ((0, 0), (1, 1))).astype(np.int8)
    edges = np.diff(padded, axis=1)
    row, first = np.nonzero(edges == 1)
    stop = np.nonzero(edges == -1)[1]
    so_far = np.concatenate([np.zeros((len(expected), 1)), np.cumsum(expected, axis=1)], axis=1)
    before = so_far[row, first]
    total = so_far[row, stop] - before
    number = np.maximum(1, np.rint(total)).astype(np.int64)
    burst = np.repeat(np.arange(len(row)), number)
    rank = np.arange(len(burst)) - np.repeat(np.cumsum(number) - number, number)
    target = before[burst] + (rank + 0.5) / number[burst] * total[burst]
    return Bursts(row[burst], burst, _crossings(so_far, row[burst], target))


def _crossings(
    so_far: NDArray[np.float64], row: NDArray[np.int64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where the cumulated expectation passes a target, in frames whose middle is a whole number."""
    places = np.empty(len(row))
    for r in np.unique(row):
        mine = row == r
        k = np.clip(np.searchsorted(so_far[r], target[mine], side="left"), 1, so_far.shape[1] - 1)
        low, high = so_far[r, k - 1], so_far[r, k]
        share = np.divide(target[mine] - low, high - low, out=np.full(len(k), 0.5), where=high > low)
        places[mine] = k - 1 + share - 0.5
    return places
