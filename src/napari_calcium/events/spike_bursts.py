"""Events where inferred spikes come in bursts."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.events.row_blocks import Found, merge_close, onsets_in_blocks
from napari_calcium.numerics.bursts import find_bursts
from napari_calcium.progress import Progress, silent
from napari_calcium.settings import Seconds, Settings

__all__ = ["SpikeEvents", "spike_onsets"]


class SpikeEvents(Settings):
    """Events as bursts of inferred spikes."""

    method: Literal["spikes"] = "spikes"
    input: Literal["spikes"] = Field(
        "spikes",
        title="Read from",
        description="Trace to read: the inferred rate in spikes per second. The Spikes stage makes it.",
    )
    window: Annotated[Seconds, Gt(0), Le(10)] = Field(
        0.3,
        title="Window",
        description="Time over which the expected number of spikes is added up: about the uncertainty of a "
        "spike's time.",
    )
    least: Annotated[float, Ge(0.05), Le(100)] = Field(
        0.5,
        title="Least expected",
        description="Number of spikes that must be expected within the window. Raise it against false "
        "events, or to keep bursts only.",
    )
    min_separation: Annotated[Seconds, Gt(0), Le(10)] = Field(
        0.3,
        title="Shortest separation",
        description="Bursts that begin within this time are one event.",
    )


def spike_onsets(
    rate: NDArray[np.float32],
    frame_rate: float,
    settings: SpikeEvents = SpikeEvents(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Found:
    """Find the first spike of every burst.

    Parameters
    ----------
    rate : (n_rois, n_frames) float32
        Expected spikes per second; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : SpikeEvents

    Returns
    -------
    row : (n_events,) int64
    onset_s : (n_events,) float64
        Time at which half of the first spike is expected to have come, in seconds.

    Notes
    -----
    See :func:`napari_calcium.numerics.bursts.find_bursts`. Activity in any other unit than spikes per second
    gives events at a threshold that means nothing.
    """
    width = min(max(1, round(settings.window * frame_rate)), rate.shape[1])
    find = partial(_first_spikes, frame_rate=frame_rate, width=width, least=settings.least)
    row, onset = onsets_in_blocks(
        rate, frame_rate, find, bytes_per_sample=48, on_progress=on_progress, executor=executor
    )
    first = merge_close(row, onset, settings.min_separation)
    return row[first], onset[first]


def _first_spikes(rate: NDArray[np.float64], *, frame_rate: float, width: int, least: float) -> Found:
    found = find_bursts(np.maximum(rate, 0.0) / frame_rate, width, least)
    _, first = np.unique(found.burst, return_index=True)
    return found.row[first], found.place[first]
