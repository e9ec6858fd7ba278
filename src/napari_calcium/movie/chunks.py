"""Stream a movie in chunks: read ahead, worked on in parallel, never in memory as a whole."""

from __future__ import annotations

import mmap
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from napari_calcium.movie.mapped_movie import travelling
from napari_calcium.numerics.blocks import map_blocks, map_rows
from napari_calcium.progress import Progress, silent

__all__ = [
    "Chunk",
    "MovieSource",
    "frames_per_chunk",
    "map_chunks",
    "movie_shape",
    "read_chunk",
    "spread_frames",
]

Result = TypeVar("Result")

_CHUNK_MB = 16.0
_MEGABYTE = 2**20


class MovieSource(Protocol):
    """A movie: anything with this much, as a memory map, a zarr or dask array or a generator of frames.

    Slices along time are read from one thread at a time, unless an executor is given.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_frames, height, width)."""

    @property
    def dtype(self) -> Any:
        """Any real dtype; NaN and infinity mark missing pixels."""

    def __getitem__(self, frames: Any, /) -> Any:
        """Return ``movie[start:stop]``, shape (stop - start, height, width)."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive frames of a movie.

    Attributes
    ----------
    frames : slice
        Which frames of the movie: start and stop, step 1.
    pixels : (n, height, width) float32
        C-contiguous; missing pixels are NaN, never infinite. The array is used again for a later chunk: copy
        what has to last.
    missing : (n,) bool
        Frames without a single finite pixel.
    """

    frames: slice
    pixels: NDArray[np.float32]
    missing: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pixels)


def movie_shape(movie: MovieSource) -> tuple[int, int, int]:
    """Return (n_frames, height, width) of a movie that can be streamed.

    Raises
    ------
    ValueError
        If the shape is not that of a movie with at least one frame and one pixel, or the pixels are not
        real numbers.
    """
    shape = tuple(int(n) for n in movie.shape)
    if len(shape) != 3:
        raise ValueError(
            f"movie must have shape (n_frames, height, width), got {shape}"
            + (
                "; pass movie[None] for one frame"
                if len(shape) == 2
                else "; choose one channel and one plane"
            )
        )
    if 0 in shape:
        raise ValueError(f"movie must have at least one frame and one pixel, got shape {shape}")
    if np.dtype(movie.dtype).kind not in "fiub":
        raise ValueError(f"movie must hold real numbers, got dtype {np.dtype(movie.dtype)}")
    return shape[0], shape[1], shape[2]


