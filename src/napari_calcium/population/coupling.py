"""Population coupling: how each cell goes with all the others, over the recording and moment by moment."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_calcium.checks import check_traces
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.numerics.fdr import q_values
from napari_calcium.population.binned_activity import Activity
from napari_calcium.population.shift_test import shift_lags
from napari_calcium.population.slow_trend import ComparedInput, without_slow
from napari_calcium.population.standardising import RowScale, row_scale
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.population_results import CellCoupling, Coupling
from napari_calcium.settings import Percent, Seconds

__all__ = ["CouplingSettings", "couple_cells", "population_coupling", "sliding_coupling"]

_BLOCK_SAMPLES = 2**21
_FLAT = 1e-9
"""A variance below this share of the whole row's is rounding of the running sums."""


class CouplingSettings(ComparedInput):
    """How a cell is compared with the others, and in which windows."""

    equal_weight: bool = Field(
        True,
        title="Equal weight",
        description="Every cell counts as much as any other in the population, whatever the size of its "
        "transients. Off: the plain sum, which a few bright cells can dominate.",
    )
    window: Annotated[Seconds, Gt(0), Le(3600)] = Field(
        30.0,
        title="Window",
        description="Length of the sliding windows. Short ones follow changes and are noisy: with few "
        "bins in a window high values are chance.",
    )
    step: Annotated[Seconds, Gt(0), Le(3600)] = Field(
        5.0, title="Step", description="From one window to the next."
    )
    shifts: Annotated[int, Ge(20), Le(10000)] = Field(
        1000, title="Shifts", description="Circular shifts against which each cell's coupling is tested."
    )
    least_shift: Annotated[Seconds, Gt(0), Le(600)] = Field(
        10.0,
        title="Least shift",
        description="Shorter shifts are not used: they would keep some of the true relation.",
    )
    false_discoveries: Annotated[Percent, Gt(0)] = Field(
        5.0,
        title="False discoveries",
        description="Share of the choristers (significantly coupled cells) that may be due to chance.",
    )
    seed: Annotated[int, Ge(0)] = Field(0, title="Seed", description="Draws the shifts.")


