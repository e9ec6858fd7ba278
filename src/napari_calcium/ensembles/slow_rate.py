"""The slow rate that all neurons share: arousal, locomotion, drowsiness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["slow_rate"]

_REACH = 4.0  # the kernel ends at this many standard deviations


def slow_rate(
    frames: NDArray[np.int64], n_frames: int, width: int, smoothing: float, left_out: float
) -> NDArray[np.float64]:
    """Return the population's event rate around each window, relative to its mean.

    Parameters
    ----------
    frames : (n_events,) int64
        Frames of all events of all neurons.
    n_frames : int
    width : int
        Frames in a window.
    smoothing : float
        Standard deviation of the Gaussian kernel, in frames.
    left_out : float
        Frames on either side of the window that do not count, so that what happens in the window cannot
        explain itself away.

    Returns
    -------
    (n_frames - width + 1,) float64
        Mean 1, always above 0. Near the ends only the part of the kernel inside the recording counts. Where
        there are few events in reach it is drawn towards 1, as if one event at the mean rate had been seen
        in addition.
    """
    n = n_frames - width + 1
    if not len(frames):
        return np.ones(n)
    kernel = _kernel(width, smoothing, left_out)
    counts = np.bincount(frames, minlength=n_frames).astype(np.float64)
    seen = _convolved(counts, kernel)[width // 2 :][:n]
    mass = _convolved(np.ones(n_frames), kernel)[width // 2 :][:n]
    # With weights w the sum behaves like sum(w)² / sum(w²) equally weighted frames.
    weight = kernel.sum() / (kernel**2).sum() if kernel.any() else 1.0
    expected = mass * weight * len(frames) / n_frames
    rate: NDArray[np.float64] = (np.maximum(seen * weight, 0.0) + 1.0) / (expected + 1.0)
    rate /= rate.mean()
    return rate


def _kernel(width: int, smoothing: float, left_out: float) -> NDArray[np.float64]:
    """Gaussian of odd length with a hole in the middle, of sum 1 (0 if the hole swallows it)."""
    reach = int(_REACH * smoothing) + 1
    lag = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (lag / smoothing) ** 2)
    kernel[np.abs(lag) <= width / 2 + left_out] = 0.0
    total = kernel.sum()
    return kernel / total if total > 0 else kernel


def _convolved(x: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(x) + len(kernel), real=True)
    product = irfft(rfft(x, size) * rfft(kernel, size), size)
    return np.asarray(product[len(kernel) // 2 :][: len(x)], np.float64)
