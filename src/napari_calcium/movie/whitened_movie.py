"""The binned movie with equal noise and without anything slow or wide: what somata stand out in."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter1d

from napari_calcium.movie.chunks import Chunk, MovieSource, frames_per_chunk, map_chunks, movie_shape
from napari_calcium.movie.matched_filter import MatchedFilter
from napari_calcium.progress import Progress, part, silent

__all__ = ["STEPS", "Level", "Whitened", "in_steps", "measure_level", "whiten"]

STEPS = np.float32(32.0)
"""Steps in a standard deviation of noise, in which whitened pixels are stored in 16 bits."""

_POOL = 4
_HIGH_PASS_RADII = 10 / 6
_SLOW_SECONDS = 60.0
_CHUNK_SECONDS = 1.0
_MEAN_SECONDS = 8.0
_LEAST_BINS = 4
_MAD_TO_SD = 1.4826
_SAMPLE = 3


@dataclass(frozen=True, eq=False)
class Level:
    """What is known of each pixel before the movie is whitened.

    Attributes
    ----------
    centres : (n_means,) float64
        Middle of each stretch of the movie, in bins from the start of the movie.
    slow : (n_means, height, width) float32
        Running mean of the pixel over about a minute, at each centre.
    sd : (height, width) float32
        Noise of a bin, from differences of neighbouring bins; infinite where a pixel never changes.
    """

    centres: NDArray[np.float64]
    slow: NDArray[np.float32]
    sd: NDArray[np.float32]

    def subtract_from(self, pixels: NDArray[np.float32], bins: slice) -> None:
        """Subtract the slow level, linear between the centres, from bins (n, height, width) in place."""
        place = np.interp(np.arange(bins.start, bins.stop), self.centres, np.arange(len(self.centres)))
        for frame, at in zip(pixels, place.tolist(), strict=True):
            before = int(at)
            along = np.float32(at - before)
            frame -= self.slow[before]
            if along > 0:
                frame -= along * (self.slow[before + 1] - self.slow[before])


@dataclass(frozen=True, eq=False)
class Whitened:
    """A stretch of the movie, ready for detection.

    Attributes
    ----------
    pixels : (n_bins, height, width) int16
        In 1 / :data:`STEPS` standard deviations of the noise; positive where brighter than usual.
    response : (n_bins, rows, columns) int16
        How much each bin looks like a soma centred at (2 row + 0.5, 2 column + 0.5), in the same steps.
    """

    pixels: NDArray[np.int16]
    response: NDArray[np.int16]


def _chunk_bins(shape: tuple[int, int, int], bin_rate: float) -> int:
    """Return how many bins are worked on at once: about a second, fewer where frames are large."""
    fitting = frames_per_chunk(*shape[1:])
    return max(_LEAST_BINS, min(fitting, max(2 * _LEAST_BINS, round(_CHUNK_SECONDS * bin_rate))))


def measure_level(
    binned: MovieSource,
    bin_rate: float,
    start: int,
    stop: int,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Level:
    """Measure noise and slow level of each pixel over bins `start` to `stop`.

    Parameters
    ----------
    binned : MovieSource
        (n_bins, height, width); missing pixels are left out.
    bin_rate : float
        Bins per second.
    """
    shape = movie_shape(binned)
    size = _chunk_bins(shape, bin_rate)
    chunks = map_chunks(
        _measure,
        binned,
        start=start,
        stop=stop,
        chunk_frames=size,
        on_progress=on_progress,
        executor=executor,
    )
    per_mean = max(size, round(_MEAN_SECONDS * bin_rate / size) * size)
    n_means = -(-(stop - start) // per_mean)
    slow, count = np.zeros((2, n_means, *shape[1:]), np.float32)
    squares, differences = np.zeros((2, *shape[1:]))
    for bins, (total, known, square, pairs) in chunks:
        slow[(bins.start - start) // per_mean] += total
        count[(bins.start - start) // per_mean] += known
        squares += square
        differences += pairs
    ends = np.minimum(start + per_mean * np.arange(n_means + 1), stop)
    centres = (ends[:-1] + ends[1:] - 1) / 2
    slow = _means(slow, count)
    window = max(1, round(_SLOW_SECONDS * bin_rate / per_mean)) | 1
    slow = uniform_filter1d(slow, min(window, 2 * len(slow) - 1), axis=0, mode="nearest")
    sd = np.sqrt(squares / np.maximum(differences, 1) / 2)
    return Level(centres, slow, np.where(sd > 0, sd, np.inf).astype(np.float32))


_Measured = tuple[NDArray[np.float32], NDArray[np.int64] | int, NDArray[np.float32], NDArray[np.int64] | int]


def _measure(chunk: Chunk) -> _Measured:
    """Return the sum of each pixel over the bins that saw it, and of its squared changes."""
    pixels = chunk.pixels
    if not np.isnan(pixels.sum(dtype=np.float64)):
        change = np.diff(pixels, axis=0)
        total = pixels.sum(axis=0, dtype=np.float32)
        return total, len(pixels), np.einsum("tyx,tyx->yx", change, change), len(change)
    known = ~np.isnan(pixels)
    both = known[1:] & known[:-1]
    change = np.where(both, np.diff(pixels, axis=0), np.float32(0))
    total = np.where(known, pixels, np.float32(0)).sum(axis=0, dtype=np.float32)
    return total, known.sum(axis=0), np.einsum("tyx,tyx->yx", change, change), both.sum(axis=0)


def _means(total: NDArray[np.float32], count: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of stretches (n, height, width); where a pixel was not seen, its mean over all."""
    means = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    if (count == 0).any():
        seen = count.sum(axis=0)
        overall = np.divide(total.sum(axis=0), seen, out=np.zeros_like(seen), where=seen > 0)
        means = np.where(count > 0, means, overall)
    return means


