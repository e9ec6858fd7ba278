"""Single spike times from an expected rate: as many as expected, where they are expected."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import rows_per_block
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
    A burst is a stretch of frames all of which lie in some window with at least `least` spikes expected. It
    gets the whole number nearest to its expected number of spikes, at least one, at the times at which the
    expected number so far passes ½, 1½, 2½ … of the number placed. What is expected outside of bursts is left
    out, so weak activity is lost: use the rate itself wherever a rate will do. Two spikes closer than the
    window are told apart by their number alone. Linear time.
    """
    values, fs = check_traces(rate), check_frame_rate(frame_rate)
    ids = np.asarray(roi_ids, np.int64)
    width = max(1, round(settings.window * fs))
    width = min(width, values.shape[1])
    step = rows_per_block(values.shape[1])
    rows, times = [np.empty(0, np.int64)], [np.empty(0)]
    for start in range(0, len(values), step):
        expected = np.maximum(np.nan_to_num(values[start : start + step].astype(np.float64)), 0.0) / fs
        row, place = _place(expected, width, settings.least)
        rows.append(row + start)
        times.append(np.maximum(place / fs, 0.0))
        on_progress(min(start + step, len(values)), len(values))
    return SpikeTimes(ids[np.concatenate(rows)], np.concatenate(times))


def _place(
    expected: NDArray[np.float64], width: int, least: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return row and place (in frames) of the spikes of a block, from the expected spikes per frame."""
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
    return row[burst], _crossings(so_far, row[burst], target)


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
