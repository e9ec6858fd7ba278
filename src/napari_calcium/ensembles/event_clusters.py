"""Ensembles as clusters of ensemble events: what the course and the event-based comparators share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.moments import merge_windows
from napari_calcium.ensembles.similarity import contributor_matrix
from napari_calcium.ensembles.tabulate import Group
from napari_calcium.ensembles.trains import Trains
from napari_calcium.numerics.binning import frames_in, window_counts
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.numerics.fdr import q_values
from napari_calcium.progress import Progress, silent
from napari_calcium.results.tables import Coactivity, EnsembleEvents

__all__ = ["MOST_EVENTS", "Clusterer", "cluster_groups", "clusters_by_chance", "strongest_events"]

MOST_EVENTS = 4000
"""Of more ensemble events only the most significant are clustered: time and memory grow with the square."""

Clusterer = Callable[[NDArray[np.float32]], NDArray[np.int64]]
"""From who contributes to which event, (n_events, n_rois), to the cluster of each event (−1: none)."""


def strongest_events(events: EnsembleEvents) -> NDArray[np.int64]:
    """Return the rows of the events that are clustered, in order of time."""
    return np.sort(np.argsort(events.p_value, kind="stable")[:MOST_EVENTS])


def cluster_groups(
    events: EnsembleEvents,
    roi_ids: NDArray[np.int64],
    coverage: NDArray[np.float64],
    cluster: Clusterer,
    least_events: int,
    least_share: float,
    largest_q: float = 1.0,
) -> tuple[list[Group], list[NDArray[np.int64]]]:
    """Cluster ensemble events and name the members of each cluster.

    Parameters
    ----------
    events : EnsembleEvents
    roi_ids : (n_rois,) int64
    coverage : (n_rois,) float64
        Chance of each neuron to be active in a window.
    cluster : callable
    least_events : int
        Smaller clusters stay unassigned.
    least_share : float
        A member contributes to at least this share of the cluster's events.
    largest_q : float
        And its q-value is at most this. The chance against which it is tested: each event draws its neurons
        in proportion to how often they contribute to events at all, so that being busy is no merit.

    Returns
    -------
    groups : list of Group
        In no particular order; those without 2 members are dropped.
    rows : list of (n,) int64
        Rows of the events of each group.
    """
    chosen = strongest_events(events)
    contributors = contributor_matrix(events.take(chosen), roi_ids)
    label = cluster(contributors)
    share_of_all = contributors.sum(axis=0) / max(float(contributors.sum()), 1.0)
    groups, rows = [], []
    for k in range(int(label.max(initial=-1)) + 1):
        inside = np.flatnonzero(label == k)
        if len(inside) < least_events:
            continue
        active = contributors[inside]
        share = active.mean(axis=0).astype(np.float64)
        q = _q_values(active, share_of_all)
        members = np.flatnonzero((share >= least_share - 1e-9) & (share > 0) & (q <= largest_q))
        if len(members) < 2:
            continue
        at = chosen[inside]
        lift = share[members] / np.maximum(coverage[members], 1e-12)
        count = active[:, members].sum(axis=1).astype(np.int64)
        groups.append(
            Group(members, share[members], lift, q[members], events.peak_s[at], events.p_value[at], count)
        )
        rows.append(at)
    return groups, rows


def _q_values(active: NDArray[np.float32], share_of_all: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import bdtrc

    size = active.sum(axis=1)
    expected = -np.expm1(-np.outer(size, share_of_all)).mean(axis=0)
    hits = active.sum(axis=0).astype(np.int64)
    tail = bdtrc(np.maximum(hits - 1, 0), len(active), np.clip(expected, 0, 1))
    return q_values(np.where(hits > 0, np.clip(tail, 0, 1), 1.0))


def clusters_by_chance(
    trains: Trains,
    windows: Coactivity,
    find: Callable[[EnsembleEvents], int],
    surrogates: int,
    seed: int,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> float:
    """Return how many ensembles the same method finds on shifted copies, on average.

    The copies keep every neuron's rhythm and the slow rate of the population; their ensemble events are the
    windows that exceed the recording's own threshold.

    Parameters
    ----------
    trains : Trains
    windows : Coactivity
        After the test for significance.
    find : callable
        From the ensemble events of a copy to the number of ensembles; it must be picklable if the executor
        runs in other processes.
    surrogates, seed : int
    """
    work = partial(_on_copy, trains, windows, find, seed)
    blocks = map_blocks(work, surrogates, 1, on_progress=on_progress, executor=executor)
    numbers = [number for _, number in blocks]
    return float(np.mean(numbers)) if numbers else float("nan")


def _on_copy(
    trains: Trains, windows: Coactivity, find: Callable[[EnsembleEvents], int], seed: int, block: slice
) -> int:
    from dataclasses import replace

    copy = trains.shifted(np.random.default_rng([seed, block.start]))
    step = frames_in(windows.step_s, trains.frame_rate)
    count = window_counts(copy.rows, copy.frames, copy.n_rois, copy.n_frames, copy.width)[::step]
    # A surrogate needs no p-values of its own: the more neurons beyond the threshold, the stronger.
    excess = count - windows.threshold
    strength = 1 / (2 + np.maximum(excess, -1))
    tested = replace(windows, active_neurons=count, p_value=strength, significant=excess > 0)
    ids = np.arange(copy.n_rois)
    return find(merge_windows(tested, copy.rows, copy.frames, ids, copy.width, step, 0.0))
