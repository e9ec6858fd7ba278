"""What differs between two results beyond events and ensembles: cells, numbers, population, behaviour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.doubt.compared_rows import Row, row_of_sets
from napari_calcium.recording import Recording
from napari_calcium.results.population_results import CellClusters

__all__ = ["finding_rows"]

_ALPHA = 0.05
"""False-discovery rate up to which a finding counts, as in the docks of the behaviour."""
_CLOSE = 1e-6
"""Numbers that differ by less than this share are the same."""


def finding_rows(a: Recording, b: Recording) -> tuple[Row, ...]:
    """Count what two results have found, and what of it is the same.

    Parameters
    ----------
    a, b : Recording
        Cells are matched by id.

    Returns
    -------
    tuple of Row
        In run order; only what both have. Findings of the behaviour are those with a q-value up to 0.05 (a
        p-value for decoding), each of one cell or ensemble with one signal, event or epoch; numbers are the
        same where they differ by less than a millionth.
    """
    rows = [_cells(a, b), _numbers(a, b), *_population(a, b), *_behaviour(a, b)]
    return tuple(row for row in rows if row is not None)


def _cells(a: Recording, b: Recording) -> Row | None:
    """Count cells, only where they are not the same: no stage after those of the movie changes them."""
    row = row_of_sets("Cells", a.roi_ids, b.roi_ids)
    return None if row.is_same else row


def _numbers(a: Recording, b: Recording) -> Row | None:
    if a.features is None or b.features is None:
        return None
    pairs = [
        (a.features[key], b.features[key])
        for key in a.features
        if key != "roi_id" and key in b.features and a.features[key].dtype.kind in "iufb"
    ]
    _, rows_a, rows_b = np.intersect1d(a.roi_ids, b.roi_ids, return_indices=True)
    same = sum(_n_close(one[rows_a], other[rows_b]) for one, other in pairs)
    n_a, n_b = len(pairs) * a.n_rois, len(pairs) * b.n_rois
    return Row("Numbers of the cells", n_a, n_b, same, n_a - same, n_b - same)


def _n_close(one: NDArray[Any], other: NDArray[Any]) -> int:
    return int(np.isclose(one, other, rtol=_CLOSE, atol=0, equal_nan=True).sum())


def _population(a: Recording, b: Recording) -> list[Row | None]:
    one, other = a.population, b.population
    if one is None or other is None:
        return []
    rows: list[Row | None] = []
    if one.activity is not None and other.activity is not None:
        rows.append(
            _row_of_series(
                "Bins of activity", *((p.time_s, p.activity) for p in (one.activity, other.activity))
            )
        )
    if one.correlation is not None and other.correlation is not None:
        found = [c.correlation.pairs for c in (one, other) if c.correlation is not None]
        pairs = [zip(p.roi_id_a.tolist(), p.roi_id_b.tolist(), strict=True) for p in found]
        rows.append(row_of_sets("Correlated pairs", *pairs))
    if one.coupling is not None and other.coupling is not None:
        singing = [c.roi_id[c.chorister].tolist() for c in (one.coupling.cells, other.coupling.cells)]
        rows.append(row_of_sets("Choristers", *singing))
    if one.dimensionality is not None and other.dimensionality is not None:
        counts = [range(c.n_significant) for c in (one.dimensionality, other.dimensionality)]
        rows.append(row_of_sets("Components beyond chance", *counts))
    if one.sorting is not None and other.sorting is not None:
        places = [enumerate(order.roi_id.tolist()) for order in (one.sorting, other.sorting)]
        rows.append(row_of_sets("Cells at their place in the order", *places))
    if one.clusters is not None and other.clusters is not None:
        rows += _clusters(one.clusters, other.clusters)
    return rows


def _row_of_series(
    what: str,
    one: tuple[NDArray[np.float64], NDArray[np.float64]],
    other: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> Row:
    """Count samples; those at the same time with the same value are the same."""
    _, at_one, at_other = np.intersect1d(np.round(one[0], 6), np.round(other[0], 6), return_indices=True)
    same = _n_close(one[1][at_one], other[1][at_other])
    n_one, n_other = len(one[0]), len(other[0])
    return Row(what, n_one, n_other, same, n_one - same, n_other - same)


def _clusters(one: CellClusters, other: CellClusters) -> list[Row | None]:
    """Match clusters one to one so that most cells stay with theirs; count clusters, and cells that stay."""
    from scipy.optimize import linear_sum_assignment

    groups = [
        {
            k: frozenset(c.roi_id[c.cluster == k].tolist())
            for k in np.unique(c.cluster[c.cluster >= 0]).tolist()
        }
        for c in (one, other)
    ]
    first, second = (list(group.values()) for group in groups)
    shared = np.array([[len(x & y) for y in second] for x in first], np.int64).reshape(
        len(first), len(second)
    )
    rows, columns = linear_sum_assignment(shared, maximize=True)
    stay = shared[rows, columns]
    both, n_one, n_other = int((stay > 0).sum()), len(first), len(second)
    cells = [sum(map(len, group)) for group in (first, second)]
    kept = int(stay.sum())
    return [
        Row("Clusters of cells", n_one, n_other, both, n_one - both, n_other - both),
        Row("Cells in their cluster", cells[0], cells[1], kept, cells[0] - kept, cells[1] - kept),
    ]


def _behaviour(a: Recording, b: Recording) -> list[Row | None]:
    rows: list[Row | None] = []
    if a.behaviour is not None and b.behaviour is not None:
        epochs = [_epochs(behaviour.epochs) for behaviour in (a.behaviour, b.behaviour)]
        rows.append(row_of_sets("Epochs of behaviour", *epochs))
    parts: tuple[tuple[str, str, Any, Any], ...] = (
        ("Correlations with behaviour", "signal", a.relations, b.relations),
        ("Tuned", "signal", _part(a.tuning, "tuned"), _part(b.tuning, "tuned")),
        ("Responses", "label", _part(a.triggered, "responses"), _part(b.triggered, "responses")),
        ("Preferred epochs", "label", a.preferences, b.preferences),
    )
    for what, of, one, other in parts:
        if one is not None and other is not None:
            rows.append(row_of_sets(what, *(_found(table, of) for table in (one, other))))
    if a.decoding is not None and b.decoding is not None:
        decoded = [_decoded(d.scores) for d in (a.decoding, b.decoding)]
        rows.append(row_of_sets("Decoded beyond chance", *decoded))
    return rows


def _part(found: Any, name: str) -> Any:
    return None if found is None else getattr(found, name)


def _epochs(epochs: Any) -> Iterable[tuple[str, float, float]]:
    start, end = np.round(epochs.start_s, 6).tolist(), np.round(epochs.end_s, 6).tolist()
    return zip(epochs.label.tolist(), start, end, strict=True)


def _found(table: Any, of: str) -> Iterable[tuple[str, int, str]]:
    own = table.q_value <= _ALPHA
    columns = (table.kind[own].tolist(), table.id[own].tolist(), getattr(table, of)[own].tolist())
    return zip(*columns, strict=True)


def _decoded(scores: Any) -> Iterable[tuple[str, str]]:
    own = scores.p_value <= _ALPHA
    return zip(scores.target[own].tolist(), scores.source[own].tolist(), strict=True)
