"""What differs between two results of one recording: events, ensembles and all that was found of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.doubt.compared_findings import finding_rows
from napari_calcium.doubt.compared_rows import Row, row_of_sets
from napari_calcium.doubt.same_cells import with_ids_of
from napari_calcium.recording import Recording
from napari_calcium.results.tables import EnsembleEvents, Ensembles, Events

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Comparison",
    "EnsemblePair",
    "Matching",
    "Row",
    "agreement",
    "compare",
    "match_ensembles",
    "match_events",
    "match_moments",
    "match_times",
    "pair_name",
]


@dataclass(frozen=True, eq=False)
class Matching:
    """Which row of one table is which row of another.

    Attributes
    ----------
    a, b : (n_both,) int64
        Rows that are one and the same, ascending in `a`.
    only_a, only_b : (n,) int64
        Rows without a partner, ascending.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    only_a: NDArray[np.int64]
    only_b: NDArray[np.int64]


@dataclass(frozen=True)
class EnsemblePair:
    """An ensemble of one result and the one it is in the other.

    Attributes
    ----------
    a, b : int or None
        Ids; None where it has no partner.
    both, only_a, only_b : tuple of int
        Members' ids, ascending.
    """

    a: int | None
    b: int | None
    both: tuple[int, ...] = ()
    only_a: tuple[int, ...] = ()
    only_b: tuple[int, ...] = ()

    @property
    def similarity(self) -> float:
        """Jaccard similarity of the members, 0 to 1; 0 without a partner."""
        n = len(self.both) + len(self.only_a) + len(self.only_b)
        return len(self.both) / n if n else 0.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """What differs between result A and result B.

    Attributes
    ----------
    events, ensemble_events : Matching or None
        None where one of both has none.
    ensembles : tuple of EnsemblePair or None
        Pairs by similarity, the most alike first; then those of A and of B without a partner.
    agreement : float
        See :func:`agreement`; NaN where one of both has no result.
    rows : tuple of Row
        The same in numbers, for a table.
    """

    events: Matching | None
    ensemble_events: Matching | None
    ensembles: tuple[EnsemblePair, ...] | None
    agreement: float
    rows: tuple[Row, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return all(row.is_same for row in self.rows)

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows as a pandas data frame; then a row for each ensemble or pair of ensembles."""
        import pandas as pd

        lines = [(r.what, r.a, r.b, r.both, r.only_a, r.only_b, np.nan) for r in self.rows]
        for pair in self.ensembles or ():
            sizes = len(pair.both) + len(pair.only_a), len(pair.both) + len(pair.only_b)
            shared = len(pair.both), len(pair.only_a), len(pair.only_b)
            lines.append((pair_name(pair), *sizes, *shared, pair.similarity))
        columns = ["what", "a", "b", "both", "only_a", "only_b", "jaccard"]
        return pd.DataFrame(lines, columns=columns).convert_dtypes()


def compare(a: Recording, b: Recording, *, tolerance_s: float = 0.25) -> Comparison:
    """Say what differs between two results.

    Parameters
    ----------
    a, b : Recording
        Of the same field and time. Cells are matched by id; where their footprints are others, by overlap
        (:func:`~napari_calcium.doubt.same_cells.same_cells`).
    tolerance_s : float
        Onsets of one event, and peaks of one ensemble event, lie no farther apart.

    Returns
    -------
    Comparison
        Of a recording with itself nothing differs; with A and B exchanged it is the same, exchanged. What
        only one of both has is not counted.
    """
    b = with_ids_of(a, b)
    rows, events, moments, pairs, score = [], None, None, None, float("nan")
    if a.events is not None and b.events is not None:
        events = match_events(a.events, b.events, tolerance_s)
        rows.append(_row_of("Events", events))
        rows.append(row_of_sets("Cells with events", a.events.roi_id, b.events.roi_id))
    if a.ensemble_events is not None and b.ensemble_events is not None:
        moments = match_moments(a.ensemble_events, b.ensemble_events, tolerance_s)
        rows.append(_row_of("Ensemble events", moments))
    if a.ensembles is not None and b.ensembles is not None:
        pairs, score = match_ensembles(a.ensembles, b.ensembles), agreement(a.ensembles, b.ensembles)
        alone = sum(p.b is None for p in pairs), sum(p.a is None for p in pairs)
        both = len(pairs) - sum(alone)
        rows.append(Row("Ensembles", both + alone[0], both + alone[1], both, *alone))
        members = a.ensembles.members.roi_id, b.ensembles.members.roi_id
        rows.append(row_of_sets("Cells in an ensemble", *members))
    rows += finding_rows(a, b)
    return Comparison(events, moments, pairs, score, tuple(rows))


def match_events(a: Events, b: Events, tolerance_s: float = 0.25) -> Matching:
    """Match the events of each cell by onset; see :func:`match_times`."""
    return match_times(a.roi_id, a.onset_s, b.roi_id, b.onset_s, tolerance_s)


def match_moments(a: EnsembleEvents, b: EnsembleEvents, tolerance_s: float = 0.25) -> Matching:
    """Match ensemble events by peak; see :func:`match_times`."""
    one, other = np.zeros(len(a), np.int64), np.zeros(len(b), np.int64)
    return match_times(one, a.peak_s, other, b.peak_s, tolerance_s)


def match_times(
    group_a: NDArray[np.int64],
    time_a: NDArray[np.float64],
    group_b: NDArray[np.int64],
    time_b: NDArray[np.float64],
    tolerance_s: float,
) -> Matching:
    """Match times of equal groups one to one, those nearest to each other first.

    Parameters
    ----------
    group_a, group_b : (n_a,), (n_b,) int64
        Cell of each time.
    time_a, time_b : (n_a,), (n_b,) float64
        Seconds, in any order.
    tolerance_s : float
        At most so far apart.

    Notes
    -----
    Cost: n log n, and the pairs within the tolerance.
    """
    order = np.lexsort((time_b, group_b))
    group, time = group_b[order], time_b[order]
    first, last = np.zeros(len(time_a), np.int64), np.zeros(len(time_a), np.int64)
    by_group = np.argsort(group_a, kind="stable")
    cells, begins = np.unique(group_a[by_group], return_index=True)
    for cell, start, stop in zip(cells, begins, [*begins[1:], len(group_a)], strict=False):
        own = by_group[start:stop]
        begin, end = np.searchsorted(group, [cell, cell + 1])
        first[own] = begin + np.searchsorted(time[begin:end], time_a[own] - tolerance_s)
        last[own] = begin + np.searchsorted(time[begin:end], time_a[own] + tolerance_s, side="right")
    n_near = last - first
    row_a = np.repeat(np.arange(len(time_a)), n_near)
    place = np.arange(len(row_a)) - np.repeat(np.cumsum(n_near) - n_near, n_near) + np.repeat(first, n_near)
    row_b = order[place]
    away = np.abs(time_a[row_a] - time_b[row_b])
    pairs = _nearest_first(row_a, row_b, np.lexsort((time_b[row_b], time_a[row_a], away)))
    pairs.sort()
    chosen = np.array(pairs, np.int64).reshape(-1, 2)
    return Matching(
        chosen[:, 0],
        chosen[:, 1],
        np.setdiff1d(np.arange(len(time_a)), chosen[:, 0]),
        np.setdiff1d(np.arange(len(time_b)), chosen[:, 1]),
    )


def _nearest_first(
    row_a: NDArray[np.int64], row_b: NDArray[np.int64], order: NDArray[np.int64]
) -> list[tuple[int, int]]:
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    pairs = []
    for one, other in zip(row_a[order].tolist(), row_b[order].tolist(), strict=True):
        if one not in taken_a and other not in taken_b:
            taken_a.add(one)
            taken_b.add(other)
            pairs.append((one, other))
    return pairs


def match_ensembles(a: Ensembles, b: Ensembles) -> tuple[EnsemblePair, ...]:
    """Match ensembles one to one so that the sum of their Jaccard similarities is greatest.

    Ensembles that share no member are no pair.

    Returns
    -------
    tuple of EnsemblePair
        The most alike first; then those of `a`, then those of `b` without a partner.
    """
    from scipy.optimize import linear_sum_assignment

    sets_a, sets_b = _member_sets(a), _member_sets(b)
    ids_a, ids_b = list(sets_a), list(sets_b)
    alike = _similarities(list(sets_a.values()), list(sets_b.values()))
    rows, columns = linear_sum_assignment(alike, maximize=True)
    pairs = [
        _pair(ids_a[i], ids_b[j], sets_a, sets_b)
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if alike[i, j] > 0
    ]
    pairs.sort(key=lambda pair: -pair.similarity)
    with_a, with_b = {pair.a for pair in pairs}, {pair.b for pair in pairs}
    pairs += [EnsemblePair(k, None, only_a=tuple(sorted(sets_a[k]))) for k in ids_a if k not in with_a]
    pairs += [EnsemblePair(None, k, only_b=tuple(sorted(sets_b[k]))) for k in ids_b if k not in with_b]
    return tuple(pairs)


def agreement(a: Ensembles, b: Ensembles) -> float:
    """Return how alike two sets of ensembles are, 0 to 1.

    The mean over all ensembles of both of the Jaccard similarity to the most similar one of the other set:
    the best-match score of Mölter, Avitan and Goodhill (2018, doi:10.1186/s12915-018-0606-4). 1 where both
    are empty, 0 where one is. It is not corrected for chance: random groups of like size score above 0.
    """
    alike = _similarities(list(_member_sets(a).values()), list(_member_sets(b).values()))
    if not alike.size:
        return 1.0 if not sum(alike.shape) else 0.0
    return float((alike.max(axis=0).sum() + alike.max(axis=1).sum()) / sum(alike.shape))


def pair_name(pair: EnsemblePair) -> str:
    """Say which ensembles a pair is of."""
    if pair.b is None:
        return f"Ensemble {pair.a} of A"
    if pair.a is None:
        return f"Ensemble {pair.b} of B"
    return f"Ensemble {pair.a} = {pair.b}"


def _member_sets(ensembles: Ensembles) -> dict[int, frozenset[int]]:
    return {k: frozenset(ensembles.members_of(k).roi_id.tolist()) for k in ensembles.ids}


def _similarities(a: list[frozenset[int]], b: list[frozenset[int]]) -> NDArray[np.float64]:
    alike = [[len(one & other) / max(len(one | other), 1) for other in b] for one in a]
    return np.array(alike, np.float64).reshape(len(a), len(b))


def _pair(
    a: int, b: int, sets_a: dict[int, frozenset[int]], sets_b: dict[int, frozenset[int]]
) -> EnsemblePair:
    one, other = sets_a[a], sets_b[b]
    parts = (one & other, one - other, other - one)
    return EnsemblePair(a, b, *(tuple(sorted(part)) for part in parts))


def _row_of(what: str, matching: Matching) -> Row:
    both, a, b = len(matching.a), len(matching.only_a), len(matching.only_b)
    return Row(what, both + a, both + b, both, a, b)
