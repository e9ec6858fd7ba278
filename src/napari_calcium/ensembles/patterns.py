"""First guesses of ensembles: independent components of the covariation, and leaders among events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.covariation import Covariation
from napari_calcium.ensembles.similarity import overlap_scores

__all__ = ["event_groups", "independent_patterns", "outstanding", "two_classes"]

_TOLERANCE = 1e-5
_ITERATIONS = 150


def independent_patterns(found: Covariation, seed: int) -> NDArray[np.float64]:
    """Turn directions of covariation into patterns whose courses over time are independent.

    Each direction mixes several ensembles; an ensemble's own course is rarely active, hence far from
    Gaussian, and independent component analysis rotates towards such courses.

    Parameters
    ----------
    found : Covariation
    seed : int
        Start of the rotation.

    Returns
    -------
    (n_rois, k) float64
        Weight of every neuron in every pattern; the sign makes activity positive.

    Notes
    -----
    Symmetric FastICA with a tanh contrast. Windows × k² operations an iteration.

    References
    ----------
    Hyvärinen 1999, IEEE Trans. Neural Netw. 10:626, doi:10.1109/72.761722; Lopes-dos-Santos, Ribeiro &
    Tort 2013, J. Neurosci. Methods 220:149, doi:10.1016/j.jneumeth.2013.04.010 (for cell assemblies).
    """
    course = found.activity - found.activity.mean(axis=1, keepdims=True)
    left, spread, _ = np.linalg.svd(course @ course.T / course.shape[1])
    whitening = (left / np.sqrt(np.maximum(spread, 1e-12))) @ left.T
    white = whitening @ course
    rotation = _rotation(white, seed)
    source = rotation @ white
    sign = np.where((source**3).mean(axis=1) < 0, -1.0, 1.0)
    return np.asarray(found.vectors @ np.linalg.pinv(rotation @ whitening) * sign)


def _rotation(white: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    n, length = white.shape
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    for _ in range(_ITERATIONS):
        bent = np.tanh(rotation @ white)
        step = bent @ white.T / length - (1 - bent**2).mean(axis=1)[:, None] * rotation
        left, _, right = np.linalg.svd(step)
        change = np.abs(np.abs(((left @ right) * rotation).sum(axis=1)) - 1).max()
        rotation = left @ right
        if change < _TOLERANCE:
            break
    return np.asarray(rotation)


def outstanding(weights: NDArray[np.float64], deviations: float = 2.0) -> list[NDArray[np.int64]]:
    """Return for each pattern the neurons whose weight is that many SD above the mean weight."""
    limit = weights.mean(axis=0) + deviations * weights.std(axis=0)
    return [np.flatnonzero(column > at) for column, at in zip(weights.T, limit, strict=True)]


def two_classes(weights: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Return for each pattern the upper of the two classes its weights fall into.

    Finds the members of ensembles that make up a large part of the population, where no weight lies far above
    the mean in SD since the members themselves make both. The cut maximises the variance between the classes.

    References
    ----------
    Otsu 1979, IEEE Trans. Syst. Man Cybern. 9:62, doi:10.1109/TSMC.1979.4310076.
    """
    n = len(weights)
    if n < 2:
        return []
    ranked = np.sort(weights, axis=0)
    below = np.arange(1, n)[:, None]
    total = np.cumsum(ranked, axis=0)
    gap = (total[-1] - total[:-1]) / (n - below) - total[:-1] / below
    at = ranked[(below * (n - below) * gap**2).argmax(axis=0), np.arange(weights.shape[1])]
    return [np.flatnonzero(column > cut) for column, cut in zip(weights.T, at, strict=True)]


def event_groups(
    contributors: NDArray[np.float32],
    activity: NDArray[np.float64],
    least_events: int,
    deviations: float = 3.0,
    least_shared: int = 3,
) -> list[NDArray[np.int64]]:
    """Group events that share more neurons than chance, and name the neurons that recur in each group.

    The event with the most partners leads the first group and takes its partners with it, and so on.

    Parameters
    ----------
    contributors : (n_events, n_rois) float32
        0 and 1.
    activity : (n_rois,) float64
        How busy each neuron is in the whole recording, in any unit.
    least_events : int
        Smaller groups are dropped.
    deviations, least_shared
        Two events are partners if their overlap is that far above chance and counts that many neurons.

    Returns
    -------
    list of (n,) int64
        Rows of the neurons that contribute to at least a third of a group's events.
    """
    shared, score = overlap_scores(contributors, activity)
    partner = (score > deviations) & (shared >= least_shared)
    groups = []
    free = np.ones(len(contributors), bool)
    while free.any():
        number = np.where(free, (partner & free).sum(axis=1), -1)
        leader = int(number.argmax())
        group = np.flatnonzero(partner[leader] & free)
        if len(group) + 1 < least_events:
            break
        group = np.append(group, leader)
        free[group] = False
        groups.append(np.flatnonzero(contributors[group].mean(axis=0) >= 1 / 3))
    return groups
