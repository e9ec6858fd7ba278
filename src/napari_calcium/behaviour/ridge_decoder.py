"""Ridge regression on blocks held out, for many circular shifts of the target at once."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_calcium.behaviour.time_blocks import TimeBlocks, equal_shifts
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.progress import Progress, silent

__all__ = ["PENALTIES", "decode_values"]

PENALTIES: NDArray[np.float64] = 10.0 ** np.arange(-2.0, 4.5, 0.5)
"""What is tried, times the number of bins: features are z-scores, so 1 halves what an average one says."""

_SHIFTS_PER_BLOCK = 50


def decode_values(
    features: NDArray[np.float64],
    values: NDArray[np.float64],
    n_blocks: int,
    gap: int,
    n_shifts: int,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tell values from features on blocks held out, for the truth and for circular shifts of it.

    Parameters
    ----------
    features : (n_bins, n_features)
        About z-scored.
    values : (n_bins,)
    n_blocks : int
        At least 3.
    gap : int
        Bins beside a block under test that are not learnt from.
    n_shifts : int
        Shifts at equal distances, the truth (no shift) included.
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    r2 : (n_shifts,) float64
        One minus the squared error over that of always telling the mean of what was learnt from; the truth
        first.
    predicted : (n_bins,) float64
        Of the truth, each block by the decoder that has not seen it.

    Notes
    -----
    Each decoder chooses its penalty from :data:`PENALTIES` by holding out each of the blocks it learns from
    in turn, in the same way for truth and shifts. Errors follow from sums of products, so a shift costs
    products of features² and no pass over time but one: O(n_blocks² · features³) once, and O(n_blocks² ·
    penalties · features²) a shift.
    """
    blocks = TimeBlocks(len(values), n_blocks, gap)
    sums = _Sums.of(features, blocks)
    folds = [_Fold(sums, blocks, held) for held in range(n_blocks)]
    shifts = equal_shifts(len(values), n_shifts)
    scores = np.empty(len(shifts))
    work = partial(_scores, features, values, blocks, sums, folds, shifts)
    for block, r2 in map_blocks(
        work, len(shifts), _SHIFTS_PER_BLOCK, on_progress=on_progress, executor=executor
    ):
        scores[block] = r2
    return scores, _predicted(features, values, blocks, sums, folds)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums of features and of their products over each piece of the recording."""

    number: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[np.float64], blocks: TimeBlocks) -> _Sums:
        parts = [features[start:stop] for start, stop, _ in blocks.pieces]
        return cls(
            np.array([len(p) for p in parts], np.float64),
            np.array([p.sum(axis=0) for p in parts]),
            np.array([p.T @ p for p in parts]),
        )


@dataclass(frozen=True, eq=False)
class _Targets:
    """The same of several targets and of their products with the features."""

    first: NDArray[np.float64]
    cross: NDArray[np.float64]
    second: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[np.float64], targets: NDArray[np.float64], blocks: TimeBlocks) -> _Targets:
        spans = [slice(start, stop) for start, stop, _ in blocks.pieces]
        return cls(
            np.array([targets[s].sum(axis=0) for s in spans]),
            np.array([features[s].T @ targets[s] for s in spans]),
            np.array([(targets[s] ** 2).sum(axis=0) for s in spans]),
        )


class _Learner:
    """What can be learnt from some pieces, for any target and penalty."""

    def __init__(self, sums: _Sums, pieces: list[int]) -> None:
        self._pieces = pieces
        self.number = float(sums.number[pieces].sum())
        self.mean = sums.first[pieces].sum(axis=0) / max(self.number, 1.0)
        products = sums.second[pieces].sum(axis=0) - self.number * np.outer(self.mean, self.mean)
        self._values, self._vectors = np.linalg.eigh(products)

    def weights(
        self, targets: _Targets, penalties: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return weights (n_penalties, n_features, n_targets) and the mean of the targets (n_targets,)."""
        level = targets.first[self._pieces].sum(axis=0) / max(self.number, 1.0)
        cross = targets.cross[self._pieces].sum(axis=0) - self.number * np.outer(self.mean, level)
        turned = self._vectors.T @ cross
        scale = np.maximum(self._values, 0) + penalties[:, None] * max(self.number, 1.0)
        return np.matmul(self._vectors, turned / scale[:, :, None]), level

    def errors(
        self,
        weights: NDArray[np.float64],
        level: NDArray[np.float64],
        sums: _Sums,
        targets: _Targets,
        pieces: list[int],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return squared errors on other pieces (n_penalties, n_targets), and those of telling the mean."""
        number = sums.number[pieces].sum()
        x, y = sums.first[pieces].sum(axis=0), targets.first[pieces].sum(axis=0)
        products = sums.second[pieces].sum(axis=0)
        products = products - np.outer(self.mean, x) - np.outer(x, self.mean)
        products += number * np.outer(self.mean, self.mean)
        cross = targets.cross[pieces].sum(axis=0)
        cross = cross - np.outer(self.mean, y) - np.outer(x, level) + number * np.outer(self.mean, level)
        whole = targets.second[pieces].sum(axis=0) - 2 * level * y + number * level**2
        fitted = (weights * (np.matmul(products, weights) - 2 * cross)).sum(axis=1)
        return whole + fitted, whole


class _Fold:
    """A block under test, the decoder that learns from the others, and those that choose its penalty."""

    def __init__(self, sums: _Sums, blocks: TimeBlocks, held: int) -> None:
        self.test = [place for place, piece in enumerate(blocks.pieces) if piece[2] == held]
        self.learner = _Learner(sums, blocks.learnt_from(held))
        self._inner = [
            (
                _Learner(sums, blocks.learnt_from(held, other)),
                [p for p in blocks.learnt_from(held) if blocks.pieces[p][2] == other],
            )
            for other in range(blocks.n_blocks)
            if other != held
        ]

    def penalties(self, sums: _Sums, targets: _Targets) -> NDArray[np.int64]:
        """Return the place in :data:`PENALTIES` that is best for each target on the blocks left out."""
        total = np.zeros((len(PENALTIES), targets.first.shape[1]))
        for learner, pieces in self._inner:
            weights, level = learner.weights(targets, PENALTIES)
            total += learner.errors(weights, level, sums, targets, pieces)[0]
        best: NDArray[np.int64] = np.argmin(total, axis=0)
        return best


def _scores(
    features: NDArray[np.float64],
    values: NDArray[np.float64],
    blocks: TimeBlocks,
    sums: _Sums,
    folds: list[_Fold],
    shifts: NDArray[np.int64],
    block: slice,
) -> NDArray[np.float64]:
    # Around their mean, so that sums of squares keep their digits.
    centred = values - values.mean()
    shifted = np.stack([np.roll(centred, int(k)) for k in shifts[block]], axis=1)
    targets = _Targets.of(features, shifted, blocks)
    wrong, whole = np.zeros(shifted.shape[1]), np.zeros(shifted.shape[1])
    for fold in folds:
        chosen = fold.penalties(sums, targets)
        weights, level = fold.learner.weights(targets, PENALTIES)
        errors, of_mean = fold.learner.errors(weights, level, sums, targets, fold.test)
        wrong += np.take_along_axis(errors, chosen[None], axis=0)[0]
        whole += of_mean
    return np.where(whole > 0, 1 - wrong / np.where(whole > 0, whole, 1.0), np.nan)


def _predicted(
    features: NDArray[np.float64],
    values: NDArray[np.float64],
    blocks: TimeBlocks,
    sums: _Sums,
    folds: list[_Fold],
) -> NDArray[np.float64]:
    mean = values.mean()
    targets = _Targets.of(features, (values - mean)[:, None], blocks)
    told = np.empty(len(values))
    for held, fold in enumerate(folds):
        chosen = fold.penalties(sums, targets)[0]
        weights, level = fold.learner.weights(targets, PENALTIES[[chosen]])
        rows = blocks.tested(held)
        told[rows] = mean + level[0] + (features[rows] - fold.learner.mean) @ weights[0, :, 0]
    return told
