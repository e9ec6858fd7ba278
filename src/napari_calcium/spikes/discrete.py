"""Single spike times from an expected rate: as many as expected, where they are expected."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import ArrayLike
from pydantic import Field

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import rows_per_block
from napari_calcium.numerics.bursts import find_bursts
from napari_calcium.progress import Progress, silent
from napari_calcium.results import SpikeTimes
from napari_calcium.settings import Seconds, Settings

__all__ = ["DiscreteSpikes", "discrete_spikes"]


class DiscreteSpikes(Settings):
    """Turns the expected rate into single spike times."""

    window: Annotated[Seconds, Gt(0), Le(10)] = Field(
        0.3,
        title="Window",
        description="Time over which the expected number of spikes is added up. About the uncertainty of a "
        "spike's time: longer for slow indicators and noisy traces.",
    )
    least: Annotated[float, Ge(0.05), Le(10)] = Field(
        0.5,
        title="Least expected",
        description="Number of spikes that must be expected within the window. Lower it to find single "
        "spikes that are less certain, raise it against false ones.",
    )


def discrete_spikes(
    rate: ArrayLike,
    frame_rate: float,
    roi_ids: ArrayLike,
    settings: DiscreteSpikes = DiscreteSpikes(),
    *,
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
    settings : DiscreteSpikes

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
    width = max(1, round(settings.window * fs))
    width = min(width, values.shape[1])
    step = rows_per_block(values.shape[1])
    rows, times = [np.empty(0, np.int64)], [np.empty(0)]
    for start in range(0, len(values), step):
        expected = np.maximum(np.nan_to_num(values[start : start + step].astype(np.float64)), 0.0) / fs
        found = find_bursts(expected, width, settings.least)
        rows.append(found.row + start)
        times.append(np.maximum(found.place / fs, 0.0))
        on_progress(min(start + step, len(values)), len(values))
    return SpikeTimes(ids[np.concatenate(rows)], np.concatenate(times))
