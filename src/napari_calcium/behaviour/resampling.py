"""A signal of any rate, with gaps, at the frames of a recording, without aliases."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_frame_rate

__all__ = ["at_frames"]

_LONG_STEP = 1.5
"""A step of this many usual ones is a gap: a sample stands for no more time than that."""
_LEAST_COVERED = 0.5


def at_frames(
    time_s: ArrayLike, values: ArrayLike, n_frames: int, frame_rate: float, *, max_gap: float = 1.0
) -> NDArray[np.float64]:
    """Return a signal at the middle of every frame.

    Parameters
    ----------
    time_s : (n_samples,)
        Ascending, in seconds from the start of the first frame; any rate, even or not. Samples before and
        after the recording are fine.
    values : (n_samples,)
        NaN marks missing samples.
    n_frames : int
    frame_rate : float
        Hz.
    max_gap : float
        Seconds. Shorter gaps are bridged by a straight line, longer ones are NaN.

    Returns
    -------
    (n_frames,) float64
        NaN before the first and after the last sample, and in gaps.

    Notes
    -----
    Samples closer than frames are averaged with a raised cosine of two frames' width, each weighted by the
    time it stands for: the mean is kept, what repeats at the frame rate or at 1.5, 2, 2.5 … times of it
    vanishes, and at 0.75 times, which would appear at a quarter of it, 17 % are left (a value picked from
    each frame leaves all). The price is at the top of the band: half of the amplitude at half of the frame
    rate. Samples farther apart than frames are joined by straight lines. Linear in samples and frames.

    Angles that jump from 360° to 0° must not be averaged: give their sine and cosine.
    """
    rate = check_frame_rate(frame_rate)
    time, signal = np.asarray(time_s, np.float64), np.asarray(values, np.float64)
    if time.shape != signal.shape or time.ndim != 1:
        raise ValueError(f"time_s and values must be equally long, got {time.shape} and {signal.shape}")
    known = np.isfinite(signal) & np.isfinite(time)
    time, signal = time[known], signal[known]
    if not len(time) or n_frames == 0:
        return np.full(n_frames, np.nan)
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1 / rate
    if step * rate > 1.0:
        return _joined(time, signal, n_frames, rate, max(max_gap, _LONG_STEP * step))
    averaged = _averaged(time, signal, n_frames, rate, step)
    return _bridged(averaged, round(max_gap * rate))


def _averaged(
    time: NDArray[np.float64], signal: NDArray[np.float64], n_frames: int, rate: float, step: float
) -> NDArray[np.float64]:
    place = time * rate - 0.5
    low = np.floor(place)
    near = (low >= -1) & (low < n_frames)
    place, low = place[near], low[near].astype(np.int64)
    stands_for = _stands_for(time, step)[near]
    share = 0.5 * (1 - np.cos(np.pi * (place - low)))
    # One frame more at each end takes what falls outside.
    frame = np.concatenate([low, low + 1]) + 1
    weight = np.concatenate([(1 - share) * stands_for, share * stands_for])
    total = np.bincount(frame, weight, n_frames + 2)[1:-1]
    top = np.bincount(frame, weight * np.tile(signal[near], 2), n_frames + 2)[1:-1]
    covered = total * rate >= _LEAST_COVERED * (1 - 1e-9)
    return np.where(covered, top / np.where(covered, total, 1.0), np.nan)


def _stands_for(time: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return for how many seconds each sample stands: half the way to both neighbours, not into gaps."""
    half = np.minimum(np.diff(time), _LONG_STEP * step) / 2
    seconds: NDArray[np.float64] = np.append(step / 2, half) + np.append(half, step / 2)
    return seconds


def _joined(
    time: NDArray[np.float64], signal: NDArray[np.float64], n_frames: int, rate: float, longest: float
) -> NDArray[np.float64]:
    """Return straight lines between samples that are not farther apart than `longest`."""
    middle = (np.arange(n_frames) + 0.5) / rate
    values = np.interp(middle, time, signal)
    after = np.searchsorted(time, middle)
    inside = (after > 0) & (after < len(time))
    apart = np.full(n_frames, np.inf)
    apart[inside] = time[after[inside]] - time[after[inside] - 1]
    apart[np.isin(middle, time)] = 0.0
    return np.where(apart <= longest, values, np.nan)


def _bridged(values: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """Join over runs of NaN of at most `longest` frames between known ones."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2 or longest < 1:
        return values
    frames = np.arange(len(values))
    after = np.searchsorted(known, frames)
    inside = (after > 0) & (after < len(known)) & np.isnan(values)
    width = np.zeros(len(values), np.int64)
    width[inside] = known[after[inside]] - known[after[inside] - 1] - 1
    fill = inside & (width <= longest)
    result = values.copy()
    result[fill] = np.interp(frames[fill], known, values[known])
    return result
