"""Ensemble events put in order by how alike they are, with the tree that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording

__all__ = ["Arrangement", "EventOrder", "arrange", "missing_similarity", "similarity_levels"]

EventOrder = Literal["ensemble", "tree", "time"]


@dataclass(frozen=True)
class Arrangement:
    """Rows of a similarity matrix in an order of display.

    Attributes
    ----------
    order : (n_events,) int64
        Row of the ensemble-event table at each place.
    ensemble_id : (n_events,) int64
        Ensemble of each place, −1 for none.
    lines : (n_lines, 2, 2) float64
        Lines of the tree, each two points (distance, place): two events join where their lines meet, at one
        minus their average similarity. Places are centres: the first event stands at 0.5.
    """

    order: NDArray[np.int64]
    ensemble_id: NDArray[np.int64]
    lines: NDArray[np.float64]

    @property
    def blocks(self) -> tuple[tuple[int, int, int], ...]:
        """Ensemble, first place and the one after the last, of each run of an ensemble."""
        if not len(self.order):
            return ()
        cuts = np.flatnonzero(np.diff(self.ensemble_id)) + 1
        starts, stops = [0, *cuts.tolist()], [*cuts.tolist(), len(self.order)]
        return tuple((int(self.ensemble_id[a]), a, b) for a, b in zip(starts, stops, strict=True))


def missing_similarity(recording: Recording) -> str:
    """Return why there is no similarity to show, in a sentence that says what to do; empty if there is."""
    events, ensembles = recording.ensemble_events, recording.ensembles
    if events is None or ensembles is None:
        return (
            "Ensemble events have not been compared yet. Run all stages in the dock "
            "Plugins › napari-calcium › Calcium pipeline."
        )
    if not len(events):
        return "No ensemble events were found, so there is nothing to compare."
    if ensembles.similarity.shape != (len(events), len(events)):
        return (
            "The method that found these ensembles does not compare events. Run Ensembles with another one."
        )
    return ""


def arrange(similarity: NDArray[np.float32], ensemble_id: NDArray[np.int64], by: EventOrder) -> Arrangement:
    """Put ensemble events in an order.

    Parameters
    ----------
    similarity : (n_events, n_events) float32
        Jaccard similarity, symmetric; NaN counts as 0.
    ensemble_id : (n_events,) int64
        −1 for events of no ensemble.
    by : {"ensemble", "tree", "time"}
        ``"ensemble"``: ensembles ascending, events of none last, a tree within each; ``"tree"``: one tree of
        all events, whatever ensemble they were given to, which shows where the two disagree; ``"time"``: as
        they come, without a tree.

    Notes
    -----
    Average linkage (UPGMA) of one minus the similarity. Memory and time grow with the square of the events. A
    tree has branches also where there are no groups: trust it where joints are far apart.
    """
    n = len(ensemble_id)
    none = np.empty((0, 2, 2))
    if by == "time" or not n:
        return Arrangement(np.arange(n), ensemble_id, none)
    keys = np.where(ensemble_id < 0, np.iinfo(np.int64).max, ensemble_id) if by == "ensemble" else np.zeros(n)
    distance = 1 - np.nan_to_num(similarity.astype(np.float64))
    orders, lines, start = [], [none], 0
    for key in np.unique(keys):
        rows = np.flatnonzero(keys == key)
        leaves, drawn = _tree(distance[np.ix_(rows, rows)])
        orders.append(rows[leaves])
        lines.append(drawn + np.array([0.0, start]))
        start += len(rows)
    order = np.concatenate(orders)
    return Arrangement(order, ensemble_id[order], np.concatenate(lines))


def similarity_levels(
    similarity: NDArray[np.float32], order: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], float]:
    """Return the matrix in an order as levels 0 … 255, and the similarity of the highest level.

    It is the 99.5th percentile off the diagonal, and at least 0.1; NaN is 0.
    """
    matrix = np.nan_to_num(similarity)[np.ix_(order, order)]
    others = matrix[~np.eye(len(matrix), dtype=bool)]
    high = float(np.clip(np.percentile(others, 99.5), 0.1, 1.0)) if len(others) else 1.0
    return np.rint(np.clip(matrix / high, 0, 1) * 255).astype(np.uint8), high


def _tree(distance: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the leaves of a tree in order, and its lines."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    n = len(distance)
    if n == 1:
        return np.zeros(1, np.int64), np.empty((0, 2, 2))
    symmetric = np.clip((distance + distance.T) / 2, 0, 1)
    np.fill_diagonal(symmetric, 0)
    joined = linkage(squareform(symmetric, checks=False), "average")
    leaves = leaves_list(joined).astype(np.int64)
    place, height = np.empty(2 * n - 1), np.zeros(2 * n - 1)
    place[leaves] = np.arange(n) + 0.5
    lines = np.empty((3 * (n - 1), 2, 2))
    for k, (a, b, at, _) in enumerate(joined):
        left, right = int(a), int(b)
        place[n + k], height[n + k] = (place[left] + place[right]) / 2, at
        lines[3 * k] = (height[left], place[left]), (at, place[left])
        lines[3 * k + 1] = (height[right], place[right]), (at, place[right])
        lines[3 * k + 2] = (at, place[left]), (at, place[right])
    return leaves, lines
