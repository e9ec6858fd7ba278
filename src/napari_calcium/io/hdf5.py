"""HDF5 files of other programs, read with distrust: no links out of the file, no sizes it cannot hold."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.errors import ReadError

__all__ = ["Hdf5File", "is_hdf5"]

_BEST_COMPRESSION = 1100
"""No more bytes come out of one that deflate stored; what declares more is fill value or a trap."""
_SMALL = 1 << 20
_MOST_LINKS = 20
_LARGEST = 2.0**63


def is_hdf5(path: str | Path) -> bool:
    """Whether a file is HDF5 by its signature, which MATLAB puts behind 512 bytes of its own."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(520)
    except OSError:
        return False
    return any(head[start : start + 8] == b"\x89HDF\r\n\x1a\n" for start in (0, 512))


class Hdf5File:
    """A file open for reading; every method names the file and the field in its errors.

    Raises
    ------
    ReadError
        If it is no HDF5 file, or is cut short.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._file = h5py.File(self.path, "r", locking=False)
        except Exception as error:
            raise ReadError(f"{self.path.name}: {_plainly(error)}") from None
        self._size = self.path.stat().st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except Exception as closing:
            # A damaged file may fail at the very end, when all that was wanted has been read.
            if error is None:
                raise ReadError(f"{self.path.name}: {_plainly(closing)}") from None

    def error(self, field: str, message: str) -> ReadError:
        """Return an error about a field, for the caller to raise."""
        return ReadError(f"{self.path.name}: {field}: {message}")

    def find(self, field: str) -> Any | None:
        """Return the group or dataset at a place, None if there is nothing.

        Raises
        ------
        ReadError
            If the way there leaves the file.
        """
        try:
            return self._follow(field, _MOST_LINKS)
        except ReadError:
            raise
        except Exception as error:
            raise self.error(field, _plainly(error)) from None

    def _follow(self, field: str, links_left: int) -> Any | None:
        place: Any = self._file
        done = ""
        for part in field.strip("/").split("/") if field.strip("/") else ():
            if not isinstance(place, h5py.Group):
                return None
            link = place.get(part, getlink=True)
            if link is None:
                return None
            if isinstance(link, h5py.ExternalLink):
                raise self.error(field, "lies in another file, which is not opened")
            if isinstance(link, h5py.SoftLink):
                if not links_left:
                    raise self.error(field, "is a link that leads nowhere")
                target = link.path if link.path.startswith("/") else f"{done}/{link.path}"
                place = self._follow(target, links_left - 1)
            else:
                place = place[part]
            done = f"{done}/{part}"
        return place

    def keys(self, field: str = "/") -> tuple[str, ...]:
        """Return the names in a group; none where there is no group."""
        group = self.find(field)
        try:
            return tuple(group) if isinstance(group, h5py.Group) else ()
        except Exception as error:
            raise self.error(field, _plainly(error)) from None

    def is_group(self, field: str) -> bool:
        """Whether there is a group at a place."""
        return isinstance(self.find(field), h5py.Group)

    def is_dataset(self, field: str) -> bool:
        """Whether there is a dataset at a place."""
        return isinstance(self.find(field), h5py.Dataset)

    def dataset(self, field: str) -> Any:
        """Return a dataset whose bytes lie in this file.

        Raises
        ------
        ReadError
            If there is none, its bytes lie elsewhere, or it declares more than the file can hold.
        """
        found = self.find(field)
        if not isinstance(found, h5py.Dataset):
            raise self.error(field, "is missing" if found is None else "is a group, not numbers")
        self._refuse_elsewhere(field, found)
        return found

    def _refuse_elsewhere(self, field: str, found: h5py.Dataset) -> None:
        try:
            self._check_storage(field, found)
        except ReadError:
            raise
        except Exception as error:
            raise self.error(field, _plainly(error)) from None

    def _check_storage(self, field: str, found: Any) -> None:
        if found.is_virtual or found.external:
            raise self.error(field, "has its numbers in another file, which is not opened")
        if found.shape is None:
            raise self.error(field, "is empty")
        declared = math.prod(found.shape) * found.dtype.itemsize
        stored = min(found.id.get_storage_size(), self._size)
        if declared > max(_SMALL, stored * _BEST_COMPRESSION):
            raise self.error(field, f"declares {declared:,} bytes, of which the file holds {stored:,}")

    def array(self, field: str, *, ndim: int | tuple[int, ...] | None = None) -> NDArray[Any]:
        """Return the numbers of a dataset.

        Raises
        ------
        ReadError
            If it is missing, not of numbers, or has not `ndim` axes.
        """
        found = self.dataset(field)
        if found.dtype.kind not in "fiub":
            raise self.error(field, f"must be numbers, got {found.dtype}")
        wanted = (ndim,) if isinstance(ndim, int) else ndim
        if wanted is not None and found.ndim not in wanted:
            raise self.error(field, f"has the shape {found.shape}, but {wanted[0]} axes are needed")
        return self.read(field, found)

    def whole_numbers(self, field: str) -> NDArray[np.int64]:
        """Return a list of whole numbers, in whatever type they are stored.

        Raises
        ------
        ReadError
            If it is missing or no list, or holds a fraction, NaN or what is too large.
        """
        values = self.array(field, ndim=1)
        if values.dtype.kind == "f" or values.dtype == np.uint64:
            fits = np.isfinite(values) & (np.abs(values) < _LARGEST) if len(values) else np.empty(0, bool)
            if not fits.all() or (np.floor(values) != values).any():
                raise self.error(field, "must hold whole numbers")
        return values.astype(np.int64)

    def read(self, field: str, found: Any, part: Any = ...) -> NDArray[Any]:
        """Return a part of a dataset that :meth:`dataset` gave."""
        try:
            return np.asarray(found[part])
        except Exception as error:
            raise self.error(field, _plainly(error)) from None

    def text(self, field: str) -> str | None:
        """Return a text, None if there is none."""
        found = self.find(field)
        if not isinstance(found, h5py.Dataset) or found.shape != ():
            return None
        self._refuse_elsewhere(field, found)
        value = self.read(field, found).item()
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def attribute(self, field: str, name: str) -> Any:
        """Return an attribute of a group or dataset, None if there is none or it cannot be read."""
        found = self.find(field)
        try:
            value = None if found is None else found.attrs.get(name)
        except Exception:
            return None
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def referred(self, reference: Any) -> str | None:
        """Return where a reference points to, None if nowhere."""
        try:
            name = self._file[reference].name
        except Exception:
            return None
        return name if isinstance(name, str) else None


def _plainly(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    return f"cannot be read ({text})"
