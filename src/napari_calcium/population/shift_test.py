"""What correlations chance gives: every cell keeps its rhythm, and is shifted in time against the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.population.correlation import symmetric_product
from napari_calcium.progress import Progress, part, silent

__all__ = ["ShiftTest", "power_spectra", "shift_lags", "shift_test", "spread_under_shift"]

_POOLED = 50_000_000
"""About so many shifted correlations make up the null; more would not change its tail."""
_STEP, _LEVELS = 0.01, 8_000
"""Scores are counted in classes of this width, up to 80."""
_LEARNT = 200_000
"""About so many shifted correlations tell how skewed they are (of ten shifts at least)."""

PairClasses = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""``classes(rows)`` → (len(rows), n_rois) int64: class of each pair, below 0 for none."""


@dataclass(frozen=True)
class ShiftTest:
    """Correlations under circular shift.

    Attributes
    ----------
    lags : (n_shifts,) int64
        Shifts in bins.
    spread : (n_rois, n_rois) float32
        Standard deviation of each pair's correlation over *all* circular shifts; 0 where not defined.
    skewness : (n_rois,) float64
        Of what shifts give: that of a pair is the product of its two cells'.
    tail : (n_levels,) int64
        How many shifted pairs' scores reach each level ``k · 0.01``.
    pooled : int
        Shifted correlations in all.
    class_means : (2 · n_shifts, n_classes) float64
        Mean correlation of each class of pairs, each pair taken once, at each shift forth and back; NaN where
        a class has no pair.
    two_sided : bool
        Whether the size of the correlation was counted, whatever its sign.
    """

    lags: NDArray[np.int64]
    spread: NDArray[np.float32]
    skewness: NDArray[np.float64]
    tail: NDArray[np.int64]
    pooled: int
    class_means: NDArray[np.float64]
    two_sided: bool = False

    def p_values(self, levels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the chance that a shifted pair reaches a level; never below 1 / (pooled + 1)."""
        if self.pooled == 0:
            return np.full(levels.shape, np.nan)
        return np.asarray((self.tail[levels] + 1.0) / (self.pooled + 1.0), np.float64)

    def levels(self, correlation: NDArray[np.floating], rows: slice) -> NDArray[np.int64]:
        """Return the level that correlations of some rows with all others reach; −1 where none is defined."""
        pair_skewness = np.outer(self.skewness[rows], self.skewness)
        return _levels(correlation, self.spread[rows], pair_skewness, self.two_sided)


def shift_lags(n_bins: int, n_shifts: int, least: int, seed: int) -> NDArray[np.int64]:
    """Draw shifts, each once, at least `least` bins from 0 in both directions of the circle.

    Returns
    -------
    (≤ n_shifts,) int64
        Fewer where the recording is too short for so many; none where it is shorter than 2 · least.
    """
    least = max(1, least)
    possible = np.arange(least, n_bins - least + 1)
    if len(possible) <= n_shifts:
        return possible.astype(np.int64)
    drawn = np.random.default_rng(seed).choice(possible, n_shifts, replace=False)
    return np.sort(drawn).astype(np.int64)


def power_spectra(z: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each row's power at every frequency, such that products of rows are variances under shift.

    Parameters
    ----------
    z : (n_rois, n_bins) float32
        Rows of mean 0 and length 1.

    Returns
    -------
    (n_rois, n_bins // 2 + 1) float32
    """
    from scipy.fft import rfft

    n, n_bins = z.shape
    power = np.empty((n, n_bins // 2 + 1), np.float32)
    weight = np.full(power.shape[1], np.sqrt(2.0))
    weight[0] = 1.0
    if n_bins % 2 == 0:
        weight[-1] = 1.0
    rows = max(1, 2**22 // max(1, n_bins))
    for start in range(0, n, rows):
        waves = rfft(z[start : start + rows], axis=1)
        power[start : start + rows] = (waves.real**2 + waves.imag**2) * (weight / n_bins)
    return power


def spread_under_shift(
    z: NDArray[np.float32], *, on_progress: Progress = silent, executor: Executor | None = None
) -> NDArray[np.float32]:
    """Return the standard deviation of every pair's correlation over all circular shifts, exactly.

    Parameters
    ----------
    z : (n_rois, n_bins) float32
        Rows of mean 0 and length 1, or all 0.

    Returns
    -------
    (n_rois, n_rois) float32

    Notes
    -----
    By Parseval's theorem the mean square of a circular cross-correlation is the product of the two power
    spectra, summed over frequency: one matrix product of half the size gives what all shifts of all pairs
    would. Slow activity has few independent samples, and so a wide spread (Bartlett 1935,
    doi:10.1111/j.2397-2335.1935.tb04208.x).
    """
    power = power_spectra(z)
    matrix = symmetric_product(
        lambda columns: power[:, columns], *power.shape, on_progress=on_progress, executor=executor
    )
    np.sqrt(matrix, out=matrix)
    return matrix


def shift_test(
    z: NDArray[np.float32],
    *,
    n_shifts: int = 100,
    least_shift: int = 1,
    seed: int = 0,
    two_sided: bool = False,
    classes: PairClasses | None = None,
    n_classes: int = 0,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> ShiftTest:
    """Correlate all cells with shifted copies of all others.

    Parameters
    ----------
    z : (n_rois, n_bins) float32
        Rows of mean 0 and length 1 (:func:`~napari_calcium.population.standardising.standardised`); rows of 0
        take no part.
    n_shifts : int
        How many shifts are tried.
    least_shift : int
        Bins; shorter shifts would keep some of the true relation, since activity goes on for a while.
    seed : int
        Draws the shifts.
    two_sided : bool
        Count sizes, so that negative correlations are tested as well.
    classes : callable, optional
        Class of each pair (of distances, say), whose mean correlation at each shift is kept.
    n_classes : int
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    ShiftTest

    Notes
    -----
    A circular shift keeps each cell's own time course and destroys its relation to the others; since only
    the difference of two cells' shifts matters, one lag for all serves every pair, and results do not depend
    on the order of the cells. Each correlation is divided by its own exact spread over all shifts. Sparse
    activity gives skewed correlations: the ratio is made a normal score, as if it were of a gamma
    distribution with the pair's skewness (Wilson & Hilferty 1931, doi:10.1073/pnas.17.12.684), so that quiet
    cells do not drown what active ones say. The scores of all pairs and shifts are then pooled: that resolves
    p-values far below 1 / n_shifts, which tests of millions of pairs need, and makes up for what the score
    gets wrong. Pooling controls the expected number of false pairs over the recording as a whole, not for
    each pair by itself (Efron 2008, doi:10.1214/07-STS236).

    With many cells a stratified part of them stands for all in the null. Cost: n_shifts products of that part
    with all cells, about 5 · 10⁷ · n_bins operations at most, and never more than cells × cells of memory.
    """
    n, n_bins = z.shape
    spread = spread_under_shift(z, on_progress=part(on_progress, 0.0, 0.3), executor=executor)
    lags = shift_lags(n_bins, n_shifts, least_shift, seed)
    rows = _representative(spread, max(1, _POOLED // max(1, n * len(lags))))
    kinds = classes(rows) if classes is not None else None
    skewness = _skewness(z, rows, spread[rows], lags)
    work = partial(_shifted, z, rows, spread[rows], skewness, lags, two_sided, kinds, n_classes)
    counts = np.zeros(_LEVELS + 1, np.int64)
    means = np.full((len(lags), 2, n_classes), np.nan)
    share = part(on_progress, 0.3, 1.0)
    for block, (count, mean) in map_blocks(work, len(lags), 1, on_progress=share, executor=executor):
        counts += count
        means[block] = mean
    pooled = int(counts.sum())
    tail = np.cumsum(counts[::-1])[::-1][:_LEVELS]
    return ShiftTest(
        lags,
        spread,
        skewness,
        np.ascontiguousarray(tail),
        pooled,
        means.reshape(2 * len(lags), n_classes),
        two_sided,
    )


def _representative(spread: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Return rows evenly spread over cells from the fastest to the slowest."""
    own = np.diagonal(spread)
    order = np.argsort(own, kind="stable")
    order = order[own[order] > 0]
    if len(order) <= most:
        return np.sort(order).astype(np.int64)
    return np.sort(order[np.linspace(0, len(order) - 1, most).astype(np.int64)]).astype(np.int64)


def _skewness(
    z: NDArray[np.float32], rows: NDArray[np.int64], spread: NDArray[np.float32], lags: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return a number for each cell such that the product of two is the skewness of what shifts give.

    Independent samples give the product of the cells' own skewness over the root of their number; how much
    more it is where activity lasts is learnt from a few shifts.
    """
    n, n_bins = z.shape
    own = np.empty(n)
    for start in range(0, n, 256):
        own[start : start + 256] = (z[start : start + 256].astype(np.float64) ** 3).sum(axis=1)
    own *= n_bins**0.25
    cubes, expected = 0.0, 0.0
    n_tried = max(10, _LEARNT // max(1, len(rows) * n))
    for lag in lags[:: max(1, len(lags) // n_tried)].tolist():
        ratio = _ratios(_at_lag(z, rows, lag), spread)
        cubes += float(np.nansum(ratio**3))
        expected += float(own[rows].sum() * own.sum() - (own[rows] ** 2).sum())
    factor = cubes / expected if expected > 0 else 0.0
    return np.asarray(own * np.sqrt(max(0.0, factor)), np.float64)


def _at_lag(z: NDArray[np.float32], rows: NDArray[np.int64], lag: int) -> NDArray[np.float32]:
    """Correlate some rows with all rows shifted by a lag; NaN for a cell with itself, which is no pair."""
    few = z[rows]
    shifted: NDArray[np.float32] = few[:, lag:] @ z[:, : z.shape[1] - lag].T
    shifted += few[:, :lag] @ z[:, z.shape[1] - lag :].T
    shifted[np.arange(len(rows)), rows] = np.nan
    return shifted


def _ratios(correlation: NDArray[np.floating], spread: NDArray[np.float32]) -> NDArray[np.floating]:
    fine = (spread > 0) & np.isfinite(correlation)
    return np.where(fine, correlation / np.where(fine, spread, 1), np.nan)


def _scores(ratio: NDArray[np.floating], skewness: NDArray[np.float64]) -> NDArray[np.floating]:
    """Return normal scores of ratios of a gamma distribution with this skewness."""
    skew = np.where(np.abs(skewness) < 1e-3, 1e-3, skewness)
    scores: NDArray[np.floating] = (np.cbrt(1 + skew * ratio / 2) - 1 + skew**2 / 36) * (6 / skew)
    return scores


def _levels(
    correlation: NDArray[np.floating],
    spread: NDArray[np.float32],
    skewness: NDArray[np.float64],
    two_sided: bool,
) -> NDArray[np.int64]:
    scores = _scores(_ratios(correlation, spread), skewness)
    fine = np.isfinite(scores)
    size = np.abs(scores) if two_sided else scores
    level = np.clip(np.where(fine, size, 0) / _STEP, 0, _LEVELS - 1).astype(np.int64)
    return np.where(fine, level, -1)


def _shifted(
    z: NDArray[np.float32],
    rows: NDArray[np.int64],
    spread: NDArray[np.float32],
    skewness: NDArray[np.float64],
    lags: NDArray[np.int64],
    two_sided: bool,
    kinds: NDArray[np.int64] | None,
    n_classes: int,
    block: slice,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Correlate some rows with all rows shifted by one lag; count the scores and average by class."""
    shifted = _at_lag(z, rows, int(lags[block.start]))
    levels = _levels(shifted, spread, np.outer(skewness[rows], skewness), two_sided)
    counts = np.bincount(levels[levels >= 0], minlength=_LEVELS + 1)
    if kinds is None:
        return counts, np.empty((2, 0))
    known = (kinds >= 0) & (levels >= 0)
    # A pair stands above and below the diagonal, with opposite lags: two values, not one mean of both.
    above = np.arange(len(skewness))[None] > rows[:, None]
    halves = [_class_means(shifted, kinds, known & half, n_classes) for half in (above, ~above)]
    return counts, np.stack(halves)


def _class_means(
    values: NDArray[np.float32], kinds: NDArray[np.int64], chosen: NDArray[np.bool_], n_classes: int
) -> NDArray[np.float64]:
    number = np.bincount(kinds[chosen], minlength=n_classes)
    total = np.bincount(kinds[chosen], weights=values[chosen], minlength=n_classes)
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan), np.float64)
