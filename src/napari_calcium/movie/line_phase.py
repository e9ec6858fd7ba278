"""Bidirectional scanning: odd rows are recorded on the way back, and may lie shifted against even ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

__all__ = ["line_phase", "shift_odd_rows"]

_REACH = 10
_FINE = 10


def line_phase(frames: NDArray[Any]) -> float:
    """Return by how many pixels odd rows lie further right than even ones.

    The sum over rows and frames of the cross-correlation between each odd row and the mean of its two even
    neighbours has its maximum there; it is interpolated by its spectrum to a tenth of a pixel. At most 10
    pixels are looked for.

    Parameters
    ----------
    frames : (n, height, width)
        A sample of the recording; rows with missing pixels are left out.

    Returns
    -------
    float
        In pixels; 0 where there are fewer than three rows, or nothing to see.

    Notes
    -----
    A structure that is slanted everywhere in the same direction does not mislead, as the mean of the rows
    above and below is not slanted. Motion faster than a row does.
    """
    _, height, width = frames.shape
    odd = np.arange(1, height - 1, 2)
    if not len(odd) or width < 2:
        return 0.0
    cross = np.zeros(width // 2 + 1, np.complex128)
    for frame in frames:
        rows = frame[odd].astype(np.float64)
        beside = 0.5 * (frame[odd - 1].astype(np.float64) + frame[odd + 1])
        good = np.isfinite(rows).all(axis=1) & np.isfinite(beside).all(axis=1)
        rows, beside = rows[good], beside[good]
        if len(rows):
            window = np.hanning(width)
            rows = (rows - rows.mean(axis=1, keepdims=True)) * window
            beside = (beside - beside.mean(axis=1, keepdims=True)) * window
            cross += (scipy.fft.rfft(rows) * np.conj(scipy.fft.rfft(beside))).sum(axis=0)
    correlation = scipy.fft.irfft(cross, n=width * _FINE)
    reach = min(_REACH * _FINE, (width // 2) * _FINE)
    shifts = np.arange(-reach, reach + 1)
    near = correlation[shifts % len(correlation)]
    best = int(near.argmax())
    return float(shifts[best]) / _FINE if near[best] > 0 else 0.0


def shift_odd_rows(frames: NDArray[np.float32], phase: float) -> NDArray[np.float32]:
    """Return a copy whose odd rows are sampled `phase` pixels further right, linearly interpolated.

    The outermost pixels of odd rows repeat the edge.
    """
    width = frames.shape[2]
    place = np.clip(np.arange(width) + phase, 0, width - 1)
    left = np.minimum(place.astype(np.int64), max(width - 2, 0))
    right = np.minimum(left + 1, width - 1)
    along = (place - left).astype(np.float32)
    shifted = frames.copy()
    rows = frames[:, 1::2]
    shifted[:, 1::2] = rows[:, :, left] * (1 - along) + rows[:, :, right] * along
    return shifted
