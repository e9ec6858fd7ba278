"""Significant jumps of calcium: the fewest transients that explain a trace, by pruning its deconvolution."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import map_rows
from napari_calcium.numerics.deconvolution import nonnegative_pools, powers
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.numerics.noise import noise_sd
from napari_calcium.progress import Progress, silent

__all__ = ["Jumps", "find_jumps"]

# Baseline pieces are this many decay times long, and never shorter than this many seconds.
_BASELINE_DECAYS = 10.0
_MIN_BASELINE_S = 4.0
# Alternations of the fit of jumps with the fit of baseline and noise; a third changes no result visibly.
_REFITS = 2
# The threshold is reached in this many steps, so that weak jumps join before strong ones are judged.
_PRUNING_STEPS = 5
# A trace without measurable noise still has rounding and a transient that is no exact exponential.
_LEAST_NOISE = 0.01
_ROWS_PER_BLOCK = 16
# No calcium lasts for one frame only: a sample is capped at its higher neighbour plus this many noise SD.
_BLIP_SD = 3.0


@dataclass(frozen=True)
class Jumps:
    """Upward jumps of the calcium of many traces, sorted by row and frame.

    Attributes
    ----------
    row, frame : (n_jumps,) int64
        Row of the trace, and the first frame that is higher.
    size : (n_jumps,) float64
        Height of the jump above what was left of earlier transients, in the unit of the traces.
    z : (n_jumps,) float64
        Size in standard errors.
    noise_sd : (n_rows,) float64
        Noise against which z was judged, per sample, in the unit of the traces; NaN for rows without data.
    cost : (n_rows,) float64
        Squared residuals over the frame-to-frame noise variance, plus n_sd² for each jump.
    rest : (n_rows,) float64
        Calcium in the first frame, left from before the recording, in the unit of the traces; 0 for rows
        without data.
    """

    row: NDArray[np.int64]
    frame: NDArray[np.int64]
    size: NDArray[np.float64]
    z: NDArray[np.float64]
    noise_sd: NDArray[np.float64]
    cost: NDArray[np.float64]
    rest: NDArray[np.float64]


def find_jumps(
    traces: ArrayLike,
    frame_rate: float,
    decay_s: ArrayLike,
    *,
    n_sd: float = 4.0,
    baseline_s: float | None = None,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Jumps:
    """Find the jumps of calcium that stand out of the noise by `n_sd` standard errors.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        In any unit. Missing samples (NaN) are interpolated; a jump never begins on one.
    frame_rate : float
        In Hz.
    decay_s : float or (n_rois,)
        Decay time of a transient in seconds.
    n_sd : float
        A jump is kept if the fit without it would lose more than ``n_sd²`` noise variances.
    baseline_s : float, optional
        Length of the pieces of which the baseline is made, in seconds; by default ten decay times, at least
        4 s.
    on_progress, executor
        See :func:`napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    Jumps
        None for constant rows and rows without data.

    Notes
    -----
    The exact non-negative deconvolution has many small jumps that follow the noise. They are removed from the
    weakest on: removing the jump of size s between two pools with weights v, w, the first of which lasts k
    frames, costs s² / (1/w + g²ᵏ/v), so s over its standard error σ √(1/w + g²ᵏ/v) is the test statistic;
    far from other transients it is the matched filter's s / (σ √(1 − g²)).

    The noise σ is that of the matched filter's own output on the residual, where slow fluctuations count and
    fast ones average out, never less than the noise from frame to frame. So one threshold suits all frame
    rates, smoothed traces, and traces with neuropil. Baseline (medians of pieces of ten decay times, joined
    linearly) and noise are estimated twice from what the jumps leave unexplained.

    Photon noise of dim recordings has single high samples; a sample is capped at its higher neighbour plus
    three noise SD first, since calcium never lasts for one frame only.

    It misleads when a neuron hardly ever rests: baseline and noise are then set too high. Time is linear in
    the number of samples.

    References
    ----------
    Friedrich, Zhou & Paninski (2017), PLoS Computational Biology 13, e1005423,
    https://doi.org/10.1371/journal.pcbi.1005423 (the exact fit); Jewell & Witten (2018), Annals of Applied
    Statistics 12, 2457-2482, https://doi.org/10.1214/18-AOAS1162 (a cost for each jump).
    """
    values = check_traces(traces)
    rate = check_frame_rate(frame_rate)
    n_rois, n_frames = values.shape
    decay = np.broadcast_to(np.asarray(decay_s, np.float64), n_rois)
    left = np.exp(-1.0 / (decay * rate))
    piece = np.maximum(_BASELINE_DECAYS * decay, _MIN_BASELINE_S) if baseline_s is None else baseline_s
    n_pieces = np.broadcast_to(np.maximum(1, n_frames // np.maximum(1, piece * rate)), n_rois).astype(
        np.int64
    )

    blocks = map_rows(
        partial(_find_in_block, n_sd=n_sd),
        (values, left, n_pieces),
        _ROWS_PER_BLOCK,
        on_progress=on_progress,
        executor=executor,
    )
    parts = [(found[0] + rows.start, *found[1:]) for rows, found in blocks]
    if not parts:
        none = np.empty(0)
        return Jumps(none.astype(np.int64), none.astype(np.int64), none, none, none, none, none)
    return Jumps(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _find_in_block(
    given: NDArray[np.float32], left: NDArray[np.float64], n_pieces: NDArray[np.int64], *, n_sd: float
) -> tuple[NDArray[Any], ...]:
    """Return the columns of :class:`Jumps` for a block of rows, which count from 0."""
    filled, missing = fill_gaps(given)
    fast = np.maximum(noise_sd(given), _LEAST_NOISE * np.ptp(filled, axis=1))
    filled = _without_blips(filled, fast)
    found: tuple[NDArray[Any], ...] = _find_in_rows(
        filled, left, np.nan_to_num(fast), n_pieces, n_sd, _REFITS
    )
    if missing is None:
        return found
    kept = ~missing[found[0], found[1]]
    return tuple(a[kept] for a in found[:4]) + found[4:]


def _without_blips(traces: NDArray[np.floating[Any]], noise: NDArray[np.float64]) -> NDArray[Any]:
    """Return traces whose single samples do not stick out upwards; both end frames stay as they are."""
    capped = traces.copy()
    neighbour = np.maximum(traces[:, :-2], traces[:, 2:])
    neighbour += (_BLIP_SD * noise[:, None]).astype(traces.dtype)
    np.minimum(traces[:, 1:-1], neighbour, out=capped[:, 1:-1])
    return capped


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _find_in_rows(
    traces: NDArray[np.floating[Any]],
    decay: NDArray[np.float64],
    fast_noise: NDArray[np.float64],
    n_pieces: NDArray[np.int64],
    n_sd: float,
    refits: int,
) -> tuple[NDArray[Any], ...]:
    """Find the jumps of a block of rows; returns the columns of :class:`Jumps`."""
    n_rows, n_frames = traces.shape
    row_of, frame_of = [0 for _ in range(0)], [0 for _ in range(0)]
    size_of, z_of = [0.0 for _ in range(0)], [0.0 for _ in range(0)]
    noise_of, cost_of, rest_of = np.full(n_rows, np.nan), np.zeros(n_rows), np.zeros(n_rows)
    y, residual, scratch = np.empty(n_frames), np.empty(n_frames), np.empty(n_frames)
    total, weight, start = np.empty(n_frames), np.empty(n_frames), np.empty(n_frames, np.int64)
    for row in range(n_rows):
        if fast_noise[row] == 0.0:
            continue
        left = powers(decay[row], n_frames)
        noise = fast_noise[row]
        level = _rest_levels(traces[row], n_pieces[row], noise, scratch)
        n_pools = 0
        for refit in range(refits + 1):
            if refit > 0:
                _add_medians(level, residual, scratch)
            _subtract_level(traces[row], level, y)
            if refit == 0:
                # Smoothed traces have hardly any noise from frame to frame; a quarter of the spread with all
                # transients still in is a start for them that does not hide the transients of others.
                noise = max(noise, 0.25 * _noise_of_matched_filter(y, decay[row], scratch))
            else:
                noise = max(fast_noise[row], _noise_of_matched_filter(residual, decay[row], scratch))
            n_pools = nonnegative_pools(y, left, total, weight, start)
            n_pools = _prune(total, weight, start, n_pools, left, noise, n_sd)
            _residual(y, total, weight, start, n_pools, decay[row], residual)
        noise_of[row] = noise
        rest_of[row] = max(0.0, total[0] / weight[0])
        cost = 0.0
        for t in range(n_frames):
            cost += residual[t] ** 2
        n_jumps = 0
        for p in range(1, n_pools):
            size, error = _jump(total, weight, start, p - 1, p, left)
            row_of.append(row)
            frame_of.append(start[p])
            size_of.append(size)
            z_of.append(size / (noise * error))
            n_jumps += 1
        cost_of[row] = cost / fast_noise[row] ** 2 + n_sd**2 * n_jumps
    return (
        np.array(row_of, np.int64),
        np.array(frame_of, np.int64),
        np.array(size_of, np.float64),
        np.array(z_of, np.float64),
        noise_of,
        cost_of,
        rest_of,
    )


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _jump(
    total: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.int64],
    before: int,
    pool: int,
    left: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the height of a jump between two pools, and its standard error for unit noise."""
    fade = left[start[pool] - start[before]]
    variance = 1.0 / weight[pool]
    size = total[pool] / weight[pool]
    if total[before] > 0.0:
        size -= fade * total[before] / weight[before]
        variance += fade * fade / weight[before]
    return size, np.sqrt(variance)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _prune(
    total: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.int64],
    n_pools: int,
    left: NDArray[np.float64],
    noise: float,
    n_sd: float,
) -> int:
    """Merge pools in place until every jump is at least `n_sd` standard errors high; returns their number.

    Merging only ever raises the jumps beside it, so the result stays non-negative. Pools are visited from
    the last to the first, because what follows a jump decides its height.
    """
    n = n_pools
    for step in range(1, _PRUNING_STEPS + 1):
        threshold = n_sd * noise * step / _PRUNING_STEPS
        top = n - 1
        for p in range(n - 2, -1, -1):
            size, error = _jump(total, weight, start, p, top, left)
            if size < threshold * error:
                fade = left[start[top] - start[p]]
                total[p] += fade * total[top]
                weight[p] += fade * fade * weight[top]
            else:
                top -= 1
            total[top], weight[top], start[top] = total[p], weight[p], start[p]
        n -= top
        for p in range(n):
            total[p], weight[p], start[p] = total[top + p], weight[top + p], start[top + p]
    return n


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _residual(
    y: NDArray[np.float64],
    total: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.int64],
    n_pools: int,
    decay: float,
    residual: NDArray[np.float64],
) -> None:
    """Fill what the pools leave unexplained."""
    for p in range(n_pools):
        stop = start[p + 1] if p + 1 < n_pools else y.size
        value = max(0.0, total[p] / weight[p])
        for t in range(start[p], stop):
            residual[t] = y[t] - value
            value = value * decay if value > 1e-30 else 0.0


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _noise_of_matched_filter(
    residual: NDArray[np.float64], decay: float, scratch: NDArray[np.float64]
) -> float:
    """Return the per-sample noise that would give the spread of the matched filter's output.

    The lower half of the output is used: transients too weak to be found lie in the upper one.
    """
    value = 0.0
    for t in range(residual.size - 1, -1, -1):
        value = residual[t] + decay * value
        scratch[t] = value
    lower, middle = _quantile(scratch, 0.158655), _quantile(scratch, 0.5)
    return float((middle - lower) * np.sqrt(1.0 - decay * decay))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _rest_levels(
    trace: NDArray[np.floating[Any]], n_pieces: int, noise: float, scratch: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Guess the level at rest in each piece: the lower quartile of pure noise lies 0.6745 SD below it."""
    level = np.empty(n_pieces)
    for k in range(n_pieces):
        first, last = k * trace.size // n_pieces, (k + 1) * trace.size // n_pieces
        scratch[: last - first] = trace[first:last]
        level[k] = _quantile(scratch[: last - first], 0.25) + 0.6745 * noise
    return level


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _add_medians(
    level: NDArray[np.float64], residual: NDArray[np.float64], scratch: NDArray[np.float64]
) -> None:
    """Move each piece's level to the median of what is left of the trace."""
    for k in range(level.size):
        first, last = k * residual.size // level.size, (k + 1) * residual.size // level.size
        scratch[: last - first] = residual[first:last]
        level[k] += _quantile(scratch[: last - first], 0.5)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _quantile(values: NDArray[np.float64], share: float) -> float:
    """Return one order statistic by quickselect; `values` is reordered."""
    rank = int(share * (values.size - 1) + 0.5)
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return float(values[rank])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _subtract_level(
    trace: NDArray[np.floating[Any]], level: NDArray[np.float64], y: NDArray[np.float64]
) -> None:
    """Fill the trace minus the line through the pieces' levels, which is level beyond the outer centres."""
    n, n_pieces = trace.size, level.size
    for t in range(n):
        place = (t + 0.5) * n_pieces / n - 0.5
        k = min(max(int(place), 0), max(n_pieces - 2, 0))
        share = min(max(place - k, 0.0), 1.0)
        y[t] = trace[t] - (level[k] + share * (level[min(k + 1, n_pieces - 1)] - level[k]))
