"""Activity by non-negative deconvolution: no training, no calibration, any indicator."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.indicators import INDICATORS, Indicator
from napari_calcium.progress import Progress, part, silent
from napari_calcium.settings import Choice, Settings, StandardDeviations, TraceName

__all__ = ["DeconvolvedSpikes", "deconvolved_activity"]

# A rise that takes longer than this share of the decay cannot be told from it.
_LONGEST_RISE = 0.5


class DeconvolvedSpikes(Settings):
    """Activity by non-negative deconvolution (OASIS and its like), in heights of transients."""

    method: Literal["deconvolution"] = "deconvolution"
    input: TraceName = Field(
        "dff",
        title="Read from",
        description="Trace to read. Slow drift must be gone; noise need not be.",
    )
    indicator: Indicator = Field(
        "estimate",
        title="Indicator",
        description="Sets how fast transients rise and decay. 'estimate' measures it in the traces.",
    )
    transient: Annotated[
        Literal["jump", "rise"],
        Choice((("jump", "jumps, then decays (AR1)"), ("rise", "rises, then decays (AR2)"))),
    ] = Field(
        "rise",
        title="Transient",
        description="Shape of a spike's transient. With a rise, activity lies where the rise begins; a jump "
        "suits fast indicators and frame rates below about 10 Hz.",
    )
    sparsity: Annotated[StandardDeviations, Ge(0), Le(100)] = Field(
        6.0,
        title="Sparsity",
        description="Cost of activity, in SD of the noise. Higher values leave out weak activity and lower "
        "the height of the rest; 0 follows the noise.",
    )


def deconvolved_activity(
    dff: ArrayLike,
    frame_rate: float,
    settings: DeconvolvedSpikes = DeconvolvedSpikes(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float32]:
    """Find the activity of every neuron by non-negative deconvolution.

    Parameters
    ----------
    dff : (n_rois, n_frames)
        ΔF/F, without slow drift; any unit. NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : DeconvolvedSpikes
    on_progress, executor
        See :func:`napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    (n_rois, n_frames) float32
        Height of the transients that begin in each frame, in the unit of `dff`, never negative; NaN where
        `dff` is. It is not a number of spikes: how high one spike's transient is depends on indicator and
        neuron. A frame at the start holds what was left from before the recording, and is set to 0.

    Notes
    -----
    Level at rest and activity are found together; see
    :func:`napari_calcium.numerics.deconvolution.deconvolve` for the exact fit, linear in time. Decay and rise
    are shared by all neurons where they are estimated. It misleads where transients saturate or do not add
    up, and where a neuron hardly ever rests.

    References
    ----------
    Friedrich, Zhou & Paninski (2017), PLoS Computational Biology 13, e1005423,
    https://doi.org/10.1371/journal.pcbi.1005423
    """
    from napari_calcium.numerics.deconvolution import deconvolve
    from napari_calcium.numerics.noise import noise_sd
    from napari_calcium.numerics.rest_level import rest_level

    values, rate = check_traces(dff), check_frame_rate(frame_rate)
    decay, rise = _kinetics(values, rate, settings, executor)
    cost = settings.sparsity * np.nan_to_num(noise_sd(values))
    level = rest_level(
        values, rate, decay, rise, cost, on_progress=part(on_progress, 0.2, 0.8), executor=executor
    )
    _, activity = deconvolve(
        values,
        rate,
        decay,
        rise_s=rise,
        baseline=level,
        penalty=cost,
        on_progress=part(on_progress, 0.8, 1.0),
        executor=executor,
    )
    first = activity[:, : 2 if settings.transient == "rise" else 1]
    first[~np.isnan(first)] = 0.0
    return activity


def _kinetics(
    traces: NDArray[np.float32], rate: float, settings: DeconvolvedSpikes, executor: Executor | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return decay and rise of every row in seconds, measured or the indicator's own."""
    from napari_calcium.numerics.kinetics import estimate_kinetics
    from napari_calcium.numerics.rise_time import estimate_rise

    n = len(traces)
    told = INDICATORS.get(settings.indicator)
    decay = estimate_kinetics(traces, rate, executor=executor) if told is None else np.full(n, told.decay_s)
    if settings.transient == "jump":
        return decay, np.zeros(n)
    rise = estimate_rise(traces, rate, decay, executor=executor) if told is None else told.rise_s
    return decay, np.minimum(rise, _LONGEST_RISE * decay)
