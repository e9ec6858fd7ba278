"""Baseline F0 of the fluorescence, and ΔF/F."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import apply_to_rows, rows_per_block
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.progress import Progress, silent
from napari_calcium.settings import Percent, Seconds, Settings, TraceName

__all__ = [
    "BaselineSettings",
    "MaximinBaseline",
    "PercentileBaseline",
    "SlidingPercentileBaseline",
    "baseline",
    "dff",
    "explain_baseline",
]

_NAMED = 10

_Source = Annotated[TraceName, Field(title="Read from", description="Trace whose baseline is taken.")]


class PercentileBaseline(Settings):
    """One F0 for the whole recording: a low percentile of the trace."""

    method: Literal["percentile"] = "percentile"
    input: _Source = "raw"
    percentile: Annotated[Percent, Le(50)] = Field(
        25.0,
        title="Percentile",
        description="Share of the samples that lie below F0. Lower it for neurons that are active most of "
        "the time; a low percentile of a noisy trace lies below the true baseline and makes ΔF/F too large.",
    )


class SlidingPercentileBaseline(Settings):
    """F0 that follows slow changes: a percentile of a sliding window."""

    method: Literal["sliding_percentile"] = "sliding_percentile"
    input: _Source = "raw"
    percentile: Annotated[Percent, Le(50)] = Field(
        40.0,
        title="Percentile",
        description="Share of the window's samples that lie below F0. Lower it for neurons that are active "
        "most of the time, whose transients F0 would follow otherwise.",
    )
    window: Annotated[Seconds, Ge(1), Le(3600)] = Field(
        60.0,
        title="Window",
        description="Length of the sliding window in seconds. Many times the length of a transient, "
        "and shorter than the bleaching and drift it has to follow.",
    )


class MaximinBaseline(Settings):
    """F0 that follows slow changes: the highest of the lowest values nearby, after smoothing."""

    method: Literal["maximin"] = "maximin"
    input: _Source = "raw"
    smoothing: Annotated[Seconds, Ge(0), Le(60)] = Field(
        2.0,
        title="Smoothing",
        description="Standard deviation in seconds of the Gaussian that smooths the trace first. Too little, "
        "and F0 follows the troughs of the noise; too much, and it rises under transients.",
    )
    window: Annotated[Seconds, Ge(1), Le(3600)] = Field(
        60.0,
        title="Window",
        description="Length in seconds of the window of the minimum and the maximum. Longer than the "
        "longest stretch of unbroken activity.",
    )


BaselineSettings = Annotated[
    SlidingPercentileBaseline | PercentileBaseline | MaximinBaseline, Field(discriminator="method")
]


def baseline(
    traces: ArrayLike,
    frame_rate: float,
    settings: BaselineSettings = SlidingPercentileBaseline(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float32]:
    """Estimate the baseline fluorescence F0 of every trace.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        Fluorescence in any unit; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : BaselineSettings
    on_progress : Progress
    executor : Executor, optional
        Where blocks of rows run; the result is the same to the byte for any.

    Returns
    -------
    (n_rois, n_frames) float32
        F0 in the unit of `traces`, NaN where the trace is NaN. Windows are cut off at both ends.

    Notes
    -----
    It misleads when a neuron is active for most of a window, where F0 rises into the transients; and where an
    offset was subtracted from the fluorescence, so that F0 is near or below zero and ΔF/F has no meaning
    (:func:`explain_baseline` names such cells). The global percentile does not follow drift or bleaching.
    The default was chosen by measurement: of global and sliding percentiles and maximin, it keeps
    the scale of ΔF/F closest to the truth of simulated recordings, from rare to dense activity (within 8 %).

    Time grows with the number of samples, whatever the window.

    References
    ----------
    Romano et al. (2017), PLoS Computational Biology 13, e1005526, https://doi.org/10.1371/journal.pcbi.1005526;
    maximin as in Pachitariu et al. (2017), bioRxiv 061507, https://doi.org/10.1101/061507
    """
    values = check_traces(traces)
    rate = check_frame_rate(frame_rate)
    function = partial(_baseline_of, rate=rate, settings=settings)
    return apply_to_rows(function, values, on_progress=on_progress, executor=executor)


def dff(traces: ArrayLike, f0: ArrayLike) -> NDArray[np.float32]:
    """Compute ΔF/F = (F − F0) / F0.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        Fluorescence F.
    f0 : (n_rois, n_frames) or (n_rois, 1)
        Baseline F0 in the same unit.

    Returns
    -------
    (n_rois, n_frames) float32
        As a fraction (0.5 is 50 %). NaN where F0 is zero, negative or missing, where the trace is missing,
        and where F0 is so close to zero that the quotient overflows; never infinite.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    values, base = check_traces(traces), check_traces(f0)
    if base.shape not in {values.shape, (len(values), 1)}:
        raise ValueError(f"f0 must have the shape of the traces, {values.shape}, got {base.shape}")
    result = np.empty_like(values)
    rows = rows_per_block(values.shape[1])
    for start in range(0, len(values), rows):
        block = slice(start, start + rows)
        result[block] = _quotient(values[block], base[block])
    return result


