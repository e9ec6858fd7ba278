"""Events where non-negative deconvolution finds a jump of calcium that stands out of the noise."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.events.row_blocks import merge_close
from napari_calcium.numerics.indicators import INDICATORS, Indicator
from napari_calcium.progress import Progress, part, silent
from napari_calcium.settings import Seconds, Settings, StandardDeviations, TraceName

__all__ = ["DeconvolvedEvents", "deconvolved_onsets"]


class DeconvolvedEvents(Settings):
    """Events as jumps of calcium, found by non-negative deconvolution."""

    method: Literal["deconvolved"] = "deconvolved"
    input: TraceName = Field(
        "dff",
        title="Read from",
        description="Trace to read. The fit follows slow drift and averages noise itself, so neither needs "
        "to be taken off before.",
    )
    indicator: Indicator = Field(
        "estimate",
        title="Indicator",
        description="Sets the decay time of a transient. 'estimate' measures it in the traces; choose your "
        "indicator if there are very few events.",
    )
    n_sd: Annotated[StandardDeviations, Ge(1), Le(50)] = Field(
        4.0,
        title="Threshold",
        description="How far a jump must stand out of the noise, in standard errors. Lower it to find weaker "
        "events, raise it against false ones.",
    )
    min_separation: Annotated[Seconds, Gt(0), Le(10)] = Field(
        0.3,
        title="Shortest separation",
        description="Jumps that follow each other within this time are one event; those in neighbouring "
        "frames always are.",
    )


def deconvolved_onsets(
    traces: NDArray[np.float32],
    frame_rate: float,
    settings: DeconvolvedEvents = DeconvolvedEvents(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find event onsets by deconvolution.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        ΔF/F without slow background; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : DeconvolvedEvents

    Returns
    -------
    row : (n_events,) int64
        Row of each event, ascending.
    onset_s : (n_events,) float64
        Onset in seconds, ascending within a row.

    Notes
    -----
    See :func:`napari_calcium.numerics.jumps.find_jumps` for the method and when it misleads. A jump is seen
    in the first frame that follows it, so the onset lies half a frame before that frame on average; the time
    that the indicator takes to rise, measured on the clearest transients, is taken off as well.
    """
    from napari_calcium.events.onset_timing import rise_delay
    from napari_calcium.numerics.jumps import find_jumps
    from napari_calcium.numerics.kinetics import estimate_kinetics

    if settings.indicator == "estimate":
        decay = estimate_kinetics(traces, frame_rate, executor=executor)
    else:
        decay = np.full(traces.shape[0], INDICATORS[settings.indicator].decay_s)
    jumps = find_jumps(
        traces,
        frame_rate,
        decay,
        n_sd=settings.n_sd,
        on_progress=part(on_progress, 0.3, 1.0),
        executor=executor,
    )
    delay = 0.5 / frame_rate + max(0.0, rise_delay(traces, frame_rate, jumps, decay))
    onset = np.maximum(jumps.frame / frame_rate - delay, 0.0)
    first = merge_close(jumps.row, onset, max(settings.min_separation, 1.01 / frame_rate))
    return jumps.row[first], onset[first]
