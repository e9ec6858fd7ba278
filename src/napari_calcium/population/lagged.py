"""Who follows whom: correlation at lags, of pairs and of every cell with one signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_traces
from napari_calcium.population.standardising import standardised

__all__ = ["lagged_correlation", "pair_lags", "peak_of"]

_BLOCK_SAMPLES = 2**22


def lagged_correlation(traces: ArrayLike, signal: ArrayLike, most_lag: int) -> NDArray[np.float32]:
    """Correlate every cell with one signal at every lag.

    Parameters
    ----------
    traces : (n_rois, n_bins)
        NaN counts as the row's mean.
    signal : (n_bins,)
    most_lag : int
        Bins, at most n_bins − 1.

    Returns
    -------
    (n_rois, 2 · most_lag + 1) float32
        Column ``most_lag + k`` holds lag k: above 0 the cell follows the signal by k bins. NaN for a constant
        row or signal.

    Raises
    ------
    ValueError
        If the signal has not as many bins as the traces.

    Notes
    -----
    Means and lengths are those of the whole rows; sums run over the bins that overlap, and are scaled up to
    the full length (the unbiased estimate), so that long lags are noisier, not smaller. One FFT a row.
    """
    x = check_traces(traces)
    other = check_traces(np.asarray(signal)[None])
    if other.shape[1] != x.shape[1]:
        raise ValueError(f"signal must have {x.shape[1]} bins as the traces do, got {other.shape[1]}")
    z, reference = standardised(x), standardised(other)
    result = np.empty((len(x), 2 * most_lag + 1), np.float32)
    rows = max(1, _BLOCK_SAMPLES // x.shape[1])
    for start in range(0, len(x), rows):
        part = z[start : start + rows]
        result[start : start + rows] = _lagged(np.broadcast_to(reference, part.shape), part, most_lag)
    return result


def pair_lags(
    z: NDArray[np.float32], a: NDArray[np.int64], b: NDArray[np.int64], most_lag: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the largest correlation of each pair at any lag, and that lag in bins.

    Parameters
    ----------
    z : (n_rois, n_bins) float32
        Rows of mean 0 and length 1.
    a, b : (n_pairs,) int64
        Rows of the pairs.
    most_lag : int

    Returns
    -------
    peak : (n_pairs,) float64
    lag : (n_pairs,) int64
        Above 0: b follows a.

    Notes
    -----
    Each pair costs one short FFT; blocks keep the memory bounded. The largest of many is larger than any one:
    a peak is no test.
    """
    peak, lag = np.empty(len(a)), np.empty(len(a), np.int64)
    pairs = max(1, _BLOCK_SAMPLES // z.shape[1])
    for start in range(0, len(a), pairs):
        block = slice(start, start + pairs)
        lags = _lagged(z[a[block]], z[b[block]], most_lag)
        peak[block], lag[block] = peak_of(lags)
    return peak, lag


def peak_of(lags: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the largest value of each row of lags and its lag; of several that are equal the shortest."""
    most = lags.shape[1] // 2
    order = np.argsort(np.abs(np.arange(-most, most + 1)), kind="stable")
    values = np.nan_to_num(lags[:, order], nan=-np.inf)
    best = np.argmax(values, axis=1)
    peak = values[np.arange(len(lags)), best].astype(np.float64)
    return np.where(np.isfinite(peak), peak, np.nan), order[best] - most


def _lagged(first: NDArray[np.float32], second: NDArray[np.float32], most_lag: int) -> NDArray[np.float32]:
    from scipy.fft import irfft, next_fast_len, rfft

    n = first.shape[1]
    most = min(most_lag, n - 1)
    size = next_fast_len(n + most, real=True)
    cross = irfft(np.conj(rfft(first, size, axis=1)) * rfft(second, size, axis=1), size, axis=1)
    lag = np.arange(-most, most + 1)
    full = cross[:, lag] * (n / (n - np.abs(lag)))
    flat = ~(first.any(axis=1) & second.any(axis=1))
    full[flat] = np.nan
    result = np.full((len(first), 2 * most_lag + 1), np.nan, np.float32)
    result[:, most_lag - most : most_lag + most + 1] = full
    return result
