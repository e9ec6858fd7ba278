"""How noisy a trace is, measured from frame to frame so that slow signals do not count."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import rows_per_block

__all__ = ["noise_level", "noise_sd"]

# Median of |x| for a normal variable of unit SD.
_NORMAL_MEDIAN = 0.6744897501960817


def noise_sd(traces: ArrayLike) -> NDArray[np.float64]:
    """Estimate the standard deviation of the noise of every trace.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        In any unit; NaN marks a missing sample.

    Returns
    -------
    (n_rois,) float64
        In the unit of `traces`: median absolute difference of neighbouring samples, divided by
        0.6745·√2. 0 where more than half of the samples repeat the one before (a constant trace);
        NaN where no two neighbouring samples are present.

    Notes
    -----
    Drift does not count, and transients hardly do while they are rare. It misleads on traces that were
    smoothed or upsampled, whose neighbouring samples agree (the noise comes out too small), and on neurons
    that are active most of the time (too large). Time is linear in the number of samples.
    """
    return _median_step(traces) / (_NORMAL_MEDIAN * math.sqrt(2.0))


def noise_level(traces: ArrayLike, frame_rate: float) -> NDArray[np.float64]:
    """Compute the standardised noise level ν of ΔF/F traces, comparable between frame rates.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        ΔF/F as a fraction; NaN marks a missing sample.
    frame_rate : float
        In Hz.

    Returns
    -------
    (n_rois,) float64
        Median absolute difference of neighbouring samples in % over the square root of the frame rate
        (% Hz^-1/2): about 1 is a clean recording, 8 a noisy one. NaN as for :func:`noise_sd`.

    References
    ----------
    Rupprecht et al. (2021), Nature Neuroscience 24, 1324-1337, https://doi.org/10.1038/s41593-021-00895-5
    """
    return _median_step(traces) * 100.0 / math.sqrt(check_frame_rate(frame_rate))


def _median_step(traces: ArrayLike) -> NDArray[np.float64]:
    """Return the median absolute difference of neighbouring samples of each row."""
    values = check_traces(traces)
    n_rois, n_frames = values.shape
    result = np.full(n_rois, np.nan)
    if n_frames < 2:
        return result
    rows = rows_per_block(n_frames)
    for start in range(0, n_rois, rows):
        steps = np.abs(np.diff(values[start : start + rows], axis=1))
        result[start : start + rows] = np.median(steps, axis=1)
    for row in np.flatnonzero(np.isnan(result)):
        steps = np.abs(np.diff(values[row]))
        present = steps[~np.isnan(steps)]
        if len(present):
            result[row] = np.median(present)
    return result
