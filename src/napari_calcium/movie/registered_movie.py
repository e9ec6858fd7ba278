"""The registered movie as a view: frames are moved into place when they are read."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_calcium.atomic import replacing
from napari_calcium.movie.chunks import MovieSource, frames_per_chunk, map_chunks, movie_shape, read_chunk
from napari_calcium.movie.grid import Grid
from napari_calcium.movie.mapped_movie import travelling
from napari_calcium.movie.preparation import Preparation
from napari_calcium.progress import Progress, silent

__all__ = ["RegisteredMovie", "write_registered"]

_CLAMP = np.float32(np.inf)


class RegisteredMovie:
    """A movie in registered coordinates that holds no frame: anything that streams movies can read it.

    Pixels that a frame did not see repeat its nearest pixel (the image ``coverage`` of the registration says
    how often), so that a movie without missing pixels has none after registration either.

    Parameters
    ----------
    movie : MovieSource
        The movie as recorded, or another channel of it.
    fields : (n_frames, ny, nx, 2) float32
        Displacement (y, x) of the nodes in pixels.
    grid : Grid
    line_phase : float
        By how many pixels odd rows are sampled further right.

    Attributes
    ----------
    shape : (n_frames, height, width)
    dtype : float32

    Raises
    ------
    ValueError
        If there are not as many fields as frames, or some are not finite.
    """

    dtype = np.dtype(np.float32)

    def __init__(
        self, movie: MovieSource, fields: NDArray[np.float32], grid: Grid, *, line_phase: float = 0.0
    ):
        self.shape = movie_shape(movie)
        if len(fields) != self.shape[0]:
            raise ValueError(f"the movie has {self.shape[0]} frames, but {len(fields)} were registered")
        if not np.isfinite(fields).all():
            raise ValueError("displacements must be finite; fill those of missing frames first")
        self._movie = movie
        self._fields = fields
        self._grid = grid
        self._preparation = Preparation(line_phase=line_phase)

    def __len__(self) -> int:
        return self.shape[0]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_movie": travelling(self._movie)}

    @property
    def ndim(self) -> int:
        """3: time, row, column."""
        return 3

    @property
    def source(self) -> MovieSource:
        """The movie as recorded: what :meth:`move` takes frames of."""
        return self._movie

    def move(self, frames: NDArray[np.float32], span: slice) -> NDArray[np.float32]:
        """Return frames (n, height, width), read before from `span` of the movie, moved into place."""
        from napari_calcium.movie.warp import warp_frames

        prepared = self._preparation(frames)
        moved = np.empty_like(prepared)
        warp_frames(prepared, self._fields[span], *self._grid.numbers, _CLAMP, moved)
        return moved

    def window(self, frames: slice, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Return a rectangle of some frames, moved into place, reading little more than it from the movie.

        Parameters
        ----------
        frames, rows, columns : slice
            Start and stop within the movie, step 1.

        Returns
        -------
        (frames, rows, columns) float32
            As slicing gives it, up to rounding. A movie that cannot be sliced in space is read whole.
        """
        from napari_calcium.movie.warp import warp_frames

        fields = self._fields[frames]
        if self._preparation.line_phase or not len(fields):
            return self[frames, rows, columns]
        area = [
            _reached(span, fields[..., axis], self.shape[1 + axis])
            for axis, span in enumerate((rows, columns))
        ]
        try:
            read = np.asarray(self._movie[frames, area[0], area[1]])
        except (TypeError, IndexError, ValueError, AttributeError):
            read = np.asarray(self._movie[frames])[:, area[0], area[1]]
        with np.errstate(over="ignore", invalid="ignore"):
            pixels = np.array(read, np.float32, order="C")
        pixels[np.isinf(pixels)] = np.nan
        y0, y_step, x0, x_step = self._grid.numbers
        moved = np.empty_like(pixels)
        warp_frames(pixels, fields, y0 - area[0].start, y_step, x0 - area[1].start, x_step, _CLAMP, moved)
        top, left = rows.start - area[0].start, columns.start - area[1].start
        return moved[:, top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]

    def __getitem__(self, index: Any) -> NDArray[np.float32]:
        """Return frames as float32: an integer or a slice, or a tuple with rows and columns as well."""
        frames, *place = index if isinstance(index, tuple) else (index,)
        if isinstance(frames, slice):
            numbers = range(*frames.indices(len(self)))
            read = self._read(numbers)
            return np.asarray(read[(slice(None), *place)])
        number = int(range(len(self))[int(frames)])
        one = self._read(range(number, number + 1))[0]
        return np.asarray(one[tuple(place)])

    def _read(self, numbers: range) -> NDArray[np.float32]:
        if numbers.step == 1:
            span = slice(numbers.start, max(numbers.start, numbers.stop))
            return self.move(read_chunk(self._movie, span).pixels, span)
        parts = [self._read(range(k, k + 1)) for k in numbers]
        return np.concatenate(parts) if parts else np.empty((0, *self.shape[1:]), np.float32)


def _reached(span: slice, displacement: NDArray[np.float32], length: int) -> slice:
    """Return the pixels along one axis that a span of the registered movie is sampled from, and itself."""
    before = min(0, math.floor(float(displacement.min())))
    after = max(0, math.ceil(float(displacement.max()))) + 1
    return slice(max(0, span.start + before), min(length, span.stop + after))


def write_registered(
    movie: RegisteredMovie,
    path: str | os.PathLike[str],
    *,
    dtype: DTypeLike = np.float32,
    on_progress: Progress = silent,
) -> Path:
    """Write a registered movie as a BigTIFF, chunk by chunk.

    Parameters
    ----------
    movie : RegisteredMovie
    path : path
        Replaced only when the whole movie is written.
    dtype : dtype
        Integers are rounded, and cut where they do not fit; missing pixels become 0 in them.
    on_progress
        Called after each chunk; an exception from it leaves no file behind.
    """
    import tifffile

    target = Path(path)
    with replacing(target) as beside, tifffile.TiffWriter(beside, bigtiff=True) as tiff:
        tiff.write(
            _frames(movie, np.dtype(dtype), on_progress),
            shape=movie.shape,
            dtype=np.dtype(dtype),
            photometric="minisblack",
            metadata={"axes": "TYX"},
        )
    return target


def _frames(movie: RegisteredMovie, dtype: np.dtype[Any], on_progress: Progress) -> Iterator[NDArray[Any]]:
    size = frames_per_chunk(*movie.shape[1:])
    chunks = map_chunks(
        lambda chunk: _cast(chunk.pixels, dtype), movie, chunk_frames=size, on_progress=on_progress
    )
    for _, frames in chunks:
        yield from frames


def _cast(pixels: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind not in "iu":
        return pixels.astype(dtype)
    limits = np.iinfo(dtype)
    # The largest float32 that does not pass the limit of a wide integer.
    highest = np.nextafter(np.float32(limits.max), np.float32(0)) if limits.bits > 24 else limits.max
    return np.asarray(np.clip(np.nan_to_num(np.rint(pixels), nan=0.0), limits.min, highest), dtype)
