"""Estimate the radius of somata from the movie: the size of the discs that its sharp flashes fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_calcium.movie.chunks import Chunk, MovieSource, map_chunks, movie_shape
from napari_calcium.movie.focus import focus_half, judge_focus
from napari_calcium.movie.matched_filter import MatchedFilter
from napari_calcium.movie.peeling import Peeling
from napari_calcium.movie.whitened_movie import Level, whiten

__all__ = ["DEFAULT_RADIUS", "estimate_radius"]

DEFAULT_RADIUS = 6.0
"""Radius in pixels where nothing flashes."""

_RADII = 2.0 * 2.0 ** (np.arange(8) / 2)
_LOG_STEP = np.log(2.0) / 2
_STRETCHES = 5
_BINS = 24
_PEAK_SD = 5.0
_PLACES = 60
_LEAST_SD = 0.1
_REFINE_BINS = (64, 250)
_REFINE_PIXELS = 2**25
_LEAST_ACTIVITY = 12.0
_SHARP_SD = 8.0
_LEAST_SHARP = 5


@dataclass(frozen=True, eq=False)
class _Sizes:
    """Strength of flashes of each size in a chunk."""

    level: Level
    filters: tuple[MatchedFilter, ...]

    def __call__(self, chunk: Chunk) -> NDArray[np.float32]:
        pixels = chunk.pixels
        self.level.subtract_from(pixels, chunk.frames)
        pixels /= self.level.sd
        np.nan_to_num(pixels, copy=False)
        return np.stack([self._strength(soma(pixels)) for soma in self.filters])

    def _strength(self, response: NDArray[np.float32]) -> NDArray[np.float32]:
        # Wide filters also see the neuropil, whose spread is their noise.
        centred = response - response.mean(axis=0)
        below = np.minimum(centred, 0)
        sd = np.sqrt(2 * np.einsum("tyx,tyx->yx", below, below) / len(below))
        active = np.where((centred > _PEAK_SD * sd) & (sd > _LEAST_SD), centred, np.float32(0))
        return np.asarray(np.einsum("tyx,tyx->yx", active, active))


def estimate_radius(
    binned: MovieSource, level: Level, bin_rate: float, decay_bins: float, start: int, stop: int
) -> float:
    """Return the radius in pixels of somata that flash in bins `start` to `stop`.

    Discs of eight sizes (2 to 23 px) are matched to stretches spread over the bins, which gives the size of
    the strongest flashes, sharp or blurred. The strongest of some more bins are then taken out as somata of
    that size, and the median radius of the discs that fit the sharp ones is taken.

    Parameters
    ----------
    binned : MovieSource
    level : Level
        Of these bins.
    bin_rate : float
        Bins per second.
    decay_bins : float
        Decay of a transient, in bins.
    start, stop : int

    Returns
    -------
    float
        :data:`DEFAULT_RADIUS` where nothing flashes.

    Notes
    -----
    It misleads where most flashes are not somata: in a plane of dendrites, or in one-photon movies.
    """
    shape = movie_shape(binned)
    radii = _RADII[: max(1, int((min(shape[1:]) / 6 >= _RADII).sum()))]
    work = _Sizes(level, tuple(MatchedFilter.of((shape[1], shape[2]), float(r)) for r in radii))
    size = max(1, min(_BINS, stop - start))
    starts = np.unique(np.linspace(start, stop - size, _STRETCHES).astype(int))
    strength: NDArray[np.float32] = np.zeros((len(radii), *work.filters[0].shape), np.float32)
    for first in starts.tolist():
        for _, part in map_chunks(work, binned, start=first, stop=first + size, chunk_frames=size):
            strength += part
    rough = _typical(strength, radii)
    bins = int(np.clip(_REFINE_PIXELS // (shape[1] * shape[2]), *_REFINE_BINS))
    first = max(start, (start + stop - bins) // 2)
    white = whiten(binned, level, bin_rate, rough, first, min(stop, first + bins))
    return _sharp_radius(Peeling(white, rough, decay_bins, _LEAST_ACTIVITY)) or rough


def _sharp_radius(peeling: Peeling) -> float:
    """Return the median radius of the discs that fit sharp candidates; 0 where there are too few."""
    half = focus_half(peeling.radius)
    pictures = [peeling.picture(candidate, half) for candidate in peeling.run(_PLACES)]
    if not pictures:
        return 0.0
    slopes, seen, energies = (np.array(column) for column in zip(*pictures, strict=True))
    focus = judge_focus(slopes, energies, peeling.radius, seen)
    sharp = focus.radius[focus.score > _SHARP_SD]
    return float(np.median(sharp)) if len(sharp) >= _LEAST_SHARP else 0.0


def _typical(strength: NDArray[np.float32], radii: NDArray[np.float64]) -> float:
    highest = strength.max(axis=0)
    reach = 2 * int(np.ceil(DEFAULT_RADIUS / 2)) + 1
    peaks = np.argwhere((highest > 0) & (highest == ndimage.maximum_filter(highest, reach)))
    if not len(peaks):
        return DEFAULT_RADIUS
    order = np.argsort(-highest[peaks[:, 0], peaks[:, 1]], kind="stable")[:_PLACES]
    sizes = []
    for y, x in peaks[order]:
        values = strength[:, y, x].astype(np.float64)
        k = int(values.argmax())
        offset = 0.0
        if 0 < k < len(values) - 1:
            before, here, after = values[k - 1 : k + 2]
            offset = 0.5 * (before - after) / (before - 2 * here + after)
        sizes.append(np.log(radii[k]) + offset * _LOG_STEP)
    return float(np.exp(np.median(sizes)))
