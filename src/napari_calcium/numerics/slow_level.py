"""The slow level of a trace under its transients: through its quiet samples, or along its lower envelope."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.numerics.rolling_percentile import rolling_percentile

__all__ = ["lower_envelope", "quiet_level"]

Floats = NDArray[np.float64]

# Fluctuations of the cutoff period are left with this share of their amplitude: 9 % of their power.
_LEFT_AT_CUTOFF = 0.3
_BINS_PER_CUTOFF = 24
_ITERATIONS = 20
_SETTLED = 0.02
# A bin loses half its weight at 2 SD above the level and at 4 SD below it (SD of the quiet bins' noise).
_UPPER, _LOWER, _SLOPE = 2.0, 4.0, 0.8
# Bins in transients keep a trace of weight: it holds the level where a recording starts or ends in one.
_LEAST_WEIGHT = 0.003
# With drift far above the noise, its crests, which the curve does not quite reach, would pass for transients.
# The SD is therefore at least this share of the spread (interquartile range) of the trace.
_LEAST_SD = 0.1
_RIDGE = 1e-6


def quiet_level(traces: NDArray[np.floating], cutoff: float) -> Floats:
    """Estimate the slow level under the transients of every trace.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        NaN marks a missing sample; those get the level of a smooth continuation.
    cutoff : float
        Period in frames; slower fluctuations belong to the level.

    Returns
    -------
    (n_rois, n_frames) float64
        0 for a row without any sample.

    Notes
    -----
    A penalised least-squares curve (a zero-phase low-pass of fourth order) through averages of 1/24 of the
    cutoff, iterated: what lies above the curve by more than the noise loses its weight (asymmetrically
    reweighted least squares, arPLS). The noise is taken from below the curve, where there are no transients.
    The curve follows the rise into a stretch of activity longer than about half the cutoff that leaves no
    quiet sample. Time is linear in the number of samples; each iteration costs one banded solution of
    24 unknowns a cutoff.

    References
    ----------
    Baek et al. (2015), Analyst 140, 250-257, https://doi.org/10.1039/C4AN01061B;
    Eilers (2003), Analytical Chemistry 75, 3631-3636, https://doi.org/10.1021/ac034173t
    """
    size = _bin_size(cutoff, traces.shape[1])
    means, filled = _bins(traces, size)
    centre, least_sd = _centre_and_least_sd(means, filled)
    means = np.where(filled > 0, means - centre[:, None], 0.0)
    level = _through_quiet_bins(means, filled, cutoff / size, least_sd) + centre[:, None]
    return _at_frames(level, size, traces.shape[1])


def lower_envelope(traces: NDArray[np.floating], window: float, percentile: float) -> Floats:
    """Estimate the slow level from the low values of a sliding window, raised to the middle of the noise.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        NaN marks a missing sample.
    window : float
        Frames; averages of 1/24 of it are looked at.
    percentile : float
        0 (the minimum) to 50 of the averages in the window are taken as low values. Their curve is smoothed
        by a Gaussian (SD a quarter of the window) and raised by one number per trace, so that it runs through
        the middle of the quiet samples instead of along the bottom of the noise.

    Returns
    -------
    (n_rois, n_frames) float64
        0 for a row without any sample.
    """
    size = _bin_size(window, traces.shape[1])
    means, filled = _bins(traces, size)
    low = rolling_percentile(
        np.where(filled > 0, means, np.nan).astype(np.float32), percentile, round(window / size)
    )
    curve = np.asarray(fill_gaps(low)[0], dtype=np.float64)
    bins = min(window / size / 4, means.shape[1])
    curve = gaussian_filter1d(curve, bins, axis=1, mode="nearest")
    rest = np.where(filled > 0, means - curve, 0.0)
    centre, least_sd = _centre_and_least_sd(rest, filled)
    level = curve + _quiet_mean(rest - centre[:, None], filled, least_sd)[:, None] + centre[:, None]
    return _at_frames(level, size, traces.shape[1])


def _centre_and_least_sd(means: Floats, filled: Floats) -> tuple[Floats, Floats]:
    """Return each row's median, 0 without samples, and the least SD that its noise may be given."""
    centre = np.zeros(len(means))
    least_sd = np.full(len(means), np.finfo(np.float32).tiny, np.float64)
    for row in np.flatnonzero(filled.any(axis=1)):
        low, centre[row], high = np.percentile(means[row, filled[row] > 0], [25, 50, 75])
        least_sd[row] += _LEAST_SD * (high - low)
    return centre, least_sd


def _bin_size(period: float, n_frames: int) -> int:
    """Return the frames in a bin: 1/24 of the period, but no more than there are."""
    return max(1, min(int(period / _BINS_PER_CUTOFF), n_frames))


