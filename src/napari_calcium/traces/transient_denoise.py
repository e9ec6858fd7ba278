"""Traces rebuilt from the transients that stand out of their noise."""

from __future__ import annotations

from concurrent.futures import Executor
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter1d

from napari_calcium.numerics.blocks import rows_per_block
from napari_calcium.numerics.indicators import INDICATORS, Indicator
from napari_calcium.numerics.jumps import Jumps, find_jumps
from napari_calcium.numerics.kinetics import estimate_kinetics
from napari_calcium.progress import Progress, part, silent
from napari_calcium.settings import Seconds, Settings, StandardDeviations, TraceName

__all__ = ["TransientDenoise", "rebuilt"]

# The decay that explains traces with the fewest jumps is that of single spikes; bursts fade more slowly.
_LONGER = 1.1
# Shares of threshold and decay time of the fits that are averaged: a jump that only some of them find, and
# the part of a tail that only some of them see, count in part.
_FITS = ((0.75, 0.77), (1.0, 1.0), (1.25, 1.27))


class TransientDenoise(Settings):
    """Transients alone: each a jump that fades as the indicator does; noise and drift are gone."""

    method: Literal["transients"] = "transients"
    input: Annotated[TraceName, Field(title="Read from", description="Trace that is denoised.")] = (
        "background_corrected"
    )
    indicator: Indicator = Field(
        "estimate",
        title="Indicator",
        description="Sets how long a transient lasts. 'estimate' measures it in the traces; choose your "
        "indicator if there are very few events.",
    )
    n_sd: Annotated[StandardDeviations, Ge(1), Le(50)] = Field(
        4.0,
        title="Threshold",
        description="How far a jump must stand out of the noise, in standard errors; between three quarters "
        "and five quarters of it, a jump counts in part. Lower it to keep weaker transients.",
    )
    smoothing: Annotated[Seconds, Ge(0), Le(1)] = Field(
        0.04,
        title="Smoothing",
        description="Standard deviation of the Gaussian that smooths the result, because no indicator jumps: "
        "about its rise time.",
    )
    longest: Annotated[Seconds, Gt(0), Le(60)] = Field(
        10.0,
        title="Longest transient",
        description="No transient fades with a longer time constant, whatever the traces say.",
    )


def rebuilt(
    traces: NDArray[np.float32],
    frame_rate: float,
    settings: TransientDenoise = TransientDenoise(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float32]:
    """Return what the transients of each trace explain, on its level at rest.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        In any unit; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : TransientDenoise
    on_progress, executor
        See :func:`napari_calcium.numerics.blocks.map_rows`.

    Returns
    -------
    (n_rois, n_frames) float32
        In the unit of `traces`; NaN where the trace is NaN. The level is one number a trace: the median of
        what its transients leave.

    Notes
    -----
    The mean of three fits (see :func:`napari_calcium.numerics.jumps.find_jumps`), from lenient and brief to
    strict and long, stands for the doubt about weak jumps and about tails. It misleads where a cell does
    anything but jump and fade: slow ramps become stairs, dips below the level at rest vanish, and so does all
    activity weaker than the noise. Noise cannot be measured on the result. Time is linear in the number of
    samples.
    """
    if not traces.size:
        return traces.copy()
    if settings.indicator == "estimate":
        decay = _LONGER * estimate_kinetics(traces, frame_rate, executor=executor)
    else:
        decay = np.full(len(traces), INDICATORS[settings.indicator].decay_s)
    result = np.zeros_like(traces)
    for k, (strict, slow) in enumerate(_FITS):
        progress = part(on_progress, 0.1 + 0.3 * k, 0.4 + 0.3 * k)
        times = np.minimum(slow * decay, settings.longest)
        n_sd = strict * settings.n_sd
        jumps = find_jumps(traces, frame_rate, times, n_sd=n_sd, on_progress=progress, executor=executor)
        _add_calcium(jumps, np.exp(-1.0 / (times * frame_rate)), result)
    result /= len(_FITS)
    steps = settings.smoothing * frame_rate
    rows = rows_per_block(traces.shape[1], bytes_per_sample=24)
    for block in (slice(k, k + rows) for k in range(0, len(traces), rows)):
        calcium = result[block].astype(np.float64)
        if steps:
            calcium = gaussian_filter1d(calcium, steps, axis=1, mode="nearest")
        result[block] = _at_rest_level(calcium, traces[block])
    on_progress(1, 1)
    return result


def _add_calcium(jumps: Jumps, keep: NDArray[np.float64], total: NDArray[np.float32]) -> None:
    """Add to each row of `total` what its jumps leave: each fades by the share `keep` from frame to frame."""
    from scipy.signal import lfilter  # takes most of a second to load, the settings of the stage none

    ends = np.searchsorted(jumps.row, np.arange(len(total) + 1))
    train = np.zeros(total.shape[1])
    for row, (first, last) in enumerate(pairwise(ends.tolist())):
        train[:] = 0
        train[0] = jumps.rest[row]
        train[jumps.frame[first:last]] += jumps.size[first:last]
        total[row] += lfilter([1.0], [1.0, -keep[row]], train)


def _at_rest_level(calcium: NDArray[np.float64], traces: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return calcium plus the median of the rest of each trace, NaN where the trace is."""
    rest = traces - calcium
    level = np.zeros((len(rest), 1))
    known = ~np.isnan(rest).all(axis=1)
    level[known] = np.nanmedian(rest[known], axis=1, keepdims=True)
    return np.where(np.isnan(traces), np.nan, calcium + level)
