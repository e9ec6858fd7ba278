"""Single spike times from an expected rate: as many as expected, where they are expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import rows_per_block
from napari_calcium.numerics.bursts import find_bursts
from napari_calcium.progress import Progress, silent
from napari_calcium.results.tables import SpikeTimes

__all__ = ["discrete_spikes"]


def discrete_spikes(
    rate: ArrayLike,
    frame_rate: float,
    roi_ids: ArrayLike,
    *,
    window_s: float = 0.3,
    least: float = 0.5,
    on_progress: Progress = silent,
) -> SpikeTimes:
    """Place single spikes where an expected rate is high.

    Parameters
    ----------
    rate : (n_rois, n_frames)
        Expected spikes per second; NaN counts as none.
    frame_rate : float
        In Hz.
    roi_ids : (n_rois,) int
    window_s : float
        Time over which the expected number of spikes is added up, in seconds: about the uncertainty of a
        spike's time.
    least : float
        Number of spikes that must be expected within it.

    Returns
    -------
    SpikeTimes
        Sorted by row and time. Times are in seconds from the start of the recording; the rate of frame k
        stands for the time from half a frame before k / `frame_rate` to half a frame after.

    Notes
    -----
    See :func:`napari_calcium.numerics.bursts.find_bursts`. What is expected outside of bursts is left out, so
    weak activity is lost: use the rate itself wherever a rate will do. Two spikes closer than the window are
    told apart by their number alone. Linear time.
    """
    values, fs = check_traces(rate), check_frame_rate(frame_rate)
    ids = np.asarray(roi_ids, np.int64)
    width = max(1, round(window_s * fs))
    width = min(width, values.shape[1])
    step = rows_per_block(values.shape[1])
    rows, times = [np.empty(0, np.int64)], [np.empty(0)]
    for start in range(0, len(values), step):
        expected = np.maximum(np.nan_to_num(values[start : start + step].astype(np.float64)), 0.0) / fs
        found = find_bursts(expected, width, least)
        rows.append(found.row + start)
        times.append(np.maximum(found.place / fs, 0.0))
        on_progress(min(start + step, len(values)), len(values))
    return SpikeTimes(ids[np.concatenate(rows)], np.concatenate(times))
