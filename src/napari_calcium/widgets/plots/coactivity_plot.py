"""How many neurons are active together, the threshold of chance, and the ensemble events above it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from psygnal import Signal

from napari_calcium.figures.decimate import outline
from napari_calcium.figures.palette import THRESHOLD_COLOR, ensemble_color
from napari_calcium.results import Coactivity, EnsembleEvents
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["CoactivityPlot"]

_REACH = 8
"""Pixels within which a click means an ensemble event."""


class CoactivityPlot(TimePlot):
    """Active neurons over time; a click picks the window's time, on an ensemble event the ensemble too."""

    ensemble_clicked = Signal(int)

    def __init__(self, colors: PlotColors) -> None:
        self._colors = colors
        self._table: Coactivity | None = None
        self._events: EnsembleEvents | None = None
        super().__init__(colors)
        self.box.invertY(False)
        item = self.getPlotItem()
        item.getAxis("left").setWidth(52)
        item.setLabel("left", "Active")
        self._counts = curve_item(self, z=1)
        self._limit = curve_item(self, z=2)
        self._dots = pg.ScatterPlotItem(size=8, pxMode=True)
        self._dots.setZValue(5)
        item.addItem(self._dots, ignoreBounds=True)
        self.box.sigXRangeChanged.connect(lambda *_: self._draw())
        self.box.sigResized.connect(lambda *_: self._draw())
        self.clicked.connect(self._on_time_clicked)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)
        if hasattr(self, "_dots"):
            self._draw()
            self._draw_events()

    def show_coactivity(self, table: Coactivity | None, events: EnsembleEvents | None) -> None:
        """Show counts and threshold, and the ensemble events in the colours of their ensembles."""
        self._table, self._events = table, events
        top = int(table.active_neurons.max()) if table is not None and len(table) else 1
        self.box.setYRange(0, 1.12 * max(1, top), padding=0)
        self._draw()
        self._draw_events()

    def _draw(self) -> None:
        table = self._table
        if table is None or not len(table):
            self._counts.setData([], [])
            self._limit.setData([], [])
            return
        start, stop = self.span
        first = int(np.searchsorted(table.time_s, start)) - 1
        last = int(np.searchsorted(table.time_s, stop)) + 1
        for item, values, color in (
            (self._counts, table.active_neurons, self._colors.text),
            (self._limit, table.threshold, THRESHOLD_COLOR),
        ):
            rows = values.astype(np.float32)[None]
            points = outline(rows, self.pixels, start=max(0, first), stop=max(0, last))
            x = table.time_s[points.frames[0]] + table.window_s / 2
            item.setPen(pg.mkPen(readable(color, self._colors.background)))
            item.setData(x, points.values[0].astype(np.float64))

    def _draw_events(self) -> None:
        events = self._events
        if events is None or not len(events):
            self._dots.clear()
            return
        brushes: list[Any] = [
            pg.mkBrush(readable(ensemble_color(int(k)), self._colors.background)) for k in events.ensemble_id
        ]
        self._dots.setData(events.peak_s, events.n_neurons.astype(float), brush=brushes, pen=None)

    def _on_time_clicked(self, seconds: float, height: float) -> None:
        table, events = self._table, self._events
        if table is None or not len(table):
            return
        start, stop = self.span
        if events is not None and len(events):
            nearest = int(np.argmin(np.abs(events.peak_s - seconds)))
            if abs(events.peak_s[nearest] - seconds) <= _REACH * (stop - start) / self.pixels:
                if events.ensemble_id[nearest] >= 0:
                    self.ensemble_clicked.emit(int(events.ensemble_id[nearest]))
                self.time_picked.emit(float(events.peak_s[nearest]))
                return
        window = math.floor((seconds - table.time_s[0]) / table.step_s)
        window = min(max(0, window), len(table) - 1)
        self.time_picked.emit(float(table.time_s[window] + table.window_s / 2))
