"""A number of every neuron over time as an image: averaged, never subsampled, at any zoom."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QRectF, Qt

from napari_calcium.figures.palette import rgb
from napari_calcium.figures.time_matrix import TimeMatrix
from napari_calcium.widgets.plots.side_strip import RowStrip
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors

__all__ = ["TimeMatrixPlot"]

_MOST_BOXES, _LEAST_BOX = 40, 7
_FEWEST_ROWS = 4
_DIM = 0.72


class TimeMatrixPlot(TimePlot):
    """Neurons × seconds in colours; the wheel zooms in time, with Ctrl in neurons, and scrolls with Shift."""

    cell_clicked = Signal(int, float, bool)
    """Id, seconds, and whether Shift was down."""
    hovered = Signal(object)
    """(row, column) under the mouse, or None."""

    def __init__(self, colors: PlotColors, *, left: str = "Neurons") -> None:
        self._colors = colors
        self._matrix: TimeMatrix | None = None
        self._places: dict[int, int] = {}
        self._selected: tuple[int, ...] = ()
        self._table = np.zeros((2, 3), np.uint8)
        self._unknown = (255, 255, 255)
        self._limits = (0.0, 1.0)
        self._shift = False
        super().__init__(colors)
        axis = self.getPlotItem().getAxis("left")
        axis.setStyle(tickLength=0)
        axis.setWidth(58)
        self.getPlotItem().setLabel("left", left)
        self._image = pg.ImageItem(axisOrder="row-major")
        self._image.setZValue(-20)
        self.getPlotItem().addItem(self._image, ignoreBounds=True)
        self._boxes = curve_item(self, z=5, connect="pairs")
        self.strip = RowStrip(self)
        self.box.sigRangeChanged.connect(lambda *_: self._draw())
        self.box.sigYRangeChanged.connect(lambda *_: self._draw_marks())
        self.box.sigResized.connect(self._on_resized)
        self.scene().sigMouseMoved.connect(self._on_move)

    @property
    def matrix(self) -> TimeMatrix | None:
        """What is shown."""
        return self._matrix

    @property
    def rows(self) -> tuple[float, float]:
        """First and last row in view."""
        low, high = self.box.viewRange()[1]
        return float(low), float(high)

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
        n_before = len(self._places)
        self._matrix = matrix
        self._places = {int(c): k for k, c in enumerate(matrix.cells)} if matrix is not None else {}
        n = len(self._places)
        self.box.setLimits(yMin=0, yMax=max(1, n), minYRange=min(_FEWEST_ROWS, max(1, n)))
        if n != n_before:
            self.box.setYRange(0, max(1, n), padding=0)
        self._draw()
        self._draw_marks()

    def show_cells(self, cells: tuple[int, ...]) -> None:
        """Mark the rows of these cells."""
        self._selected = cells
        self._draw_marks()

    def show_focus(self, cell: int | None) -> None:
        """Scroll to the row of this cell if it is not in view."""
        place = self._places.get(cell, -1) if cell is not None else -1
        first, last = self.rows
        if place >= 0 and not (first <= place and place + 1 <= last):
            self._scroll_to(place - (last - first) / 2)

    def wheelEvent(self, event: Any) -> None:
        """Zoom in neurons with Ctrl, scroll through them with Shift, else zoom in time."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        modifiers = event.modifiers()
        first, last = self.rows
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            at = self.box.mapSceneToView(self.mapToScene(event.position().toPoint())).y()
            height = min(max((last - first) * 1.02 ** (-turned / 8), _FEWEST_ROWS), max(1, len(self._places)))
            self._scroll_to(at - (at - first) / (last - first) * height, height)
            event.accept()
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._scroll_to(first - turned / 120 * 0.15 * (last - first))
            event.accept()
        else:
            super().wheelEvent(event)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show all of the recording and all neurons."""
        self._scroll_to(0, max(1, len(self._places)))
        super().mouseDoubleClickEvent(event)

    def leaveEvent(self, event: Any) -> None:
        """Forget where the mouse was."""
        super().leaveEvent(event)
        self.hovered.emit(None)

    def place_at(self, seconds: float, height: float) -> tuple[int, int] | None:
        """Return row and column at a place of the plot, None outside of the matrix."""
        matrix = self._matrix
        column = matrix.column_at(seconds) if matrix is not None else None
        row = math.floor(height)
        return (row, column) if column is not None and 0 <= row < len(self._places) else None

    def _scroll_to(self, first: float, height: float | None = None) -> None:
        low, high = self.rows
        height = height if height is not None else high - low
        first = min(max(0.0, first), max(0.0, len(self._places) - height))
        self.box.setYRange(first, first + height, padding=0)

    def _on_resized(self, *_: object) -> None:
        self._draw()
        self._draw_marks()

    def _draw(self) -> None:
        matrix = self._matrix
        height = max(1, int(self.box.height() * self.devicePixelRatioF()))
        picture = matrix.view(self.rows, self.span, height, self.pixels) if matrix is not None else None
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
        places = np.array(sorted(self._places[c] for c in self._selected if c in self._places), np.float64)
        self.strip.show_marks(places, self._colors.text)
        first, last = self.rows
        room = self.box.height() >= _LEAST_BOX * (last - first)
        boxed = places if room and len(places) <= _MOST_BOXES else places[:0]
        edges = np.repeat(np.column_stack([boxed, boxed + 1]).ravel(), 2)
        self._boxes.setPen(pg.mkPen(self._colors.text, width=1))
        self._boxes.setData(np.tile([0.0, self._duration], len(edges) // 2), edges)

    def _on_click(self, event: Any) -> None:
        self._shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        if not self.box.sceneBoundingRect().contains(event.scenePos()):
            return
        place = self.box.mapSceneToView(event.scenePos())
        row = math.floor(place.y())
        if self._matrix is not None and 0 <= row < len(self._places):
            self.cell_clicked.emit(int(self._matrix.cells[row]), max(0.0, float(place.x())), self._shift)

    def _on_move(self, position: Any) -> None:
        if not self.box.sceneBoundingRect().contains(position):
            self.hovered.emit(None)
            return
        place = self.box.mapSceneToView(position)
        self.hovered.emit(self.place_at(place.x(), place.y()))
