"""Traces rebuilt from the transients that stand out of their noise."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from napari_calcium.numerics.blocks import rows_per_block
from napari_calcium.numerics.indicators import INDICATORS, Indicator
from napari_calcium.numerics.jumps import Jumps, find_jumps
from napari_calcium.numerics.kinetics import estimate_kinetics
from napari_calcium.progress import Progress, part, silent
from napari_calcium.settings import Seconds, Settings, StandardDeviations, TraceName

__all__ = ["TransientDenoise", "rebuilt"]

# The decay that explains traces with the fewest jumps is that of single spikes; bursts fade more slowly.
_LONGER = 1.1
# Jumps are looked for leniently and strictly: what both find counts fully, what only one finds by half.
_STRICTNESS = (0.75, 1.25)


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
        "and five quarters of it, a jump counts by half. Lower it to keep weaker transients.",
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
    The mean of two fits (see :func:`napari_calcium.numerics.jumps.find_jumps`), one lenient and one strict,
    stands for the doubt about a weak jump. It misleads where a cell does anything but jump and fade: slow
    ramps become stairs, dips below the level at rest vanish, and so does all activity weaker than the noise.
    Noise cannot be measured on the result. Time is linear in the number of samples.
    """
    if not traces.size:
        return traces.copy()
    if settings.indicator == "estimate":
        decay = _LONGER * estimate_kinetics(traces, frame_rate, executor=executor)
    else:
        decay = np.full(len(traces), INDICATORS[settings.indicator].decay_s)
    decay = np.minimum(decay, settings.longest)
    fits = []
    for k, share in enumerate(_STRICTNESS):
        progress = part(on_progress, 0.2 + 0.3 * k, 0.5 + 0.3 * k)
        fits.append(
            find_jumps(
                traces, frame_rate, decay, n_sd=share * settings.n_sd, on_progress=progress, executor=executor
            )
        )
    keep = np.exp(-1.0 / (decay * frame_rate))
    result = np.empty_like(traces)
    rows = rows_per_block(traces.shape[1], bytes_per_sample=24)
    steps = settings.smoothing * frame_rate
    for block in (slice(k, k + rows) for k in range(0, len(traces), rows)):
        trains = np.mean([_train(fit, block, traces[block].shape) for fit in fits], axis=0)
        result[block] = _at_rest_level(_faded(trains, keep[block], steps), traces[block])
    on_progress(1, 1)
    return result


def _train(jumps: Jumps, rows: slice, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the jumps of some rows at their frames, and what was left from before in the first frame."""
    first, last = np.searchsorted(jumps.row, [rows.start, rows.start + shape[0]])
    train = np.zeros(shape)
    train[:, 0] = jumps.rest[rows]
    place = slice(first, last)
    train[jumps.row[place] - rows.start, jumps.frame[place]] += jumps.size[place]
    return train


def _faded(trains: NDArray[np.float64], keep: NDArray[np.float64], steps: float) -> NDArray[np.float64]:
    calcium = np.empty_like(trains)
    for row, (train, left) in enumerate(zip(trains, keep, strict=True)):
        calcium[row] = lfilter([1.0], [1.0, -left], train)
    return np.asarray(gaussian_filter1d(calcium, steps, axis=1, mode="nearest")) if steps else calcium


def _at_rest_level(calcium: NDArray[np.float64], traces: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return calcium plus the median of the rest of each trace, NaN where the trace is."""
    rest = traces - calcium
    level = np.zeros((len(rest), 1))
    known = ~np.isnan(rest).all(axis=1)
    level[known] = np.nanmedian(rest[known], axis=1, keepdims=True)
    return np.where(np.isnan(traces), np.nan, calcium + level)
