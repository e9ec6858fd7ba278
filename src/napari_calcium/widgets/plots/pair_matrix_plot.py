"""Neurons × neurons in colours; drag over it and the neurons of these rows and columns are selected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QRectF, Qt

from napari_calcium.figures.time_matrix import mean_of_known
from napari_calcium.widgets.plots.square_plot import SquarePlot
from napari_calcium.widgets.theme import PlotColors

__all__ = ["PairMatrix", "PairMatrixPlot"]

_ENOUGH = 3_000_000


@dataclass(frozen=True)
class PairMatrix:
    """A number for every pair of neurons, in an order.

    Attributes
    ----------
    values : (n, n) float32
        In the order of the rows; NaN where not defined.
    order : (n,) int64
        Row of the recording at each place.
    groups : (n,) int64
        Group at each place, whose colour stands beside it; −1 for none.
    coarse : (m, m) float32
        The same averaged, for a view of all of it.
    limit : float
        The scale goes from −limit to limit.
    """

    values: NDArray[np.float32]
    order: NDArray[np.int64]
    groups: NDArray[np.int64]
    coarse: NDArray[np.float32]
    limit: float

    @classmethod
    def build(
        cls, matrix: NDArray[np.float32], order: NDArray[np.int64], groups: NDArray[np.int64], limit: float
    ) -> PairMatrix:
        """Put a matrix in order; quadratic in the neurons, so not for the main thread."""
        values = matrix[np.ix_(order, order)]
        coarse = values if values.size <= _ENOUGH else mean_of_known(values, 1500, 1500)
        return cls(values, order, groups[order], coarse, limit)


class _BrushBox(pg.ViewBox):
    """A view box in which a drag with the left button selects; the right one zooms, the middle one moves."""

    def __init__(self, plot: PairMatrixPlot) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self._plot = plot

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:
        """Brush with the left button."""
        if event.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        start, stop = self.mapToView(event.buttonDownPos()), self.mapToView(event.pos())
        add = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._plot.brush((start.x(), start.y()), (stop.x(), stop.y()), done=event.isFinish(), add=add)


class PairMatrixPlot(SquarePlot):
    """Matrix with the colours of groups at two sides and marks of what is selected."""

    pair_clicked = Signal(int, int, bool)
    """Rows of the recording, and whether Shift was down."""
    brushed = Signal(object, bool)
    """Rows of the recording that were dragged over, and whether Shift was down."""

    def __init__(self, colors: PlotColors) -> None:
        self._matrix: PairMatrix | None = None
        self._table = np.zeros((255, 3), np.uint8)
        self._selected: NDArray[np.int64] = np.empty(0, np.int64)
        super().__init__(colors)

    def _make_box(self) -> Any:
        return _BrushBox(self)

    def _build(self) -> None:
        self._marks, self._frame = pg.PlotCurveItem(connect="pairs"), pg.PlotCurveItem()
        for curve in (self._marks, self._frame):
            self.box.addItem(curve, ignoreBounds=True)

    def _order(self) -> NDArray[np.int64]:
        return self._matrix.order if self._matrix is not None else np.empty(0, np.int64)

    def _groups(self) -> NDArray[np.int64]:
        return self._matrix.groups if self._matrix is not None else np.empty(0, np.int64)

    def _group_color(self, group: int) -> str:
        return super()._group_color(group) if group >= 0 else self._colors.background

    @property
    def matrix(self) -> PairMatrix | None:
        """What is shown."""
        return self._matrix

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._frame.setPen(pg.mkPen(colors.text, width=2, style=Qt.PenStyle.DashLine))
        super().set_colors(colors)

    def set_table(self, table: NDArray[np.uint8]) -> None:
        """Draw in these colours, (n, 3) from −limit to limit."""
        self._table = table
        self._draw()

    def show_matrix(self, matrix: PairMatrix | None) -> None:
        """Show a matrix, whole."""
        self._matrix = matrix
        self._show_all()

    def show_rows(self, rows: NDArray[np.int64]) -> None:
        """Mark these rows of the recording."""
        self._selected = rows
        self._mark()

    def brush(
        self, start: tuple[float, float], stop: tuple[float, float], *, done: bool, add: bool = False
    ) -> None:
        """Frame a rectangle; once done, select the neurons of its rows and columns."""
        (x0, y0), (x1, y1) = start, stop
        self._frame.setData([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0])
        if not done:
            return
        self._frame.setData([], [])
        if self._matrix is None:
            return
        n = len(self._matrix.order)
        places: set[int] = set()
        for a, b in ((x0, x1), (y0, y1)):
            low, high = max(0, math.floor(min(a, b))), min(n - 1, math.floor(max(a, b)))
            places.update(range(low, high + 1))
        rows = self._matrix.order[sorted(places)] if places else np.empty(0, np.int64)
        self.brushed.emit(rows, add)

    def _draw(self) -> None:
        matrix = self._matrix
        if matrix is None or not len(matrix.order):
            self._image.clear()
            return
        (left, right), (top, bottom) = self.box.viewRange()
        n = len(matrix.order)
        source = matrix.values
        a, b = max(0, math.floor(top)), min(n, math.ceil(bottom))
        c, d = max(0, math.floor(left)), min(n, math.ceil(right))
        if b <= a or d <= c:
            self._image.clear()
            return
        grain = 1.0
        if (b - a) * (d - c) > _ENOUGH:
            source, grain = matrix.coarse, n / len(matrix.coarse)
            a, b, c, d = (int(v / grain) for v in (a, b, c, d))
        shown = self._colored(mean_of_known(source[a:b, c:d], *self._pixels), matrix.limit)
        self._image.setImage(shown, autoLevels=False, levels=(0, 255))
        self._image.setRect(QRectF(c * grain, a * grain, (d - c) * grain, (b - a) * grain))

    def _colored(self, image: NDArray[np.float32], limit: float) -> NDArray[np.uint8]:
        known = np.isfinite(image)
        share = np.clip((np.where(known, image, 0) + limit) / (2 * limit), 0, 1)
        shown = self._table[np.rint(share * (len(self._table) - 1)).astype(np.int64)]
        shown[~known] = 255
        return shown

    def _mark(self) -> None:
        """Draw marks at both sides of the matrix beside the rows that are selected."""
        order = self._order()
        n = len(order)
        places = np.flatnonzero(np.isin(order, self._selected)) + 0.5
        length = 0.025 * max(1, n)
        x, y = [], []
        for place in places:
            x += [0, length, n - length, n, place, place, place, place]
            y += [place, place, place, place, 0, length, n - length, n]
        self._marks.setPen(pg.mkPen(self._colors.text, width=2))
        self._marks.setData(np.array(x, np.float64), np.array(y, np.float64))

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        place = self._place_at(event.scenePos())
        if place is not None and self._matrix is not None:
            add = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            order = self._matrix.order
            self.pair_clicked.emit(int(order[place[0]]), int(order[place[1]]), add)
