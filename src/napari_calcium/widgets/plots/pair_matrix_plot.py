"""Neurons × neurons in colours; drag over it and the neurons of these rows and columns are selected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QRectF, QSize, Qt, QTimer

from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.figures.time_matrix import mean_of_known
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["PairMatrix", "PairMatrixPlot"]

_STRIP, _MARGIN, _GAP = 10, 4, 2
"""Pixels."""
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


class PairMatrixPlot(pg.GraphicsLayoutWidget):
    """Matrix with the colours of groups at two sides and marks of what is selected."""

    pair_clicked = Signal(int, int, bool)
    """Rows of the recording, and whether Shift was down."""
    brushed = Signal(object, bool)
    """Rows of the recording that were dragged over, and whether Shift was down."""
    hovered = Signal(object)
    """Rows of two neurons of the recording, or None."""

    def __init__(self, colors: PlotColors) -> None:
        super().__init__()
        self._colors = colors
        self._matrix: PairMatrix | None = None
        self._table = np.zeros((255, 3), np.uint8)
        self._selected: NDArray[np.int64] = np.empty(0, np.int64)
        layout = self.ci.layout
        layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        layout.setSpacing(_GAP)
        self._top = self._strip(0, 1)
        self._side = self._strip(1, 0)
        self.box = _BrushBox(self)
        self.ci.addItem(self.box, 1, 1)
        self._top.setFixedHeight(_STRIP)
        self._side.setFixedWidth(_STRIP)
        for box in (self.box, self._side):
            box.invertY(True)
        self._side.setYLink(self.box)
        self._top.setXLink(self.box)
        self._image, self._side_image, self._top_image = (
            pg.ImageItem(axisOrder="row-major") for _ in range(3)
        )
        for box, image in (
            (self.box, self._image),
            (self._side, self._side_image),
            (self._top, self._top_image),
        ):
            box.addItem(image, ignoreBounds=True)
        for box in (self._side, self._top):
            box.setRange(QRectF(0, 0, 1, 1), padding=0)
        self._marks, self._frame = pg.PlotCurveItem(connect="pairs"), pg.PlotCurveItem()
        for curve in (self._marks, self._frame):
            self.box.addItem(curve, ignoreBounds=True)
        self._square = QTimer(self)
        self._square.setSingleShot(True)
        self._square.setInterval(0)
        self._square.timeout.connect(self._stay_square)
        self.set_colors(colors)
        self.scene().sigMouseClicked.connect(self._on_click)
        self.scene().sigMouseMoved.connect(self._on_move)
        self.box.sigRangeChanged.connect(lambda *_: self._draw())
        self.box.sigResized.connect(self._on_resized)

    def _strip(self, row: int, column: int) -> Any:
        return self.addViewBox(row, column, enableMouse=False, enableMenu=False, defaultPadding=0.0)

    def sizeHint(self) -> QSize:
        """Ask for a square."""
        return QSize(360, 360)

    def minimumSizeHint(self) -> QSize:
        """Be content with less."""
        return QSize(160, 120)

    @property
    def matrix(self) -> PairMatrix | None:
        """What is shown."""
        return self._matrix

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        self._frame.setPen(pg.mkPen(colors.text, width=2, style=Qt.PenStyle.DashLine))
        self._paint_strips()
        self._mark()

    def set_table(self, table: NDArray[np.uint8]) -> None:
        """Draw in these colours, (n, 3) from −limit to limit."""
        self._table = table
        self._draw()

    def show_matrix(self, matrix: PairMatrix | None) -> None:
        """Show a matrix, whole."""
        self._matrix = matrix
        n = max(1, len(matrix.order)) if matrix is not None else 1
        self.box.setLimits(xMin=0, xMax=n, yMin=0, yMax=n, minXRange=min(2, n), minYRange=min(2, n))
        self.box.setRange(QRectF(0, 0, n, n), padding=0)
        self._paint_strips()
        self._draw()
        self._mark()

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

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show all neurons."""
        n = max(1, len(self._matrix.order)) if self._matrix is not None else 1
        self.box.setRange(QRectF(0, 0, n, n), padding=0)
        event.accept()

    def leaveEvent(self, event: Any) -> None:
        """Forget where the mouse was."""
        super().leaveEvent(event)
        self.hovered.emit(None)

    def _on_resized(self, *_: object) -> None:
        self._square.start()
        self._draw()

    def _stay_square(self) -> None:
        """Be no higher than makes the matrix square: both its sides are the same neurons."""
        self.setMaximumHeight(max(160, int(self.box.width()) + _STRIP + 2 * _MARGIN + _GAP))

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
        ratio = self.devicePixelRatioF()
        height, width = (max(1, int(size * ratio)) for size in (self.box.height(), self.box.width()))
        shown = self._colored(mean_of_known(source[a:b, c:d], height, width), matrix.limit)
        self._image.setImage(shown, autoLevels=False, levels=(0, 255))
        self._image.setRect(QRectF(c * grain, a * grain, (d - c) * grain, (b - a) * grain))

    def _colored(self, image: NDArray[np.float32], limit: float) -> NDArray[np.uint8]:
        known = np.isfinite(image)
        share = np.clip((np.where(known, image, 0) + limit) / (2 * limit), 0, 1)
        shown = self._table[np.rint(share * (len(self._table) - 1)).astype(np.int64)]
        shown[~known] = 255
        return shown

    def _paint_strips(self) -> None:
        groups = self._matrix.groups if self._matrix is not None else np.empty(0, np.int64)
        if not len(groups):
            self._side_image.clear()
            self._top_image.clear()
            return
        ground = self._colors.background
        colors = {
            k: rgb(readable(ensemble_color(k), ground) if k >= 0 else ground)
            for k in np.unique(groups).tolist()
        }
        table = np.array([colors[k] for k in groups.tolist()], np.uint8)
        self._side_image.setImage(table[:, None], autoLevels=False, levels=(0, 255))
        self._side_image.setRect(QRectF(0, 0, 1, len(groups)))
        self._top_image.setImage(table[None], autoLevels=False, levels=(0, 255))
        self._top_image.setRect(QRectF(0, 0, len(groups), 1))

    def _mark(self) -> None:
        """Draw marks at both sides of the matrix beside the rows that are selected."""
        matrix = self._matrix
        n = len(matrix.order) if matrix is not None else 0
        order = matrix.order if matrix is not None else np.empty(0, np.int64)
        places = np.flatnonzero(np.isin(order, self._selected)) + 0.5
        length = 0.025 * max(1, n)
        x, y = [], []
        for place in places:
            x += [0, length, n - length, n, place, place, place, place]
            y += [place, place, place, place, 0, length, n - length, n]
        self._marks.setPen(pg.mkPen(self._colors.text, width=2))
        self._marks.setData(np.array(x, np.float64), np.array(y, np.float64))

    def _place_at(self, position: Any) -> tuple[int, int] | None:
        if self._matrix is None or not self.box.sceneBoundingRect().contains(position):
            return None
        n = len(self._matrix.order)
        point = self.box.mapSceneToView(position)
        row, column = math.floor(point.y()), math.floor(point.x())
        return (row, column) if 0 <= row < n and 0 <= column < n else None

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        place = self._place_at(event.scenePos())
        if place is not None and self._matrix is not None:
            add = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            order = self._matrix.order
            self.pair_clicked.emit(int(order[place[0]]), int(order[place[1]]), add)

    def _on_move(self, position: Any) -> None:
        place = self._place_at(position)
        order = self._matrix.order if self._matrix is not None else None
        self.hovered.emit(None if place is None or order is None else tuple(int(order[p]) for p in place))
