"""Estimate the radius of somata from the movie: the size of the discs that its sharp flashes fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.movie.chunks import MovieSource, movie_shape
from napari_calcium.movie.focus import focus_half, judge_focus
from napari_calcium.movie.peeling import Peeling
from napari_calcium.movie.whitened_movie import Level, whiten

__all__ = ["DEFAULT_RADIUS", "estimate_radius"]

DEFAULT_RADIUS = 6.0
"""Radius in pixels where nothing flashes."""

_RADII = 3.0 * 3.0 ** (np.arange(4) / 2)
_SIDE = 256
_BINS = 160
_LEAST_ACTIVITY = 12.0
_CANDIDATES = 40
_SHARP_SD = 8.0
_LEAST_SHARP = 4


class _Middle:
    """The middle of each frame of a movie."""

    def __init__(self, movie: MovieSource, rows: slice, columns: slice):
        self._movie = movie
        self._place = rows, columns
        size = rows.stop - rows.start, columns.stop - columns.start
        self.shape = (movie.shape[0], *size)
        self.dtype = movie.dtype

    def __getitem__(self, frames: slice) -> Any:
        return np.asarray(self._movie[frames])[:, self._place[0], self._place[1]]


def estimate_radius(
    binned: MovieSource, level: Level, bin_rate: float, decay_bins: float, start: int, stop: int
) -> float:
    """Return the radius in pixels of somata that flash in bins `start` to `stop`.

    The strongest flashes of the middle of the field and of the recording are taken out as somata of four
    sizes (3 to 16 px), each of which allows for discs of two thirds to five thirds of it. The size is chosen
    whose discs explain most, and of those that are sharp the median radius is taken.

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
        :data:`DEFAULT_RADIUS` where fewer than four things flash sharply.

    Notes
    -----
    It misleads where most sharp flashes are not somata: in a plane of dendrites.
    """
    n_bins = min(_BINS, stop - start)
    first = (start + stop - n_bins) // 2
    _, height, width = movie_shape(binned)
    rows, columns = (slice(max(0, (n - _SIDE) // 2), min(n, (n + _SIDE) // 2)) for n in (height, width))
    cut = Level(level.centres, level.slow[:, rows, columns], level.sd[rows, columns])
    middle = _Middle(binned, rows, columns)

    def tried(radius: float) -> tuple[float, float]:
        white = whiten(middle, cut, bin_rate, radius, first, first + n_bins)
        return _sharp_discs(Peeling(white, radius, decay_bins, _LEAST_ACTIVITY))

    trials = _RADII[: max(1, int((min(height, width) / 6 >= _RADII).sum()))].tolist()
    most, best = max(tried(radius) for radius in trials)
    if not most:
        return DEFAULT_RADIUS
    # Once more with the size found, whose discs are finer graded about it.
    return tried(best)[1] or best


def _sharp_discs(peeling: Peeling) -> tuple[float, float]:
    """Return how much better than blurs discs explain sharp candidates, and the median of their radii."""
    half = focus_half(peeling.radius)
    pictures = [peeling.picture(candidate, half) for candidate in peeling.run(_CANDIDATES)]
    if not pictures:
        return 0.0, 0.0
    slopes, seen, energies = (np.array(column) for column in zip(*pictures, strict=True))
    focus = judge_focus(slopes, energies, peeling.radius, seen)
    sharp: NDArray[np.bool_] = focus.score > _SHARP_SD
    if sharp.sum() < _LEAST_SHARP:
        return 0.0, 0.0
    return float((focus.score[sharp] ** 2).sum()), float(np.median(focus.radius[sharp]))
