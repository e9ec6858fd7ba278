"""Non-negative deconvolution of calcium traces: each transient is a jump followed by an exponential decay."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from functools import partial
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import map_rows, rows_per_block
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.numerics.second_order import response_peak, second_order_rows
from napari_calcium.progress import Progress, silent

__all__ = ["decay_per_frame", "deconvolve", "nonnegative_pools", "powers"]


def decay_per_frame(decay_s: float, frame_rate: float) -> float:
    """Return the share of a transient that is left one frame later, exp(−1 / (decay · rate))."""
    return math.exp(-1.0 / (decay_s * frame_rate))


def deconvolve(
    traces: ArrayLike,
    frame_rate: float,
    decay_s: ArrayLike,
    *,
    rise_s: ArrayLike = 0.0,
    baseline: ArrayLike = 0.0,
    penalty: ArrayLike = 0.0,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find the calcium trace and the activity that best explain each trace.

    The calcium trace c is the exact minimiser of ½ Σ(y − b − c)² + penalty · Σ s, where the activity s may
    not be negative. Without a rise time, s(t) = c(t) − g · c(t − 1) with g = exp(−1 / (decay · frame rate));
    with one, a unit of s begins a transient exp(−t / decay) − exp(−t / rise) of height 1.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        ΔF/F as a rule; any unit. Missing samples (NaN) are interpolated first and are NaN in the result.
    frame_rate : float
        In Hz.
    decay_s : float or (n_rois,)
        Time in which a transient falls to 1/e, in seconds.
    rise_s : float or (n_rois,)
        Time constant of the rise, in seconds, shorter than the decay; 0 for transients that jump.
    baseline : float or (n_rois,)
        Level b at rest, in the unit of the traces.
    penalty : float or (n_rois,)
        Cost of a unit of activity, in the unit of the traces; 0 gives non-negative least squares.

    Returns
    -------
    calcium, activity : (n_rois, n_frames) float32
        In the unit of the traces, baseline taken off. Activity is not a number of spikes: its scale depends
        on the indicator. The first frame's activity is the calcium left from before the recording (with a
        rise time, that of the first two frames).

    Raises
    ------
    ValueError
        For traces of a wrong shape, a frame rate or a decay time that is not above zero, and a rise time that
        is not shorter than the decay.

    Notes
    -----
    Pool-adjacent-violators: every sample begins as a pool of its own, and a pool whose calcium would rise
    less than the one before it decays is merged with it. Each sample is merged at most once, so time is
    linear in the number of samples. With a rise time the problem is solved as exactly, by the block pivoting
    of :func:`napari_calcium.numerics.second_order.solve_second_order`: linear time a round, 5 to 50 rounds.
    The result misleads where the rise is longer than a few frames and not given (the activity is then spread
    over the rise), and where the baseline is set too low (constant activity).

    References
    ----------
    Friedrich, Zhou & Paninski (2017), PLoS Computational Biology 13, e1005423,
    https://doi.org/10.1371/journal.pcbi.1005423
    """
    values = check_traces(traces)
    rate = check_frame_rate(frame_rate)
    n_rois, n_frames = values.shape
    decay = np.broadcast_to(np.asarray(decay_s, np.float64), n_rois)
    if not ((decay > 0) & np.isfinite(decay)).all():
        raise ValueError(f"decay_s must be above 0 s, got {np.unique(decay)[:3]}")
    rise = np.broadcast_to(np.asarray(rise_s, np.float64), n_rois)
    if not ((rise >= 0) & (rise < decay)).all():
        raise ValueError("rise_s must be at least 0 s and shorter than decay_s")
    level, cost = (np.broadcast_to(np.asarray(a, np.float64), n_rois) for a in (baseline, penalty))
    calcium, activity = np.empty_like(values), np.empty_like(values)
    blocks = map_rows(
        partial(_deconvolve_block, rate=rate),
        (values, decay, rise, level, cost),
        rows_per_block(n_frames),
        on_progress=on_progress,
        executor=executor,
    )
    for rows, found in blocks:
        calcium[rows], activity[rows] = found
    return calcium, activity


