"""How good a trace is: signal to noise, drift, skewness and missing samples, one number a cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import rows_per_block
from napari_calcium.numerics.noise import noise_sd
from napari_calcium.progress import Progress, silent

__all__ = ["drift", "missing_share", "signal_to_noise", "skewness"]


def signal_to_noise(traces: ArrayLike, *, percentile: float = 99.0) -> NDArray[np.float64]:
    """Compute how far transients rise above the middle of the trace, in SD of its noise.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        Background-corrected and not denoised (a denoised trace has no noise left to compare with); in any
        unit. NaN marks a missing sample.
    percentile : float
        What counts as the height of the transients, 50 to 100: as many percent of the samples lie below it.

    Returns
    -------
    (n_rois,) float64
        (percentile − median) / noise SD. About 2.3 for pure noise with the default; NaN where the noise is 0
        or unknown.

    Raises
    ------
    ValueError
        If the percentile is outside 50 to 100.

    Notes
    -----
    It misleads for neurons active for less than 1 % of the time, whose transients lie above the percentile.
    """
    if not 50 <= percentile <= 100:
        raise ValueError(f"percentile must be between 50 and 100, got {percentile!r}")
    values = check_traces(traces)
    noise = noise_sd(values)
    result = np.full(len(values), np.nan)
    for row in np.flatnonzero(noise > 0):
        middle, high = np.percentile(_present(values[row]), [50, percentile])
        result[row] = (high - middle) / noise[row]
    return result


def drift(
    traces: ArrayLike, frame_rate: float, *, cutoff: float = 20.0, on_progress: Progress = silent
) -> NDArray[np.float64]:
    """Compute how much the level under the transients wanders.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        Before the background is removed; ΔF/F gives a fraction of F0. NaN marks a missing sample.
    frame_rate : float
        In Hz.
    cutoff : float
        In seconds; slower fluctuations count as drift.
    on_progress : Progress

    Returns
    -------
    (n_rois,) float64
        Standard deviation over time of the slow level, in the unit of `traces`
        (:func:`napari_calcium.numerics.slow_level.quiet_level`); NaN without samples.

    Raises
    ------
    ValueError
        If the frame rate or the cutoff is not above zero.
    """
    from napari_calcium.numerics.slow_level import quiet_level

    values, rate = check_traces(traces), check_frame_rate(frame_rate)
    if not cutoff > 0:
        raise ValueError(f"cutoff must be above 0 s, got {cutoff!r}")
    n_rois, n_frames = values.shape
    result = np.full(n_rois, np.nan)
    rows = rows_per_block(n_frames, bytes_per_sample=40)
    on_progress(0, n_rois)
    for start in range(0, n_rois, rows):
        part = values[start : start + rows]
        level = quiet_level(part, cutoff * rate)
        missing = np.isnan(part)
        level[missing] = np.nan
        some = np.flatnonzero(~missing.all(axis=1))
        result[start + some] = np.nanstd(level[some], axis=1)
        on_progress(min(start + rows, n_rois), n_rois)
    return result


def skewness(traces: ArrayLike) -> NDArray[np.float64]:
    """Compute the skewness of the samples: high for rare transients, about 0 for noise and drift.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        NaN marks a missing sample.

    Returns
    -------
    (n_rois,) float64
        Third central moment over the cube of the standard deviation; NaN for constant and empty rows.
    """
    values = check_traces(traces)
    result = np.full(len(values), np.nan)
    for row, trace in enumerate(values):
        present = _present(trace)
        if len(present) and present.min() < present.max():
            # Scaled first, so that the powers of huge or tiny samples neither overflow nor vanish.
            deviation = present - present.mean()
            deviation /= np.abs(deviation).max()
            result[row] = np.mean(deviation**3) / np.mean(deviation**2) ** 1.5
    return result


def missing_share(traces: ArrayLike) -> NDArray[np.float64]:
    """Return which share of each trace's samples is missing (NaN), 0 to 1.

    Parameters
    ----------
    traces : (n_rois, n_frames)

    Returns
    -------
    (n_rois,) float64
    """
    values = check_traces(traces)
    return np.array([np.isnan(trace).mean() for trace in values], dtype=np.float64)


def _present(trace: NDArray[np.float32]) -> NDArray[np.float64]:
    return trace[~np.isnan(trace)].astype(np.float64)
