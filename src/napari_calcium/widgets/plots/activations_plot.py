"""When each ensemble was active: a row of ticks for each, in its colour."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal

from napari_calcium.results.tables import Ensembles
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors, ensemble_mark

__all__ = ["ActivationsPlot"]

_REACH = 8
"""Pixels within which a click means the tick."""


class ActivationsPlot(TimePlot):
    """Ticks over time, a row an ensemble; a click names the ensemble, and on a tick the time too."""

    ensemble_clicked = Signal(int)

    def __init__(self, colors: PlotColors) -> None:
        self._colors = colors
        self._rows: tuple[int, ...] = ()
        self._times: tuple[NDArray[np.float64], ...] = ()
        self._items: list[Any] = []
        super().__init__(colors)
        axis = self.getPlotItem().getAxis("left")
        axis.setWidth(40)
        axis.setStyle(tickLength=0)
        self.getPlotItem().setLabel("left", "Ensemble")
        self._ground = pg.LinearRegionItem(orientation="horizontal", movable=False)
        self._ground.setZValue(-10)
        self._ground.hide()
        for line in self._ground.lines:
            line.setPen(pg.mkPen(None))
        self.getPlotItem().addItem(self._ground, ignoreBounds=True)
        self.box.sigResized.connect(lambda *_: self._draw_names())
        self.clicked.connect(self._on_row_clicked)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)
        self._paint()

    def show_ensembles(self, ensembles: Ensembles | None) -> None:
        """Show the activations of these ensembles."""
        self._rows = ensembles.ids if ensembles is not None else ()
        self._times = tuple(ensembles.activations_of(k).time_s for k in self._rows if ensembles is not None)
        for item in self._items[len(self._rows) :]:
            self.getPlotItem().removeItem(item)
        del self._items[len(self._rows) :]
        self._items += [curve_item(self, connect="pairs") for _ in self._rows[len(self._items) :]]
        for row, (item, times) in enumerate(zip(self._items, self._times, strict=True)):
            item.setData(np.repeat(times, 2), np.tile([row + 0.12, row + 0.88], len(times)))
        self.box.setYRange(0, max(1, len(self._rows)), padding=0)
        self._paint()
        self._draw_names()

    def show_chosen(self, ensemble_id: int | None) -> None:
        """Lay a ground under the row of this ensemble."""
        there = ensemble_id in self._rows
        self._ground.setVisible(there)
        if there and ensemble_id is not None:
            row = self._rows.index(ensemble_id)
            self._ground.setRegion((row, row + 1))
            self._ground.setBrush(pg.mkColor(self._colors.faint + "58"))

    def _paint(self) -> None:
        for ensemble, item in zip(self._rows, self._items, strict=True):
            color = ensemble_mark(ensemble, self._colors.background)
            item.setPen(pg.mkPen(color, width=2))

    def _draw_names(self) -> None:
        height = self.box.height() / max(1, len(self._rows))
        every = max(1, math.ceil(14 / max(height, 1)))
        names = [(row + 0.5, str(ensemble)) for row, ensemble in enumerate(self._rows)]
        self.getPlotItem().getAxis("left").setTicks([names[::every]])

    def _on_row_clicked(self, seconds: float, height: float) -> None:
        row = math.floor(height)
        if not 0 <= row < len(self._rows):
            return
        self.ensemble_clicked.emit(self._rows[row])
        times = self._times[row]
        if len(times):
            nearest = float(times[np.argmin(np.abs(times - seconds))])
            start, stop = self.span
            if abs(nearest - seconds) <= _REACH * (stop - start) / self.pixels:
                self.time_picked.emit(nearest)
