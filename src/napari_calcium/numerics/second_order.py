"""Exact non-negative deconvolution with transients that rise and decay, by block principal pivoting."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["response_peak", "second_order_rows", "solve_second_order"]

# A multiplier or an activity above minus this (in units of the largest sample) counts as not negative.
_TOLERANCE = 1e-10
# Whole-set exchanges that may go by without fewer violations before single exchanges are made.
_PATIENCE = 10
# Rounds after which the best found so far is taken; about 50 are needed at 100 Hz, fewer at lower rates.
_MOST_ROUNDS = 1000


def response_peak(decay: NDArray[np.float64], rise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the highest response to a unit of activity, (decayᵏ − riseᵏ) / (decay − rise) over k.

    Parameters
    ----------
    decay, rise : (n,) float64
        Share left after a frame of the slow and the fast part, decay > rise ≥ 0.

    Returns
    -------
    (n,) float64
        At least 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.log(np.log(rise) / np.log(decay)) / np.log(decay / rise)
    before = np.floor(np.nan_to_num(np.maximum(place, 1.0), nan=1.0, posinf=1.0))
    sides = [(decay**n - rise**n) / (decay - rise) for n in (before, before + 1.0)]
    peak: NDArray[np.float64] = np.maximum(*sides)
    return peak


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def solve_second_order(
    y: NDArray[np.float64],
    decay: float,
    rise: float,
    silent: NDArray[np.bool_],
    work: NDArray[np.float64],
    calcium: NDArray[np.float64],
    activity: NDArray[np.float64],
) -> int:
    """Solve the non-negative AR(2) least-squares problem of one trace, exactly.

    The calcium c minimises Σ(y − c)² under s = G c ≥ 0, where s(0) = c(0), s(1) = c(1) − decay · c(0), which
    lets calcium from before the recording decay, and s(t) = c(t) − (decay + rise) c(t−1) + decay · rise ·
    c(t−2) after.

    Parameters
    ----------
    y : (n_frames,) float64
        Baseline (and penalty) taken off.
    decay, rise : float
        Share left after a frame of the slow and the fast part, 1 > decay > rise ≥ 0.
    silent : (n_frames,) bool
        Which frames to begin with as without activity; in the end, those that are. A good guess (the result
        for a neighbouring penalty or baseline) saves rounds and changes nothing else.
    work : (6, n_frames) float64
        Scratch.
    calcium, activity : (n_frames,) float64
        Filled.

    Returns
    -------
    int
        Rounds taken.

    Notes
    -----
    The dual problem is c = y + Gᵀν with ν ≥ 0 and ν s = 0: a linear complementarity problem whose matrix
    G Gᵀ has five diagonals. A round solves it for a given set of silent frames, in linear time, and exchanges
    every frame that violates a sign; should that not lower the number of violations for a while, only the
    last one is exchanged, which always ends (Júdice & Pires 1994, Computers & Operations Research 21,
    587-596, https://doi.org/10.1016/0305-0548(94)90106-6).
    """
    n = y.size
    drive, nu = work[0], work[1]
    _apply(y, decay, rise, drive)
    scale = 0.0
    for t in range(n):
        scale = max(scale, abs(y[t]))
    least = -_TOLERANCE * scale
    fewest, patience = n + 1, _PATIENCE
    rounds = 0
    while rounds < _MOST_ROUNDS:
        rounds += 1
        _multipliers(drive, decay, rise, silent, work, nu)
        _calcium(y, nu, decay, rise, calcium)
        _apply(calcium, decay, rise, activity)
        wrong, last = 0, -1
        for t in range(n):
            if (nu[t] if silent[t] else activity[t]) < least:
                wrong += 1
                last = t
        if wrong == 0:
            break
        if wrong < fewest:
            fewest, patience = wrong, _PATIENCE
        else:
            patience -= 1
        if patience > 0:
            for t in range(n):
                if (nu[t] if silent[t] else activity[t]) < least:
                    silent[t] = not silent[t]
        else:
            silent[last] = not silent[last]
    for t in range(n):
        activity[t] = 0.0 if silent[t] else max(0.0, activity[t])
    return rounds


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _apply(x: NDArray[np.float64], decay: float, rise: float, out: NDArray[np.float64]) -> None:
    """Fill G x."""
    first, second = decay + rise, -decay * rise
    for t in range(x.size):
        if t == 0:
            out[t] = x[t]
        elif t == 1:
            out[t] = x[t] - decay * x[0]
        else:
            out[t] = x[t] - first * x[t - 1] - second * x[t - 2]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _calcium(
    y: NDArray[np.float64],
    nu: NDArray[np.float64],
    decay: float,
    rise: float,
    out: NDArray[np.float64],
) -> None:
    """Fill y + Gᵀ ν."""
    n, first, second = y.size, decay + rise, -decay * rise
    for t in range(n):
        value = y[t] + nu[t]
        if t + 1 < n:
            value -= (decay if t == 0 else first) * nu[t + 1]
        if t + 2 < n:
            value -= second * nu[t + 2]
        out[t] = value


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _product(t: int, gap: int, decay: float, rise: float) -> float:
    """Return the element of G Gᵀ between the frames t and t − gap."""
    first, second = decay + rise, -decay * rise
    if gap == 0:
        if t == 0:
            return 1.0
        return 1.0 + (decay * decay if t == 1 else first * first + second * second)
    if gap == 1:
        if t == 1:
            return -decay
        return -first + second * (decay if t == 2 else first)
    return -second


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _multipliers(
    drive: NDArray[np.float64],
    decay: float,
    rise: float,
    silent: NDArray[np.bool_],
    work: NDArray[np.float64],
    nu: NDArray[np.float64],
) -> None:
    """Fill ν, which is 0 where there may be activity and makes it 0 elsewhere: a banded LDLᵀ solve."""
    n = drive.size
    pivot, near, far, right = work[2], work[3], work[4], work[5]
    # Columns are stored at their frame. Silent frames further back than two have no part in a row.
    before, twice = -1, -1
    for t in range(n):
        nu[t] = 0.0
        if not silent[t]:
            continue
        value, diagonal = -drive[t], _product(t, 0, decay, rise)
        near[t], far[t] = 0.0, 0.0
        if before >= 0 and t - before <= 2:
            off = _product(t, t - before, decay, rise)
            if twice >= 0 and t - twice == 2:
                far[t] = _product(t, 2, decay, rise) / pivot[twice]
                off -= far[t] * pivot[twice] * near[before]
                diagonal -= far[t] * far[t] * pivot[twice]
                value -= far[t] * right[twice]
            near[t] = off / pivot[before]
            diagonal -= near[t] * near[t] * pivot[before]
            value -= near[t] * right[before]
        pivot[t], right[t] = diagonal, value
        twice, before = before, t
    after, later = -1, -1
    for t in range(n - 1, -1, -1):
        if not silent[t]:
            continue
        value = right[t] / pivot[t]
        if after >= 0:
            value -= near[after] * nu[after]
        if later >= 0:
            value -= far[later] * nu[later]
        nu[t] = value
        later, after = after, t


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def second_order_rows(
    traces: NDArray[np.floating[Any]],
    decay: NDArray[np.float64],
    rise: NDArray[np.float64],
    peak: NDArray[np.float64],
    baseline: NDArray[np.float64],
    penalty: NDArray[np.float64],
    calcium: NDArray[np.float32],
    activity: NDArray[np.float32],
) -> None:
    """Deconvolve a block of rows; see :func:`napari_calcium.numerics.deconvolution.deconvolve`."""
    n_rows, n = traces.shape
    y, c, s, work = np.empty(n), np.empty(n), np.empty(n), np.empty((6, n))
    silent, cost, shrink = np.empty(n, np.bool_), np.empty(n), np.empty(n)
    for row in range(n_rows):
        cost[:] = penalty[row] * peak[row]
        y[:] = 0.0
        _calcium(y, cost, decay[row], rise[row], shrink)
        for t in range(n):
            y[t] = traces[row, t] - baseline[row] - shrink[t]
        _apply(y, decay[row], rise[row], s)
        for t in range(n):
            silent[t] = s[t] < 0.0
        solve_second_order(y, decay[row], rise[row], silent, work, c, s)
        for t in range(n):
            calcium[row, t] = c[t]
            activity[row, t] = s[t] * peak[row]
