"""A recording in several files: movies of the same frames, one after the other."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.errors import ReadError
from napari_calcium.io.tiff import SUFFIXES, MovieFile, open_movie

__all__ = ["JoinedMovie", "open_movie_folder", "open_parts"]


class JoinedMovie:
    """Movies one after the other as one, sliced along time and space; no frame is copied.

    Parameters
    ----------
    parts : sequence of arrays
        (n_frames, …, height, width), alike but for the number of frames; at least one.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        One that holds the values of all parts.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = tuple(parts)
        self._ends = list(accumulate(int(part.shape[0]) for part in self._parts))
        self.shape: tuple[int, ...] = (self._ends[-1], *self._parts[0].shape[1:])
        self.dtype: np.dtype[Any] = np.result_type(*(part.dtype for part in self._parts))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of samples."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def parts(self) -> tuple[Any, ...]:
        """The movies."""
        return self._parts

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        frames, *place = key if isinstance(key, tuple) else (key,)
        if not isinstance(frames, slice):
            number = range(len(self))[int(frames)]
            part = bisect_right(self._ends, number)
            inside = number - (self._ends[part - 1] if part else 0)
            return np.asarray(self._parts[part][(inside, *place)], self.dtype)
        start, stop, step = frames.indices(len(self))
        if step != 1:
            numbers = range(start, stop, step)
            one = [self[(k, *place)] for k in numbers]
            return np.stack(one) if one else self[(slice(0, 0), *place)]
        pieces = [
            np.asarray(part[(slice(max(start, first) - first, min(stop, end) - first), *place)])
            for part, first, end in zip(self._parts, [0, *self._ends], self._ends, strict=False)
            if first < stop and start < end
        ]
        if not pieces:
            return np.asarray(self._parts[0][(slice(0, 0), *place)], self.dtype)
        if len(pieces) == 1:
            return np.asarray(pieces[0], self.dtype)
        return np.concatenate(pieces, dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


def open_parts(paths: Sequence[str | Path]) -> MovieFile:
    """Open TIFF movies that are parts of one recording, in the order of the numbers in their names.

    Raises
    ------
    ReadError
        If one cannot be opened, or has other frames or another frame rate than the first; it is named.
    """
    files = sorted((Path(path) for path in paths), key=_by_number)
    movies = [open_movie(path) for path in files]
    first = movies[0]
    for file, movie in zip(files, movies, strict=True):
        if movie.axes != first.axes or movie.data.shape[1:] != first.data.shape[1:]:
            raise ReadError(
                f"{file.name}: frames of {_size(movie)}, those of {files[0].name} have {_size(first)}; "
                "open files of one recording together"
            )
        if movie.frame_rate is not None and movie.frame_rate != first.frame_rate:
            raise ReadError(
                f"{file.name}: {movie.frame_rate:g} Hz, but {files[0].name} has "
                f"{f'{first.frame_rate:g} Hz' if first.frame_rate else 'no frame rate'}"
            )
    if len(movies) == 1:
        return first
    note = f"{len(files)} files, {files[0].name} to {files[-1].name}, are parts of one recording"
    low, high = (limits(m.contrast_limits[k] for m in movies) for k, limits in ((0, min), (1, max)))
    return replace(
        first,
        data=JoinedMovie([movie.data for movie in movies]),
        contrast_limits=(low, high),
        notes=(note, *dict.fromkeys(note for movie in movies for note in movie.notes)),
    )


def open_movie_folder(folder: Path) -> MovieFile | None:
    """Open a folder of TIFFs as one movie: of one frame each, or parts of a recording.

    Returns
    -------
    MovieFile or None
        None where there is no TIFF in it.

    Raises
    ------
    ReadError
        As :func:`open_parts` and :func:`~napari_calcium.io.tiff.open_movie`.
    """
    files = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES]
    if not files:
        return None
    single = open_movie(min(files, key=_by_number)).n_frames == 1 and len(files) > 1
    return open_movie(folder) if single else open_parts(files)


def _size(movie: MovieFile) -> str:
    return " × ".join(str(n) for n in movie.data.shape[1:])


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Sort part_2 before part_10."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
