"""Logistic regression on blocks held out, for the truth and for circular shifts of it."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from napari_calcium.behaviour.time_blocks import TimeBlocks, equal_shifts
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.progress import Progress, silent

__all__ = ["balanced_accuracy", "decode_labels", "fit_logistic"]

_SHIFTS_PER_BLOCK = 50
_MOST_STEPS = 500
_TOLERANCE = 1e-6


def decode_labels(
    features: NDArray[np.float64],
    inside: NDArray[np.bool_],
    n_blocks: int,
    gap: int,
    penalty: float,
    n_shifts: int,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tell whether a bin lies inside of an epoch, on blocks held out.

    Parameters
    ----------
    features : (n_bins, n_features)
        About z-scored.
    inside : (n_bins,) bool
    n_blocks, gap, n_shifts
        As for :func:`~napari_calcium.behaviour.ridge_decoder.decode_values`.
    penalty : float
        Of the squared weights, times the number of features.
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    accuracy : (n_shifts,) float64
        Balanced accuracy, the truth first: the mean of the shares of inside and outside bins that are told
        right, where "inside" is said of bins that are more probably inside than those learnt from were. NaN
        where all bins that could be told are of one kind.
    probability : (n_bins,) float64
        Of being inside, by the decoder that has not seen the bin; NaN where what was to be learnt from is of
        one kind.
    """
    blocks = TimeBlocks(len(inside), n_blocks, gap)
    shifts = equal_shifts(len(inside), n_shifts)
    scores = np.empty(len(shifts))
    work = partial(_scores, features, inside, blocks, penalty, shifts)
    for block, part in map_blocks(
        work, len(shifts), _SHIFTS_PER_BLOCK, on_progress=on_progress, executor=executor
    ):
        scores[block] = part
    return scores, _probabilities(features, inside[:, None], blocks, penalty)[0][:, 0]


def balanced_accuracy(truth: NDArray[np.bool_], told: NDArray[np.bool_]) -> float:
    """Return the mean of the shares of true and of false ones that are told right; NaN without either."""
    if truth.all() or not truth.any():
        return float("nan")
    return float(0.5 * (told[truth].mean() + (~told[~truth]).mean()))


def _scores(
    features: NDArray[np.float64],
    inside: NDArray[np.bool_],
    blocks: TimeBlocks,
    penalty: float,
    shifts: NDArray[np.int64],
    block: slice,
) -> NDArray[np.float64]:
    truth = np.stack([np.roll(inside, int(shift)) for shift in shifts[block]], axis=1)
    probability, share = _probabilities(features, truth, blocks, penalty)
    return np.array([_accuracy(truth[:, k], probability[:, k], share[:, k]) for k in range(truth.shape[1])])


def _accuracy(
    truth: NDArray[np.bool_], probability: NDArray[np.float64], share: NDArray[np.float64]
) -> float:
    known = np.isfinite(probability)
    return balanced_accuracy(truth[known], probability[known] > share[known])


def _probabilities(
    features: NDArray[np.float64], inside: NDArray[np.bool_], blocks: TimeBlocks, penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return probability of each bin and share inside of what was learnt from, (n_bins, n_targets)."""
    told, share = np.full(inside.shape, np.nan), np.full(inside.shape, np.nan)
    for held in range(blocks.n_blocks):
        rows, test = blocks.training(held), blocks.tested(held)
        if not len(rows):
            continue
        known = inside[rows].mean(axis=0)
        weights = fit_logistic(features[rows], inside[rows], penalty * features.shape[1])
        probability = expit(features[test] @ weights[:-1] + weights[-1])
        told[test] = np.where((known > 0) & (known < 1), probability, np.nan)
        share[test] = known
    return told, share


def fit_logistic(
    features: NDArray[np.float64], inside: NDArray[np.bool_], penalty: float
) -> NDArray[np.float64]:
    """Fit logistic regressions of many targets to the same features.

    Parameters
    ----------
    features : (n_bins, n_features)
    inside : (n_bins, n_targets) bool
    penalty : float
        Half of it times the squared weights is added to the log loss; the constant is free.

    Returns
    -------
    (n_features + 1, n_targets) float64
        Weights, and the constant in the last row.

    Notes
    -----
    The second derivative of the log loss is nowhere more than that at one half, ``X.T @ X / 4``. One
    factorisation of this bound serves all targets and all steps, and each step is one product with the
    features for all of them; momentum, dropped whenever it points uphill, makes the steps few.

    References
    ----------
    Böhning & Lindsay 1988, Ann. Inst. Stat. Math. 40:641, doi:10.1007/BF00049423 (the bound);
    O'Donoghue & Candès 2015, Found. Comput. Math. 15:715, doi:10.1007/s10208-013-9150-3 (dropped momentum).
    """
    design = np.column_stack([features, np.ones(len(features))])
    cost = np.full(design.shape[1], penalty)
    cost[-1] = 0.0
    bound = cho_factor(0.25 * design.T @ design + np.diag(cost + 1e-9))
    target = inside.astype(np.float64)
    weights = np.zeros((design.shape[1], target.shape[1]))
    share = np.clip(target.mean(axis=0), 1e-3, 1 - 1e-3)
    weights[-1] = np.log(share / (1 - share))
    ahead, age = weights.copy(), np.zeros(target.shape[1])
    for _ in range(_MOST_STEPS):
        slope = design.T @ (expit(design @ ahead) - target) + cost[:, None] * ahead
        moved = ahead - cho_solve(bound, slope)
        change = moved - weights
        uphill = (slope * change).sum(axis=0) > 0
        age = np.where(uphill, 0.0, age + 1)
        weights, ahead = moved, moved + age / (age + 3) * change
        if np.abs(change).max(initial=0.0) < _TOLERANCE:
            break
    return weights
