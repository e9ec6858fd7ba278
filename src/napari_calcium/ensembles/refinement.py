"""Joint refinement: activations decide who is a member, members decide when an ensemble is active."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.activation import Candidate, candidate_windows, contest
from napari_calcium.ensembles.description import active_matrix, gain, halves
from napari_calcium.ensembles.membership import Membership, membership
from napari_calcium.ensembles.trains import Trains

__all__ = ["Refined", "Rules", "refine"]

_ROUNDS = 12
_LEAST_GUESS = 3
_COMPARED = 0.5  # share of the smaller one's members from which two ensembles may be one


@dataclass(frozen=True)
class Rules:
    """What counts as an ensemble.

    Attributes
    ----------
    least_members, least_activations : int
    activation_rate, member_rate : float
        False-discovery rates.
    margin : int
        Frames by which members may come before or after the window.
    """

    least_members: int
    least_activations: int
    activation_rate: float
    member_rate: float
    margin: int


@dataclass(frozen=True)
class Refined:
    """One ensemble: its members, and the windows in which it is active.

    Attributes
    ----------
    members : (n_members,) int64
        Rows, ascending.
    starts : (n_activations,) int64
        First frames of the windows, ascending.
    count : (n_activations,) int64
        Members active in each window.
    p_value : (n_activations,) float64
    background : (n_rois,) float64
        Chance of each neuron to be active in a window in which no ensemble is.
    table : Membership
    """

    members: NDArray[np.int64]
    starts: NDArray[np.int64]
    count: NDArray[np.int64]
    p_value: NDArray[np.float64]
    background: NDArray[np.float64]
    table: Membership


def refine(trains: Trains, guesses: list[NDArray[np.int64]], rules: Rules) -> list[Refined]:
    """Refine all guesses together until nothing changes.

    In each round every ensemble proposes windows by the exact test of its members' count, the ensembles
    contest them, and members are chosen anew from the windows each keeps. Ensembles with too few members or
    activations are dropped; two that share members are made one, and one is made two, where that gives the
    shorter description of the recording. In the end an ensemble stays only if naming it shortens the
    description.

    Parameters
    ----------
    trains : Trains
    guesses : list of (n,) int64
        Rows of first guesses, ascending; those of fewer than 3 neurons are ignored.
    rules : Rules

    Notes
    -----
    A round costs, for each ensemble, a pass over its members' events, over the frames, and over the events
    around its activations. At most 12 rounds.
    """
    found: list[Refined] = []
    proposals = [
        candidate_windows(trains, guess, None, trains.coverage, rules.activation_rate)
        for guess in guesses
        if len(guess) >= _LEAST_GUESS
    ]
    seen: set[bytes] = set()
    for _ in range(_ROUNDS):
        found = _merged(trains, _split(trains, _members(trains, proposals, rules), rules), rules)
        now = b"|".join(f.members.tobytes() for f in found)
        if not found or now in seen:
            break
        seen.add(now)
        proposals = [_proposal(trains, f, rules) for f in found]
    return _final(trains, found, rules)


def _proposal(trains: Trains, found: Refined, rules: Rules) -> Candidate:
    joins = found.table.inside[found.members]
    return candidate_windows(trains, found.members, joins, found.background, rules.activation_rate)


def _members(trains: Trains, proposals: list[Candidate], rules: Rules) -> list[Refined]:
    """Return the ensembles with the members that their windows speak for."""
    result = []
    kept_windows = contest(trains, proposals)
    taken = [candidate.windows[kept] for candidate, kept in zip(proposals, kept_windows, strict=True)]
    # One background for all: ensembles are compared, and another one's activations are no background.
    background = trains.background(np.concatenate(taken or [np.empty(0, np.int64)]), rules.margin)
    for candidate, kept in zip(proposals, kept_windows, strict=True):
        starts, p_value = candidate.windows[kept], candidate.p_value[kept]
        ensemble = _from_windows(trains, starts, p_value, candidate.members, background, rules)
        if ensemble is not None:
            result.append(ensemble)
    return result


def _from_windows(
    trains: Trains,
    starts: NDArray[np.int64],
    p_value: NDArray[np.float64],
    before: NDArray[np.int64],
    background: NDArray[np.float64],
    rules: Rules,
) -> Refined | None:
    """Return the ensemble with these activations, or None if it has too few of them or too few members."""
    if len(starts) < rules.least_activations:
        return None
    count = active_matrix(trains, starts, before).sum(axis=1)
    table = membership(trains, starts, count, before, background, rules.margin, rules.member_rate)
    members = np.flatnonzero(table.member)
    if len(members) < rules.least_members:
        return None
    return Refined(members, starts, count, p_value, background, table)


def _gain(trains: Trains, found: Refined) -> float:
    return gain(trains, found.starts, found.members, found.background)


def _merged(trains: Trains, found: list[Refined], rules: Rules) -> list[Refined]:
    """Make one of two ensembles that share members, where the recording is described shorter that way."""
    result: list[Refined] = []
    for ensemble in sorted(found, key=lambda f: (-len(f.starts), f.members.tolist())):
        for place, other in enumerate(result):
            both = _together(trains, other, ensemble, rules)
            if both is not None and _gain(trains, both) > _gain(trains, other) + _gain(trains, ensemble):
                result[place] = both
                break
        else:
            result.append(ensemble)
    return result


def _together(trains: Trains, a: Refined, b: Refined, rules: Rules) -> Refined | None:
    shared = len(np.intersect1d(a.members, b.members, assume_unique=True))
    if shared < _COMPARED * min(len(a.members), len(b.members)):
        return None
    starts = np.concatenate([a.starts, b.starts])
    order = np.argsort(starts, kind="stable")
    alone = np.diff(starts[order], prepend=-trains.width) >= trains.width
    chosen = order[alone]
    p_value = np.concatenate([a.p_value, b.p_value])[chosen]
    members = np.union1d(a.members, b.members)
    return _from_windows(trains, starts[chosen], p_value, members, a.background, rules)


def _split(trains: Trains, found: list[Refined], rules: Rules) -> list[Refined]:
    """Make two of one ensemble, where the recording is described shorter that way."""
    result: list[Refined] = []
    for ensemble in found:
        parts = [
            _from_windows(
                trains,
                ensemble.starts[half],
                ensemble.p_value[half],
                ensemble.members,
                ensemble.background,
                rules,
            )
            for half in halves(trains, ensemble.starts, ensemble.members)
        ]
        whole = [part for part in parts if part is not None]
        if len(whole) == 2 and sum(_gain(trains, p) for p in whole) > _gain(trains, ensemble):
            result.extend(whole)
        else:
            result.append(ensemble)
    return result


def _final(trains: Trains, found: list[Refined], rules: Rules) -> list[Refined]:
    """Return the ensembles that are worth naming, with the activations that the final members have."""
    proposals = [_proposal(trains, f, rules) for f in found]
    result = []
    for ensemble, candidate, kept in zip(found, proposals, contest(trains, proposals), strict=True):
        windows, count, p = candidate.windows[kept], candidate.count[kept], candidate.p_value[kept]
        last = replace(ensemble, starts=windows, count=count, p_value=p)
        if len(windows) >= rules.least_activations and _gain(trains, last) > 0:
            result.append(last)
    return result
