"""Which axis of a table is time: the one along which neighbours resemble each other."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray

__all__ = ["guess_orientation", "smoothness", "steepness"]

_LAG = 10
_FEWEST = 6
_STEP = 2
_CLIP = 5.0
_SHAPE_WEIGHT = 0.6
_LEVEL_WEIGHT = 0.2
_LEVEL_LIMIT = 3.0
_UNSURE = 0.05


def smoothness(values: NDArray[np.float64]) -> float:
    """Return how much closer neighbours along a row are than values further apart, in the median row.

    Parameters
    ----------
    values : (n_lines, n_samples) float
        NaN is left out.

    Returns
    -------
    float
        1 minus the ratio of the mean squared difference of neighbours to that of values 10 samples apart
        (half of the row, if it is shorter than 20): about 0 for samples in arbitrary order, as neurons are,
        and near 1 for slow signals. NaN with fewer than six samples or where nothing varies.

    Notes
    -----
    A level or scale of its own in each row does not matter. It is misled by frames so rare that successive
    ones are independent, and by neurons in an order that has a meaning (by plane, by level).
    """
    n_samples = values.shape[1]
    if n_samples < _FEWEST or not len(values):
        return float("nan")
    lag = min(_LAG, n_samples // 2)
    near, far = (_quietly(np.nanmean, (values[:, k:] - values[:, :-k]) ** 2, 1) for k in (1, lag))
    usable = np.isfinite(near) & np.isfinite(far) & (far > 0)
    return float(np.median(1 - near[usable] / far[usable])) if usable.any() else float("nan")


def steepness(values: NDArray[np.float64]) -> float:
    """Return the mean skewness of the steps along a row: calcium rises fast and decays slowly.

    Parameters
    ----------
    values : (n_lines, n_samples) float
        NaN is left out.

    Returns
    -------
    float
        Above 0 along time where there are transients, about 0 along neurons. 0 with fewer than six samples.
    """
    if values.shape[1] < _FEWEST or not len(values):
        return 0.0
    steps = values[:, _STEP:] - values[:, :-_STEP]
    scale = np.sqrt(_quietly(np.nanmean, steps**2, 1))
    varies = np.isfinite(scale) & (scale > 0)
    # Clipped, so that a single artefact does not decide.
    steps = np.clip(steps[varies] / scale[varies, None], -_CLIP, _CLIP)
    skewness = _quietly(np.nanmean, steps**3, 1)
    return float(skewness.mean()) if len(skewness) else 0.0


def guess_orientation(sample: NDArray[np.float64], n_rows: int, n_columns: int) -> tuple[bool, str]:
    """Guess whether a row of a table is a neuron.

    Four kinds of evidence are weighed: smoothness and steep rises along either axis, once the median of each
    row and column is taken off; the shape (recordings have more frames than neurons as a rule); and, for raw
    intensities, that levels differ between neurons far more than between frames.

    Parameters
    ----------
    sample : (n_sample_rows, n_sample_columns) float
        Consecutive rows and columns from the beginning of the table.
    n_rows, n_columns : int
        Shape of the whole table.

    Returns
    -------
    neurons_in_rows : bool
    reason : str
        In plain words.
    """
    if n_rows == 1 or n_columns == 1:
        only = "row" if n_rows == 1 else "column"
        return n_rows == 1, f"there is only one {only}"
    centred = _centred(sample)
    along, down = smoothness(centred), smoothness(centred.T)
    smooth = 0.0 if math.isnan(along) or math.isnan(down) else along - down
    level = _level_evidence(sample)
    shape = _SHAPE_WEIGHT * math.log10(n_columns / n_rows)
    steep = steepness(centred) - steepness(centred.T)
    score = smooth + steep + level + shape
    rows = score > 0 or (score == 0 and n_columns >= n_rows)
    reasons = {
        f"values change more smoothly along {'rows' if smooth > 0 else 'columns'}": smooth,
        f"rises are steeper than falls along {'rows' if steep > 0 else 'columns'}": steep,
        f"levels differ more between {'rows' if level > 0 else 'columns'}": level,
        f"there are {n_columns} columns and {n_rows} rows": shape,
    }
    best = max(reasons, key=lambda words: reasons[words] if rows else -reasons[words])
    return rows, best + ("; this is not certain, so please check" if abs(score) < _UNSURE else "")


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values = values - _quietly(np.nanmedian, values, 1)[:, None]
    values = values - _quietly(np.nanmedian, values, 0)
    return values - _quietly(np.nanmedian, values, 1)[:, None]


def _level_evidence(values: NDArray[np.float64]) -> float:
    """Compare the spread of the levels of rows and columns; 0 unless the values are clearly above zero."""
    if min(values.shape) < 3 or not np.isfinite(values).any() or np.nanpercentile(values, 2) <= 0:
        return 0.0
    rows, columns = (float(np.nanvar(_quietly(np.nanmedian, values, axis))) for axis in (1, 0))
    if rows <= 0 or columns <= 0:
        return 0.0
    return _LEVEL_WEIGHT * min(max(math.log(rows / columns), -_LEVEL_LIMIT), _LEVEL_LIMIT)


def _quietly(function, values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    """Apply a NaN-aware reduction; NaN, not a warning, where a line is all NaN."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        result: NDArray[np.float64] = function(values, axis=axis)
    return result