def couple_cells(
    activity: Activity,
    roi_ids: ArrayLike,
    settings: CouplingSettings = CouplingSettings(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Coupling:
    """Couple every cell to the population of the others, test it, and follow it over time.

    Parameters
    ----------
    activity : Activity
    roi_ids : (n_rois,) int64
    settings : CouplingSettings
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    Coupling
        NaN for cells that are constant, and for all where there is but one.

    Notes
    -----
    Choristers and soloists are the ends of a continuum (Okun et al. 2015, doi:10.1038/nature14273); the line
    between them here is significance, which moves with the length of the recording.

    The test shifts the cell against the others: cost one FFT a cell. It misleads where something acts on all
    cells at once, as motion and neuropil do.
    """
    ids = np.asarray(roi_ids, np.int64)
    x = without_slow(activity.values, activity.frames(settings.slow, at_least=0))
    lags = shift_lags(activity.n_bins, settings.shifts, activity.frames(settings.least_shift), settings.seed)
    coupling, z, p = population_coupling(
        x,
        lags,
        equal_weight=settings.equal_weight,
        on_progress=part(on_progress, 0.0, 0.5),
        executor=executor,
    )
    q = q_values(p)
    chorister = np.nan_to_num(q, nan=1.0) <= settings.false_discoveries / 100
    width = min(activity.frames(settings.window, at_least=3), activity.n_bins)
    starts, sliding = sliding_coupling(
        x,
        width,
        activity.frames(settings.step),
        equal_weight=settings.equal_weight,
        on_progress=part(on_progress, 0.5, 1.0),
        executor=executor,
    )
    return Coupling(
        CellCoupling(ids, coupling, z, p, q, chorister),
        sliding,
        np.asarray((starts + width / 2) * activity.bin_s, np.float64),
        width * activity.bin_s,
        activity.bin_s,
        activity.name,
        activity.unit,
    )


def population_coupling(
    traces: ArrayLike,
    lags: NDArray[np.int64] | None = None,
    *,
    equal_weight: bool = True,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Correlate every cell with the sum of all others.

    Parameters
    ----------
    traces : (n_rois, n_bins)
        NaN where missing: a missing sample adds nothing to the population, and is left out of its own cell's
        correlation.
    lags : (n_lags,) int64, optional
        Circular shifts, in bins, of the test.
    equal_weight : bool
        Bring every cell to unit variance before summing.
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    coupling : (n_rois,) float64
        Correlation of each cell with the sum of the *others*: with the cell itself in the sum it would be
        above 0 by construction. NaN where cell or others are constant.
    z_score : (n_rois,) float64
        Coupling over its standard deviation over all circular shifts.
    p_value : (n_rois,) float64
        Share of the given shifts (and the recording itself) that reach the coupling; NaN without shifts.

    Notes
    -----
    Cost: cells × bins, and an FFT a cell for the test. Memory: one block of rows.
    """
    x = check_traces(traces)
    scale = row_scale(x)
    total = _population(x, scale, equal_weight)
    work = partial(_block_coupling, x, scale, total, equal_weight, lags)
    result = np.full((3, len(x)), np.nan)
    rows = max(1, _BLOCK_SAMPLES // x.shape[1])
    for block, values in map_blocks(work, len(x), rows, on_progress=on_progress, executor=executor):
        result[:, block] = values
    return result[0], result[1], result[2]


def sliding_coupling(
    traces: ArrayLike,
    width: int,
    step: int = 1,
    *,
    equal_weight: bool = True,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Correlate every cell with the sum of all others within each sliding window.

    Parameters
    ----------
    traces : (n_rois, n_bins)
        NaN where missing.
    width, step : int
        Bins; windows start at 0, step, 2 · step … as long as they fit.
    equal_weight, on_progress, executor
        As for :func:`population_coupling`.

    Returns
    -------
    starts : (n_windows,) int64
        First bin of each window.
    coupling : (n_rois, n_windows) float32
        NaN where not defined: the cell or the others are constant in the window, or fewer than three of the
        cell's samples are there. That is not the same as 0.

    Notes
    -----
    Running sums: the cost is cells × bins whatever the width of the windows, and nothing larger than the
    result and a block of rows is held.

    Values of short windows scatter widely: with n independent samples in a window chance gives ±2/√n, and
    fluorescence has fewer independent samples than bins.
    """
    x = check_traces(traces)
    n_rois, n_bins = x.shape
    width = max(1, min(width, n_bins))
    starts = np.arange(0, n_bins - width + 1, max(1, step)).astype(np.int64)
    scale = row_scale(x)
    total = _population(x, scale, equal_weight)
    work = partial(_block_sliding, x, scale, total, equal_weight, starts, width)
    result = np.empty((n_rois, len(starts)), np.float32)
    rows = max(1, _BLOCK_SAMPLES // (2 * n_bins))
    for block, values in map_blocks(work, n_rois, rows, on_progress=on_progress, executor=executor):
        result[block] = values
    return starts, result


def _scaled(
    x: NDArray[np.float32], scale: RowScale, equal_weight: bool, rows: slice
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return some rows as they enter the sum, 0 where missing or constant, and which samples are there."""
    values = x[rows].astype(np.float64) - scale.centre[rows, None]
    there = ~np.isnan(values)
    fine = scale.defined[rows]
    weight = np.where(fine, 1.0, 0.0)
    if equal_weight:
        count = np.maximum(there.sum(axis=1), 1)
        spread = np.nan_to_num(scale.length[rows], nan=1.0) / np.sqrt(count)
        weight = weight / spread
    values *= weight[:, None]
    values[~there] = 0
    return values, there & fine[:, None]


def _population(x: NDArray[np.float32], scale: RowScale, equal_weight: bool) -> NDArray[np.float64]:
    total = np.zeros(x.shape[1])
    rows = max(1, _BLOCK_SAMPLES // x.shape[1])
    for start in range(0, len(x), rows):
        total += _scaled(x, scale, equal_weight, slice(start, min(start + rows, len(x))))[0].sum(axis=0)
    return total


def _block_coupling(
    x: NDArray[np.float32],
    scale: RowScale,
    total: NDArray[np.float64],
    equal_weight: bool,
    lags: NDArray[np.int64] | None,
    rows: slice,
) -> NDArray[np.float64]:
    own, there = _scaled(x, scale, equal_weight, rows)
    others = total - own
    noise = _FLAT * float(total @ total)
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)
    a = np.where(there, own - (own * there).sum(axis=1, keepdims=True) / count, 0.0)
    b = np.where(there, others - (others * there).sum(axis=1, keepdims=True) / count, 0.0)
    size_a, size_b = np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)
    fine = (size_a > 0) & (size_b > noise)
    norm = np.sqrt(np.where(fine, size_a * size_b, 1.0))
    result = np.full((3, len(own)), np.nan)
    result[0, fine] = np.clip(np.einsum("ij,ij->i", a, b) / norm, -1, 1)[fine]
    if lags is not None and len(lags) and fine.any():
        result[1:, fine] = _shifted(a[fine], b[fine], norm[fine], result[0, fine], lags)
    return result


def _shifted(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    norm: NDArray[np.float64],
    coupling: NDArray[np.float64],
    lags: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return z-score and p-value of each coupling under circular shift."""
    from scipy.fft import irfft, rfft

    shifted = irfft(rfft(a, axis=1) * np.conj(rfft(b, axis=1)), a.shape[1], axis=1) / norm[:, None]
    spread = np.sqrt((shifted**2).mean(axis=1))
    reached = (shifted[:, lags] >= coupling[:, None] - 1e-12).sum(axis=1)
    return np.stack([coupling / spread, (reached + 1) / (len(lags) + 1)])


def _block_sliding(
    x: NDArray[np.float32],
    scale: RowScale,
    total: NDArray[np.float64],
    equal_weight: bool,
    starts: NDArray[np.int64],
    width: int,
    rows: slice,
) -> NDArray[np.float32]:
    a, there = _scaled(x, scale, equal_weight, rows)
    noise_a = _FLAT * np.maximum(np.einsum("ij,ij->i", a, a), 1e-300)[:, None]
    noise_b = _FLAT * max(float(total @ total), 1e-300)
    b = np.where(there, total - a, 0.0)
    complete = bool(there.all())
    count = (
        np.full((1, len(starts)), width, np.float64)
        if complete
        else _windows(there.astype(np.float64), starts, width)
    )
    safe = np.maximum(count, 1)
    sum_a, sum_b = _windows(a, starts, width), _windows(b, starts, width)
    both = _windows(a * b, starts, width) - sum_a * sum_b / safe
    size_a = _windows(a * a, starts, width) - sum_a**2 / safe
    size_b = _windows(b * b, starts, width) - sum_b**2 / safe
    fine = (size_a > noise_a) & (size_b > noise_b) & (count >= 3)
    ratio = both / np.sqrt(np.where(fine, size_a * size_b, 1.0))
    return np.where(fine, np.clip(ratio, -1, 1), np.nan).astype(np.float32)


def _windows(values: NDArray[np.float64], starts: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Return the sum of every window of every row, from running sums."""
    running = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, out=running[:, 1:])
    return np.asarray(running[:, starts + width] - running[:, starts], np.float64)
