"""Pages of TIFF files, read one at a time, with errors a user understands."""

from __future__ import annotations

import logging
import struct
import threading
import weakref
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.errors import ReadError

__all__ = ["FrameStack", "PagedTiff", "check_complete", "open_tiff", "read_array"]


class FrameStack:
    """Frames that are read when they are sliced, in any arrangement.

    Parameters
    ----------
    read : callable
        Returns the frame with a running number, (height, width).
    order : (n_frames, …) int64
        Running number of the frame at each place; one axis for each of time, plane and channel.
    frame_shape : (height, width)
    dtype : numpy.dtype

    Notes
    -----
    It has what napari and numpy ask of an array: ``shape``, ``dtype``, ``ndim`` and basic slicing. Only the
    frames in the slice are read.
    """

    def __init__(
        self,
        read: Callable[[int], NDArray[Any]],
        order: NDArray[np.int64],
        frame_shape: tuple[int, int],
        dtype: np.dtype[Any],
    ) -> None:
        self._read, self._order, self._frame_shape = read, order, frame_shape
        self.dtype = np.dtype(dtype)
        self.shape = (*order.shape, *frame_shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of samples."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return int(self.shape[0])

    def chosen(self, key: tuple[Any, ...]) -> FrameStack:
        """Return some of the frames as a stack of their own; `key` indexes the axes before the frame's."""
        return FrameStack(self._read, self._order[key], self._frame_shape, self.dtype)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        keys = _expanded(key if isinstance(key, tuple) else (key,), self.ndim)
        leading = self._order.ndim
        chosen = np.asarray(self._order[keys[:leading]])
        inside = keys[leading:]
        empty = np.empty(self.shape[leading:], self.dtype)[inside]
        frames = np.empty((chosen.size, *empty.shape), self.dtype)
        for place, number in enumerate(chosen.ravel()):
            frames[place] = self._read(int(number))[inside]
        return frames.reshape(*chosen.shape, *empty.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self[...]
        return whole if dtype is None else whole.astype(dtype)


class PagedTiff:
    """The pages of a TIFF file as frames, decoded when they are sliced; the file stays open meanwhile.

    Pickled, it is a name and a few numbers: other processes open the file themselves.

    Parameters
    ----------
    path : path
    shape : (n_frames, height, width)
    dtype : numpy.dtype
    of_series : bool
        Whether the frames are the pages of the file's first series, or all pages there are.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: Any, *, of_series: bool) -> None:
        self._path, self._of_series = path.absolute(), of_series
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._frames: Any = None

    @property
    def ndim(self) -> int:
        """3: frame, row, column."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of samples."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_frames": None}

    def __getitem__(self, key: Any) -> NDArray[Any]:
        if self._frames is None:
            self._frames = self._opened()
        return np.asarray(self._frames[key])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def _opened(self) -> Any:
        """Return the pages as a zarr array, whose store keeps the file open."""
        import tifffile
        import zarr

        tiff = tifffile.TiffFile(self._path)
        pages = list(tiff.series[0].pages if self._of_series else tiff.pages)
        # One frame is a movie of one frame: by itself tifffile would drop its axis of time.
        store = tifffile.TiffPageSeries(pages, self.shape, self.dtype, "QYX", squeeze=False).aszarr()
        weakref.finalize(store, tiff.close)
        return zarr.open(store, mode="r")


def _expanded(key: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """Write out an ellipsis and the axes that were left off."""
    if any(item is Ellipsis for item in key):
        place = next(k for k, item in enumerate(key) if item is Ellipsis)
        rest = key[place + 1 :]
        key = (*key[:place], *[slice(None)] * (ndim - place - len(rest)), *rest)
    if len(key) > ndim:
        raise IndexError(f"too many indices: the movie has {ndim} axes, got {len(key)}")
    return (*key, *[slice(None)] * (ndim - len(key)))


_quiet = threading.local()


def _unless_quiet(record: logging.LogRecord) -> bool:
    """Let through what tifffile logs, but for the threads in which its complaints become our errors."""
    return not getattr(_quiet, "depth", 0)


@contextmanager
def open_tiff(path: Path) -> Iterator[Any]:
    """Open a TIFF for a while as a :class:`tifffile.TiffFile`; its complaints become our errors.

    Raises
    ------
    ReadError
        If there is no such file, or it is no TIFF, or damaged.
    """
    import tifffile

    logging.getLogger("tifffile").addFilter(_unless_quiet)
    depth = getattr(_quiet, "depth", 0)
    _quiet.depth = depth + 1
    try:
        with tifffile.TiffFile(path) as tiff:
            if not len(tiff.pages):
                raise ReadError(f"{path.name}: the TIFF has no image; export it again")
            yield tiff
    except ReadError:
        raise
    except OSError as error:
        raise ReadError(f"{path.name}: cannot be opened: {error.strerror or error}") from None
    except Exception as error:
        # What a damaged file makes tifffile raise is not documented, and can be nearly anything.
        reason = " ".join(str(error).split())[:80]
        raise ReadError(f"{path.name}: not a TIFF, or a damaged one: {reason}") from None
    finally:
        _quiet.depth = depth


def read_array(path: Path) -> NDArray[Any]:
    """Read a small image whole, without axes of length 1.

    Raises
    ------
    ReadError
        As :func:`open_tiff`; also if it ends early, or has more than 2**31 samples and so is a movie.
    """
    with open_tiff(path) as tiff:
        series = tiff.series[0]
        if series.size >= 2**31:
            raise ReadError(f"{path.name}: an image is expected, got a movie of {len(series)} pages")
        check_complete(path, tiff)
        return np.squeeze(np.asarray(series.asarray()))


def check_complete(path: Path, tiff: Any) -> None:
    """Refuse a TIFF that ends before its last page.

    Raises
    ------
    ReadError
        Naming the first page that is not whole.
    """
    size = path.stat().st_size
    pages = tiff.pages
    missing = bisect_left(range(len(pages)), True, key=lambda k: _ends_late(pages, k, size))
    if missing < len(pages):
        _refuse(path, missing, len(pages))
    series = tiff.series[0]
    page_bytes = max(1, int(np.prod(series.shape[-2:], dtype=np.int64)) * series.dtype.itemsize)
    frames = series.nbytes // page_bytes
    stated = max(frames, int((tiff.imagej_metadata or {}).get("images", 1)) if tiff.is_imagej else 1)
    # ImageJ writes one directory, and all frames after it.
    start = series.dataoffset if series.dataoffset is not None else pages[0].dataoffsets[0]
    contiguous = series.dataoffset is not None or stated > frames
    if contiguous and start + stated * page_bytes > size:
        _refuse(path, max(0, size - start) // page_bytes, stated)
    if not contiguous and _leads_on(tiff):
        _refuse(path, len(pages), max(stated, len(pages) + 1))


def _refuse(path: Path, whole: int, pages: int) -> None:
    raise ReadError(
        f"{path.name}: the file ends within page {whole + 1} of {pages}; "
        f"copy it again, or wait until it is written"
    )


def _ends_late(pages: Any, number: int, size: int) -> bool:
    """Whether a page needs more than the first `size` bytes of its file, or cannot even be found there."""
    try:
        page = pages[number]
        pairs = zip(page.dataoffsets, page.databytecounts, strict=False)
        return max((offset + count for offset, count in pairs), default=0) > size
    except Exception:
        # What tifffile raises for a directory that is cut off is not documented.
        return True


def _leads_on(tiff: Any) -> bool:
    """Whether the last page that was found says that another one follows, which then is not in the file."""
    page, layout, file = tiff.pages[-1], tiff.tiff, tiff.filehandle
    file.seek(page.offset)
    n_tags = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))[0]
    file.seek(page.offset + layout.tagnosize + n_tags * layout.tagsize)
    following = file.read(layout.offsetsize)
    if len(following) < layout.offsetsize:
        return True
    return bool(struct.unpack(layout.offsetformat, following)[0])
