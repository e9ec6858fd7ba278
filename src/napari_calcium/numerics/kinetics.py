"""How fast transients decay, estimated from the traces themselves."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.jumps import find_jumps
from napari_calcium.numerics.noise import noise_sd

__all__ = ["DEFAULT_DECAY_S", "clearest_part", "estimate_kinetics"]

DEFAULT_DECAY_S = 1.0
"""Decay time where the traces say nothing, in seconds: between the fast and the slow indicators."""

_SHORTEST_S, _LONGEST_S = 0.1, 5.0
_COARSE = 5
_BASELINE_S = 20.0
_N_SD = 4.0
# Fewer jumps than this tell nothing reliable.
_FEWEST_JUMPS = 5
_MAX_ROWS, _MAX_FRAMES = 24, 10_000


def estimate_kinetics(
    traces: ArrayLike, frame_rate: float, *, shared: bool = True, executor: Executor | None = None
) -> NDArray[np.float64]:
    """Estimate the time in which transients decay to 1/e.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        In any unit, any slow baseline; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    shared : bool
        One decay time for all neurons, from the (at most 24) neurons whose transients stand out most; else
        one for each neuron that has at least five transients, and the shared one for the others.
    executor
        See :func:`napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    (n_rois,) float64
        In seconds, between 0.1 and 5; :data:`DEFAULT_DECAY_S` where there are too few transients to tell.

    Notes
    -----
    The decay time chosen explains the trace with the fewest and best-fitting transients: least squared
    residuals plus a cost for each jump (see :func:`napari_calcium.numerics.jumps.find_jumps`), on a
    logarithmic grid refined once, with a parabola through the best three points. Too short a decay needs
    extra jumps to follow the tail, too long a one leaves residuals behind every transient. At most 10,000
    frames of each neuron are read. It misleads when the decay is far from exponential or shorter than about
    a frame; bursts of spikes make it a little longer (some 5 %), and above about
    3 s overlapping tails make it too short.

    References
    ----------
    Profile likelihood under the model of Friedrich, Zhou & Paninski (2017), PLoS Computational Biology 13,
    e1005423, https://doi.org/10.1371/journal.pcbi.1005423
    """
    values = check_traces(traces)
    rate = check_frame_rate(frame_rate)
    n_rois = values.shape[0]
    chosen, clearest = clearest_part(values)
    common = _profile(clearest, rate, executor)[0] if len(chosen) else DEFAULT_DECAY_S
    if shared:
        return np.full(n_rois, common)
    own = _profile(_middle(values), rate, executor)[1] if n_rois else np.empty(0)
    return np.where(np.isnan(own), common, own)


def clearest_part(traces: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return where transients are best seen.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32

    Returns
    -------
    rows : (n_chosen,) int64
        At most 24 rows, ascending; rows without noise (constant, or no data) are never among them.
    part : (n_chosen, n) float32
        Those rows, at most 10,000 frames.
    """
    part = _middle(traces)
    chosen = _clearest(part)
    return chosen, part[chosen]


def _middle(traces: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the middle of a long recording: bleaching and movement are worst at its ends."""
    start = max(0, (traces.shape[1] - _MAX_FRAMES) // 2)
    return traces[:, start : start + _MAX_FRAMES]


def _clearest(traces: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the rows whose highest samples stand out most from their noise."""
    noise = noise_sd(traces)
    usable = np.flatnonzero(noise > 0)
    thinned = traces[usable, :: max(1, traces.shape[1] // 2000)]
    low, high = np.nanpercentile(thinned, [50, 99], axis=1) if len(usable) else np.empty((2, 0))
    with np.errstate(invalid="ignore"):
        order = np.argsort(-(high - low) / noise[usable], kind="stable")
    return np.sort(usable[order[:_MAX_ROWS]]).astype(np.int64)


def _profile(
    traces: NDArray[np.float32], rate: float, executor: Executor | None
) -> tuple[float, NDArray[np.float64]]:
    """Return the decay time that costs least over all rows, and for each row (NaN where it has few jumps)."""
    grid = np.geomspace(_SHORTEST_S, _LONGEST_S, _COARSE)
    costs, counts = _costs(traces, rate, grid, executor)
    best = grid[int(np.clip(np.argmin(costs.sum(axis=1)), 1, _COARSE - 2))]
    half_step = np.sqrt(grid[1] / grid[0])
    fine = best * np.array([1 / half_step, half_step])
    more = _costs(traces, rate, fine, executor)
    grid, costs, counts = np.append(grid, fine), np.vstack([costs, more[0]]), np.vstack([counts, more[1]])
    order = np.argsort(grid)
    log_grid, costs, counts = np.log(grid[order]), costs[order], counts[order]
    common = _vertex(log_grid, costs.sum(axis=1), counts.sum(axis=1))
    rows = np.array([_vertex(log_grid, costs[:, i], counts[:, i]) for i in range(traces.shape[0])])
    return (DEFAULT_DECAY_S if np.isnan(common) else common), rows


def _costs(
    traces: NDArray[np.float32], rate: float, grid: NDArray[np.float64], executor: Executor | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return cost and number of jumps for each decay time (axis 0) and row (axis 1)."""
    costs, counts = [], []
    for decay in grid:
        found = find_jumps(traces, rate, decay, n_sd=_N_SD, baseline_s=_BASELINE_S, executor=executor)
        costs.append(found.cost)
        counts.append(np.bincount(found.row, minlength=traces.shape[0]))
    return np.array(costs), np.array(counts)


def _vertex(x: NDArray[np.float64], cost: NDArray[np.float64], count: NDArray[np.int64]) -> float:
    """Return exp of the minimum of the parabola through the best point and its neighbours."""
    k = int(np.clip(np.argmin(cost), 1, len(x) - 2))
    if count[np.argmin(cost)] < _FEWEST_JUMPS:
        return float("nan")
    left, right = x[k] - x[k - 1], x[k + 1] - x[k]
    down, up = (cost[k] - cost[k - 1]) / left, (cost[k + 1] - cost[k]) / right
    if up <= down:
        return float(np.exp(x[np.argmin(cost)]))
    slope = (down * right + up * left) / (left + right)
    curvature = 2.0 * (up - down) / (left + right)
    return float(np.exp(np.clip(x[k] - slope / curvature, x[k - 1], x[k + 1])))
