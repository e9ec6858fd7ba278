"""Description length: whether one ensemble, two or none is the shortest account of the same activity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.trains import Trains

__all__ = ["active_matrix", "gain", "halves"]

_PRIOR_HITS = 5.0  # of a general rise there must be more evidence than so many events


def active_matrix(trains: Trains, starts: NDArray[np.int64], members: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the (n_activations, n_members) matrix of who is active in which window."""
    offsets, rows = trains.active(starts, starts + trains.width)
    which = np.repeat(np.arange(len(starts)), np.diff(offsets))
    place = np.full(trains.n_rois, -1)
    place[members] = np.arange(len(members))
    inside = place[rows] >= 0
    matrix = np.zeros((len(starts), len(members)), bool)
    matrix[which[inside], place[rows[inside]]] = True
    return matrix


def gain(
    trains: Trains,
    starts: NDArray[np.int64],
    members: NDArray[np.int64],
    background: NDArray[np.float64],
) -> float:
    """Return by how many nats naming an ensemble shortens the description of the recording.

    What it explains: the log-likelihood ratio of its activations, each member at its own participation,
    against every neuron at its background rate, raised by as much as the neurons outside the ensemble are
    more active than usual in these windows. What it costs: to say who the members are, how much each
    takes part (half the logarithm of the activations each), and when the ensemble is active. Ensembles
    that chance makes up cost more than they explain.

    References
    ----------
    Rissanen 1978, Automatica 14:465, doi:10.1016/0005-1098(78)90005-5.
    """
    n, m = len(starts), len(members)
    if not n or not m:
        return -np.inf
    _, rows = trains.active(starts, starts + trains.width)
    hits = np.bincount(rows, minlength=trains.n_rois)
    usual = background * trains.rate[starts].sum()
    outside = np.ones(trains.n_rois, bool)
    outside[members] = False
    rise = (hits[outside].sum() + _PRIOR_HITS) / (usual[outside].sum() + _PRIOR_HITS)
    hits = hits[members]
    share = np.clip((hits + 0.5) / (n + 1), 1e-3, 1 - 1e-3)
    alone = np.clip(usual[members] / n * max(rise, 1.0), 1e-5, 0.9)
    explained = hits * np.log(share / alone) + (n - hits) * np.log((1 - share) / (1 - alone))
    who = m * (np.log(max(trains.n_rois / m, 1.0)) + 1 + 0.5 * np.log(n))
    when = n * (np.log(max(trains.n_frames / trains.width / n, 1.0)) + 1)
    return float(explained.sum() - who - when)


def halves(
    trains: Trains, starts: NDArray[np.int64], members: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split activations in two by the direction in which their members differ most.

    Returns
    -------
    (n,) int64, (n,) int64
        Indices of the activations on either side; one is empty if there is nothing to split.
    """
    active = active_matrix(trains, starts, members).astype(np.float64)
    active -= active.mean(axis=0)
    _, _, right = np.linalg.svd(active, full_matrices=False)
    side = active @ right[0] > 0
    return np.flatnonzero(side), np.flatnonzero(~side)
