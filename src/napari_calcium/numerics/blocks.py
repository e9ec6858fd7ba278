"""Work through rows in blocks: in parallel, cancellable, the same result for any number of workers."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from napari_calcium.progress import Progress, silent

__all__ = ["Rows", "apply_to_rows", "map_blocks", "map_rows", "rows_per_block"]

Result = TypeVar("Result")

_BLOCK_BYTES = 16 * 2**20


class Rows(Protocol):
    """What can be handed out in blocks of rows."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Any: ...


def rows_per_block(n_frames: int, *, bytes_per_sample: int = 8) -> int:
    """Return how many rows of `n_frames` samples make a block of about 16 MiB (at least one).

    It depends on the data alone, never on the number of workers, so results do not either.
    """
    return max(1, _BLOCK_BYTES // max(1, n_frames * bytes_per_sample))


def map_blocks(
    function: Callable[[slice], Result],
    n_rows: int,
    rows: int,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Iterator[tuple[slice, Result]]:
    """Yield ``(block, function(block))`` for consecutive slices of `rows` rows, in order.

    Parameters
    ----------
    function
        Called with a slice of rows; runs in a worker with BLAS limited to one thread.
    n_rows, rows : int
        Number of rows in all and in a block. Zero rows yield nothing.
    on_progress
        Called in the caller's thread after each block with the rows done; an exception from it ends the
        work after the blocks under way.
    executor
        Where to run; by default a pool of threads, one a core. At most two blocks a worker wait, so memory
        stays bounded whatever `n_rows`. On other processes and machines `function` is sent as it is, with all
        that it holds, and what it changes there is lost: it must return its results.
    """
    work = function if executor is None else partial(_with_one_thread, function)

    def submit(pool: Executor, block: slice) -> Future[Result]:
        return pool.submit(work, block)

    yield from _in_order(submit, n_rows, rows, on_progress, executor)


def map_rows(
    function: Callable[..., Result],
    arrays: Sequence[Rows],
    rows: int,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Iterator[tuple[slice, Result]]:
    """Yield ``(block, function(*parts))`` for blocks of `rows` rows of arrays, in order.

    Parameters
    ----------
    function
        Takes the same rows of each array. It is sent these alone, so executors on other processes and
        machines (which need a function that can be pickled) receive no more than their share.
    arrays : sequence of arrays
        With equal first axes; at least one. Anything that has a length and can be sliced will do.
    rows, on_progress, executor
        As for :func:`map_blocks`.
    """
    work = function if executor is None else partial(_with_one_thread, function)

    def submit(pool: Executor, block: slice) -> Future[Result]:
        return pool.submit(work, *(array[block] for array in arrays))

    yield from _in_order(submit, len(arrays[0]), rows, on_progress, executor)


def _with_one_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    """Limit BLAS where the work is done: the bytes of a product may depend on the number of its threads."""
    with threadpool_limits(limits=1, user_api="blas"):
        return function(*arguments)


def _in_order(
    submit: Callable[[Executor, slice], Future[Result]],
    n_rows: int,
    rows: int,
    on_progress: Progress,
    executor: Executor | None,
) -> Iterator[tuple[slice, Result]]:
    """Yield the blocks' results in order, with no more than two blocks a worker under way."""
    blocks = [slice(start, min(start + rows, n_rows)) for start in range(0, n_rows, rows)]
    workers = getattr(executor, "n_workers", None) or os.cpu_count() or 1
    own = ThreadPoolExecutor(min(workers, max(1, len(blocks)))) if executor is None else None
    pool = own or executor
    assert pool is not None
    waiting: deque[tuple[slice, Future[Result]]] = deque()
    upcoming = iter(blocks)
    on_progress(0, n_rows)
    # The limit covers the caller's process; threads of the pool share it.
    with threadpool_limits(limits=1, user_api="blas"):
        try:
            for block in upcoming:
                waiting.append((block, submit(pool, block)))
                if len(waiting) < 2 * workers:
                    continue
                yield _next(waiting, on_progress, n_rows)
            while waiting:
                yield _next(waiting, on_progress, n_rows)
        finally:
            for _, future in waiting:
                future.cancel()
            if own is not None:
                own.shutdown(wait=True)


def _next(
    waiting: deque[tuple[slice, Future[Result]]], on_progress: Progress, n_rows: int
) -> tuple[slice, Result]:
    block, future = waiting.popleft()
    result = future.result()
    on_progress(block.stop, n_rows)
    return block, result


def apply_to_rows(
    function: Callable[[NDArray[np.float32]], NDArray[np.floating]],
    traces: NDArray[np.float32],
    *,
    bytes_per_sample: int = 8,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float32]:
    """Return an array like `traces`, made by `function` block of rows by block of rows.

    Parameters
    ----------
    function
        Takes (rows, n_frames) and returns the same shape; it must treat every row on its own. It is sent only
        its own rows, so that executors on other processes and machines (which need a function that can be
        pickled) receive no more than their share.
    traces : (n_rois, n_frames) float32
    bytes_per_sample : int
        What `function` needs beside its input, in bytes a sample; blocks have fewer rows the more it needs.
    on_progress, executor
        As for :func:`map_blocks`.

    Returns
    -------
    (n_rois, n_frames) float32
    """
    n_rois, n_frames = traces.shape
    rows = rows_per_block(n_frames, bytes_per_sample=bytes_per_sample)
    result = np.empty((n_rois, n_frames), np.float32)

    blocks = map_rows(function, (traces,), rows, on_progress=on_progress, executor=executor)
    for block, part in blocks:
        result[block] = part
    return result
