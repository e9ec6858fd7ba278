"""Numbers of every neuron over time, in an order, ready to be drawn at any zoom as means."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["MatrixPicture", "TimeMatrix"]

_COARSE_ROWS, _COARSE_COLUMNS = 1200, 2400
_ENOUGH = 3_000_000
"""So many numbers are averaged at once without being felt."""


@dataclass(frozen=True)
class MatrixPicture:
    """Part of a matrix, averaged to the screen.

    Attributes
    ----------
    image : (height, width) float32
        Mean of the known numbers of each pixel; NaN where none is known.
    rows, columns : (first, last) of float
        What the borders of the image stand for.
    """

    image: NDArray[np.float32]
    rows: tuple[float, float]
    columns: tuple[float, float]


@dataclass(frozen=True)
class TimeMatrix:
    """A number for every neuron and stretch of time.

    Attributes
    ----------
    values : (n_rois, n_columns) float32
        From top to bottom; NaN where not defined.
    cells : (n_rois,) int64
        Id of the cell in each row.
    start_s, step_s : float
        Left border of the first column, and the width of a column.
    coarse : (n, m) float32
        The same, averaged to the size of a screen: what is read where much is in view.
    dimmed_s : (n, 2) float64
        Stretches of time to be shown faintly.
    """

    values: NDArray[np.float32]
    cells: NDArray[np.int64]
    start_s: float
    step_s: float
    coarse: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    dimmed_s: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))

    @classmethod
    def build(
        cls,
        values: NDArray[np.float32],
        rows: NDArray[np.int64],
        cells: NDArray[np.int64],
        start_s: float,
        step_s: float,
        dimmed_s: NDArray[np.float64] | None = None,
    ) -> TimeMatrix:
        """Put rows in an order and average a coarse copy; linear in the numbers, so not for the main thread.

        Parameters
        ----------
        values : (n_rois, n_columns) float32
            In the order of the recording.
        rows : (n_rois,) int64
            From top to bottom.
        cells : (n_rois,) int64
            Ids in the order of the recording.
        start_s, step_s, dimmed_s
            See the attributes.
        """
        ordered = np.ascontiguousarray(values[rows])
        coarse = ordered
        if ordered.size > _ENOUGH:
            coarse = mean_of_known(ordered, _COARSE_ROWS, _COARSE_COLUMNS)
        dimmed = dimmed_s if dimmed_s is not None else np.empty((0, 2))
        return cls(ordered, cells[rows], start_s, step_s, coarse, dimmed)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of neurons and of columns."""
        return len(self.values), int(self.values.shape[1])

    @property
    def stop_s(self) -> float:
        """Right border of the last column."""
        return self.start_s + self.step_s * self.shape[1]

    def column_at(self, seconds: float) -> int | None:
        """Return the column at a moment, None outside."""
        column = math.floor((seconds - self.start_s) / self.step_s + 1e-9)
        return column if 0 <= column < self.shape[1] else None

    def view(
        self, rows: tuple[float, float], seconds: tuple[float, float], height: int, width: int
    ) -> MatrixPicture | None:
        """Return what is in view, averaged to at most `height` × `width` pixels; None where nothing is."""
        n, m = self.shape
        first, last = max(0, math.floor(rows[0])), min(n, math.ceil(rows[1]))
        left = max(0, math.floor((seconds[0] - self.start_s) / self.step_s))
        right = min(m, math.ceil((seconds[1] - self.start_s) / self.step_s))
        if last <= first or right <= left:
            return None
        if (last - first) * (right - left) <= _ENOUGH or self.coarse is self.values:
            part = self.values[first:last, left:right]
            return MatrixPicture(mean_of_known(part, height, width), (first, last), (left, right))
        down, across = n / len(self.coarse), m / self.coarse.shape[1]
        a, b = int(first / down), math.ceil(last / down)
        c, d = int(left / across), math.ceil(right / across)
        image = mean_of_known(self.coarse[a:b, c:d], height, width)
        return MatrixPicture(image, (a * down, min(n, b * down)), (c * across, min(m, d * across)))


def mean_of_known(image: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Shrink an image to at most `height` × `width`, each pixel the mean of what is known of it."""
    pooled = image
    for axis, size in ((1, max(1, width)), (0, max(1, height))):
        length = pooled.shape[axis]
        if length <= size:
            continue
        starts = np.arange(size) * length // size
        known = ~np.isnan(pooled)
        total = np.add.reduceat(np.where(known, pooled, 0), starts, axis=axis, dtype=np.float64)
        count = np.add.reduceat(known, starts, axis=axis, dtype=np.int64)
        pooled = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return pooled
