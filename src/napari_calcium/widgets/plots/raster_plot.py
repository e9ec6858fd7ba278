"""All neurons over time as an image, at every zoom."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QRectF, Qt

from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.figures.raster_view import RasterView
from napari_calcium.widgets.plots.side_strip import RowStrip, TickStrip
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["RasterPlot"]

_MOST_BOXES = 40
_LEAST_BOX = 7
"""More selected rows than this, or lower ones (pixels), are marked at the side only: lines cover them."""
_LEAST_NAME = 13
"""Pixels; where rows are lower than this they have no names."""
_FEWEST_ROWS = 4


class RasterPlot(TimePlot):
    """Neurons × seconds; the wheel zooms in time, with Ctrl in neurons, and scrolls with Shift."""

    cell_clicked = Signal(int, float, bool)
    """Id, seconds, and whether Shift was down."""
    hovered = Signal(object)
    """(row of the view, frame) under the mouse, or None."""

    def __init__(self, colors: PlotColors) -> None:
        self._colors = colors
        self._view: RasterView | None = None
        self._places: dict[int, int] = {}
        self._selected: tuple[int, ...] = ()
        self._ensemble: int | None = None
        self._shift = False
        super().__init__(colors)
        axis = self.getPlotItem().getAxis("left")
        axis.setStyle(tickLength=0)
        axis.setWidth(58)
        self.name_rows("Rank")
        self._image = pg.ImageItem(axisOrder="row-major")
        self._image.setZValue(-20)
        self.getPlotItem().addItem(self._image, ignoreBounds=True)
        self._boxes = curve_item(self, z=5, connect="pairs")
        self._bands = curve_item(self, z=4, connect="pairs")
        self.ticks, self.strip = TickStrip(self), RowStrip(self)
        self.box.sigRangeChanged.connect(lambda *_: self._draw())
        self.box.sigYRangeChanged.connect(lambda *_: self._draw_marks())
        self.box.sigResized.connect(self._on_resized)
        self.scene().sigMouseMoved.connect(self._on_move)

    @property
    def view(self) -> RasterView | None:
        """What is shown."""
        return self._view

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
            self._draw_ensembles()
            self._draw_marks()

    def name_rows(self, text: str) -> None:
        """Say what the numbers beside the rows are."""
        self.getPlotItem().setLabel("left", text)

    def set_table(self, table: NDArray[np.uint8]) -> None:
        """Draw levels 0 … 255 in these colours, (256, 3)."""
        self._image.setLookupTable(table)

    def show_view(self, view: RasterView | None) -> None:
        """Show a raster; the zoom in neurons stays where there are as many as before."""
        n_before = len(self._places)
        self._view = view
        self._places = {int(c): k for k, c in enumerate(view.cells)} if view is not None else {}
        n = len(self._places)
        self.box.setLimits(yMin=0, yMax=max(1, n), minYRange=min(_FEWEST_ROWS, max(1, n)))
        if n != n_before:
            self.box.setYRange(0, max(1, n), padding=0)
        self._draw()
        self._draw_ensembles()
        self._draw_marks()

    def show_cells(self, cells: tuple[int, ...], ensemble: int | None) -> None:
        """Mark the rows of these cells, in the colour of the chosen ensemble if there is one."""
        other = ensemble != self._ensemble
        self._selected, self._ensemble = cells, ensemble
        if other:
            self._draw_ensembles()
        self._draw_marks()

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
            share = (at - first) / (last - first)
            self._scroll_to(at - share * height, height)
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

    def place_at(self, seconds: float, height: float) -> tuple[int, int] | None:
        """Return row and frame at a place of the plot, None outside of the raster."""
        view = self._view
        if view is None:
            return None
        row, frame = math.floor(height), math.floor(seconds * view.frame_rate + 1e-6)
        rows, frames = view.pyramid.shape
        return (row, frame) if 0 <= row < rows and 0 <= frame < frames else None

    def leaveEvent(self, event: Any) -> None:
        """Forget where the mouse was."""
        super().leaveEvent(event)
        self.hovered.emit(None)

    def _scroll_to(self, first: float, height: float | None = None) -> None:
        low, high = self.rows
        height = height if height is not None else high - low
        first = min(max(0.0, first), max(0.0, len(self._places) - height))
        self.box.setYRange(first, first + height, padding=0)

    def _on_resized(self, *_: object) -> None:
        self._draw()
        self._draw_marks()

    def _draw(self) -> None:
        """Draw what is in view; the cost goes with the pixels, not with the recording."""
        view = self._view
        if view is None:
            self._image.clear()
            return
        start, stop = self.span
        rate = view.frame_rate
        height = max(1, int(self.box.height() * self.devicePixelRatioF()))
        picture = view.pyramid.view(self.rows, (start * rate, stop * rate), height, self.pixels)
        if picture is None:
            self._image.clear()
            return
        self._image.setImage(picture.image, autoLevels=False)
        (top, bottom), (left, right) = picture.rows, picture.frames
        self._image.setRect(QRectF(left / rate, top, (right - left) / rate, bottom - top))
        self._name_rows(view)

    def _name_rows(self, view: RasterView) -> None:
        first, last = self.rows
        axis = self.getPlotItem().getAxis("left")
        if self.box.height() / max(last - first, 1e-9) < _LEAST_NAME:
            axis.setTicks(None)
            return
        rows = range(max(0, math.floor(first)), min(len(view.cells), math.ceil(last)))
        axis.setTicks([[(row + 0.5, str(view.cells[row])) for row in rows]])

    def _draw_ensembles(self) -> None:
        view = self._view
        ground = self._colors.background
        if view is None:
            self.ticks.show_ticks({})
            return
        chosen = self._ensemble
        shown = {k: t for k, t in view.activations.items() if len(t)}
        colors = {k: readable(ensemble_color(k), ground) for k in shown}
        by_color: dict[str, list[NDArray[np.float64]]] = {}
        for ensemble, times in shown.items():
            by_color.setdefault(colors[ensemble], []).append(times)
        joined = {color: np.concatenate(times) for color, times in by_color.items()}
        self.ticks.show_ticks(joined, colors.get(chosen) if chosen is not None else None)
        table = np.zeros((len(view.homes), 4), np.uint8)
        for ensemble in np.unique(view.homes[view.homes >= 0]).tolist():
            table[view.homes == ensemble] = (*rgb(readable(ensemble_color(ensemble), ground)), 255)
        self.strip.show_rows(table)
        times = view.activations.get(chosen, np.empty(0)) if chosen is not None else np.empty(0)
        color = colors.get(chosen, self._colors.text) if chosen is not None else self._colors.text
        self._bands.setPen(pg.mkPen(color + "a0", width=1))
        self._bands.setData(np.repeat(times, 2), np.tile([0.0, float(len(view.cells))], len(times)))

    def _draw_marks(self) -> None:
        places = np.array(sorted(self._places[c] for c in self._selected if c in self._places), np.float64)
        color = self._colors.text
        if self._ensemble is not None:
            color = readable(ensemble_color(self._ensemble), self._colors.background)
        self.strip.show_marks(places, color)
        first, last = self.rows
        room = self.box.height() >= _LEAST_BOX * (last - first)
        boxed = places if room and len(places) <= _MOST_BOXES else places[:0]
        edges = np.repeat(np.column_stack([boxed, boxed + 1]).ravel(), 2)
        self._boxes.setPen(pg.mkPen("#ffffffb0", width=1))
        self._boxes.setData(np.tile([0.0, self._duration], len(edges) // 2), edges)

    def _on_click(self, event: Any) -> None:
        self._shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        if not self.box.sceneBoundingRect().contains(event.scenePos()):
            return
        place = self.box.mapSceneToView(event.scenePos())
        found = self.place_at(place.x(), place.y())
        if found is not None and self._view is not None:
            self.cell_clicked.emit(int(self._view.cells[found[0]]), max(0.0, float(place.x())), self._shift)

    def _on_move(self, position: Any) -> None:
        if not self.box.sceneBoundingRect().contains(position):
            self.hovered.emit(None)
            return
        place = self.box.mapSceneToView(position)
        self.hovered.emit(self.place_at(place.x(), place.y()))