def _bins(traces: NDArray[np.floating], size: int) -> tuple[Floats, Floats]:
    """Average the present samples of every bin; also return which share of each bin is present."""
    n_rois, n_frames = traces.shape
    padding = -n_frames % size
    sides = (padding // 2, padding - padding // 2)
    values = np.pad(traces, ((0, 0), sides), constant_values=np.nan)
    values = values.reshape(n_rois, (n_frames + padding) // size, size)
    present = ~np.isnan(values)
    count = present.sum(axis=2)
    total = np.sum(values, axis=2, where=present, dtype=np.float64)
    return total / np.maximum(count, 1), count / size


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _through_quiet_bins(
    means: Floats, filled: Floats, cutoff: float, least_sd: Floats
) -> Floats:  # pragma: no cover - compiled
    n_rows, n = means.shape
    stiffness = _LEFT_AT_CUTOFF / (1 - _LEFT_AT_CUTOFF) * (cutoff / (2 * np.pi)) ** 4
    levels = np.empty((n_rows, n))
    scratch = np.empty((3, n))
    for row in range(n_rows):
        quiet = np.ones(n)
        for _ in range(_ITERATIONS):
            _smooth(means[row], quiet, filled[row], stiffness, levels[row], scratch)
            if _reweigh(means[row], filled[row], levels[row], least_sd[row], quiet) < _SETTLED:
                break
    return levels


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _quiet_mean(means: Floats, filled: Floats, least_sd: Floats) -> Floats:  # pragma: no cover - compiled
    """Return the mean of the quiet bins of every row."""
    n_rows, n = means.shape
    result = np.zeros(n_rows)
    for row in range(n_rows):
        quiet, level = np.ones(n), np.zeros(n)
        for _ in range(_ITERATIONS):
            if _reweigh(means[row], filled[row], level, least_sd[row], quiet) < _SETTLED:
                break
            weights = quiet * filled[row]
            level[:] = (weights * means[row]).sum() / (weights.sum() + _RIDGE)
        result[row] = level[0]
    return result


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _reweigh(
    mean: Floats, share: Floats, level: Floats, least_sd: float, quiet: Floats
) -> float:  # pragma: no cover - compiled
    """Give every bin a weight for how quiet it is, and return the largest change of a weight."""
    # Below the level there are no transients: for symmetric noise the SD there is that of all quiet bins.
    power, total = 0.0, _RIDGE
    for k in range(len(mean)):
        if mean[k] < level[k]:
            power += quiet[k] * share[k] * (mean[k] - level[k]) ** 2
            total += quiet[k] * share[k]
    sd = max(np.sqrt(power / total), least_sd)
    change = 0.0
    for k in range(len(mean)):
        score = (mean[k] - level[k]) / sd
        weight = min(_UPPER - score, _LOWER + score) * _SLOPE + 0.5
        weight = min(max(weight, _LEAST_WEIGHT), 1.0)
        change = max(change, abs(weight - quiet[k]))
        quiet[k] = weight
    return change


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _smooth(
    mean: Floats, quiet: Floats, share: Floats, stiffness: float, level: Floats, scratch: Floats
) -> None:  # pragma: no cover - compiled
    """Set `level` to the s that minimises Σ w (m − s)² + stiffness · Σ (s'')² with w = quiet · share.

    The matrix has five diagonals; it is factorised as L D Lᵀ while the forward substitution runs along.
    """
    n = len(mean)
    inverse, first, second = scratch[0], scratch[1], scratch[2]
    for k in range(n):
        # Row k takes part in the second differences centred at k - 1, k and k + 1, as far as they exist.
        own, next_one, next_two = quiet[k] * share[k] + _RIDGE, 0.0, 0.0
        if k >= 2:
            own += stiffness
        if 1 <= k < n - 1:
            own += 4 * stiffness
            next_one -= 2 * stiffness
        if k < n - 2:
            own += stiffness
            next_one -= 2 * stiffness
            next_two = stiffness
        value = quiet[k] * share[k] * mean[k]
        if k >= 1:
            carried = first[k - 1]
            own -= carried * carried * inverse[k - 1]
            next_one -= carried * second[k - 1] * inverse[k - 1]
            value -= carried * inverse[k - 1] * level[k - 1]
        if k >= 2:
            own -= second[k - 2] * second[k - 2] * inverse[k - 2]
            value -= second[k - 2] * inverse[k - 2] * level[k - 2]
        inverse[k] = 1.0 / own
        first[k] = next_one
        second[k] = next_two
        level[k] = value
    for k in range(n - 1, -1, -1):
        value = level[k]
        if k + 1 < n:
            value -= first[k] * level[k + 1]
        if k + 2 < n:
            value -= second[k] * level[k + 2]
        level[k] = value * inverse[k]


def _at_frames(level: Floats, size: int, n_frames: int) -> Floats:
    """Interpolate from the centres of the bins to frames (Catmull–Rom), straight beyond the outermost."""
    if level.shape[1] == 1:
        return np.repeat(level, n_frames, axis=1)
    first, last = level[:, :1], level[:, -1:]
    before, after = first - level[:, 1:2], last - level[:, -2:-1]
    padded = np.hstack([first + 2 * before, first + before, level, last + after, last + 2 * after])
    u = (size // 2 + np.arange(size) + 0.5) / size - 0.5
    u2, u3 = u**2, u**3
    weights = 0.5 * np.stack([-u + 2 * u2 - u3, 2 - 5 * u2 + 3 * u3, u + 4 * u2 - 3 * u3, u3 - u2])
    frames = (sliding_window_view(padded, 4, axis=1) @ weights).reshape(
        len(level), (level.shape[1] + 1) * size
    )
    start = size - size // 2 + (-n_frames % size) // 2
    return np.asarray(frames[:, start : start + n_frames])
