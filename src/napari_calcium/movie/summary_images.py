"""Images that sum up a registered movie: mean, maximum, spread, correlation, enhanced mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

__all__ = ["SummaryImages", "enhanced_mean"]

_FLUSH = 32


def enhanced_mean(mean: NDArray[np.float32], radius: float = 6.0) -> NDArray[np.float32]:
    """Return the mean image with its local level removed and its local contrast made equal.

    Parameters
    ----------
    mean : (height, width) float32
        NaN counts as the mean of the rest.
    radius : float
        Radius of a soma in pixels; structures up to about its size stay.

    Returns
    -------
    (height, width) float32
        In local standard deviations, 0 where there is no contrast.
    """
    known = np.isfinite(mean)
    if not known.any():
        return np.zeros_like(mean, dtype=np.float32)
    filled = np.where(known, mean, mean[known].mean(dtype=np.float64)).astype(np.float64)
    high = filled - gaussian_filter(filled, 2 * radius)
    spread = np.sqrt(gaussian_filter(high**2, 4 * radius))
    # A quiet corner must not be blown up to the contrast of the tissue.
    floor = 0.1 * float(spread.max())
    contrast = floor > 1e-9 * float(np.abs(filled).max())
    even = high / np.maximum(spread, floor) if contrast else np.zeros_like(high)
    return np.asarray(even, np.float32)


class SummaryImages:
    """Gathers the images from bins of registered frames, one after the other.

    The standard deviation, the maximum and the local correlation are over bins, whose noise hides less than
    that of frames. Sums are kept of values standardised by `offset` and `sd`, so nothing cancels; they are
    float32 over a few bins and float64 over all.

    Parameters
    ----------
    offset, sd : (height, width) float32
        About the mean and the standard deviation of the bins; finite, `sd` above 0. A pixel that no frame of
        a bin saw counts as at its offset.
    """

    def __init__(self, offset: NDArray[np.float32], sd: NDArray[np.float32]):
        shape = offset.shape
        self._offset, self._sd = offset, sd
        self._highest = np.full(shape, -np.inf, np.float32)
        self._whole = np.zeros((3, *shape))
        self._recent = np.zeros((6, *shape), np.float32)
        self._all = np.zeros((6, *shape))
        self._z = np.empty(shape, np.float32)
        self._n_bins = 0

    def add(self, sums: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add bins and return their means.

        Parameters
        ----------
        sums, seen : (n, height, width) float32
            Sum over the frames of each bin, and how many of them saw each pixel.

        Returns
        -------
        (n, height, width) float32
            NaN where no frame saw the pixel.
        """
        from napari_calcium.movie.binning_kernel import close_bin

        means = np.empty_like(sums)
        for total, count, mean in zip(sums, seen, means, strict=True):
            close_bin(
                total, count, self._offset, self._sd, mean, self._z, self._highest, self._whole, self._recent
            )
            self._n_bins += 1
            if self._n_bins % _FLUSH == 0:
                self._flush()
        return means

    def _flush(self) -> None:
        self._all += self._recent
        self._recent[:] = 0

    def images(self) -> dict[str, NDArray[np.float32]]:
        """Return the images (height, width) float32 by name.

        ``mean``, ``max_projection`` and ``standard_deviation`` are in the movie's own unit and NaN where no
        frame saw the pixel; ``local_correlation`` is the mean Pearson correlation of a pixel with its
        neighbours (up to 8), 0 where there is no variation; ``enhanced_mean`` is in local standard
        deviations; ``coverage`` is the share of frames that saw the pixel.
        """
        self._flush()
        total, seen, bins = self._whole
        never = seen == 0
        with np.errstate(invalid="ignore"):
            mean = (total / seen).astype(np.float32)
        spread = np.sqrt(self._variance(np.maximum(bins, 1))) * self._sd
        return {
            "mean": mean,
            "max_projection": np.where(never, np.nan, self._highest).astype(np.float32),
            "standard_deviation": np.where(never, np.nan, spread).astype(np.float32),
            "local_correlation": self._local_correlation(max(1, self._n_bins)),
            "enhanced_mean": enhanced_mean(mean),
            "coverage": (seen / max(1.0, seen.max())).astype(np.float32),
        }

    def _variance(self, n: int | NDArray[np.float64]) -> NDArray[np.float64]:
        variance: NDArray[np.float64] = np.maximum(self._all[1] / n - (self._all[0] / n) ** 2, 0)
        return variance

    def _local_correlation(self, n: int) -> NDArray[np.float32]:
        mean = self._all[0] / n
        variance = self._variance(n)
        spread = np.sqrt(variance)
        total = np.zeros(mean.shape)
        count = np.zeros(mean.shape)
        for products, here, there in zip(self._all[2:], *_pairs(mean.shape), strict=True):
            both = spread[here] * spread[there]
            covariance = products[here] / n - mean[here] * mean[there]
            correlation = np.divide(covariance, both, out=np.zeros_like(both), where=both > 1e-6)
            for side in (here, there):
                total[side] += correlation
                count[side] += 1
        return np.clip(total / np.maximum(count, 1), -1, 1).astype(np.float32)


_Area = tuple[slice, slice]


def _pairs(shape: tuple[int, ...]) -> tuple[list[_Area], list[_Area]]:
    """Areas of the pixels that have a neighbour right, below, below right and below left, and of those."""
    everything, first, last = slice(None), slice(None, -1), slice(1, None)
    here = [(everything, first), (first, everything), (first, first), (first, last)]
    there = [(everything, last), (last, everything), (last, last), (last, first)]
    return here, there
