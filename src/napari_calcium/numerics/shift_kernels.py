"""Compiled inner loop of the circular-shift surrogates; imported only where shuffles are asked for."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["count_shifted"]


@njit(cache=True, nogil=True)
def count_shifted(start, stop, offsets, shifts, n_frames, step, n_windows, histogram, maxima):  # type: ignore[no-untyped-def]
    """Shift every row's runs round the circle, count active rows per window, and tally the counts.

    Each run is an increment where it starts and a decrement where it stops; their running sum is the count.
    `shifts` is (n_surrogates, n_rows); `histogram` (n_rows + 1) and `maxima` (n_surrogates) are filled.
    """
    change = np.zeros(n_frames + 1, np.int32)
    for surrogate in range(shifts.shape[0]):
        change[:] = 0
        count = 0
        for row in range(shifts.shape[1]):
            shift = shifts[surrogate, row]
            for run in range(offsets[row], offsets[row + 1]):
                a = start[run] + shift
                b = stop[run] + shift
                if a >= n_frames:
                    a -= n_frames
                    b -= n_frames
                change[a] += 1
                if b > n_frames:
                    b -= n_frames
                    count += 1
                change[b] -= 1
        position = 0
        largest = 0
        for window in range(n_windows):
            while position <= window * step:
                count += change[position]
                position += 1
            histogram[count] += 1
            largest = max(largest, count)
        maxima[surrogate] = largest
