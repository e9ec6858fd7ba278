"""Two channels of a recording read as one movie, so that they reach a worker together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.movie.chunks import Chunk, MovieSource, movie_shape
from napari_calcium.movie.mapped_movie import travelling

__all__ = ["SideBySide", "split"]


class SideBySide:
    """A movie above another one of the same shape: (n_frames, 2 height, width).

    Parameters
    ----------
    movie, guide : MovieSource

    Raises
    ------
    ValueError
        If their shapes differ.
    """

    def __init__(self, movie: MovieSource, guide: MovieSource):
        n_frames, height, width = movie_shape(movie)
        if movie_shape(guide) != (n_frames, height, width):
            raise ValueError(
                f"the channel of the motion has shape {movie_shape(guide)}, the movie {movie_shape(movie)}"
            )
        self._movie, self._guide = movie, guide
        self.shape = (n_frames, 2 * height, width)
        self.dtype = np.result_type(movie.dtype, guide.dtype)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_movie": travelling(self._movie), "_guide": travelling(self._guide)}

    def __getitem__(self, frames: slice) -> NDArray[Any]:
        return np.concatenate([np.asarray(self._movie[frames]), np.asarray(self._guide[frames])], axis=1)


def split(chunk: Chunk) -> tuple[Chunk, Chunk]:
    """Return the two movies of a chunk; a frame is missing from both where it is missing from one."""
    height = chunk.pixels.shape[1] // 2
    halves = [np.ascontiguousarray(chunk.pixels[:, part]) for part in (slice(height), slice(height, None))]
    missing = chunk.missing.copy()
    for pixels in halves:
        missing |= ~np.isfinite(pixels).any(axis=(1, 2))
    movie, guide = (Chunk(chunk.frames, pixels, missing) for pixels in halves)
    return movie, guide
