"""A small classifier of cells that learns from what the user accepted and rejected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.atomic import replacing
from napari_calcium.settings import SettingsError

__all__ = ["FEWEST", "CellClassifier", "train_classifier"]

_FORMAT, _VERSION = "napari-calcium cell classifier", 1
FEWEST = 5
"""Decisions of either kind that it takes to learn."""
# Beyond this many SD a number says no more than at it: one odd ROI does not decide.
_FARTHEST_SD = 4.0


@dataclass(frozen=True)
class CellClassifier:
    """A logistic regression on quality columns; plain numbers, saved as JSON.

    Attributes
    ----------
    columns : tuple of str
        Quality columns it reads, with their units.
    middle, spread, weight : tuple of float
        For each column: what is taken off, what it is divided by, and how much it counts.
    offset : float
    n_accepted, n_rejected : int
        Decisions it learnt from.
    accuracy : float
        Share of decisions that it foretold right when they were held out (five parts), each class counting
        the same: 0.5 is guessing.
    """

    columns: tuple[str, ...]
    middle: tuple[float, ...]
    spread: tuple[float, ...]
    weight: tuple[float, ...]
    offset: float
    n_accepted: int
    n_rejected: int
    accuracy: float

    def probability(self, quality: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """Return how likely each ROI is a cell, (n_rois,) float64 between 0 and 1.

        A value that is missing (NaN) counts as an average one.

        Raises
        ------
        SettingsError
            If a column is not there.
        """
        if missing := [name for name in self.columns if name not in quality]:
            raise SettingsError(
                f"the classifier reads {missing[0]}, which these cells have not; train it on them anew"
            )
        table = np.column_stack([np.asarray(quality[name], np.float64) for name in self.columns])
        scores = _scaled(table, np.array(self.middle), np.array(self.spread)) @ np.array(self.weight)
        return np.asarray(1.0 / (1.0 + np.exp(-(scores + self.offset))))

    def save(self, path: str | Path) -> None:
        """Write it as JSON; the file is replaced whole or not at all."""
        content: dict[str, Any] = {"format": _FORMAT, "version": _VERSION} | self.__dict__
        with replacing(Path(path)) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        SettingsError
            If it is no such file; the message is one line that names it.
        """
        file = Path(path)
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content.pop("format") != _FORMAT or content.pop("version") != _VERSION:
                raise ValueError
            made: dict[str, Any] = {
                name: tuple(v) if isinstance(v, list) else v for name, v in content.items()
            }
            found = cls(**made)
            numbers = np.array([found.middle, found.spread, found.weight], np.float64)
            if (
                numbers.shape != (3, len(found.columns))
                or not np.isfinite([*numbers.flat, found.offset]).all()
            ):
                raise ValueError
        except (ValueError, TypeError, KeyError, AttributeError):
            raise SettingsError(f"{file.name}: not a cell classifier saved by napari-calcium") from None
        return found


def train_classifier(
    quality: Mapping[str, ArrayLike], accepted: ArrayLike, decided: ArrayLike | None = None
) -> CellClassifier:
    """Learn from decisions which ROIs are cells.

    Parameters
    ----------
    quality : mapping of str to (n_rois,)
        Numbers that judge each ROI; NaN where not known. Columns without any are left out.
    accepted : (n_rois,) bool
        The decisions.
    decided : (n_rois,) bool, optional
        Which ROIs were decided on by the user, all by default; the others are not learnt from.

    Returns
    -------
    CellClassifier

    Raises
    ------
    SettingsError
        With fewer than five accepted or five rejected ROIs, or no usable column.

    Notes
    -----
    Columns are centred on their median, divided by their interquartile range as an SD, cut at four such SD,
    and weighed by an L2-regularised logistic regression in which both classes count the same. Few numbers and
    a linear rule: some dozens of decisions suffice. It misleads on recordings of another indicator or
    magnification than it was trained on.
    """
    truth = np.asarray(accepted, bool)
    known = np.ones(len(truth), bool) if decided is None else np.asarray(decided, bool)
    n_accepted, n_rejected = int((truth & known).sum()), int((~truth & known).sum())
    if min(n_accepted, n_rejected) < FEWEST:
        raise SettingsError(
            f"it takes at least {FEWEST} accepted and {FEWEST} rejected cells to learn from, "
            f"got {n_accepted} and {n_rejected}{'' if decided is None else ' that were judged by hand'}"
        )
    table = {name: np.asarray(values, np.float64)[known] for name, values in quality.items()}
    usable = {name: values for name, values in table.items() if np.isfinite(values).sum() >= 2}
    if not usable:
        raise SettingsError("the cells have no quality numbers to learn from")
    values = np.column_stack(list(usable.values()))
    middle, spread = _scale(values)
    scaled = _scaled(values, middle, spread)
    weight, offset, accuracy = _fit(scaled, truth[known])
    return CellClassifier(
        tuple(usable),
        tuple(middle.tolist()),
        tuple(spread.tolist()),
        tuple(weight.tolist()),
        offset,
        n_accepted,
        n_rejected,
        accuracy,
    )


def _scale(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    finite = np.where(np.isfinite(values), values, np.nan)
    low, middle, high = np.nanpercentile(finite, [25, 50, 75], axis=0)
    spread = (high - low) / 1.349  # of a normal distribution, its SD
    wide = np.where(spread > 0, spread, np.nanstd(finite, axis=0))
    return middle, np.where(wide > 0, wide, 1.0)


def _scaled(
    values: NDArray[np.float64], middle: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    scaled = np.clip((values - middle) / spread, -_FARTHEST_SD, _FARTHEST_SD)
    return np.nan_to_num(scaled)


def _fit(scaled: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float, float]:
    """Return weights, offset and the accuracy on held-out decisions."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    model = LogisticRegression(class_weight="balanced", C=1.0, max_iter=1000)
    parts = StratifiedKFold(5, shuffle=True, random_state=0)
    accuracy = cross_val_score(model, scaled, truth, cv=parts, scoring="balanced_accuracy").mean()
    model.fit(scaled, truth)
    return model.coef_[0].astype(np.float64), float(model.intercept_[0]), float(accuracy)