@dataclass(frozen=True, eq=False)
class _Whitening:
    """The work on one chunk."""

    level: Level
    soma: MatchedFilter
    sigma: float

    def __call__(self, chunk: Chunk) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        pixels = self.pixels(chunk)
        response = self.soma(pixels)
        return in_steps(pixels), in_steps(response)

    def pixels(self, chunk: Chunk) -> NDArray[np.float32]:
        """Return (n, height, width) in standard deviations of the noise, high-passed in space and time."""
        from napari_calcium.movie.whitening_kernels import pool, subtract_pooled

        pixels = chunk.pixels
        self.level.subtract_from(pixels, chunk.frames)
        pixels /= self.level.sd
        np.nan_to_num(pixels, copy=False)
        n, height, width = pixels.shape
        wide = np.empty((n, -(-height // _POOL), -(-width // _POOL)), np.float32)
        pool(pixels, _POOL, wide)
        sigma = self.sigma / _POOL
        subtract_pooled(pixels, gaussian_filter(wide, (0, sigma, sigma), mode="nearest"), _POOL)
        # A bin of fewer frames, or one that moved, is noisier than the others and must not look active.
        sample = pixels[:, ::_SAMPLE, ::_SAMPLE].reshape(n, -1)
        spread = _MAD_TO_SD * np.median(np.abs(sample), axis=1)
        pixels /= np.maximum(spread, 1.0).astype(np.float32)[:, None, None]
        return pixels


def in_steps(values: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return values in steps, cut where 16 bits end; uses `values` up."""
    values *= STEPS
    limits = np.iinfo(np.int16)
    return np.clip(np.rint(values, out=values), limits.min, limits.max, out=values).astype(np.int16)


def whiten(
    binned: MovieSource,
    level: Level,
    bin_rate: float,
    radius: float,
    start: int,
    stop: int,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Whitened:
    """Whiten bins `start` to `stop` and filter them for somata of a radius in pixels.

    Time is O(pixels log pixels) a bin; memory 2.5 bytes a pixel and bin, beside the chunks under way.
    """
    shape = movie_shape(binned)
    soma = MatchedFilter.of((shape[1], shape[2]), radius)
    n = stop - start
    pixels = np.empty((n, *shape[1:]), np.int16)
    response = np.empty((n, *soma.shape), np.int16)
    chunks = map_chunks(
        _Whitening(level, soma, _HIGH_PASS_RADII * radius),
        binned,
        start=start,
        stop=stop,
        chunk_frames=_chunk_bins(shape, bin_rate),
        on_progress=part(on_progress, 0.0, 1.0),
        executor=executor,
    )
    for bins, (white, filtered) in chunks:
        span = slice(bins.start - start, bins.stop - start)
        pixels[span] = white
        response[span] = filtered
    return Whitened(pixels, response)
