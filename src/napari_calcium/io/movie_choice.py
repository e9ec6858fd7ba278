"""One plane and channel of a movie that has several, as a movie of its own that is still read lazily."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.tiff import MovieFile
from napari_calcium.io.tiff_pages import FrameStack, PagedTiff

__all__ = ["ChosenMovie", "choose"]


@dataclass(frozen=True, eq=False)
class ChosenMovie:
    """What is analysed of a movie.

    Attributes
    ----------
    data
        (n_frames, height, width), sliced lazily.
    guide
        The channel by which the motion is found, of the same shape; None where it is `data`.
    frame_rate : float or None
        Of the chosen plane, in Hz.
    notes : tuple of str
    """

    data: Any
    guide: Any
    frame_rate: float | None
    notes: tuple[str, ...]


def choose(movie: MovieFile, read: CsvSettings) -> ChosenMovie:
    """Take a plane and a channel out of a movie.

    Parameters
    ----------
    movie : MovieFile
    read : CsvSettings
        `plane`, `channel` and `registration_channel` count from 1; `interleaved_planes` and
        `interleaved_channels` say what a file does not: that planes and channels follow one another frame by
        frame, the channels of a plane first.

    Raises
    ------
    ReadError
        If there is no such plane or channel, or the frames do not make whole volumes.
    """
    data, rate = movie.data, movie.frame_rate
    n_planes, n_channels = movie.n_planes, movie.n_channels
    apart = read.interleaved_planes * read.interleaved_channels
    if apart > 1:
        if movie.axes != "tyx":
            raise ReadError(
                f"{movie.path}: the file tells its planes and channels itself; leave out how they interleave"
            )
        n_planes, n_channels = read.interleaved_planes, read.interleaved_channels
        _check_whole(movie, data, apart)
        rate = rate / apart if rate else None
    _check_number(movie, "plane", read.plane, n_planes)
    _check_number(movie, "channel", read.channel, n_channels)
    _check_number(movie, "channel", read.registration_channel or 1, n_channels)

    def part(channel: int) -> Any:
        if apart > 1:
            return _every(data, (read.plane - 1) * n_channels + channel - 1, apart)
        place = tuple({"z": read.plane, "c": channel}[axis] - 1 for axis in movie.axes if axis in "zc")
        return _at(data, place) if place else data

    other = read.registration_channel not in (0, read.channel)
    return ChosenMovie(
        part(read.channel),
        part(read.registration_channel) if other else None,
        rate,
        _notes(read, n_planes, n_channels),
    )


def _notes(read: CsvSettings, n_planes: int, n_channels: int) -> tuple[str, ...]:
    notes = []
    if n_planes > 1:
        notes.append(f"plane {read.plane} of {n_planes} is analysed")
    if n_channels > 1:
        notes.append(f"channel {read.channel} of {n_channels} is analysed")
    if read.registration_channel not in (0, read.channel):
        notes.append(f"motion is found in channel {read.registration_channel}")
    return tuple(notes)


def _check_number(movie: MovieFile, what: str, number: int, there: int) -> None:
    if number > there:
        plural = "" if there == 1 else "s"
        raise ReadError(f"{movie.path}: there is no {what} {number}; the movie has {there} {what}{plural}")


def _check_whole(movie: MovieFile, data: Any, apart: int) -> None:
    for part in getattr(data, "parts", (data,)):
        if int(part.shape[0]) % apart:
            raise ReadError(
                f"{movie.path}: {int(part.shape[0]):,} frames are no whole number of volumes of {apart} "
                "frames; correct the number of interleaved planes and channels"
            )


def _at(data: Any, place: tuple[int, ...]) -> Any:
    """Return ``data[:, *place]`` without reading it."""
    parts = getattr(data, "parts", None)
    if parts:
        return type(data)([_at(part, place) for part in parts])
    index = (slice(None), *place)
    return data.chosen(index) if isinstance(data, FrameStack) else data[index]


def _every(data: Any, first: int, step: int) -> Any:
    """Return ``data[first::step]`` without reading it."""
    parts = getattr(data, "parts", None)
    if parts:
        return type(data)([_every(part, first, step) for part in parts])
    index = slice(first, None, step)
    if isinstance(data, PagedTiff):
        numbers = np.arange(len(data))[index]
        return FrameStack(data.__getitem__, numbers, (data.shape[1], data.shape[2]), data.dtype)
    return data.chosen((index,)) if isinstance(data, FrameStack) else data[index]
