"""Who belongs to an ensemble: neurons that are active in its activations more often than around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.trains import Trains
from napari_calcium.numerics.fdr import q_values

__all__ = ["Membership", "membership"]

_NEAR, _FAR = 1.5, 40.0  # s: the surroundings of an activation
_PRIOR_WINDOWS = 10.0  # weight of a neuron's rate in the whole recording beside that in the surroundings
_PRIOR_HITS = 5.0  # of a general rise there must be more evidence than so many events
_NARROWEST = (2.0, 10.0)  # weight of the beta distribution of participation, in activations


@dataclass(frozen=True)
class Membership:
    """How much every neuron has to do with one ensemble.

    Attributes
    ----------
    member : (n_rois,) bool
    participation : (n_rois,) float64
        Share of the activations in which the neuron is active, the margin included.
    inside : (n_rois,) float64
        The same without the margin.
    expected : (n_rois,) float64
        Share that its rate in the surroundings of the activations lets expect, times how much more than
        usual the neurons outside the ensemble are active in them.
    q_value : (n_rois,) float64
    """

    member: NDArray[np.bool_]
    participation: NDArray[np.float64]
    inside: NDArray[np.float64]
    expected: NDArray[np.float64]
    q_value: NDArray[np.float64]


def membership(
    trains: Trains,
    starts: NDArray[np.int64],
    count: NDArray[np.int64],
    before: NDArray[np.int64],
    background: NDArray[np.float64],
    margin: int,
    false_discovery_rate: float,
) -> Membership:
    """Decide for every neuron whether it belongs to an ensemble with the given activations.

    A neuron belongs if its activity is explained better by a participation like that of the other members
    (a beta distribution fitted to them, never narrower than ten activations would make it) than by its rate
    in the surroundings (1.5 to 40 s before and after), by more than the odds against a random neuron being a
    member; its q-value must not exceed the false-discovery rate.

    Parameters
    ----------
    trains : Trains
    starts : (n_activations,) int64
        First frames of the windows.
    count : (n_activations,) int64
        Members active in each.
    before : (n_members,) int64
        Rows that were members so far. Their own vote may have made an activation one: activations that would
        not have reached the least count without a neuron do not speak for it.
    background : (n_rois,) float64
        Chance of being active in a window outside the activations.
    margin : int
        Frames before and after a window in which a neuron's activity counts as well.
    false_discovery_rate : float
    """
    from scipy.special import bdtrc

    n = len(starts)
    which, row = trains.active(starts - margin, starts + trains.width + margin)
    activation = np.repeat(np.arange(n), np.diff(which))
    hits = np.bincount(row, minlength=trains.n_rois)
    was_member = np.zeros(trains.n_rois, bool)
    was_member[before] = True
    decisive = was_member[row] & (count[activation] == count.min(initial=0))
    lost = np.bincount(row[decisive], minlength=trains.n_rois)
    fair, trials = hits - lost, np.maximum(n - lost, 1)
    expected = _expected(trains, starts, background, margin)
    expected = np.minimum(expected * _general_rise(hits, expected * n, was_member), 0.999)
    p = np.where(fair > 0, bdtrc(np.maximum(fair - 1, 0), trials, expected), 1.0)
    q = q_values(np.clip(p, 0, 1))
    odds = np.log(max(trains.n_rois - len(before), 1) / max(len(before), 1))
    convincing = _evidence(fair, trials, expected, before) > odds
    member = (fair > expected * trials) & convincing & (q <= false_discovery_rate)
    _, within = trains.active(starts, starts + trains.width)
    inside = np.bincount(within, minlength=trains.n_rois) / max(n, 1)
    return Membership(member, hits / max(n, 1), inside, expected, q)


def _general_rise(
    hits: NDArray[np.int64], expected: NDArray[np.float64], was_member: NDArray[np.bool_]
) -> float:
    """Return how many times more than expected the neurons outside the ensemble are active, at least 1.

    Motion, neuropil or arousal lift everybody at once; who is lifted with the rest is no member.
    """
    others = float(hits[~was_member].sum()), float(expected[~was_member].sum())
    return max((others[0] + _PRIOR_HITS) / (others[1] + _PRIOR_HITS), 1.0)


def _evidence(
    hits: NDArray[np.int64],
    trials: NDArray[np.int64],
    expected: NDArray[np.float64],
    before: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the log Bayes factor of "takes part as members do" against "is active as it always is"."""
    from scipy.special import betaln

    share = hits[before] / trials[before]
    mean = float(np.clip(share.mean(), 0.05, 0.95)) if len(before) else 0.5
    sampling = float((mean * (1 - mean) / trials[before]).mean()) if len(before) else 0.0
    spread = max(float(share.var()) - sampling if len(before) else 0.0, 1e-6)
    weight = np.clip(mean * (1 - mean) / spread - 1, _NARROWEST[0], _NARROWEST[1])
    a, b = mean * weight, (1 - mean) * weight
    joins = betaln(hits + a, trials - hits + b) - betaln(a, b)
    alone = hits * np.log(expected) + (trials - hits) * np.log1p(-expected)
    return np.asarray(joins - alone, np.float64)


def _expected(
    trains: Trains, starts: NDArray[np.int64], background: NDArray[np.float64], margin: int
) -> NDArray[np.float64]:
    """Return each neuron's chance to be active in a widened window, by its rate around the activations."""
    width = trains.width + 2 * margin
    near, far = (int(t * trains.frame_rate) + 1 for t in (_NEAR, _FAR))
    middle = starts + trains.width // 2
    around = trains.stretches(middle - far, middle - near) + trains.stretches(middle + near, middle + far)
    seen = np.bincount(trains.rows, around[trains.frames], minlength=trains.n_rois)
    windows = around.sum() / width
    usual = -np.log1p(-np.minimum(background, 0.99)) * width / trains.width
    rate = (seen + usual * _PRIOR_WINDOWS) / (windows + _PRIOR_WINDOWS)
    return np.asarray(np.clip(-np.expm1(-rate), 1e-6, 0.999), np.float64)
