"""Shape of transients, measured on the trace in one way for every detection method."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from napari_calcium.numerics.blocks import map_blocks, rows_per_block
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.progress import Progress, silent

__all__ = ["SMOOTH_S", "Shapes", "measure_shapes", "running_mean"]

# The level just before an event is the mean over this time.
_LEVEL_S = 0.4
# A peak is looked for at least this long after onset, then for as long as the trace stays above half of it.
_RISE_S = 0.5
# Samples are averaged over at most this time to each side of a point, which is no sample at 10 Hz and below.
SMOOTH_S = 0.08
_END_SHARE = 0.2
# The trace has fallen to a level when it stays there on average for this long: one noisy sample is no end.
_HOLD_S = 0.1


@dataclass(frozen=True)
class Shapes:
    """Measures of events, one entry an event, in the order of the onsets given.

    Attributes
    ----------
    peak_s, end_s : (n_events,) float64
        Time of the highest point, and when the trace is back within 20 % of the amplitude (or the next event
        begins, or the recording ends), in seconds from the start of the first frame.
    amplitude : (n_events,) float64
        Peak minus the mean of the 0.4 s (at least one frame) before onset, in the unit of the trace.
    rise_s, decay_s : (n_events,) float64
        From onset to peak, and from peak until 1/e of the amplitude is left; NaN where it never falls so far
        before the next event.
    fwhm_s : (n_events,) float64
        Full width at half of the amplitude; NaN where the trace never falls to half before the next event.
    """

    peak_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    rise_s: NDArray[np.float64]
    decay_s: NDArray[np.float64]
    fwhm_s: NDArray[np.float64]


def measure_shapes(
    traces: NDArray[np.float32],
    frame_rate: float,
    row: NDArray[np.int64],
    onset_s: NDArray[np.float64],
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Shapes:
    """Measure peak, end, amplitude and widths of events whose onsets are known.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        Missing samples (NaN) are interpolated.
    frame_rate : float
        In Hz.
    row : (n_events,) int64
        Row of each event's trace, ascending.
    onset_s : (n_events,) float64
        Onsets in seconds, ascending within each row.

    Returns
    -------
    Shapes

    Notes
    -----
    Above 12 Hz the trace is averaged over up to 0.16 s around each sample first, so that a peak is not the
    highest noise sample. Noise still makes amplitudes of weak events too high, by about one
    standard deviation of the averaged trace. Crossings are interpolated between frames. Time is linear in
    the number of samples.
    """
    n_rois, n_frames = traces.shape
    result = np.empty((6, len(row)))
    first_of = np.searchsorted(row, np.arange(n_rois + 1))
    frames = tuple(max(1, round(seconds * frame_rate)) for seconds in (_LEVEL_S, _RISE_S, _HOLD_S))
    work = partial(
        _measure_block, traces, row, onset_s * frame_rate, first_of, int(SMOOTH_S * frame_rate), frames
    )
    size = rows_per_block(n_frames)
    for rows, found in map_blocks(work, n_rois, size, on_progress=on_progress, executor=executor):
        result[:, first_of[rows.start] : first_of[rows.stop]] = found
    peak, end, amplitude, rise, decay, fwhm = result
    return Shapes(
        peak / frame_rate,
        end / frame_rate,
        amplitude,
        rise / frame_rate,
        decay / frame_rate,
        fwhm / frame_rate,
    )


def _measure_block(
    traces: NDArray[np.float32],
    row: NDArray[np.int64],
    onset: NDArray[np.float64],
    first_of: NDArray[np.int64],
    half: int,
    frames: tuple[int, ...],
    rows: slice,
) -> NDArray[np.float64]:
    """Return peak, end, amplitude, rise, decay and width (6, n), in frames, of the events of some rows."""
    filled, _ = fill_gaps(traces[rows])
    events = slice(first_of[rows.start], first_of[rows.stop])
    result = np.empty((6, events.stop - events.start))
    _measure(filled, row[events] - rows.start, onset[events], half, *frames, result)
    return result


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _measure(
    traces: NDArray[np.floating[Any]],
    row: NDArray[np.int64],
    onset: NDArray[np.float64],
    half: int,
    n_level: int,
    n_rise: int,
    n_hold: int,
    result: NDArray[np.float64],
) -> None:
    """Fill peak, end, amplitude, rise, decay and width, in frames, for events of a block."""
    n_frames = traces.shape[1]
    smooth = np.empty(n_frames)
    smoothed_row = -1
    for k in range(row.size):
        if row[k] != smoothed_row:
            smoothed_row = row[k]
            running_mean(traces[smoothed_row], half, smooth)
        trace = traces[smoothed_row]
        # The first frame at or after onset, and the last one before the next event.
        first = min(max(int(np.ceil(onset[k])), 0), n_frames - 1)
        last = n_frames - 1
        if k + 1 < row.size and row[k + 1] == row[k]:
            last = min(max(int(np.ceil(onset[k + 1])) - 1, first), last)
        begin = max(0, first - n_level)
        if k > 0 and row[k - 1] == row[k]:
            begin = min(max(begin, int(result[0, k - 1])), max(first - 1, 0))
        level = np.mean(trace[begin : max(first, begin + 1)].astype(np.float64))
        peak = _peak(smooth, first, last, n_rise, level)
        height = smooth[peak] - level
        fall = _fall(smooth, peak, last, n_hold, level + 0.5 * height)
        rise = _rise(smooth, max(first - 1, 0), peak, level + 0.5 * height)
        end = _fall(smooth, peak, last, n_hold, level + _END_SHARE * height)
        result[0, k] = max(float(peak), onset[k])
        result[1, k] = max(end if not np.isnan(end) else float(last), result[0, k])
        result[2, k] = height
        result[3, k] = result[0, k] - onset[k]
        result[4, k] = _fall(smooth, peak, last, n_hold, level + height / np.e) - peak
        result[5, k] = fall - rise


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def running_mean(trace: NDArray[np.floating[Any]], half: int, result: NDArray[np.float64]) -> None:
    """Average over `half` samples to each side; windows shrink at the ends."""
    n = trace.size
    for t in range(n):
        # Both sides shrink together, so that a slope is not shifted.
        reach = min(half, t, n - 1 - t)
        total = 0.0
        for i in range(t - reach, t + reach + 1):
            total += trace[i]
        result[t] = total / (2 * reach + 1)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _peak(trace: NDArray[np.float64], first: int, last: int, n_rise: int, level: float) -> int:
    """Return the highest sample from `first` on, until the trace has fallen to half of it."""
    best = first
    for t in range(first, last + 1):
        if trace[t] > trace[best]:
            best = t
        elif t - first > n_rise and trace[t] - level < 0.5 * (trace[best] - level):
            break
    return best


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _fall(trace: NDArray[np.float64], peak: int, last: int, n_hold: int, target: float) -> float:
    """Return when the trace first falls to `target` after `peak`, NaN if not before `last`."""
    for t in range(peak + 1, last + 1):
        if trace[t] <= target and np.mean(trace[t : min(t + n_hold, last) + 1]) <= target:
            step = trace[t - 1] - trace[t]
            share = (trace[t - 1] - target) / step if step > 0 else 1.0
            return float(t - 1 + min(max(share, 0.0), 1.0))
    return np.nan


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _rise(trace: NDArray[np.float64], first: int, peak: int, target: float) -> float:
    """Return when the trace last rises through `target` before `peak`."""
    for t in range(peak - 1, first - 1, -1):
        if trace[t] < target:
            return float(t + (target - trace[t]) / (trace[t + 1] - trace[t]))
    return float(first)
