"""From groups of rows and windows to the tables of the results, in one order for every method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_calcium.results.tables import Activations, EnsembleEvents, Members

_TableType = TypeVar("_TableType", Members, Activations)

__all__ = ["Group", "ordered", "tabulated", "with_activations"]


@dataclass(frozen=True)
class Group:
    """One ensemble as a method finds it.

    Attributes
    ----------
    members : (n_members,) int64
        Rows, ascending.
    participation, lift, q_value : (n_members,) float64
    times_s : (n_activations,) float64
        Ascending.
    p_value : (n_activations,) float64
    active : (n_activations,) int64
        Members active in each.
    """

    members: NDArray[np.int64]
    participation: NDArray[np.float64]
    lift: NDArray[np.float64]
    q_value: NDArray[np.float64]
    times_s: NDArray[np.float64]
    p_value: NDArray[np.float64]
    active: NDArray[np.int64]


def ordered(groups: list[Group]) -> list[Group]:
    """Sort ensembles: most activations first, then most members, then the lowest rows."""
    return sorted(groups, key=lambda g: (-len(g.times_s), -len(g.members), g.members.tolist()))


def tabulated(
    groups: list[Group], roi_ids: NDArray[np.int64], core_participation: float
) -> tuple[Members, Activations]:
    """Return the tables of members and activations; ensemble k is the k-th group.

    Core members take part in at least `core_participation` (0 to 1) of the activations.
    """
    members, activations = [], []
    for k, group in enumerate(groups):
        ids = roi_ids[group.members]
        order = np.lexsort((ids, -group.participation))
        n = len(ids)
        members.append(
            Members(
                np.full(n, k),
                ids[order],
                group.participation[order],
                group.lift[order],
                group.q_value[order],
                group.participation[order] >= core_participation,
            )
        )
        activations.append(
            Activations(np.full(len(group.times_s), k), group.times_s, group.p_value, group.active)
        )
    return _joined(Members, members), _joined(Activations, activations)


def _joined(table: type[_TableType], parts: list[_TableType]) -> _TableType:
    if not parts:
        return table()
    columns = [part.columns() for part in parts]
    return table(**{name: np.concatenate([c[name] for c in columns]) for name in columns[0]})


def with_activations(events: EnsembleEvents, groups: list[Group], reach_s: float) -> EnsembleEvents:
    """Return the events with the ensemble whose nearest activation lies within reach of their peak.

    Of equally near activations the one with more active members counts; events without any keep −1.
    """
    owner = np.full(len(events), -1)
    nearest = np.full(len(events), np.inf)
    most = np.zeros(len(events), np.int64)
    for k, group in enumerate(groups):
        if not len(group.times_s) or not len(events):
            continue
        after = np.minimum(np.searchsorted(group.times_s, events.peak_s), len(group.times_s) - 1)
        before = np.maximum(after - 1, 0)
        gap_after = np.abs(group.times_s[after] - events.peak_s)
        gap_before = np.abs(group.times_s[before] - events.peak_s)
        index = np.where(gap_before <= gap_after, before, after)
        # Times are compared in whole nanoseconds: ties must not hang on rounding.
        gap = np.rint(np.minimum(gap_before, gap_after) * 1e9)
        count = group.active[index]
        better = (gap <= np.rint(reach_s * 1e9)) & ((gap < nearest) | ((gap == nearest) & (count > most)))
        owner[better], nearest[better], most[better] = k, gap[better], count[better]
    return replace(events, ensemble_id=owner)
