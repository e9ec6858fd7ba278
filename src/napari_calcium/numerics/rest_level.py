"""The level of a trace at rest, found together with its deconvolution."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_traces
from napari_calcium.numerics.deconvolution import deconvolve
from napari_calcium.progress import Progress, part, silent

__all__ = ["rest_level"]

_FIRST_GUESS_PERCENT = 20
_ROUNDS = 4


def rest_level(
    traces: ArrayLike,
    frame_rate: float,
    decay_s: ArrayLike,
    rise_s: ArrayLike = 0.0,
    penalty: ArrayLike = 0.0,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float64]:
    """Estimate the level at rest of every trace: what is left when its transients are taken off.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        Without slow drift; NaN marks a missing sample.
    frame_rate, decay_s, rise_s, penalty, on_progress, executor
        As for :func:`napari_calcium.numerics.deconvolution.deconvolve`.

    Returns
    -------
    (n_rois,) float64
        In the unit of the traces; 0 for rows without data.

    Notes
    -----
    Starts at the 20th percentile; the median of what the deconvolution leaves is added four times. It
    misleads when a neuron hardly ever rests (the level is then too high).
    """
    values = check_traces(traces)
    level = np.zeros(values.shape[0])
    present = ~np.isnan(values).all(axis=1)
    if not present.any():
        on_progress(1, 1)
        return level
    level[present] = np.nanpercentile(values[present], _FIRST_GUESS_PERCENT, axis=1)
    for k in range(_ROUNDS):
        calcium, _ = deconvolve(
            values,
            frame_rate,
            decay_s,
            rise_s=rise_s,
            baseline=level,
            penalty=penalty,
            on_progress=part(on_progress, k / _ROUNDS, (k + 1) / _ROUNDS),
            executor=executor,
        )
        left = values[present] - calcium[present] - level[present, None].astype(np.float32)
        level[present] += np.nanmedian(left, axis=1)
    return level
