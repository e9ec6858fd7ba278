"""Logistic regression on blocks held out, for the truth and for circular shifts of it."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_calcium.behaviour.time_blocks import TimeBlocks, equal_shifts
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.progress import Progress, silent

__all__ = ["balanced_accuracy", "decode_labels"]

_SHIFTS_PER_BLOCK = 5


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
        right, where the more probable is said and both weigh alike in learning. NaN where all bins that
        could be told are of one kind.
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
    return scores, _probabilities(features, inside, blocks, penalty)


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
    scores = []
    for shift in shifts[block].tolist():
        truth = np.roll(inside, shift)
        probability = _probabilities(features, truth, blocks, penalty)
        known = np.isfinite(probability)
        scores.append(balanced_accuracy(truth[known], probability[known] > 0.5))
    return np.array(scores)


def _probabilities(
    features: NDArray[np.float64], inside: NDArray[np.bool_], blocks: TimeBlocks, penalty: float
) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    told = np.full(len(inside), np.nan)
    for held in range(blocks.n_blocks):
        rows, test = blocks.training(held), blocks.tested(held)
        truth = inside[rows]
        if not len(rows) or truth.all() or not truth.any():
            continue
        # Newton's steps: few, and no warning of too few.
        model = LogisticRegression(
            C=1 / (penalty * features.shape[1]), class_weight="balanced", solver="newton-cholesky"
        )
        told[test] = model.fit(features[rows], truth).predict_proba(features[test])[:, 1]
    return told
