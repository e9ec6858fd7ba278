"""Copies of the population in which every cell is shifted in time on its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cell_shifts", "rolled"]


def cell_shifts(roi_ids: NDArray[np.int64], n_bins: int, n_copies: int, seed: int) -> NDArray[np.int64]:
    """Draw a circular shift for every cell and copy, from the seed and the cell's id alone.

    Returns
    -------
    (n_copies, n_rois) int64
        0 … n_bins − 1. A cell has the same shifts wherever it stands in the recording, so that permuting the
        cells permutes what is made of them.
    """
    shifts = np.empty((n_copies, len(roi_ids)), np.int64)
    for column, cell in enumerate(roi_ids.tolist()):
        random = np.random.default_rng([seed, cell & 0x7FFFFFFFFFFFFFFF])
        shifts[:, column] = random.integers(0, max(1, n_bins), n_copies)
    return shifts


def rolled(z: NDArray[np.float32], shifts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return a copy in which row i is shifted round the circle by ``shifts[i]`` bins."""
    result = np.empty_like(z)
    for row, shift in enumerate(shifts.tolist()):
        result[row, shift:] = z[row, : z.shape[1] - shift]
        result[row, :shift] = z[row, z.shape[1] - shift :]
    return result
