"""A memory-mapped movie that travels by its file's name: other processes map it themselves."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

__all__ = ["MappedMovie", "travelling"]


class MappedMovie:
    """A part of a file, laid out as an array; pickled, it is a name and a few numbers.

    Parameters
    ----------
    path : str
        It must lie under the same name wherever the movie is sent.
    dtype : dtype
    shape, strides : tuple of int
        As of an array; strides in bytes, none negative.
    offset : int
        Of the first sample in the file, in bytes.
    """

    def __init__(
        self, path: str, dtype: np.dtype[Any], shape: tuple[int, ...], strides: tuple[int, ...], offset: int
    ):
        self.path, self.dtype, self.shape, self.strides, self.offset = path, dtype, shape, strides, offset
        self._bytes: np.memmap[Any, Any] | None = None

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Return what the array would; a view of the mapped file."""
        if self._bytes is None:
            self._bytes = np.memmap(self.path, np.uint8, "r")
        whole = np.ndarray(self.shape, self.dtype, self._bytes, self.offset, self.strides)
        return np.asarray(whole[index])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_bytes": None}


def travelling(movie: Any) -> Any:
    """Return a movie that is cheap to send to another process: itself, unless it is a map of a file.

    A memory map would be sent with all that it maps. One that may have been changed in memory only is left
    as it is. Of a movie in several `parts` each travels by itself.
    """
    parts = getattr(movie, "parts", None)
    if parts:
        return type(movie)([travelling(one) for one in parts])
    mapped = getattr(movie, "_mmap", None)
    if not (isinstance(movie, np.memmap) and movie.mode == "r" and isinstance(mapped, mmap.mmap)):
        return movie
    if movie.filename is None or not movie.size or min(movie.strides) < 0:
        return movie
    first = byte_bounds(movie)[0] - byte_bounds(np.frombuffer(mapped, np.uint8))[0]
    # A map begins at a whole page of the file, the array within it.
    start = movie.offset - movie.offset % mmap.ALLOCATIONGRANULARITY
    return MappedMovie(str(movie.filename), movie.dtype, movie.shape, movie.strides, start + first)
