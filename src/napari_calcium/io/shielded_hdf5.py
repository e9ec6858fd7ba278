"""Write HDF5 so that a full disk is an error and not the end of the program."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import h5py

__all__ = ["Shield", "writing_hdf5"]

_GATHERED_BYTES = 1 << 26
_LARGE_BYTES = 1 << 20


class Shield:
    """A file that never fails HDF5: what the disk refuses is kept in memory until :meth:`check` tells of it.

    HDF5 cannot close a file whose last writes fail; what it then leaves half open crashes the process later.
    It writes in thousands of small pieces, each of which would wait for what other threads write to the file:
    they are gathered, and what lies side by side is written at once.

    Parameters
    ----------
    path : path
        Emptied, unless `keep`.
    keep : bool
    """

    def __init__(self, path: str | Path, *, keep: bool = False) -> None:
        self.refused: OSError | None = None
        # HDF5 has buffers of its own.
        self._file = open(path, "r+b" if keep else "w+b", buffering=0)  # noqa: SIM115
        self._place = 0
        # In the order in which they were written: a later one covers an earlier one.
        self._pieces: list[tuple[int, bytearray]] = []
        self._gathered = 0

    def check(self) -> None:
        """Raise what the disk refused."""
        self.flush()
        if self.refused is not None:
            raise self.refused

    def close(self) -> None:
        """Close the file, whatever happened."""
        self.flush()
        try:
            self._file.close()
        except OSError as error:
            self.refused = self.refused or error

    def write(self, data: memoryview) -> int:
        """Take all of `data` for here and go on behind it."""
        view, place = memoryview(data).cast("B"), self._place
        self._place += len(view)
        if len(view) > _LARGE_BYTES:
            self.flush()
            if self.refused is None and self._write(place, view):
                return len(view)
        start, last = self._pieces[-1] if self._pieces else (0, bytearray())
        if last and start + len(last) == place:
            last += view
        else:
            self._pieces.append((place, bytearray(view)))
        self._gathered += len(view)
        if self._gathered > _GATHERED_BYTES:
            self.flush()
        return len(view)

    def readinto(self, buffer: memoryview) -> int:
        """Read as much as fits, what is kept in memory laid over what is on the disk."""
        view, place = memoryview(buffer).cast("B"), self._place
        self._file.seek(place)
        got = self._file.readinto(view) or 0
        if got < len(view):
            view[got:] = bytes(len(view) - got)
        _overlay(view, place, self._pieces)
        got = max(got, min(len(view), self._end() - place))
        self._place = place + got
        return got

    def read(self, size: int = -1) -> bytes:
        """Read some bytes; h5py knows a file by this name."""
        self.flush()
        self._file.seek(self._place)
        got = self._file.read(size) or b""
        self._place += len(got)
        return got

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        if whence == os.SEEK_SET:
            self._place = offset
        elif whence == os.SEEK_CUR:
            self._place += offset
        else:
            self._place = max(self._file.seek(0, os.SEEK_END), self._end()) + offset
        return self._place

    def _end(self) -> int:
        return max((start + len(piece) for start, piece in self._pieces), default=0)

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def truncate(self, size: int | None = None) -> int:
        """Make the file this long."""
        self.flush()
        try:
            return self._file.truncate(self._place if size is None else size)
        except OSError as error:
            self.refused = self.refused or error
            return size or 0

    def flush(self) -> None:
        """Write what was gathered; what the disk refuses stays in memory, and no more is tried."""
        if self.refused is not None:
            return
        for start, run in _joined(self._pieces):
            if not self._write(start, memoryview(run)):
                return
        self._pieces, self._gathered = [], 0

    def _write(self, place: int, left: memoryview) -> bool:
        try:
            self._file.seek(place)
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            self.refused = error
        return self.refused is None


def _joined(pieces: list[tuple[int, bytearray]]) -> Iterator[tuple[int, bytearray]]:
    """Yield what pieces amount to where they touch or overlap, from front to back."""
    runs: list[tuple[int, int]] = []
    for start, piece in sorted((start, len(piece)) for start, piece in pieces):
        if runs and start <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(runs[-1][1], start + piece))
        else:
            runs.append((start, start + piece))
    firsts = [first for first, _ in runs]
    of_run: list[list[tuple[int, bytearray]]] = [[] for _ in runs]
    for start, data in pieces:
        of_run[bisect_right(firsts, start) - 1].append((start, data))
    for (first, end), some in zip(runs, of_run, strict=True):
        run = bytearray(end - first)
        _overlay(memoryview(run), first, some)
        yield first, run


def _overlay(view: memoryview, place: int, pieces: list[tuple[int, bytearray]]) -> None:
    """Lay pieces over bytes that begin at a place."""
    for start, data in pieces:
        first, last = max(start, place), min(start + len(data), place + len(view))
        if first < last:
            view[first - place : last - place] = memoryview(data)[first - start : last - start]


@contextmanager
def writing_hdf5(path: str | Path, mode: Literal["w", "r+"] = "w") -> Iterator[h5py.File]:
    """Open a file for writing; raise what the disk refused once HDF5 has closed it in peace.

    Parameters
    ----------
    path : path
    mode : {"w", "r+"}
        Empty the file, or go on with what is there.

    Yields
    ------
    h5py.File

    Raises
    ------
    OSError
        Where the disk is full or gone.
    """
    shield = Shield(path, keep=mode == "r+")
    try:
        with h5py.File(shield, mode) as file:
            yield file
    finally:
        shield.close()
    shield.check()
