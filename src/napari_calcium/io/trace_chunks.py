"""Traces, a chunk each of an HDF5 file: laid out at once, then written and read past HDF5, by threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_calcium.progress import Progress, silent

__all__ = ["STORED", "Transfer", "chunk_places", "lay_out"]

STORED: Final = np.dtype("<f4")
_RUN_BYTES = 1 << 25
"""Moved with one call: progress is told, and cancelling heard, in between."""


def lay_out(file: h5py.File, name: str, n_rois: int, n_frames: int) -> NDArray[np.int64]:
    """Give traces their room in a file, as (frames, cells) with each cell's in a chunk of its own.

    Parameters
    ----------
    file : h5py.File
    name : str
        Of the dataset that is made.
    n_rois, n_frames : int
        At least 1.

    Returns
    -------
    (n_rois,) int64
        Where in the file the bytes of each trace belong. Nothing is there until they are written.
    """
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((n_frames, 1))
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple((n_frames, n_rois))
    stored = h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F32LE, space, layout)
    rows, places, _ = _chunks(stored)
    return places[np.argsort(rows)]


def _chunks(
    stored: h5py.h5d.DatasetID,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return column, place and size of each chunk, -1 as the place of one that is no plain bytes."""
    found: list[Any] = []
    if hasattr(stored, "chunk_iter"):
        stored.chunk_iter(found.append)
    else:
        # Before HDF5 1.12.3.
        found += (stored.get_chunk_info(k) for k in range(stored.get_num_chunks()))
    starts, filters, places, sizes = zip(*found, strict=True) if found else ((), (), (), ())
    columns = np.array(starts, np.int64).reshape(-1, 2)[:, 1]
    there = [-1 if place is None or masked else place for place, masked in zip(places, filters, strict=True)]
    return columns, np.array(there, np.int64), np.array(sizes, np.int64)


def chunk_places(stored: h5py.Dataset, n_rois: int, row_bytes: int) -> NDArray[np.int64] | None:
    """Return where in its file the bytes of each trace begin, None where not all lie there as they are.

    Parameters
    ----------
    stored : h5py.Dataset
        (frames, cells), a chunk a cell, not compressed.
    n_rois, row_bytes : int
        Of which one trace has the bytes.

    Returns
    -------
    (n_rois,) int64 or None
    """
    places = np.full(n_rois, -1, np.int64)
    try:
        rows, found, sizes = _chunks(stored.id)
        known = (sizes == row_bytes) & (rows >= 0) & (rows < n_rois)
        places[rows[known]] = found[known]
        first = stored.id.read_direct_chunk((0, 0))[1]
        with open(stored.file.filename, "rb") as raw:
            raw.seek(max(0, int(places[0])))
            same = raw.read(len(first)) == first
    except Exception:
        # A damaged file is told of where its traces are read one by one.
        return None
    return places if same and bool((places >= 0).all()) else None