def frames_per_chunk(height: int, width: int, *, chunk_mb: float = _CHUNK_MB) -> int:
    """Return how many frames make a chunk of `chunk_mb` MiB in float32 (at least one).

    It depends on the frame and the settings alone, never on the number of workers or the length of the
    movie, so results do not either.
    """
    return max(1, int(chunk_mb * _MEGABYTE) // (4 * height * width))


def read_chunk(movie: MovieSource, frames: slice, out: NDArray[np.float32] | None = None) -> Chunk:
    """Read consecutive frames as float32.

    Parameters
    ----------
    movie : MovieSource
    frames : slice
        Start and stop within the movie.
    out : (at least stop - start, height, width) float32, optional
        Where to put the pixels; a new array by default.

    Raises
    ------
    ValueError
        If the movie returns another shape than it promised, as a truncated file may.
    """
    _, height, width = movie.shape
    shape = (frames.stop - frames.start, height, width)
    read = np.asarray(movie[frames.start : frames.stop])
    if read.shape != shape:
        raise ValueError(
            f"movie gave shape {read.shape} for frames {frames.start} to {frames.stop}, expected {shape}; "
            "is the file complete?"
        )
    pixels = np.empty(shape, np.float32) if out is None else out[: shape[0]]
    # What float32 cannot hold becomes infinite, and missing below.
    with np.errstate(over="ignore", invalid="ignore"):
        np.copyto(pixels, read, casting="unsafe")
    missing = np.zeros(shape[0], np.bool_)
    if read.dtype.kind == "f":
        _mark_missing(pixels, missing)
    _let_go(read)
    return Chunk(frames, pixels, missing)


def _let_go(read: NDArray[Any]) -> None:
    """Unmap the pages of a memory-mapped file that were read, lest all of it counts as memory in the end.

    The system keeps them in its cache for whoever reads them again. Maps that may have been changed in memory
    only are left alone.
    """
    owner: Any = read
    mode = ""
    while isinstance(owner, np.ndarray):
        mode = owner.mode if isinstance(owner, np.memmap) else mode
        owner = owner.base
    if not (isinstance(owner, mmap.mmap) and mode in ("r", "r+") and hasattr(owner, "madvise")):
        return
    base = byte_bounds(np.frombuffer(owner, np.uint8))[0]
    first, last = (place - base for place in byte_bounds(read))
    start = -(-first // mmap.PAGESIZE) * mmap.PAGESIZE
    length = last // mmap.PAGESIZE * mmap.PAGESIZE - start
    if length > 0:
        owner.madvise(mmap.MADV_DONTNEED, start, length)


def _mark_missing(pixels: NDArray[np.float32], missing: NDArray[np.bool_]) -> None:
    """Turn infinite pixels into NaN and find the frames that have no finite one, in place."""
    with np.errstate(invalid="ignore", over="ignore"):
        suspect = ~np.isfinite(pixels.sum(axis=(1, 2), dtype=np.float64))
    for k in np.flatnonzero(suspect):
        finite = np.isfinite(pixels[k])
        pixels[k][~finite] = np.nan
        missing[k] = not finite.any()


def map_chunks(
    function: Callable[[Chunk], Result],
    movie: MovieSource,
    *,
    start: int = 0,
    stop: int | None = None,
    chunk_frames: int | None = None,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Iterator[tuple[slice, Result]]:
    """Yield ``(frames, function(chunk))`` for consecutive chunks of a movie, in order.

    Parameters
    ----------
    function
        Called with each :class:`Chunk` in a worker, with BLAS limited to one thread. It must not keep the
        pixels or return a view of them.
    movie : MovieSource
    start, stop : int
        Frames to work on; all by default.
    chunk_frames : int, optional
        Frames in a chunk; by default :func:`frames_per_chunk`.
    on_progress
        Called in the caller's thread after each chunk with the frames done; an exception from it ends the
        work after the chunks under way.
    executor : Executor, optional
        Where to run; there each worker reads its own chunks, so the movie and the function must reach it
        (a process needs them picklable; a memory map is sent as the name of its file). A movie with a true
        attribute ``stays_here`` is read here instead, and sent chunk by chunk. By default threads, one a
        core, while one more reads ahead into buffers that are used again: memory is (cores + 2) chunks,
        whatever the length of the movie.

    Notes
    -----
    Chunks depend on the movie and `chunk_frames` alone, so a caller that combines results in the order they
    come gets the same bytes from any number of workers.
    """
    n_frames, height, width = movie_shape(movie)
    stop = n_frames if stop is None else min(stop, n_frames)
    size = chunk_frames or frames_per_chunk(height, width)
    if executor is not None:
        if getattr(movie, "stays_here", False):
            blocks = _sent(function, movie, start, stop, size, on_progress, executor)
        else:
            work = partial(_read_and_apply, function, travelling(movie), start)
            blocks = map_blocks(work, max(0, stop - start), size, on_progress=on_progress, executor=executor)
        for block, result in blocks:
            yield slice(start + block.start, start + block.stop), result
        return
    yield from _in_threads(function, movie, start, stop, size, on_progress)


def _read_and_apply(
    function: Callable[[Chunk], Result], movie: MovieSource, offset: int, block: slice
) -> Result:
    return function(read_chunk(movie, slice(offset + block.start, offset + block.stop)))


class _ToSend:
    """Chunks of a movie that stays here, sliced as an array of which each row is a frame."""

    def __init__(self, movie: MovieSource, start: int, stop: int):
        self._movie, self._start, self._n = movie, start, max(0, stop - start)

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, block: slice) -> Chunk:
        return read_chunk(self._movie, slice(self._start + block.start, self._start + block.stop))


def _sent(
    function: Callable[[Chunk], Result],
    movie: MovieSource,
    start: int,
    stop: int,
    size: int,
    on_progress: Progress,
    executor: Executor,
) -> Iterator[tuple[slice, Result]]:
    """Read here, and send each chunk as it is submitted."""
    return map_rows(
        function, (_ToSend(movie, start, stop),), size, on_progress=on_progress, executor=executor
    )


def _in_threads(
    function: Callable[[Chunk], Result],
    movie: MovieSource,
    start: int,
    stop: int,
    size: int,
    on_progress: Progress,
) -> Iterator[tuple[slice, Result]]:
    """Read in one thread, work in as many as there are cores; every buffer is used again and again."""
    _, height, width = movie.shape
    chunks = [slice(a, min(a + size, stop)) for a in range(start, stop, size)]
    workers = min(os.cpu_count() or 1, max(1, len(chunks)))
    n_buffers = min(workers + 2, max(1, len(chunks)))
    free = [np.empty((size, height, width), np.float32) for _ in range(n_buffers)]
    waiting: deque[tuple[slice, NDArray[np.float32], Future[Result]]] = deque()
    total = max(0, stop - start)

    def next_result() -> tuple[slice, Result]:
        frames, buffer, future = waiting.popleft()
        result = future.result()
        free.append(buffer)
        on_progress(frames.stop - start, total)
        return frames, result

    on_progress(0, total)
    reader = ThreadPoolExecutor(1, thread_name_prefix="read")
    pool = ThreadPoolExecutor(workers, thread_name_prefix="chunk")
    with threadpool_limits(limits=1, user_api="blas"):
        try:
            for frames in chunks:
                if not free:
                    yield next_result()
                buffer = free.pop()
                reading = reader.submit(read_chunk, movie, frames, buffer)
                waiting.append((frames, buffer, pool.submit(_when_read, function, reading)))
            while waiting:
                yield next_result()
        finally:
            for _, _, future in waiting:
                future.cancel()
            reader.shutdown(wait=True, cancel_futures=True)
            pool.shutdown(wait=True, cancel_futures=True)


def _when_read(function: Callable[[Chunk], Result], reading: Future[Chunk]) -> Result:
    return function(reading.result())


def spread_frames(n_frames: int, number: int) -> NDArray[np.int64]:
    """Return up to `number` frames spread evenly over a movie, ascending, none twice.

    They are the middles of equal spans, so neither the first nor the last frame (where shutters open and
    close) is preferred.
    """
    number = min(number, n_frames)
    return ((np.arange(number) + 0.5) * n_frames / max(1, number)).astype(np.int64)
