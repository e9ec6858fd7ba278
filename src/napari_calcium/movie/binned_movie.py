"""The registered movie averaged over short bins of time, in bounded memory: what cells are detected in."""

from __future__ import annotations

import tempfile
import weakref
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["BinnedMovie", "frames_per_bin"]

_STEPS_PER_SD = 32.0
_MEGABYTE = 2**20


def frames_per_bin(shape: tuple[int, int, int], frame_rate: float, seconds: float, *, limit_mb: float) -> int:
    """Return how many frames are averaged: about `seconds`, more where the bins would not fit in `limit_mb`.

    Parameters
    ----------
    shape : (n_frames, height, width)
    frame_rate : float
        Hz.
    seconds : float
        At least one frame whatever the value.
    limit_mb : float
        MiB of all bins together, 2 bytes a pixel.
    """
    n_frames, height, width = shape
    bins = max(1, int(limit_mb * _MEGABYTE) // (2 * height * width))
    return max(1, round(seconds * frame_rate), -(-n_frames // bins))


class _Store(Protocol):
    def write(self, start: int, values: NDArray[np.int16]) -> None: ...

    def read(self, start: int, stop: int) -> NDArray[np.int16]: ...


class _Memory:
    def __init__(self, shape: tuple[int, int, int]):
        self._values = np.zeros(shape, np.int16)

    def write(self, start: int, values: NDArray[np.int16]) -> None:
        self._values[start : start + len(values)] = values

    def read(self, start: int, stop: int) -> NDArray[np.int16]:
        return self._values[start:stop]


class _ScratchFile:
    """A nameless temporary file, read and written by calls: mapped pages would count as memory."""

    def __init__(self, shape: tuple[int, int, int]):
        self._height, self._width = shape[1:]
        self._bytes = 2 * self._height * self._width
        self._file = tempfile.TemporaryFile(prefix="napari_calcium_", buffering=0)  # noqa: SIM115
        self._file.truncate(shape[0] * self._bytes)
        weakref.finalize(self, self._file.close)

    def write(self, start: int, values: NDArray[np.int16]) -> None:
        self._file.seek(start * self._bytes)
        self._file.write(np.ascontiguousarray(values).data)

    def read(self, start: int, stop: int) -> NDArray[np.int16]:
        values = np.empty((stop - start, self._height, self._width), np.int16)
        if start == stop:
            return values
        self._file.seek(start * self._bytes)
        left = values.data.cast("B")
        while len(left):
            got = self._file.readinto(left)
            if not got:
                raise OSError("the scratch file of the binned movie is shorter than it should be")
            left = left[got:]
        return values


class BinnedMovie:
    """Means of consecutive frames in registered coordinates: a movie that can be sliced and streamed.

    Values are stored in 16 bits, in steps of 1/32 of the standard deviation of a bin's noise, which is far
    below what noise hides. They stay in memory up to `memory_mb`, and lie in a temporary file beyond (in the
    folder of ``TMPDIR``).

    Parameters
    ----------
    n_frames, frames_per_bin : int
        The last bin may hold fewer frames.
    offset, sd : (height, width) float32
        About the mean and the standard deviation of each pixel over frames; finite, `sd` above 0.
    memory_mb : float

    Attributes
    ----------
    shape : (n_bins, height, width)
    dtype : float32
    """

    dtype = np.dtype(np.float32)
    stays_here = True
    """Its values are in memory or in a nameless file: other processes are sent chunks of it."""

    def __init__(
        self,
        n_frames: int,
        frames_per_bin: int,
        offset: NDArray[np.float32],
        sd: NDArray[np.float32],
        *,
        memory_mb: float = 512.0,
    ):
        self.frames_per_bin = frames_per_bin
        self.shape = (-(-n_frames // frames_per_bin), *offset.shape)
        self._offset = offset
        self._step = (sd / (_STEPS_PER_SD * np.sqrt(frames_per_bin))).astype(np.float32)
        fits = 2 * float(np.prod(self.shape, dtype=np.float64)) <= memory_mb * _MEGABYTE
        self._store: _Store = _Memory(self.shape) if fits else _ScratchFile(self.shape)

    def __len__(self) -> int:
        return int(self.shape[0])

    @property
    def in_memory(self) -> bool:
        """Whether the values are in memory rather than in a file."""
        return isinstance(self._store, _Memory)

    def write(self, start: int, means: NDArray[np.float32]) -> None:
        """Store bins (n, height, width) from bin `start` on; NaN becomes the offset."""
        steps = (means - self._offset) / self._step
        np.nan_to_num(steps, copy=False, nan=0.0)
        limits = np.iinfo(np.int16)
        values = np.clip(np.rint(steps, out=steps), limits.min, limits.max, out=steps).astype(np.int16)
        self._store.write(start, values)

    def __getitem__(self, index: Any) -> NDArray[np.float32]:
        """Return bins as float32: an integer, a slice of bins, or a tuple with slices of rows and columns."""
        bins, *place = index if isinstance(index, tuple) else (index,)
        area = tuple(place)
        if isinstance(bins, slice):
            start, stop, step = bins.indices(len(self))
            if step < 0:
                raise IndexError("bins are read forwards; reverse the result instead")
            values = self._store.read(start, max(start, stop))[::step]
        else:
            number = range(len(self))[bins]
            values = self._store.read(number, number + 1)[0]
            return np.asarray(values[area] * self._step[area] + self._offset[area], np.float32)
        read = values[(slice(None), *area)].astype(np.float32)
        read *= self._step[area]
        read += self._offset[area]
        return read
