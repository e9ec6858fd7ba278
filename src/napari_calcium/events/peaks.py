"""Peaks that stand out of a trace, each with the valley before it and the onset of its rise."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["onset_of_rise", "prominent_peaks", "quiet_level"]

# Share of the rise at which the line to the onset begins: above the noise of the valley.
_FOOT = 0.25


def quiet_level(traces: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return level and SD of each trace at rest.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        Without missing samples.

    Returns
    -------
    level, sd : (n_rois,) float64
        Median, and distance from it to the 15.87th percentile: the lower half of a trace holds no transients.
        It misleads where a neuron is active more than about half of the time.
    """
    low, level = np.percentile(traces, [15.8655, 50.0], axis=1)
    return level.astype(np.float64), (level - low).astype(np.float64)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def prominent_peaks(
    trace: NDArray[np.float64], height: float, prominence: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the peaks above `height` that rise by `prominence` and fall by it before the next one.

    Parameters
    ----------
    trace : (n_frames,) float64
        Without missing samples.
    height, prominence : float
        Least value of a peak, and least rise from the valley before; in the unit of the trace.

    Returns
    -------
    peak, valley : (n_peaks,) int64
        Frame of each peak and of the lowest sample between it and the peak before. A peak that is still high
        when the recording ends counts; one that is high from the first frame on has no rise and does not.
    """
    peaks, valleys = [0 for _ in range(0)], [0 for _ in range(0)]
    low, high, rising = 0, 0, False
    for t in range(1, trace.size):
        if rising:
            if trace[t] > trace[high]:
                high = t
            elif trace[high] - trace[t] >= prominence:
                if trace[high] >= height:
                    peaks.append(high)
                    valleys.append(low)
                low, rising = t, False
        elif trace[t] < trace[low]:
            low = t
        elif trace[t] - trace[low] >= prominence:
            high, rising = t, True
    if rising and trace[high] >= height:
        peaks.append(high)
        valleys.append(low)
    return np.array(peaks, np.int64), np.array(valleys, np.int64)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def onset_of_rise(trace: NDArray[np.float64], valley: int, peak: int) -> float:
    """Return where the rise from `valley` to `peak` begins, in frames.

    The last crossings of a quarter and of three quarters of the rise give a line, and the onset is where the
    line leaves the valley's level. A rise within one frame began half a frame before its end on average,
    though the line would begin with the frame before; so up to half a frame is added the steeper the rise.
    """
    span = trace[peak] - trace[valley]
    upper = _last_crossing(trace, valley, peak, trace[valley] + (1.0 - _FOOT) * span)
    lower = _last_crossing(trace, valley, min(int(upper) + 1, peak), trace[valley] + _FOOT * span)
    steep = min(max(0.75 - 0.5 * (upper - lower), 0.0), 0.5)
    onset = lower - _FOOT / (1.0 - 2.0 * _FOOT) * (upper - lower) + steep
    return float(min(max(onset, float(valley)), float(peak)))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _last_crossing(trace: NDArray[np.float64], first: int, last: int, target: float) -> float:
    for t in range(last - 1, first - 1, -1):
        if trace[t] < target:
            return float(t + min(1.0, (target - trace[t]) / (trace[t + 1] - trace[t])))
    return float(first)
