"""Write HDF5 so that a full disk is an error and not the end of the program."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import h5py

__all__ = ["Shield", "writing_hdf5"]


class Shield:
    """A file that never fails HDF5: what the disk refuses is kept in memory until :meth:`check` tells of it.

    HDF5 cannot close a file whose last writes fail; what it then leaves half open crashes the process later.

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
        self._kept: list[tuple[int, bytes]] = []
        # HDF5 tells the place before every write, mostly where it is: the system need not hear of it.
        self._place = self._at = 0

    def check(self) -> None:
        """Raise what the disk refused."""
        if self.refused is not None:
            raise self.refused

    def close(self) -> None:
        """Close the file, whatever happened."""
        try:
            self._file.close()
        except OSError as error:
            self.refused = self.refused or error

    def write(self, data: memoryview) -> int:
        """Write all of `data` here and go on behind it."""
        left = memoryview(data).cast("B")
        self._go()
        while left and self.refused is None:
            try:
                written = self._file.write(left) or 0
            except OSError as error:
                self.refused = error
            else:
                left, self._at, self._place = left[written:], self._at + written, self._place + written
        if left:
            self._kept.append((self._place, bytes(left)))
            self._place += len(left)
        return len(data)

    def readinto(self, buffer: memoryview) -> int:
        """Read as much as fits, what was kept in memory laid over what is on the disk."""
        view, place = memoryview(buffer).cast("B"), self._place
        self._go()
        got = self._file.readinto(view) or 0
        self._at += got
        self._place += got
        if not self._kept:
            return got
        view[got:] = bytes(len(view) - got)
        for start, data in self._kept:
            first, last = max(start, place), min(start + len(data), place + len(view))
            if first < last:
                view[first - place : last - place] = data[first - start : last - start]
        self._place = place + len(view)
        return len(view)

    def read(self, size: int = -1) -> bytes:
        """Read some bytes; h5py knows a file by this name."""
        self._go()
        got = self._file.read(size) or b""
        self._at = self._place = self._at + len(got)
        return got

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        if whence != os.SEEK_SET:
            self._go()
            offset = self._at = self._file.seek(offset, whence)
        self._place = offset
        return offset

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def truncate(self, size: int | None = None) -> int:
        """Make the file this long."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.refused = self.refused or error
            return size or 0

    def flush(self) -> None:
        """Do nothing: nothing is buffered here."""

    def _go(self) -> None:
        if self._at != self._place:
            self._at = self._file.seek(self._place)


@contextmanager
def writing_hdf5(path: str | Path, mode: Literal["w", "r+"] = "w") -> Iterator[tuple[h5py.File, Shield]]:
    """Open a file for writing; raise what the disk refused once HDF5 has closed it in peace.

    Parameters
    ----------
    path : path
    mode : {"w", "r+"}
        Empty the file, or go on with what is there.

    Yields
    ------
    h5py.File
    Shield
        Its :meth:`Shield.check` ends a long save early.

    Raises
    ------
    OSError
        Where the disk is full or gone.
    """
    shield = Shield(path, keep=mode == "r+")
    try:
        with h5py.File(shield, mode) as file:
            yield file, shield
    finally:
        shield.close()
    shield.check()
