"""Where an event begins that the user points at on a trace."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["onset_near", "onset_within"]

# Where a click means an event: the peak is looked for from so long before it to so long after.
_PEAK_BEFORE_S, _PEAK_AFTER_S = 0.3, 0.5
# A rise is followed back from its peak for no longer than this.
_LONGEST_RISE_S = 2.0


def onset_near(trace: NDArray[np.float32], frame_rate: float, seconds: float) -> float:
    """Return the onset of the rise that a click on a trace means.

    Parameters
    ----------
    trace : (n_frames,) float32
        NaN marks a missing sample: it is interpolated.
    frame_rate : float
        Hz.
    seconds : float
        Where the user clicked: on the rise or near the peak.

    Returns
    -------
    float
        Seconds. The highest point from 0.3 s before to 0.5 s after the click (at least one frame each way) is
        the peak; from there back to the lowest point of the last 2 s the rise is found as detection finds it.
        Where the trace does not rise it is the click itself, within the recording.
    """
    n = len(trace)
    clicked = min(max(seconds, 0.0), max(n - 1, 0) / frame_rate)
    if n < 2:
        return clicked
    before, after = (max(1, round(s * frame_rate)) for s in (_PEAK_BEFORE_S, _PEAK_AFTER_S))
    frame, longest = round(clicked * frame_rate), max(2, round(_LONGEST_RISE_S * frame_rate))
    onset = _rise(
        trace, frame_rate, max(0, frame - before - longest), (frame - before, frame + after), longest
    )
    return clicked if onset is None else onset / frame_rate


def onset_within(trace: NDArray[np.float32], frame_rate: float, start_s: float, stop_s: float) -> float:
    """Return the onset of the rise to the highest point of a span that the user drew over a trace.

    Parameters
    ----------
    trace : (n_frames,) float32
        NaN marks a missing sample: it is interpolated.
    frame_rate : float
        Hz.
    start_s, stop_s : float
        Seconds, in any order; frames that begin in the span belong to it. What lies outside of the recording
        is left out.

    Returns
    -------
    float
        Seconds, in the span and in the recording. Where the trace does not rise in the span it is the frame
        at which the span begins; in a span of fewer than two frames it is as for :func:`onset_near`.

    Notes
    -----
    One event a span: of two transients in one span the higher is taken.
    """
    n = len(trace)
    begin, end = (min(max(s * frame_rate, 0.0), max(n - 1, 0.0)) for s in sorted((start_s, stop_s)))
    first, last = math.ceil(begin - 1e-9), math.floor(end + 1e-9)
    if last <= first:
        return onset_near(trace, frame_rate, 0.5 * (begin + end) / frame_rate)
    onset = _rise(trace, frame_rate, first, (first, last), last - first)
    return (first if onset is None else max(onset, float(first))) / frame_rate


def _rise(
    trace: NDArray[np.float32], frame_rate: float, first: int, peaks: tuple[int, int], longest: int
) -> float | None:
    """Return the frame at which the rise to the highest frame of `peaks` begins; None where there is none.

    Nothing before frame `first` is taken for part of it, and nothing `longest` frames before the peak.
    """
    from napari_calcium.events.peaks import onset_of_rise
    from napari_calcium.events.shape import SMOOTH_S, running_mean
    from napari_calcium.numerics.gaps import fill_gaps

    half = int(SMOOTH_S * frame_rate)
    begin = max(0, first - half)  # so that the first frame is smoothed as the others are
    filled, _ = fill_gaps(trace[None, begin : peaks[1] + 1 + half])
    smooth = np.empty(filled.shape[1])
    running_mean(filled[0], half, smooth)
    left, low = max(peaks[0], first) - begin, first - begin
    peak = left + int(np.argmax(smooth[left : peaks[1] + 1 - begin]))
    valley = _valley(smooth, peak, max(low, peak - longest))
    if not smooth[peak] > smooth[valley]:
        return None
    return begin + float(onset_of_rise(smooth, valley, peak))


def _valley(smooth: NDArray[np.float64], peak: int, first: int) -> int:
    """Return the lowest sample before a peak, and after the peak before: where half of the rise is passed."""
    low = peak
    for t in range(peak - 1, first - 1, -1):
        if smooth[t] < smooth[low]:
            low = t
        elif smooth[t] - smooth[low] > 0.5 * (smooth[peak] - smooth[low]):
            break
    return low
