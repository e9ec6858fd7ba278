"""Which cells of two results of one movie are the same, where the stage that finds cells has run twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording
from napari_calcium.results.tables import Ensembles, Events, Members
from napari_calcium.rois import Rois

__all__ = ["same_cells", "with_ids_of"]

_LEAST_OVERLAP = 0.3
"""Pixels that two footprints share, over those of either: less is not the same cell."""

T = TypeVar("T", Events, Members)


def same_cells(a: Rois, b: Rois) -> dict[int, int]:
    """Match cells one to one so that the sum of their overlaps is greatest.

    Parameters
    ----------
    a, b : Rois
        Of the same field, pixel by pixel.

    Returns
    -------
    dict of int to int
        Id in `b` and in `a` of each cell that is in both: their footprints share at least 0.3 of the pixels
        of either. It misleads where the field has moved between the two.

    Notes
    -----
    Linear in the pixels of the footprints, and cubic in the largest number of cells that overlap each other.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    if a.shape != b.shape or not len(a) or not len(b):
        return {}
    one, other = (csr_array((r.footprints != 0).astype(np.float32)) for r in (a, b))
    shared = (one @ other.T).tocoo()
    sizes = [np.asarray(x.sum(axis=1)).ravel() for x in (one, other)]
    overlap = shared.data / (sizes[0][shared.row] + sizes[1][shared.col] - shared.data)
    near = overlap >= _LEAST_OVERLAP
    rows, columns, weight = shared.row[near], shared.col[near], overlap[near]
    # A cell that finds no partner is matched with a stand-in of its own, at the cost of no overlap.
    n_a, n_b = len(a), len(b)
    costs = np.concatenate([1.0 - weight, np.ones(n_a)]) + 1.0
    graph = csr_array(
        (costs, (np.concatenate([rows, np.arange(n_a)]), np.concatenate([columns, n_b + np.arange(n_a)]))),
        shape=(n_a, n_b + n_a),
    )
    in_a, in_b = min_weight_full_bipartite_matching(graph)
    real = in_b < n_b
    return dict(zip(b.ids[in_b[real]].tolist(), a.ids[in_a[real]].tolist(), strict=True))


def with_ids_of(a: Recording, b: Recording) -> Recording:
    """Return `b` with its cells named as the same ones in `a`, for a comparison by id.

    Parameters
    ----------
    a, b : Recording

    Returns
    -------
    Recording
        `b` itself where both have the same ROIs, or one has none. Else cells, events and ensembles, with ids
        that `a` does not have for cells that only `b` has; what else was found of other cells is left out.
    """
    if a.rois is None or b.rois is None or _alike(a.rois, b.rois):
        return b
    known = same_cells(a.rois, b.rois)
    fresh = iter(range(int(max(a.roi_ids.max(initial=-1), b.roi_ids.max(initial=-1))) + 1, 2**62))
    name = {cell: known[cell] if cell in known else next(fresh) for cell in b.roi_ids.tolist()}

    def named(table: T) -> T:
        return replace(table, roi_id=np.array([name[cell] for cell in table.roi_id.tolist()], np.int64))

    ids: NDArray[np.int64] = np.array(list(name.values()), np.int64)
    ensembles = b.ensembles
    return Recording(
        b.name,
        ids,
        b.frame_rate,
        events=named(b.events) if b.events is not None else None,
        ensemble_events=b.ensemble_events,
        ensembles=Ensembles(named(ensembles.members), ensembles.activations)
        if ensembles is not None
        else None,
    )


def _alike(a: Rois, b: Rois) -> bool:
    if a is b:
        return True
    one, other = a.footprints, b.footprints
    return (
        a.shape == b.shape
        and np.array_equal(a.ids, b.ids)
        and np.array_equal(one.indptr, other.indptr)
        and np.array_equal(one.indices, other.indices)
    )