def _quotient(values: NDArray[np.float32], base: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        quotient = (values - base) / base
    quotient[~(np.isfinite(quotient) & (base > 0))] = np.nan
    return quotient


def explain_baseline(f0: ArrayLike, roi_ids: Sequence[int] | NDArray[np.int64]) -> tuple[str, ...]:
    """Say which cells have no usable F0, what that means and what to do.

    Parameters
    ----------
    f0 : (n_rois, n_frames)
    roi_ids : (n_rois,) int
        Ids of the cells, in the order of the rows.

    Returns
    -------
    tuple of str
        One sentence for cells whose F0 is zero or negative somewhere, one for cells without any sample;
        empty if all is well.
    """
    base = check_traces(f0)
    ids = np.asarray(roi_ids)
    present = ~np.isnan(base)
    bad = base <= 0
    notes = []
    if bad.any():
        share = 100.0 * bad.sum() / present.sum()
        percent = f"{share:.0f}" if share >= 10 else f"{share:.2g}"
        notes.append(
            f"F0 is zero or negative in {_cells(ids[bad.any(axis=1)])} ({percent} % of all samples): "
            "ΔF/F is not defined there and is left empty. Use fluorescence from which no background was "
            "subtracted, or leave these cells out; if the file holds ΔF/F already, skip the baseline."
        )
    empty = ~present.any(axis=1)
    if empty.any():
        notes.append(f"No F0 for {_cells(ids[empty])}: the trace has no values at all.")
    return tuple(notes)


def _cells(ids: NDArray[np.int64]) -> str:
    """Name cells by id, the first few of many."""
    names = ", ".join(str(k) for k in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"cell{'' if len(ids) == 1 else 's'} {names}{more}"


def _baseline_of(traces: NDArray[np.float32], rate: float, settings: BaselineSettings) -> NDArray[np.float32]:
    if isinstance(settings, PercentileBaseline):
        return _global_percentile(traces, settings.percentile)
    window = max(1, round(settings.window * rate))
    if isinstance(settings, SlidingPercentileBaseline):
        from napari_calcium.numerics.rolling_percentile import rolling_percentile

        f0 = rolling_percentile(traces, settings.percentile, window)
        f0[np.isnan(traces)] = np.nan
        return f0
    return _maximin(traces, settings.smoothing * rate, window)


def _global_percentile(traces: NDArray[np.float32], percentile: float) -> NDArray[np.float32]:
    level = np.percentile(traces, percentile, axis=1)
    for row in np.flatnonzero(np.isnan(level)):
        present = traces[row][~np.isnan(traces[row])]
        if len(present):
            level[row] = np.percentile(present, percentile)
    f0 = np.repeat(level.astype(np.float32)[:, None], traces.shape[1], axis=1)
    f0[np.isnan(traces)] = np.nan
    return f0


def _maximin(traces: NDArray[np.float32], smoothing: float, window: int) -> NDArray[np.float32]:
    filled, missing = fill_gaps(traces)
    # A filter longer than the trace sees nothing more, and SciPy would mirror the trace again and again.
    smooth = gaussian_filter1d(filled, min(smoothing, traces.shape[1]), axis=1) if smoothing > 0 else filled
    size = 2 * min(window // 2, traces.shape[1] - 1) + 1
    lowest = minimum_filter1d(smooth, size, axis=1)
    f0 = np.asarray(maximum_filter1d(lowest, size, axis=1))
    if missing is not None:
        f0[missing] = np.nan
    return f0
