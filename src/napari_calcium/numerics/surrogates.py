"""Surrogates of event trains: what coactivity looks like when neurons know nothing of each other."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_calcium.numerics.binning import Runs
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.progress import Progress, silent

__all__ = ["shifted_counts"]

_SURROGATES_PER_BLOCK = 50


def shifted_counts(
    runs: Runs,
    n_windows: int,
    step: int,
    n_surrogates: int,
    seed: int,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Shift every row by its own random lag, again and again, and count the active rows of every window.

    Parameters
    ----------
    runs : Runs
        Window positions at which each row is active.
    n_windows, step : int
        Windows that are counted start at frames 0, step, 2 · step …
    n_surrogates : int
    seed : int
        Equal seeds give equal results, whatever the number of workers.
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    histogram : (n_rows + 1,) int64
        How often a window had 0, 1, 2 … active rows, over all windows of all surrogates.
    maxima : (n_surrogates,) int64
        Largest count of each surrogate.

    Notes
    -----
    A row keeps its own rhythm (a circular shift moves the train as a whole), only its relation to the others
    is lost. The raster is never made: cost is surrogates × (runs + frames) additions, memory one vector of
    frames a worker. Lags are uniform over all frames, zero included.
    """
    n_rows = len(runs.offsets) - 1
    histogram = np.zeros(n_rows + 1, np.int64)
    maxima = np.zeros(n_surrogates, np.int64)
    work = partial(_block, runs, n_windows, step, seed)
    for block, (counts, largest) in map_blocks(
        work, n_surrogates, _SURROGATES_PER_BLOCK, on_progress=on_progress, executor=executor
    ):
        histogram += counts
        maxima[block] = largest
    return histogram, maxima


def _block(
    runs: Runs, n_windows: int, step: int, seed: int, block: slice
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from napari_calcium.numerics.shift_kernels import count_shifted

    n_rows = len(runs.offsets) - 1
    random = np.random.default_rng([seed, block.start])
    shifts = random.integers(0, runs.n_frames, (block.stop - block.start, n_rows))
    histogram = np.zeros(n_rows + 1, np.int64)
    maxima = np.zeros(len(shifts), np.int64)
    count_shifted(
        runs.start, runs.stop, runs.offsets, shifts, runs.n_frames, step, n_windows, histogram, maxima
    )
    return histogram, maxima
