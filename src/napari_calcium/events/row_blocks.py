"""What the detection methods share: go through rows in blocks, bridge gaps, and join what was found."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_calcium.numerics.blocks import map_rows, rows_per_block
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.progress import Progress, silent

__all__ = ["Found", "merge_close", "onsets_in_blocks"]

Found = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Row and onset of each event, sorted; onsets in frames inside a block, in seconds in a result."""

FindOnsets = Callable[[NDArray[np.float64]], Found]


def onsets_in_blocks(
    traces: NDArray[np.float32],
    frame_rate: float,
    find: FindOnsets,
    *,
    bytes_per_sample: int = 24,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Found:
    """Find onsets block by block.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        NaN marks a missing sample; it is interpolated, and no event begins on it.
    frame_rate : float
        In Hz.
    find
        Given a block of rows (float64, no NaN), returns row within the block and onset in frames.
    bytes_per_sample : int
        Working memory that `find` needs.

    Returns
    -------
    row : (n_events,) int64
    onset_s : (n_events,) float64
    """
    size = rows_per_block(traces.shape[1], bytes_per_sample=bytes_per_sample)
    work = partial(_find_in_block, find=find)
    blocks = map_rows(work, (traces,), size, on_progress=on_progress, executor=executor)
    found = [(row + rows.start, onset / frame_rate) for rows, (row, onset) in blocks]
    if not found:
        return np.empty(0, np.int64), np.empty(0)
    return np.concatenate([row for row, _ in found]), np.concatenate([onset for _, onset in found])


def _find_in_block(traces: NDArray[np.float32], *, find: FindOnsets) -> Found:
    """Return row within the block and onset in frames; none on a missing sample."""
    filled, missing = fill_gaps(traces)
    row, onset = find(filled.astype(np.float64))
    if missing is not None:
        kept = ~missing[row, np.clip(np.ceil(onset).astype(np.int64), 0, traces.shape[1] - 1)]
        row, onset = row[kept], onset[kept]
    return row, np.maximum(onset, 0.0)


def merge_close(row: NDArray[np.int64], time: NDArray[np.float64], gap: float) -> NDArray[np.bool_]:
    """Mark the first of each run of times in a row that follow each other within `gap`.

    Parameters
    ----------
    row, time : (n,)
        Sorted by row and time.
    gap : float
        In the unit of `time`.

    Returns
    -------
    (n,) bool
    """
    first = np.ones(len(row), bool)
    first[1:] = (np.diff(row) != 0) | (np.diff(time) > gap)
    return first
