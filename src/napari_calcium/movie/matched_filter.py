"""How much a place looks like a soma that flashes: matched filters in space and in time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

__all__ = [
    "MatchedFilter",
    "decay_filter",
    "decay_filter_stored",
    "disc",
    "negative_sd",
    "soma_kernel",
    "squared_activity",
]

_SURROUND = (8 / 6, 13 / 6)
"""Inner and outer radius of the surround that is subtracted, in radii of a soma."""

_SD_SMOOTHING = 8 / 6
_ANTIALIAS = 9
_BLOCK = 1 << 18


def disc(radius: float, half: int) -> NDArray[np.float64]:
    """Return the share of each pixel that a disc about the centre covers, (2 half + 1, 2 half + 1)."""
    n = _ANTIALIAS * (2 * half + 1)
    fine = (np.arange(n) - (n - 1) / 2) / _ANTIALIAS
    inside = fine[:, None] ** 2 + fine[None] ** 2 <= radius**2
    side = 2 * half + 1
    return np.asarray(inside.reshape(side, _ANTIALIAS, side, _ANTIALIAS).mean(axis=(1, 3)))


@lru_cache(maxsize=64)
def soma_kernel(radius: float) -> NDArray[np.float32]:
    """Return a disc minus its surround, of sum 0 and unit norm, on a square just large enough."""
    inner, outer = (radius * r for r in _SURROUND)
    half = int(np.ceil(outer))
    surround = disc(outer, half) - disc(inner, half)
    centre = disc(radius, half)
    kernel = centre / centre.sum() - surround / surround.sum()
    result = np.asarray(kernel / np.linalg.norm(kernel), np.float32)
    result.flags.writeable = False
    return result


@dataclass(frozen=True, eq=False)
class MatchedFilter:
    """Correlates frames, averaged over squares of 2 pixels, with :func:`soma_kernel`.

    Attributes
    ----------
    kernel : (k, k) float32
        In squares of 2 pixels.
    shape : (rows, columns)
        Of the result.
    transform : complex64
        Of the kernel, on a grid that is large enough for nothing to wrap around.
    padded : (int, int)
    """

    kernel: NDArray[np.float32]
    shape: tuple[int, int]
    transform: NDArray[np.complex64]
    padded: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int], radius: float) -> Self:
        """Make the filter for frames of a shape and somata of a radius, both in pixels."""
        kernel = soma_kernel(max(1.0, radius / 2))
        rows, columns = -(-shape[0] // 2), -(-shape[1] // 2)
        half = len(kernel) // 2
        padded = (
            scipy.fft.next_fast_len(rows + half, real=True),
            scipy.fft.next_fast_len(columns + half, real=True),
        )
        padded = (max(padded[0], len(kernel)), max(padded[1], len(kernel)))
        large = np.zeros(padded, np.float32)
        large[: len(kernel), : len(kernel)] = kernel
        large = np.roll(large, (-half, -half), axis=(0, 1))
        return cls(kernel, (rows, columns), scipy.fft.rfft2(large), padded)

    def __call__(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the response (n, rows, columns) to frames (n, height, width) of unit white noise."""
        from napari_calcium.movie.whitening_kernels import pool

        n = len(frames)
        rows, columns = self.shape
        small = np.zeros((n, *self.padded), np.float32)
        halved = np.empty((n, rows, columns), np.float32)
        pool(frames, 2, halved)
        # The mean of four pixels has half the noise of one.
        small[:, :rows, :columns] = 2 * halved
        spectrum = scipy.fft.rfft2(small)
        spectrum *= self.transform
        response = scipy.fft.irfft2(spectrum, self.padded)[:, :rows, :columns]
        return np.ascontiguousarray(response, np.float32)


def decay_filter(traces: NDArray[np.float32], decay_bins: float) -> NDArray[np.float32]:
    """Correlate with a decaying exponential along the first axis, in place; white noise keeps its level.

    Parameters
    ----------
    traces : (n_bins, …) float32
    decay_bins : float
        Time constant; 0 changes nothing.
    """
    if decay_bins <= 0:
        return traces
    keep = np.float32(np.exp(-1 / decay_bins))
    for k in range(len(traces) - 2, -1, -1):
        traces[k] += keep * traces[k + 1]
    traces *= np.sqrt(1 - keep**2)
    return traces


def decay_filter_stored(response: NDArray[np.int16], decay_bins: float) -> None:
    """Apply :func:`decay_filter` to a response (n_bins, rows, columns) in 16 bits, in place.

    It is done row by row, so that little of it is in single precision at a time.
    """
    limits = np.iinfo(np.int16)
    for row in range(response.shape[1] if decay_bins > 0 else 0):
        filtered = decay_filter(response[:, row].astype(np.float32), decay_bins)
        response[:, row] = np.clip(np.rint(filtered, out=filtered), limits.min, limits.max, out=filtered)


def negative_sd(response: NDArray[np.int16 | np.float32], radius: float) -> NDArray[np.float32]:
    """Return the noise of a response (n, rows, columns), from values below 0, smoothed over a soma.

    Activity is positive, so the negative side is noise alone. In the unit of the response.
    """
    squares = np.zeros(response.shape[1:])
    count = np.zeros(response.shape[1:])
    for frame in response:
        below = np.minimum(frame, 0).astype(np.float32)
        squares += below * below
        count += below < 0
    sigma = _SD_SMOOTHING * radius / 2
    squares, count = gaussian_filter(squares, sigma), gaussian_filter(count, sigma)
    variance = np.divide(squares, count, out=np.zeros_like(squares), where=count > 1e-9)
    return np.asarray(np.sqrt(variance), np.float32)


def squared_activity(
    response: NDArray[np.int16 | np.float32], sd: NDArray[np.float32], threshold: float
) -> NDArray[np.float32]:
    """Return the summed squares of what exceeds `threshold` standard deviations, (rows, columns).

    `sd` is in the unit of the response. Where it is 0 nothing ever changed, and neither is there activity.
    """
    total = np.zeros(sd.shape, np.float32)
    scale = np.divide(np.float32(1), sd, out=np.zeros_like(sd), where=sd > 1e-6)
    step = max(1, _BLOCK // max(1, sd.size))
    for start in range(0, len(response), step):
        z = response[start : start + step] * scale
        z[z <= threshold] = 0
        total += np.einsum("tyx,tyx->yx", z, z)
    return total
