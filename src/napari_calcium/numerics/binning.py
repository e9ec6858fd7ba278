"""Events on the grid of frames and windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Runs", "event_frames", "frames_in", "runs_of_windows", "window_counts"]

# Onsets are stored as frame / frame rate: times the rate they may fall a rounding error short of the frame.
_ROUNDING = 1e-6


def frames_in(seconds: float, frame_rate: float, *, at_least: int = 1) -> int:
    """Return the whole number of frames nearest to a duration (half rounds up).

    Examples
    --------
    >>> frames_in(0.5, 4.8), frames_in(0.5, 30.0), frames_in(0.01, 4.8)
    (2, 15, 1)
    """
    return max(at_least, int(seconds * frame_rate + 0.5 + _ROUNDING))


def event_frames(onset_s: NDArray[np.float64], frame_rate: float, n_frames: int) -> NDArray[np.int64]:
    """Return the frame in which each onset falls; times outside the recording go to its first or last frame.

    Parameters
    ----------
    onset_s : (n_events,)
        Seconds from the start of the first frame.
    frame_rate : float
        Hz.
    n_frames : int
        At least 1.
    """
    frames = np.floor(np.asarray(onset_s, np.float64) * frame_rate + _ROUNDING).astype(np.int64)
    return np.clip(frames, 0, n_frames - 1)


@dataclass(frozen=True)
class Runs:
    """Stretches of window positions at which a row is active, on a circle of frames.

    A window that starts at frame t covers t … t + width − 1 (modulo the number of frames). A row is active
    in it if one of its events falls inside.

    Attributes
    ----------
    start, stop : (n_runs,) int64
        First active position, 0 ≤ start < n_frames, and the first one that is not, start < stop.
        ``stop`` may pass the end of the circle.
    offsets : (n_rows + 1,) int64
        Runs of row i are ``offsets[i]:offsets[i + 1]``, in order.
    n_frames : int
    """

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    offsets: NDArray[np.int64]
    n_frames: int

    def coverage(self) -> NDArray[np.float64]:
        """Return for each row the share of window positions at which it is active.

        This is its exact chance of being active in any given window after a uniform circular shift.
        """
        total = np.concatenate([[0], np.cumsum(self.stop - self.start)])
        return np.diff(total[self.offsets]) / self.n_frames


def runs_of_windows(
    rows: NDArray[np.int64], frames: NDArray[np.int64], n_rows: int, n_frames: int, width: int
) -> Runs:
    """Return where on the circle windows of `width` frames hold at least one event of each row.

    Parameters
    ----------
    rows, frames : (n_events,) int64
        In any order, repeats allowed.
    n_rows, n_frames : int
    width : int
        Frames in a window, 1 … n_frames.

    Notes
    -----
    One pass over the events (plus a sort unless they come sorted by row and frame).
    """
    row, frame = _sorted(rows, frames, n_frames)
    first = np.ones(len(row), bool)
    first[1:] = (row[1:] != row[:-1]) | (frame[1:] - frame[:-1] >= width)
    at = np.flatnonzero(first)
    last = np.append(at[1:], len(row))[: len(at)] - 1
    start, stop, owner = frame[at] - width + 1, frame[last] + 1, row[at]
    offsets = np.searchsorted(owner, np.arange(n_rows + 1))
    _close_circles(start, stop, offsets, n_frames)
    wrapped = start < 0
    start[wrapped] += n_frames
    stop[wrapped] += n_frames
    return Runs(start, stop, offsets.astype(np.int64), n_frames)


def _close_circles(
    start: NDArray[np.int64], stop: NDArray[np.int64], offsets: NDArray[np.int64], n_frames: int
) -> None:
    """Cut the first run of each row where, going round the circle, it overlaps the last one."""
    busy = offsets[1:] > offsets[:-1]
    first, last = offsets[:-1][busy], offsets[1:][busy] - 1
    start[first] = np.maximum(start[first], stop[last] - n_frames)


def _sorted(
    rows: NDArray[np.int64], frames: NDArray[np.int64], n_frames: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    key = rows * n_frames + frames
    if len(key) > 1 and (key[1:] < key[:-1]).any():
        key = np.sort(key)
    return np.divmod(key, n_frames) if len(key) else (rows, frames)


def window_counts(
    rows: NDArray[np.int64], frames: NDArray[np.int64], n_rows: int, n_frames: int, width: int
) -> NDArray[np.int64]:
    """Return for each window position, 0 … n_frames − width, how many rows have an event in it.

    A row with several events in a window counts once. Windows do not wrap round the end.
    """
    row, frame = _sorted(rows, frames, n_frames)
    previous = np.full(len(row), -1)
    previous[1:] = np.where(row[1:] == row[:-1], frame[:-1], -1)
    # An event adds the positions that an earlier event of the same row did not cover already.
    start = np.maximum(np.maximum(frame - width, previous) + 1, 0)
    last = n_frames - width
    seen = (start <= last) & (start <= frame)
    steps = np.bincount(start[seen], minlength=last + 2)
    steps -= np.bincount(np.minimum(frame[seen], last) + 1, minlength=last + 2)
    return np.cumsum(steps)[: last + 1]
