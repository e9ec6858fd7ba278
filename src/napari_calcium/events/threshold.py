"""Events where a trace rises above a threshold of its own, as the course has it."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.events.row_blocks import Found, onsets_in_blocks
from napari_calcium.progress import Progress, silent
from napari_calcium.settings import Choice, Settings, StandardDeviations, TraceName

__all__ = ["ThresholdEvents", "threshold_onsets"]

# A peak on the shoulder of another one counts if it rises by this share of the height threshold.
_PROMINENCE = 0.6


class ThresholdEvents(Settings):
    """Events as rises above a threshold that each neuron has for itself."""

    method: Literal["threshold"] = "threshold"
    input: TraceName = Field(
        "background_corrected",
        title="Read from",
        description="Trace to read: without slow drift, which a threshold would take for events.",
    )
    n_sd: Annotated[StandardDeviations, Gt(0), Le(50)] = Field(
        5.0,
        title="Threshold",
        description="How many standard deviations above the neuron's level a peak must reach.",
    )
    sd_of: Annotated[
        Literal["quiet", "trace"],
        Choice((("quiet", "the trace at rest"), ("trace", "the whole trace, events included"))),
    ] = Field(
        "quiet",
        title="Measured on",
        description="Level and standard deviation at rest (median and lower half of the samples), or mean "
        "and standard deviation of the whole trace, with which active neurons hide their own events.",
    )
    min_height: Annotated[float, Ge(0)] = Field(
        0.05,
        title="Least height",
        description="Second threshold, above the neuron's level in the unit of the trace (ΔF/F as a "
        "fraction: 0.05 is 5 %). Keeps the noise of quiet neurons out; 0 switches it off.",
    )


def threshold_onsets(
    traces: NDArray[np.float32],
    frame_rate: float,
    settings: ThresholdEvents = ThresholdEvents(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Found:
    """Find event onsets by a threshold.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        ΔF/F, denoised as a rule; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : ThresholdEvents

    Returns
    -------
    row : (n_events,) int64
        Row of each event, ascending.
    onset_s : (n_events,) float64
        Onset in seconds, ascending within a row: where the rise to the peak leaves the valley before it.

    Notes
    -----
    Every peak above the threshold that rises by 60 % of it counts, so events that begin on the decay of
    another one are kept apart. A threshold in standard deviations compares single samples with the noise of
    single samples: it depends on the frame rate and on the denoising, and weak long events are missed that
    deconvolution finds.
    """
    return onsets_in_blocks(
        traces,
        frame_rate,
        partial(_peaks_of_rows, settings=settings),
        on_progress=on_progress,
        executor=executor,
    )


def _peaks_of_rows(traces: NDArray[np.float64], settings: ThresholdEvents) -> Found:
    """Return row and onset (in frames) of the events of a block."""
    from napari_calcium.events.peaks import onset_of_rise, prominent_peaks, quiet_level

    if settings.sd_of == "quiet":
        level, sd = quiet_level(traces)
    else:
        level, sd = traces.mean(axis=1), traces.std(axis=1)
    rows: list[int] = []
    onsets: list[float] = []
    for row, trace in enumerate(traces):
        height = max(settings.n_sd * sd[row], settings.min_height)
        if height <= 0:
            continue
        peaks, valleys = prominent_peaks(trace, level[row] + height, _PROMINENCE * height)
        onsets.extend(onset_of_rise(trace, v, p) for p, v in zip(peaks, valleys, strict=True))
        rows.extend([row] * len(peaks))
    return np.array(rows, np.int64), np.array(onsets, np.float64)
