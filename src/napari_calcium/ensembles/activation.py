"""When a set of neurons is active: the exact test of its own coactivity, and a contest between sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.conditional_null import CountNull, count_null
from napari_calcium.ensembles.moments import local_peaks, rank_windows
from napari_calcium.ensembles.trains import Trains
from napari_calcium.numerics.binning import runs_of_windows, window_counts

__all__ = ["Candidate", "candidate_windows", "contest"]

_LEAST_REST = 3  # neurons an ensemble needs of its own to be seen beside another one
_ALONE_P = 1e-4  # p-value that is small enough for a window that another ensemble has singled out


@dataclass(frozen=True)
class Candidate:
    """One putative ensemble and the windows in which it may be active.

    Attributes
    ----------
    members : (n_members,) int64
        Rows, ascending.
    background : (n_rois,) float64
        Chance of each neuron to be active in a window outside the ensemble's activations.
    windows : (n,) int64
        First frames of the windows in which more members are active than chance explains.
    count : (n,) int64
        Active members.
    p_value : (n,) float64
    score : (n,) float64
        Log-likelihood ratio of "the ensemble is active" against "it is not".
    cut : float
        Largest p-value that is significant.
    """

    members: NDArray[np.int64]
    background: NDArray[np.float64]
    windows: NDArray[np.int64]
    count: NDArray[np.int64]
    p_value: NDArray[np.float64]
    score: NDArray[np.float64]
    cut: float


def candidate_windows(
    trains: Trains,
    members: NDArray[np.int64],
    participation: NDArray[np.float64] | None,
    background: NDArray[np.float64],
    false_discovery_rate: float,
) -> Candidate:
    """Find the windows in which more of the members are active than chance explains at the slow rate.

    Parameters
    ----------
    trains : Trains
    members : (n_members,) int64
        Rows, ascending.
    participation : (n_members,) float64, or None
        Chance of each member to be active in an activation; windows with far fewer active members than it
        lets expect (2.5 SD) are left out, since they are other ensembles that share some members. None for
        a first guess: one half, and no such test.
    background : (n_rois,) float64
    false_discovery_rate : float
        Of the windows.
    """
    place, frames = trains.of(members)
    count = window_counts(place, frames, len(members), trains.n_frames, trains.width)
    level, relative, n_windows = trains.levels
    chance = background[members]
    entries = float(chance.sum()) / trains.width
    null = count_null(chance, relative, n_windows, entries, int(count.max(initial=0)))
    p = null.tail[level, count]
    windows = _significant(null, p, count, trains.width, false_discovery_rate)
    joins = np.full(len(members), 0.5) if participation is None else participation
    if participation is not None and len(windows):
        least = joins.sum() - 2.5 * np.sqrt((joins * (1 - joins)).sum())
        windows = windows[count[windows] >= least]
    score = _log_likelihood_ratio(trains, place, frames, joins, chance)[windows]
    cut = float(p[windows].max()) if len(windows) else 0.0
    return Candidate(members, background, windows, count[windows], p[windows], score, cut)


def _significant(
    null: CountNull,
    p: NDArray[np.float64],
    count: NDArray[np.int64],
    width: int,
    false_discovery_rate: float,
) -> NDArray[np.int64]:
    peak = local_peaks(rank_windows(p, count), width) & (count > 0)
    cut = null.cut(p, peak, false_discovery_rate)
    return np.flatnonzero(peak & (p <= cut)) if cut is not None else np.empty(0, np.int64)


def _log_likelihood_ratio(
    trains: Trains,
    place: NDArray[np.int64],
    frames: NDArray[np.int64],
    participation: NDArray[np.float64],
    chance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return for every window the evidence that the ensemble is active, in nats, at the mean rate."""
    joins = np.clip(participation, 0.05, 0.95)
    alone = np.clip(chance, 1e-5, 0.9)
    gain = np.log(joins * (1 - alone) / (alone * (1 - joins)))
    runs = runs_of_windows(place, frames, len(chance), trains.n_frames, trains.width)
    owner = np.repeat(np.arange(len(chance)), np.diff(runs.offsets))
    size = 2 * trains.n_frames + 1
    change = np.bincount(runs.start, gain[owner], size) - np.bincount(runs.stop, gain[owner], size)
    course = np.cumsum(change)
    # Runs that pass the end of the circle go on at its beginning.
    course = course[: trains.n_frames] + course[trains.n_frames : 2 * trains.n_frames]
    return np.asarray(course[: trains.n_windows] + np.log((1 - joins) / (1 - alone)).sum(), np.float64)


def contest(trains: Trains, candidates: list[Candidate]) -> list[NDArray[np.int64]]:
    """Give every window to the ensemble that explains it best.

    Windows are handed out in the order of their log-likelihood ratio. Where another ensemble has already
    taken an overlapping window, what is left — the members that the two do not share — must be significant
    by itself. So ensembles that share members do not collect each other's activations, one inside another
    keeps the moments it is active alone, and two that are really active at once both get the window.

    Returns
    -------
    list of (n,) int64
        For each candidate, the indices of its windows that it keeps, ascending.
    """
    owner = np.repeat(np.arange(len(candidates)), [len(c.windows) for c in candidates])
    index = np.concatenate([np.arange(len(c.windows)) for c in candidates] or [owner])
    start = np.concatenate([c.windows for c in candidates] or [owner])
    score = np.concatenate([c.score for c in candidates] or [np.zeros(0)])
    taken: dict[int, list[tuple[int, int]]] = {}
    kept: list[list[int]] = [[] for _ in candidates]
    for j in np.lexsort((owner, start, -score)):
        mine, at = int(owner[j]), int(start[j])
        rivals = _rivals(taken, mine, at, trains.width)
        if rivals and not _holds_alone(trains, candidates, mine, rivals, at):
            continue
        taken.setdefault(at // trains.width, []).append((at, mine))
        kept[mine].append(int(index[j]))
    return [np.array(sorted(k), np.int64) for k in kept]


def _rivals(taken: dict[int, list[tuple[int, int]]], mine: int, at: int, width: int) -> set[int]:
    """Return the other ensembles that hold a window within one width of this one."""
    box = at // width
    near = (entry for b in (box - 1, box, box + 1) for entry in taken.get(b, ()))
    return {other for start, other in near if other != mine and abs(start - at) <= width}


def _holds_alone(trains: Trains, candidates: list[Candidate], mine: int, rivals: set[int], at: int) -> bool:
    from scipy.special import gammainc

    candidate = candidates[mine]
    shared = np.concatenate([candidates[k].members for k in sorted(rivals)])
    rest = np.setdiff1d(candidate.members, shared)
    if len(rest) < _LEAST_REST:
        return False
    _, active = trains.active(np.array([at]), np.array([at + trains.width]))
    count = int(np.isin(active, rest).sum())
    level, relative, _ = trains.levels
    expected = float((1 - (1 - candidate.background[rest]) ** relative[level[at]]).sum())
    # A Poisson count of the same mean exceeds the mean more often than this one does: a safe bound.
    return count > expected and float(gammainc(count, expected)) <= max(candidate.cut, _ALONE_P)