def _runs(places: NDArray[np.int64], row_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield first and last + 1 of rows that lie behind one another in the file."""
    most = max(1, _RUN_BYTES // row_bytes)
    breaks = np.flatnonzero(np.diff(places) != row_bytes) + 1
    for begin, end in pairwise([0, *breaks.tolist(), len(places)]):
        yield from ((start, min(start + most, end)) for start in range(begin, end, most))


@dataclass
class _Job:
    """A run of rows to be moved."""

    work: Callable[[], bool]
    size: int
    future: Future[bool]
    is_over: bool = False
    finite: bool = False


class Transfer:
    """Traces on their way between a file and memory, while this thread does something else.

    Copying keeps a core busy, and HDF5 lets one thread in at a time; whoever leaves the ``with`` block early
    ends what is not done yet.

    Parameters
    ----------
    path : path
        Of a file that exists.
    writes : bool
        Whether the file is open for writing. Reading keeps two cores busy, so that the thread that waits for
        it takes its share.
    """

    def __init__(self, path: str | Path, *, writes: bool = False) -> None:
        self._writes = writes
        binary = getattr(os, "O_BINARY", 0)
        self._file = os.open(path, binary | (os.O_RDWR if writes else os.O_RDONLY))
        self._pool = ThreadPoolExecutor(1, "traces")
        self._jobs: list[_Job] = []
        self._waited_for = self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        os.close(self._file)

    def write(self, values: NDArray[np.float32], places: NDArray[np.int64]) -> None:
        """Begin to write rows to their places."""
        for start, stop in _runs(places, values.shape[1] * STORED.itemsize):
            self._begin(self._write, int(places[start]), values[start:stop])

    def sync(self) -> None:
        """Begin to bring to the disk what was written before."""
        self._begin(self._sync, 0, np.empty(0, STORED))

    def read(
        self, values: NDArray[np.float32], places: NDArray[np.int64], ended: Callable[[int], Exception]
    ) -> None:
        """Begin to fill rows from their places.

        Parameters
        ----------
        values : (n_rois, n_frames) float32
            Filled in; it is whole when :meth:`wait` is over.
        places : (n_rois,) int64
        ended : callable
            Makes the error of a row that the file is too short for.
        """
        for start, stop in _runs(places, values.shape[1] * STORED.itemsize):
            self._begin(
                partial(self._read, ended=ended, last=stop - 1), int(places[start]), values[start:stop]
            )

    def check(self) -> None:
        """Raise what has gone wrong so far."""
        for job in self._jobs:
            if job.future.done() and not job.future.cancelled():
                job.future.result()

    @property
    def begun(self) -> int:
        """How many jobs there are so far, for :meth:`wait`."""
        return len(self._jobs)

    def wait(self, on_progress: Progress = silent, *, until: int | None = None) -> bool:
        """Wait for the first jobs, as many as are said, or for all.

        Parameters
        ----------
        on_progress
            In bytes of all jobs; an exception from it ends the rest.
        until : int, optional

        Returns
        -------
        bool
            Whether something was read since the last call, and all of it is finite. It is looked at while it
            is in the processor's cache, where that costs nearly nothing.

        Raises
        ------
        OSError
            What the disk refused.
        """
        total = sum(job.size for job in self._jobs)
        jobs = self._jobs[self._waited_for : until]
        self._waited_for += len(jobs)
        on_progress(self._done, total)
        if not self._writes:
            for job in jobs:
                if job.future.cancel():
                    job.is_over, job.finite = True, job.work()
                    self._report(job, on_progress, total)
        for job in jobs:
            if not job.is_over:
                job.is_over, job.finite = True, job.future.result()
                self._report(job, on_progress, total)
        return bool(jobs) and all(job.finite for job in jobs)

    def _report(self, job: _Job, on_progress: Progress, total: int) -> None:
        self._done += job.size
        if job.size:
            on_progress(self._done, total)

    def _begin(
        self, work: Callable[[int, NDArray[Any]], bool], place: int, values: NDArray[np.float32]
    ) -> None:
        whole = partial(work, place, values)
        self._jobs.append(_Job(whole, values.nbytes, self._pool.submit(whole)))

    def _write(self, place: int, values: NDArray[np.float32]) -> bool:
        left = np.ascontiguousarray(values, STORED).data.cast("B")
        while len(left):
            written = _write_at(self._file, left, place)
            left, place = left[written:], place + written
        return False

    def _sync(self, place: int, values: NDArray[np.float32]) -> bool:
        os.fsync(self._file)
        return False

    def _read(
        self, place: int, values: NDArray[np.float32], ended: Callable[[int], Exception], last: int
    ) -> bool:
        left = values.data.cast("B")
        while len(left):
            got = _read_at(self._file, left, place)
            if not got:
                raise ended(last)
            left, place = left[got:], place + got
        # What is missing, or too large to be added up, is for a closer look.
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(np.isfinite(np.add.reduce(values, axis=None)))


_ONE_PLACE = Lock()
"""On Windows, a call cannot be told a place, and a file has one place for all threads."""


def _write_at(file: int, data: memoryview, place: int) -> int:
    # One call only: after each, a thread waits until those that compute let it go on.
    if hasattr(os, "pwrite"):
        return os.pwrite(file, data, place)
    with _ONE_PLACE:
        os.lseek(file, place, os.SEEK_SET)
        return os.write(file, data)


def _read_at(file: int, into: memoryview, place: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(file, [into], place)
    with _ONE_PLACE:
        os.lseek(file, place, os.SEEK_SET)
        data = os.read(file, len(into))
    into[: len(data)] = data
    return len(data)
