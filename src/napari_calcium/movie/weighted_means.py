"""Weighted sums over sparse sets of pixels: a compiled kernel that sums in double precision."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["add_up"]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def add_up(
    starts: NDArray[np.int32],
    pixels: NDArray[np.int32],
    weights: NDArray[np.float64],
    frames: NDArray[np.float32],
    out: NDArray[np.float64],
) -> None:
    """Fill `out` (n_rows, n) with the weighted sums of each row over each frame.

    Single precision would lose a hundred-thousandth of the camera's offset, which is as much as the noise of
    a mean over a thousand pixels. Four sums side by side, since each addition waits for the one before.

    Parameters
    ----------
    starts : (n_rows + 1,), pixels : (m,), weights : (m,) float64
        Of a matrix in CSR form.
    frames : (n, n_pixels) float32
    out : (n_rows, n) float64
    """
    for k in range(frames.shape[0]):
        frame = frames[k]
        for row in range(len(starts) - 1):
            first = starts[row]
            stop = starts[row + 1]
            a = b = c = d = 0.0
            j = first
            while j + 4 <= stop:
                a += weights[j] * frame[pixels[j]]
                b += weights[j + 1] * frame[pixels[j + 1]]
                c += weights[j + 2] * frame[pixels[j + 2]]
                d += weights[j + 3] * frame[pixels[j + 3]]
                j += 4
            while j < stop:
                a += weights[j] * frame[pixels[j]]
                j += 1
            out[row, k] = (a + b) + (c + d)
