"""Pairs of cells by the distance of their somata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_calcium.population.shift_test import ShiftTest
from napari_calcium.results.population_results import DistanceProfile

__all__ = ["DistanceClasses", "distance_profile"]

_BLOCK_ROWS = 256


@dataclass(frozen=True)
class DistanceClasses:
    """Classes of equal width.

    Attributes
    ----------
    places : (n_rois, 2) float64
        Centres of the somata in `unit`; NaN for a cell without a place.
    width : float
    n_classes : int
    unit : str
        ``"µm"`` or ``"px"``.
    """

    places: NDArray[np.float64]
    width: float
    n_classes: int
    unit: str

    @classmethod
    def over(
        cls, places: NDArray[np.float64], width: float, unit: str, *, most: int = 200
    ) -> DistanceClasses:
        """Return classes that reach over all cells, wider ones where there would be more than `most`."""
        known = places[np.isfinite(places).all(axis=1)]
        reach = float(np.hypot(*np.ptp(known, axis=0))) if len(known) > 1 else 0.0
        width = max(width, reach / most)
        return cls(places, width, int(reach / width) + 1 if len(known) > 1 else 0, unit)

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the class of every pair of some rows with all cells, −1 for none; (len(rows), n_rois)."""
        gap = np.hypot(
            self.places[rows, 0, None] - self.places[None, :, 0],
            self.places[rows, 1, None] - self.places[None, :, 1],
        )
        known = np.isfinite(gap)
        kinds = np.where(known, np.where(known, gap, 0) / self.width, -1).astype(np.int64)
        kinds[np.arange(len(rows)), rows] = -1
        return np.minimum(kinds, self.n_classes - 1)


def distance_profile(
    matrix: NDArray[np.float32], classes: DistanceClasses, test: ShiftTest
) -> DistanceProfile:
    """Return the mean correlation of every class of distances, and the band that shifts give.

    Parameters
    ----------
    matrix : (n_rois, n_rois) float32
    classes : DistanceClasses
    test : ShiftTest
        Made with the same classes.

    Returns
    -------
    DistanceProfile
        Rows without a pair are NaN; empty where fewer than two cells have a place.

    Notes
    -----
    The band is pointwise: with many classes one in twenty leaves it by chance. It tests whether pairs at a
    distance are correlated at all. Neighbours share neuropil and light, which looks like local correlation:
    distrust the first one or two diameters of a soma.
    """
    n, k = len(matrix), classes.n_classes
    if k == 0:
        return DistanceProfile(unit=classes.unit)
    number, total = np.zeros(k, np.int64), np.zeros(k)
    for start in range(0, n, _BLOCK_ROWS):
        rows = np.arange(start, min(start + _BLOCK_ROWS, n))
        kinds, part = classes(rows), matrix[rows]
        fine = (kinds >= 0) & np.isfinite(part)
        number += np.bincount(kinds[fine], minlength=k)
        total += np.bincount(kinds[fine], weights=part[fine], minlength=k)
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    low, high, p = _band(mean, test.class_means)
    edges = np.asarray(np.arange(k + 1) * classes.width, np.float64)
    return DistanceProfile(edges[:-1], edges[1:], number // 2, mean, low, high, p, unit=classes.unit)


def _band(
    mean: NDArray[np.float64], shifted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    low, high, p = (np.full(len(mean), np.nan) for _ in range(3))
    known = np.isfinite(mean) & (np.isfinite(shifted).all(axis=0) if len(shifted) else False)
    if known.any():
        there = shifted[:, known]
        low[known], high[known] = np.percentile(there, (2.5, 97.5), axis=0)
        beyond_high = (there >= mean[known]).sum(axis=0)
        beyond_low = (there <= mean[known]).sum(axis=0)
        tail = (np.minimum(beyond_high, beyond_low) + 1) / (len(there) + 1)
        p[known] = np.minimum(1.0, 2 * tail)
    return low, high, p
