"""A plot of rows over time, one a neuron: zoom and scroll in rows, clicks, marks beside and around rows."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import Qt

from napari_calcium.widgets.abstract import refuse_abstract
from napari_calcium.widgets.plots.side_strip import RowStrip
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors

__all__ = ["RowsPlot"]

_MOST_BOXES, _LEAST_BOX = 40, 7
"""More selected rows than this, or lower ones (pixels), are marked at the side only: lines cover them."""
_FEWEST_ROWS = 4


class RowsPlot(TimePlot):
    """Neurons × seconds; the wheel zooms in time, with Ctrl in neurons, and scrolls with Shift.

    A subclass draws: what is in view (:meth:`_draw`) and what is selected (:meth:`_draw_marks`).
    """

    cell_clicked = Signal(int, float, bool)
    """Id, seconds, and whether Shift was down."""
    hovered = Signal(object)
    """(row, column or frame) under the mouse, or None."""

    def __init__(self, colors: PlotColors) -> None:
        refuse_abstract(self)
        self._colors = colors
        self._cells: NDArray[np.int64] = np.empty(0, np.int64)
        self._places: dict[int, int] = {}
        self._selected: tuple[int, ...] = ()
        self._shift = False
        super().__init__(colors)
        axis = self.getPlotItem().getAxis("left")
        axis.setStyle(tickLength=0)
        axis.setWidth(58)
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
    def rows(self) -> tuple[float, float]:
        """First and last row in view."""
        low, high = self.box.viewRange()[1]
        return float(low), float(high)

    @property
    def pixels_high(self) -> int:
        """Height of the rows on the screen."""
        return max(1, int(self.box.height() * self.devicePixelRatioF()))

    def show_focus(self, cell: int | None) -> None:
        """Scroll to the row of this cell if it is not in view."""
        place = self._places.get(cell, -1) if cell is not None else -1
        first, last = self.rows
        if place >= 0 and not (first <= place and place + 1 <= last):
            self._scroll_to(place - (last - first) / 2)

    def wheelEvent(self, event: Any) -> None:
        """Zoom in neurons with Ctrl, scroll through them with Shift, else zoom in time."""
        # Some systems turn the wheel sideways while Shift is down.
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

    @abstractmethod
    def place_at(self, seconds: float, height: float) -> tuple[int, int] | None:
        """Return row and column at a place of the plot, None outside of what is shown; a subclass does."""

    def _set_cells(self, cells: NDArray[np.int64] | None) -> None:
        """Say whose rows these are; the zoom in neurons stays where there are as many as before."""
        n_before = len(self._places)
        self._cells = cells if cells is not None else np.empty(0, np.int64)
        self._places = {int(c): k for k, c in enumerate(self._cells)}
        n = len(self._places)
        self.box.setLimits(yMin=0, yMax=max(1, n), minYRange=min(_FEWEST_ROWS, max(1, n)))
        if n != n_before:
            self.box.setYRange(0, max(1, n), padding=0)

    def _mark_rows(self, color: str, box_color: str) -> None:
        """Mark the selected rows beside the plot, and around them where there is room."""
        places = np.array(sorted(self._places[c] for c in self._selected if c in self._places), np.float64)
        self.strip.show_marks(places, color)
        first, last = self.rows
        room = self.box.height() >= _LEAST_BOX * (last - first)
        boxed = places if room and len(places) <= _MOST_BOXES else places[:0]
        edges = np.repeat(np.column_stack([boxed, boxed + 1]).ravel(), 2)
        self._boxes.setPen(pg.mkPen(box_color, width=1))
        self._boxes.setData(np.tile([0.0, self._duration], len(edges) // 2), edges)
        # pyqtgraph measures curves that are seen at each move, also those of no points.
        self._boxes.setVisible(len(edges) > 0)

    @abstractmethod
    def _draw(self) -> None:
        """Draw what is in view."""

    @abstractmethod
    def _draw_marks(self) -> None:
        """Draw what is selected."""

    def _scroll_to(self, first: float, height: float | None = None) -> None:
        low, high = self.rows
        height = height if height is not None else high - low
        first = min(max(0.0, first), max(0.0, len(self._places) - height))
        self.box.setYRange(first, first + height, padding=0)

    def _on_resized(self, *_: object) -> None:
        self._draw()
        self._draw_marks()

    def _on_click(self, event: Any) -> None:
        self._shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        if not self.box.sceneBoundingRect().contains(event.scenePos()):
            return
        place = self.box.mapSceneToView(event.scenePos())
        row = math.floor(place.y())
        if 0 <= row < len(self._cells):
            self.cell_clicked.emit(int(self._cells[row]), max(0.0, float(place.x())), self._shift)

    def _on_move(self, position: Any) -> None:
        if not self.box.sceneBoundingRect().contains(position):
            self.hovered.emit(None)
            return
        place = self.box.mapSceneToView(position)
        self.hovered.emit(self.place_at(place.x(), place.y()))
