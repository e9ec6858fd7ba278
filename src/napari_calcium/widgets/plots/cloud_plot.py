"""Neurons as points in a plane; a lasso selects those inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QSize, Qt

from napari_calcium.numerics.polygon import inside
from napari_calcium.widgets.plots.shared_pens import shared_brushes
from napari_calcium.widgets.theme import PlotColors

__all__ = ["CloudPlot"]

_SIZE, _CHOSEN = 7, 12
_NEAR = 12
"""Pixels within which a click means a point."""


class _LassoBox(pg.ViewBox):
    """A view box in which a drag with the left button draws a lasso."""

    def __init__(self, plot: CloudPlot) -> None:
        super().__init__(enableMenu=False)
        self._plot = plot
        self._path: list[tuple[float, float]] = []

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:
        """Draw with the left button; the right one zooms, the middle one moves."""
        if event.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        if event.isStart():
            begin = self.mapToView(event.buttonDownPos())
            self._path = [(begin.x(), begin.y())]
        here = self.mapToView(event.pos())
        self._path.append((here.x(), here.y()))
        add = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._plot.lasso(np.array(self._path), done=event.isFinish(), add=add)


class CloudPlot(pg.PlotWidget):
    """Points with colours; drag: lasso, click: the nearest, wheel: zoom, double click: all."""

    lassoed = Signal(object, bool)
    """Rows inside the lasso, and whether Shift was down."""
    point_clicked = Signal(int, bool)
    """Row, and whether Shift was down."""
    hovered = Signal(object)
    """Row under the mouse, or None."""

    def __init__(self, colors: PlotColors) -> None:
        super().__init__(viewBox=_LassoBox(self))
        self._colors = colors
        self._points: NDArray[np.float64] = np.empty((0, 2))
        self._fill: NDArray[np.uint8] = np.empty((0, 3), np.uint8)
        self._selected: NDArray[np.int64] = np.empty(0, np.int64)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.layout.setContentsMargins(4, 6, 8, 4)
        for axis in ("left", "bottom"):
            item.getAxis(axis).enableAutoSIPrefix(False)
        self._dots = pg.ScatterPlotItem(size=_SIZE, pxMode=True, pen=None)
        self._rings = pg.ScatterPlotItem(size=_CHOSEN, pxMode=True, brush=None)
        self._loop = pg.PlotCurveItem()
        for part in (self._dots, self._rings, self._loop):
            self.addItem(part, ignoreBounds=part is not self._dots)
        self.set_colors(colors)
        self.scene().sigMouseClicked.connect(self._on_click)
        self.scene().sigMouseMoved.connect(self._on_move)

    def sizeHint(self) -> QSize:
        """Ask for a square."""
        return QSize(340, 320)

    def minimumSizeHint(self) -> QSize:
        """Be content with less."""
        return QSize(140, 120)

    @property
    def points(self) -> NDArray[np.float64]:
        """Where the points are, (n, 2); NaN for none."""
        return self._points

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        for name in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(colors.faint)
            axis.setTextPen(colors.text)
        self._rings.setPen(pg.mkPen(colors.text, width=2))
        self._loop.setPen(pg.mkPen(colors.text, width=1, style=Qt.PenStyle.DashLine))

    def show_points(self, points: NDArray[np.float64], fill: NDArray[np.uint8], across: str, up: str) -> None:
        """Show points, (n, 2), in these colours, (n, 3), with what stands on the axes."""
        moved = points.shape != self._points.shape or not np.array_equal(points, self._points, equal_nan=True)
        self._points, self._fill = points, fill
        known = self._known()
        self._dots.setData(x=points[known, 0], y=points[known, 1], brush=shared_brushes(fill[known], 220))
        self.getPlotItem().setLabel("bottom", across)
        self.getPlotItem().setLabel("left", up)
        if moved:
            self.getPlotItem().getViewBox().autoRange(padding=0.05)
        self._ring()

    def show_rows(self, rows: NDArray[np.int64]) -> None:
        """Mark these points."""
        self._selected = rows
        self._ring()

    def lasso(self, path: NDArray[np.float64], *, done: bool, add: bool = False) -> None:
        """Draw a lasso; once done, select the points inside."""
        self._loop.setData(path[:, 0], path[:, 1])
        if not done:
            return
        self._loop.setData([], [])
        known = self._known()
        hit = inside(self._points[known], path) if len(path) > 2 else np.zeros(len(known), bool)
        self.lassoed.emit(known[hit], add)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show all points."""
        self.getPlotItem().getViewBox().autoRange(padding=0.05)
        event.accept()

    def leaveEvent(self, event: Any) -> None:
        """Forget where the mouse was."""
        super().leaveEvent(event)
        self.hovered.emit(None)

    def _known(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.isfinite(self._points).all(axis=1))

    def _ring(self) -> None:
        rows = self._selected[self._selected < len(self._points)]
        chosen = self._points[rows]
        chosen = chosen[np.isfinite(chosen).all(axis=1)]
        self._rings.setData(x=chosen[:, 0], y=chosen[:, 1])

    def _nearest(self, position: Any) -> int | None:
        """Return the point within reach of a place of the scene."""
        box = self.getPlotItem().getViewBox()
        known = self._known()
        if not len(known) or not box.sceneBoundingRect().contains(position):
            return None
        place = box.mapSceneToView(position)
        across, up = box.viewPixelSize()
        away = np.hypot(
            (self._points[known, 0] - place.x()) / across, (self._points[known, 1] - place.y()) / up
        )
        best = int(np.argmin(away))
        return int(known[best]) if away[best] <= _NEAR else None

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        row = self._nearest(event.scenePos())
        if row is not None:
            self.point_clicked.emit(row, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def _on_move(self, position: Any) -> None:
        self.hovered.emit(self._nearest(position))
