"""All neurons over time as an image, at every zoom."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF

from napari_calcium.figures.palette import rgb
from napari_calcium.figures.raster_view import RasterView
from napari_calcium.widgets.plots.rows_plot import RowsPlot
from napari_calcium.widgets.plots.side_strip import TickStrip
from napari_calcium.widgets.plots.time_plot import curve_item
from napari_calcium.widgets.theme import PlotColors, ensemble_mark

__all__ = ["RasterPlot"]

_LEAST_NAME = 13
"""Pixels; where rows are lower than this they have no names."""


class RasterPlot(RowsPlot):
    """Neurons × seconds; the wheel zooms in time, with Ctrl in neurons, and scrolls with Shift."""

    def __init__(self, colors: PlotColors) -> None:
        self._view: RasterView | None = None
        self._ensemble: int | None = None
        self._named: tuple[NDArray[np.int64] | None, range | None] = (None, None)
        super().__init__(colors)
        self.name_rows("Rank")
        self._bands = curve_item(self, z=4, connect="pairs")
        self.ticks = TickStrip(self)

    @property
    def view(self) -> RasterView | None:
        """What is shown."""
        return self._view

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)
        if hasattr(self, "ticks"):
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
        self._view = view
        self._set_cells(view.cells if view is not None else None)
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

    def place_at(self, seconds: float, height: float) -> tuple[int, int] | None:
        """Return row and frame at a place of the plot, None outside of the raster."""
        view = self._view
        if view is None:
            return None
        row, frame = math.floor(height), math.floor(seconds * view.frame_rate + 1e-6)
        rows, frames = view.pyramid.shape
        return (row, frame) if 0 <= row < rows and 0 <= frame < frames else None

    def _draw(self) -> None:
        """Draw what is in view; the cost goes with the pixels, not with the recording."""
        view = self._view
        if view is None:
            self._image.clear()
            return
        start, stop = self.span
        rate = view.frame_rate
        picture = view.pyramid.view(self.rows, (start * rate, stop * rate), self.pixels_high, self.pixels)
        if picture is None:
            self._image.clear()
            return
        self._image.setImage(picture.image, autoLevels=False)
        (top, bottom), (left, right) = picture.rows, picture.frames
        self._image.setRect(QRectF(left / rate, top, (right - left) / rate, bottom - top))
        self._name_rows(view)

    def _name_rows(self, view: RasterView) -> None:
        first, last = self.rows
        rows: range | None = range(max(0, math.floor(first)), min(len(view.cells), math.ceil(last)))
        if self.box.height() / max(last - first, 1e-9) < _LEAST_NAME:
            rows = None
        # The axis draws itself anew whenever it is told its ticks, also where they are those it has.
        if (view.cells is not self._named[0]) or rows != self._named[1]:
            self._named = view.cells, rows
            names = None if rows is None else [[(row + 0.5, str(view.cells[row])) for row in rows]]
            self.getPlotItem().getAxis("left").setTicks(names)

    def _draw_ensembles(self) -> None:
        view = self._view
        ground = self._colors.background
        if view is None:
            self.ticks.show_ticks({})
            return
        chosen = self._ensemble
        shown = {k: t for k, t in view.activations.items() if len(t)}
        colors = {k: ensemble_mark(k, ground) for k in shown}
        by_color: dict[str, list[NDArray[np.float64]]] = {}
        for ensemble, times in shown.items():
            by_color.setdefault(colors[ensemble], []).append(times)
        joined = {color: np.concatenate(times) for color, times in by_color.items()}
        self.ticks.show_ticks(joined, colors.get(chosen) if chosen is not None else None)
        table = np.zeros((len(view.homes), 4), np.uint8)
        for ensemble in np.unique(view.homes[view.homes >= 0]).tolist():
            table[view.homes == ensemble] = (*rgb(ensemble_mark(ensemble, ground)), 255)
        self.strip.show_rows(table)
        times = view.activations.get(chosen, np.empty(0)) if chosen is not None else np.empty(0)
        color = colors.get(chosen, self._colors.text) if chosen is not None else self._colors.text
        self._bands.setPen(pg.mkPen(color + "a0", width=1))
        self._bands.setData(np.repeat(times, 2), np.tile([0.0, float(len(view.cells))], len(times)))
        self._bands.setVisible(len(times) > 0)

    def _draw_marks(self) -> None:
        color = self._colors.text
        if self._ensemble is not None:
            color = ensemble_mark(self._ensemble, self._colors.background)
        self._mark_rows(color, "#ffffffb0")
