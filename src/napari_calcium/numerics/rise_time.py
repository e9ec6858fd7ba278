"""How fast transients rise, estimated from the traces themselves."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.deconvolution import deconvolve
from napari_calcium.numerics.kinetics import clearest_part
from napari_calcium.numerics.noise import noise_sd
from napari_calcium.numerics.rest_level import rest_level

__all__ = ["RISE_TIMES_S", "estimate_rise"]

RISE_TIMES_S = (0.0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15)
"""Rise times that are tried, in seconds: from the fastest indicators to slow ones in cold-blooded animals."""

# A rise may not take longer than this share of the decay: the two could not be told apart.
_LONGEST_SHARE = 0.5
_PENALTY_SD = 3.0


def estimate_rise(
    traces: ArrayLike, frame_rate: float, decay_s: ArrayLike, *, executor: Executor | None = None
) -> float:
    """Estimate the time constant with which transients rise, one for all neurons.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        ΔF/F as a rule; any unit. NaN marks a missing sample.
    frame_rate : float
        In Hz.
    decay_s : float or (n_rois,)
        Decay times in seconds.

    Returns
    -------
    float
        In seconds, one of :data:`RISE_TIMES_S`; 0 where there is nothing to see.

    Notes
    -----
    The rise chosen lets the non-negative deconvolution explain the traces at the least cost: squared
    residuals plus three noise SD for every noise SD of activity. At most 24 neurons, those whose transients
    stand out most, and 10,000 frames are read. It tells little where the noise is high
    (ν above about 8), and nothing below the time between frames.
    """
    values, rate = check_traces(traces), check_frame_rate(frame_rate)
    chosen, part = clearest_part(values)
    if not len(chosen):
        return 0.0
    decay = np.broadcast_to(np.asarray(decay_s, np.float64), values.shape[0])[chosen]
    noise = noise_sd(part)
    costs = [_cost(part, rate, decay, rise, noise, executor) for rise in RISE_TIMES_S]
    return RISE_TIMES_S[int(np.argmin(costs))]


def _cost(
    traces: NDArray[np.float32],
    rate: float,
    decay: NDArray[np.float64],
    rise: float,
    noise: NDArray[np.float64],
    executor: Executor | None,
) -> float:
    """Return residuals and activity that a rise time leaves, in noise variances a frame."""
    rises = np.minimum(rise, _LONGEST_SHARE * decay)
    level = rest_level(traces, rate, decay, rises, _PENALTY_SD * noise, executor=executor)
    calcium, activity = deconvolve(
        traces, rate, decay, rise_s=rises, baseline=level, penalty=_PENALTY_SD * noise, executor=executor
    )
    misfit = np.nansum((traces - calcium - level[:, None]) ** 2, axis=1) / noise**2
    return float((0.5 * misfit + _PENALTY_SD * np.nansum(activity, axis=1) / noise).sum())
