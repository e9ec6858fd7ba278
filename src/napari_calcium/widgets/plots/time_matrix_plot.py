"""A number of every neuron over time as an image: averaged, never subsampled, at any zoom."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF

from napari_calcium.figures.palette import rgb
from napari_calcium.figures.time_matrix import TimeMatrix
from napari_calcium.widgets.plots.rows_plot import RowsPlot
from napari_calcium.widgets.theme import PlotColors

__all__ = ["TimeMatrixPlot"]

_DIM = 0.72


class TimeMatrixPlot(RowsPlot):
    """Neurons × seconds in colours; the wheel zooms in time, with Ctrl in neurons, and scrolls with Shift."""

    def __init__(self, colors: PlotColors, *, left: str = "Neurons") -> None:
        self._matrix: TimeMatrix | None = None
        self._table = np.zeros((2, 3), np.uint8)
        self._unknown = (255, 255, 255)
        self._limits = (0.0, 1.0)
        super().__init__(colors)
        self.getPlotItem().setLabel("left", left)

    @property
    def matrix(self) -> TimeMatrix | None:
        """What is shown."""
        return self._matrix

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)
        if hasattr(self, "strip"):
            self._draw()
            self._draw_marks()

    def set_scale(
        self,
        table: NDArray[np.uint8],
        limits: tuple[float, float],
        unknown: tuple[int, int, int] = (255, 255, 255),
    ) -> None:
        """Draw numbers between limits in the colours of a table, (n, 3) from low to high."""
        self._table, self._limits, self._unknown = table, limits, unknown
        self._draw()

    def show_matrix(self, matrix: TimeMatrix | None) -> None:
        """Show a matrix; the zoom in neurons stays where there are as many as before."""
        self._matrix = matrix
        self._set_cells(matrix.cells if matrix is not None else None)
        self._draw()
        self._draw_marks()

    def show_cells(self, cells: tuple[int, ...]) -> None:
        """Mark the rows of these cells."""
        self._selected = cells
        self._draw_marks()

    def place_at(self, seconds: float, height: float) -> tuple[int, int] | None:
        """Return row and column at a place of the plot, None outside of the matrix."""
        matrix = self._matrix
        column = matrix.column_at(seconds) if matrix is not None else None
        row = math.floor(height)
        return (row, column) if column is not None and 0 <= row < len(self._places) else None

    def _draw(self) -> None:
        matrix = self._matrix
        picture = (
            matrix.view(self.rows, self.span, self.pixels_high, self.pixels) if matrix is not None else None
        )
        if matrix is None or picture is None:
            self._image.clear()
            return
        (top, bottom), (left, right) = picture.rows, picture.columns
        start, step = matrix.start_s, matrix.step_s
        shown = self._colored(picture.image)
        self._dim(shown, matrix, (start + left * step, start + right * step))
        self._image.setImage(shown, autoLevels=False, levels=(0, 255))
        self._image.setRect(QRectF(start + left * step, top, (right - left) * step, bottom - top))

    def _colored(self, image: NDArray[np.float32]) -> NDArray[np.uint8]:
        low, high = self._limits
        known = np.isfinite(image)
        share = np.clip((np.where(known, image, low) - low) / max(high - low, 1e-12), 0, 1)
        shown = self._table[np.rint(share * (len(self._table) - 1)).astype(np.int64)]
        shown[~known] = self._unknown
        return shown

    def _dim(self, shown: NDArray[np.uint8], matrix: TimeMatrix, span: tuple[float, float]) -> None:
        """Take columns of dimmed time towards the colour of the ground."""
        if not len(matrix.dimmed_s):
            return
        middle = span[0] + (np.arange(shown.shape[1]) + 0.5) * (span[1] - span[0]) / shown.shape[1]
        inside = ((middle[:, None] >= matrix.dimmed_s[:, 0]) & (middle[:, None] < matrix.dimmed_s[:, 1])).any(
            axis=1
        )
        ground = np.array(rgb(self._colors.background))
        shown[:, inside] = (1 - _DIM) * shown[:, inside] + _DIM * ground

    def _draw_marks(self) -> None:
        self._mark_rows(self._colors.text, self._colors.text)
