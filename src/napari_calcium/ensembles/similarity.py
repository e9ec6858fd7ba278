"""How alike ensemble events are: the neurons they share, plain and against chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.results.tables import EnsembleEvents

__all__ = ["contributor_matrix", "jaccard", "overlap_scores"]


def contributor_matrix(events: EnsembleEvents, roi_ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the (n_events, n_rois) matrix of 0 and 1 that says which neuron contributes to which event."""
    order = np.argsort(roi_ids, kind="stable")
    rows = order[np.searchsorted(roi_ids, events.member_ids, sorter=order)] if len(order) else order
    matrix = np.zeros((len(events), len(roi_ids)), np.float32)
    matrix[np.repeat(np.arange(len(events)), np.diff(events.member_offsets)), rows] = 1
    return matrix


def jaccard(contributors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the Jaccard similarity of all pairs of events: neurons shared / neurons in either.

    Parameters
    ----------
    contributors : (n_events, n_rois) float32
        0 and 1.

    Returns
    -------
    (n_events, n_events) float32
        Symmetric, 1 on the diagonal; two events without any neuron have similarity 0 (1 with themselves).
        One matrix product; memory grows with the square of the number of events.

    Examples
    --------
    >>> jaccard(np.array([[1, 1, 0], [0, 1, 1]], np.float32))[0, 1].round(3)
    np.float32(0.333)
    """
    shared: NDArray[np.float32] = contributors @ contributors.T
    size = contributors.sum(axis=1)
    either = size[:, None] + size[None, :] - shared
    similarity: NDArray[np.float32] = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
    np.fill_diagonal(similarity, 1)
    return similarity


def overlap_scores(
    contributors: NDArray[np.float32], activity: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how many neurons each pair of events shares, and how far that is above chance.

    Chance: each event draws its neurons in proportion to their activity, so busy neurons and large events
    share more without meaning more.

    Parameters
    ----------
    contributors : (n_events, n_rois) float32
        0 and 1.
    activity : (n_rois,) float64
        How busy each neuron is, in any unit.

    Returns
    -------
    shared, score : (n_events, n_events) float32
        The score is in standard deviations of a Poisson count; the diagonal is 0.
    """
    shared = contributors @ contributors.T
    size = contributors.sum(axis=1)
    share = activity / max(float(activity.sum()), 1e-12)
    expected = np.maximum(np.outer(size, size) * float((share**2).sum()), 1e-9)
    score = ((shared - expected) / np.sqrt(expected)).astype(np.float32)
    np.fill_diagonal(shared, 0)
    np.fill_diagonal(score, 0)
    return shared, score