def _deconvolve_block(
    values: NDArray[np.float32],
    decay: NDArray[np.float64],
    rise: NDArray[np.float64],
    level: NDArray[np.float64],
    cost: NDArray[np.float64],
    *,
    rate: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    filled, missing = fill_gaps(values)
    left = np.exp(-1.0 / (decay * rate))
    calcium, activity = np.empty_like(values), np.empty_like(values)
    if rise.any():
        with np.errstate(divide="ignore"):
            fast = np.exp(-1.0 / (rise * rate))
        second_order_rows(filled, left, fast, response_peak(left, fast), level, cost, calcium, activity)
    else:
        _deconvolve_rows(filled, left, level, cost, calcium, activity)
    if missing is not None:
        calcium[missing] = np.nan
        activity[missing] = np.nan
    return calcium, activity


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def powers(decay: float, n: int) -> NDArray[np.float64]:
    """Return decay⁰ … decayⁿ; what has decayed below 1e-12 is 0, which spares slow denormal numbers."""
    result = np.zeros(n + 1)
    value = 1.0
    for k in range(n + 1):
        if value < 1e-12:
            break
        result[k] = value
        value *= decay
    return result


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def nonnegative_pools(
    y: NDArray[np.float64],
    left: NDArray[np.float64],
    total: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.int64],
) -> int:
    """Solve the non-negative AR(1) least-squares problem of one trace, exactly.

    Parameters
    ----------
    y : (n_frames,) float64
        Baseline (and penalty) taken off.
    left : (n_frames + 1,) float64
        Powers of the decay per frame, see :func:`powers`.
    total, weight, start : (n_frames,)
        Filled: pool p begins at frame ``start[p]`` with calcium ``total[p] / weight[p]`` and decays until the
        next one begins. ``total`` is Σ gᵏ y(start + k), ``weight`` is Σ g²ᵏ over its frames. Only the first
        pool's total may be negative, which means no calcium.

    Returns
    -------
    int
        Number of pools.
    """
    n = 0
    for t in range(y.size):
        total[n], weight[n], start[n] = y[t], 1.0, t
        n += 1
        while n > 1:
            fade = left[start[n - 1] - start[n - 2]]
            # A pool is merged when its level lies below what the pool before leaves over; the first pools
            # of negative level are one pool without calcium, which is the bound on the first frame.
            before = max(0.0, total[n - 2]) if n == 2 else total[n - 2]
            if total[n - 1] * weight[n - 2] >= fade * before * weight[n - 1] and total[n - 1] >= 0.0:
                break
            total[n - 2] += fade * total[n - 1]
            weight[n - 2] += fade * fade * weight[n - 1]
            n -= 1
    return n


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _deconvolve_rows(
    traces: NDArray[np.floating[Any]],
    decay: NDArray[np.float64],
    baseline: NDArray[np.float64],
    penalty: NDArray[np.float64],
    calcium: NDArray[np.float32],
    activity: NDArray[np.float32],
) -> None:
    n_rows, n_frames = traces.shape
    y, total, weight = np.empty(n_frames), np.empty(n_frames), np.empty(n_frames)
    start = np.empty(n_frames, np.int64)
    for row in range(n_rows):
        g = decay[row]
        for t in range(n_frames):
            y[t] = traces[row, t] - baseline[row] - penalty[row] * (1.0 - g)
        # Σ s = (1 − g) Σ c + g · c(last): the last frame carries the rest of the penalty.
        y[n_frames - 1] -= penalty[row] * g
        n_pools = nonnegative_pools(y, powers(g, n_frames), total, weight, start)
        before = 0.0
        for p in range(n_pools):
            stop = start[p + 1] if p + 1 < n_pools else n_frames
            value = max(0.0, total[p] / weight[p])
            activity[row, start[p]] = max(0.0, value - g * before)
            for t in range(start[p], stop):
                if t > start[p]:
                    activity[row, t] = 0.0
                calcium[row, t] = value
                before = value
                value *= g
