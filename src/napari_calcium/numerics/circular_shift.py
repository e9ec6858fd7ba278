"""Tests by circular shift, over all shifts at once: one FFT in place of thousands of shuffles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = [
    "at_least_as_far",
    "best_lags",
    "far_shifts",
    "recurrence",
    "shifted_correlations",
    "shifted_sums",
    "window_p_values",
]

_ROUNDING = 1e-9
_SAME = 0.8
_LEAST_KNOWN = 0.5
"""A shift counts if it has at least this share of the pairs of samples that there are without a shift."""


def shifted_sums(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ``sum(x[:, t] * y[:, t - k])`` for every circular shift k of `y`.

    Parameters
    ----------
    x : (n, n_frames)
    y : (n, n_frames) or (1, n_frames)
        No NaN in either.

    Returns
    -------
    (n, n_frames) float64
        Column k is for `y` shifted to the right by k frames.
    """
    n = x.shape[1]
    if n == 0:
        return np.empty(x.shape)
    product = fft.rfft(np.asarray(x, np.float64)) * np.conj(fft.rfft(np.asarray(y, np.float64)))
    sums: NDArray[np.float64] = fft.irfft(product, n)
    return sums


def shifted_correlations(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the Pearson correlation of `x` with `y` for every circular shift of `y`.

    Parameters
    ----------
    x : (n, n_frames)
    y : (n, n_frames) or (1, n_frames)
        NaN marks a missing sample in either; a shift moves the gaps of `y` with it.

    Returns
    -------
    (n, n_frames) float64
        Column k: correlation of ``x[t]`` with ``y[t - k]`` over the frames where both are known. NaN where
        one of the two is constant there, and where fewer than half as many pairs are known as without a
        shift (or fewer than three).

    Notes
    -----
    Time is O(n · n_frames · log n_frames), memory a few times the result: call it on blocks of rows.
    """
    a, known_a = _centred(x)
    b, known_b = _centred(y)
    if known_a is None and known_b is None:
        top = shifted_sums(a, b)
        scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))[:, None]
        return _ratio(top, np.broadcast_to(scale, top.shape))
    mask_a = np.ones(a.shape) if known_a is None else known_a.astype(np.float64)
    mask_b = np.ones(b.shape) if known_b is None else known_b.astype(np.float64)
    pairs = np.rint(shifted_sums(mask_a, mask_b))
    sum_a, sum_b = shifted_sums(a, mask_b), shifted_sums(mask_a, b)
    enough = (pairs >= 3) & (pairs >= _LEAST_KNOWN * pairs[:, :1])
    number = np.where(enough, pairs, 1.0)
    top = shifted_sums(a, b) - sum_a * sum_b / number
    var_a = shifted_sums(a * a, mask_b) - sum_a**2 / number
    var_b = shifted_sums(mask_a, b * b) - sum_b**2 / number
    # What cancels to rounding errors is constant.
    var_a[var_a < _ROUNDING * (a * a).sum(axis=1, keepdims=True)] = 0
    var_b[var_b < _ROUNDING * (b * b).sum(axis=1, keepdims=True)] = 0
    return np.where(enough, _ratio(top, np.sqrt(var_a * var_b)), np.nan)


def _centred(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Return rows without their mean, 0 where nothing is known, and what is known (None: all)."""
    rows = np.asarray(values, np.float64)
    known = None if np.isfinite(rows.sum()) else np.isfinite(rows)
    if known is None:
        centred = rows - rows.mean(axis=1, keepdims=True)
    else:
        number = np.maximum(known.sum(axis=1, keepdims=True), 1)
        filled = np.where(known, rows, 0.0)
        centred = np.where(known, filled - filled.sum(axis=1, keepdims=True) / number, 0.0)
    # A constant row is one whose deviations are rounding errors of its level.
    level = np.abs(np.nan_to_num(rows)).max(axis=1, keepdims=True, initial=0.0)
    spread = np.abs(centred).max(axis=1, keepdims=True, initial=0.0)
    centred[(spread <= 1e-12 * level)[:, 0]] = 0.0
    return centred, known


def _ratio(top: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.full(top.shape, np.nan)
    np.divide(top, scale, out=result, where=scale > 0)
    return np.clip(result, -1.0, 1.0, out=result)


def best_lags(correlations: NDArray[np.float64], max_lag: int) -> NDArray[np.int64]:
    """Return for each row the lag, −`max_lag` … `max_lag`, at which the correlation is farthest from 0.

    Parameters
    ----------
    correlations : (n, n_frames)
        Of :func:`shifted_correlations`; a negative lag is a column from the end.

    Returns
    -------
    (n,) int64
        The one nearest to 0 of several equal ones; 0 where all are NaN.
    """
    lags = _lags(max_lag, correlations.shape[1])
    heights = np.abs(correlations[:, lags])
    highest: NDArray[np.int64] = lags[np.argmax(np.where(np.isnan(heights), -1.0, heights), axis=1)]
    return highest


def _lags(max_lag: int, n_frames: int) -> NDArray[np.int64]:
    """Return 0, −1, 1, −2, 2 … as far as they differ on a circle of frames."""
    most = min(max_lag, (n_frames - 1) // 2)
    steps = np.arange(-most, most + 1)
    return steps[np.argsort(np.abs(steps), kind="stable")]


def window_p_values(correlations: NDArray[np.float64], max_lag: int) -> NDArray[np.float64]:
    """Return how often a random shift has as high a correlation as near to no lag.

    The statistic of a shift is the highest |correlation| within `max_lag` frames around it, each weighted
    by ``1 - |lag| / (max_lag + 1)``. The p-value is the share of all circular shifts, the true one included,
    whose statistic is at least that of no shift: if behaviour and activity are unrelated and stationary,
    every shift is as likely as any other to have come first, so it is exact, however slow both are.

    Parameters
    ----------
    correlations : (n, n_frames)
        Of :func:`shifted_correlations`.
    max_lag : int
        Frames; 0 tests the correlation without lag.

    Returns
    -------
    (n,) float64
        At least ``1 / n_frames``; NaN where the correlation without shift is.

    Notes
    -----
    Linear in the number of correlations: a correlation r reaches the observed statistic s for all shifts
    within ``(1 - s / |r|) · (max_lag + 1)`` of it, and the union of these stretches is counted.

    The weights matter: with a plain maximum the shifts next to the true one have the same statistic as it,
    and no p-value could be below ``(2 max_lag + 1) / n_frames``.
    """
    n_rows, n = correlations.shape
    heights = np.nan_to_num(np.abs(correlations))
    lags = _lags(max_lag, n)
    weights = 1 - np.abs(lags) / (max_lag + 1)
    observed = (weights * heights[:, lags]).max(axis=1)
    limit = observed * (1 - _ROUNDING)
    row, place = np.nonzero((heights >= limit[:, None]) & (heights > 0))
    reach = ((1 - limit[row] / heights[row, place]) * (max_lag + 1)).astype(np.int64)
    reach = np.minimum(reach, len(lags) // 2)
    # A step up where a stretch begins and a step down after it ends; what passes the end begins again at 0.
    first = (place - reach) % n
    last = first + 2 * reach + 1
    size, base = n_rows * (n + 1), row * (n + 1)
    change = np.bincount(base + first, minlength=size) - np.bincount(
        base + np.minimum(last, n), minlength=size
    )
    over = last > n
    change += np.bincount(base[over], minlength=size)
    change -= np.bincount(base[over] + last[over] - n, minlength=size)
    covered = np.cumsum(change.reshape(n_rows, n + 1)[:, :n], axis=1) > 0
    known = ~np.isnan(correlations)
    possible = np.maximum(known.sum(axis=1), 1)
    p_value = (covered & known).sum(axis=1) / possible
    return np.where(known[:, 0] & (observed > 0), np.maximum(p_value, 1 / possible), np.nan)


def at_least_as_far(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the two-sided p-value of column 0 among all columns: twice the smaller tail, at most 1.

    Parameters
    ----------
    sums : (n, n_shifts)
        A statistic for each shift; column 0 is that of no shift. NaN marks shifts that cannot be counted.

    Returns
    -------
    (n,) float64
        At least ``1 / n_shifts``; NaN where column 0 is.
    """
    rounding = _ROUNDING * np.nanmax(np.abs(sums), axis=1, keepdims=True, initial=0.0)
    known = ~np.isnan(sums)
    number = np.maximum(known.sum(axis=1), 1)
    above = ((sums >= sums[:, :1] - rounding) & known).sum(axis=1)
    below = ((sums <= sums[:, :1] + rounding) & known).sum(axis=1)
    tail = np.minimum(above, below) / number
    return np.where(known[:, 0], np.minimum(2 * tail, 1.0), np.nan)


def far_shifts(n_frames: int, least: int) -> NDArray[np.int64]:
    """Return the circular shifts of at least so many frames to either side, ascending; there may be none."""
    return np.arange(max(1, least), n_frames - max(1, least) + 1).astype(np.int64)


def recurrence(template: NDArray[np.floating], least: int = 1) -> float:
    """Return the share of circular shifts at which a course in time meets itself again.

    Parameters
    ----------
    template : (n_frames,)
        What a perfect relation would follow: events, epochs or a signal. NaN counts as the mean.
    least : int
        Frames; shorter shifts are not looked at.

    Returns
    -------
    float
        Share of shifts where the correlation with itself is 0.8 or more; 0 for a constant. A test by circular
        shift can give no p-value far below it (twice it, two-sided), however strong the relation: exactly
        periodic behaviour cannot be tested so.
    """
    shifts = far_shifts(len(template), least)
    if not len(shifts):
        return 0.0
    alike = shifted_correlations(template[None], template[None])[0, shifts]
    return float((np.nan_to_num(alike) >= _SAME).mean())
