"""Rows on one scale: what a correlation multiplies, with gaps and constant cells told apart from silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from napari_calcium.settings import Choice

__all__ = ["CorrelationMethod", "RowScale", "ranked", "row_scale", "standardised"]

CorrelationMethod = Annotated[
    Literal["pearson", "spearman", "cosine"],
    Choice((("pearson", "Pearson"), ("spearman", "Spearman (ranks)"), ("cosine", "Cosine"))),
]

_FLAT = 1e-6
"""A spread below this share of the row's size is rounding of float32, not activity."""


@dataclass(frozen=True)
class RowScale:
    """Centre and length of every row.

    Attributes
    ----------
    centre : (n_rois,) float64
        Mean of the samples that are there; 0 for cosine.
    length : (n_rois,) float64
        Root of the sum of squares about the centre; NaN for a row that is constant or empty, of which no
        correlation is defined.
    has_gaps : bool
        Whether any sample is missing.
    """

    centre: NDArray[np.float64]
    length: NDArray[np.float64]
    has_gaps: bool

    @property
    def defined(self) -> NDArray[np.bool_]:
        """Rows that have a correlation, (n_rois,) bool."""
        return np.isfinite(self.length)

    def unit(self, x: NDArray[np.float32], rows: slice, columns: slice = slice(None)) -> NDArray[np.float32]:
        """Return a part of the rows about their centre at length 1; 0 where missing or not defined."""
        part = x[rows, columns] - self.centre[rows, None].astype(np.float32)
        inverse = np.where(self.defined[rows], 1.0 / np.nan_to_num(self.length[rows], nan=1.0), 0.0)
        part *= inverse.astype(np.float32)[:, None]
        if self.has_gaps:
            np.nan_to_num(part, copy=False)
        return part


def row_scale(x: NDArray[np.float32], *, centred: bool = True) -> RowScale:
    """Return the centre and the length of every row, without a copy of the whole.

    Parameters
    ----------
    x : (n_rois, n_bins) float32
        NaN where missing.
    centred : bool
        False leaves the mean in, as cosine similarity has it.

    Notes
    -----
    Two passes over blocks of rows, with sums in float64: the mean first, so that a large mean does not
    swallow a small spread.
    """
    n = len(x)
    centre, length = np.zeros(n), np.full(n, np.nan)
    has_gaps = False
    # Blocks that stay in the cache: each is read several times.
    block_rows = max(1, 2**17 // max(1, x.shape[1]))
    for start in range(0, n, block_rows):
        block = slice(start, min(start + block_rows, n))
        mean = x[block].mean(axis=1, dtype=np.float64)
        if not np.isnan(mean).any():
            centre[block], length[block] = _complete(x[block], mean, centred)
            continue
        part = x[block].astype(np.float64)
        there = ~np.isnan(part)
        count = there.sum(axis=1)
        has_gaps |= bool((count < part.shape[1]).any())
        part[~there] = 0
        size = np.sqrt(np.einsum("ij,ij->i", part, part))
        if centred:
            centre[block] = part.sum(axis=1) / np.maximum(count, 1)
            part -= centre[block, None]
            part[~there] = 0
        spread = np.sqrt(np.einsum("ij,ij->i", part, part))
        fine = (count > 1) & (spread > _FLAT * size)
        length[block] = np.where(fine, spread, np.nan)
    return RowScale(centre, length, has_gaps)


def _complete(
    x: NDArray[np.float32], mean: NDArray[np.float64], centred: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centre and length of rows without gaps: half the passes, and no copy in float64."""
    n_bins = x.shape[1]
    spread = x - mean[:, None].astype(np.float32)
    np.square(spread, out=spread)
    about_mean = spread.sum(axis=1, dtype=np.float64)
    size = about_mean + n_bins * mean**2
    squares = about_mean if centred else size
    fine = (squares > _FLAT**2 * size) & (n_bins > 1)
    length = np.where(fine, np.sqrt(squares), np.nan)
    return (mean if centred else np.zeros(len(x))), length


def standardised(x: NDArray[np.float32], *, centred: bool = True) -> NDArray[np.float32]:
    """Return all rows about their mean at length 1, (n_rois, n_bins) float32.

    The scalar product of two rows is their correlation. Missing samples, and rows that are constant, are 0.
    """
    scale = row_scale(x, centred=centred)
    return scale.unit(x, slice(None))


def ranked(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rank of every sample within its row, 1 … n_bins, ties sharing their mean; NaN stays NaN.

    Sorting costs n_rois · n_bins · log n_bins.
    """
    from scipy.stats import rankdata

    ranks = np.empty(x.shape, np.float32)
    for row, values in enumerate(x):
        ranks[row] = rankdata(values, nan_policy="omit")
    return ranks
