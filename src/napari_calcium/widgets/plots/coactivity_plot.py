"""How many neurons are active together, the threshold of chance, and the ensemble events above it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from psygnal import Signal

from napari_calcium.figures.decimate import outline
from napari_calcium.figures.palette import EXPECTED_COLOR, THRESHOLD_COLOR
from napari_calcium.results.tables import Coactivity, EnsembleEvents
from napari_calcium.widgets.plots.shared_pens import shared_brush, shared_pen
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors, ensemble_mark, readable

__all__ = ["CoactivityPlot"]

_REACH = 8
"""Pixels within which a click means an ensemble event."""
_SIZE, _SMALL = 9, 6
_DIMMED = 70
"""Opacity (of 255) of the events of other ensembles than the chosen one."""


class CoactivityPlot(TimePlot):
    """Active neurons over time; a click picks the window's time, on an ensemble event the event too."""

    ensemble_clicked = Signal(int)
    event_clicked = Signal(int)
    """Row of the ensemble event."""

    def __init__(self, colors: PlotColors) -> None:
        self._colors = colors
        self._table: Coactivity | None = None
        self._events: EnsembleEvents | None = None
        self._chosen: int | None = None
        super().__init__(colors)
        self.box.invertY(False)
        item = self.getPlotItem()
        item.getAxis("left").setWidth(52)
        item.setLabel("left", "Active")
        self._counts = curve_item(self, z=1)
        self._expected = curve_item(self, z=2)
        self._limit = curve_item(self, z=2)
        self._dots = self._scatter(_SIZE, 5)
        self._ring = self._scatter(_SIZE + 7, 6)
        self.box.sigXRangeChanged.connect(lambda *_: self._draw())
        self.box.sigResized.connect(lambda *_: self._draw())
        self.clicked.connect(self._on_time_clicked)

    def _scatter(self, size: int, z: float) -> Any:
        dots = pg.ScatterPlotItem(size=size, pxMode=True)
        dots.setZValue(z)
        self.getPlotItem().addItem(dots, ignoreBounds=True)
        return dots

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)
        if hasattr(self, "_ring"):
            self._draw()
            self._draw_events()

    def show_coactivity(self, table: Coactivity | None, events: EnsembleEvents | None) -> None:
        """Show counts, expectation and threshold, and the events in the colours of their ensembles."""
        self._table, self._events = table, events
        top = int(table.active_neurons.max()) if table is not None and len(table) else 1
        top = max(top, int(events.n_neurons.max())) if events is not None and len(events) else top
        self.box.setYRange(0, 1.12 * max(1, top), padding=0)
        self.show_event(None)
        self._draw()
        self._draw_events()

    def show_chosen(self, ensemble_id: int | None) -> None:
        """Dim the events of all ensembles but this one; None dims none."""
        if ensemble_id != self._chosen:
            self._chosen = ensemble_id
            self._draw_events()

    def show_event(self, row: int | None) -> None:
        """Draw a ring around the event in this row."""
        events = self._events
        if row is None or events is None or row >= len(events):
            self._ring.clear()
            return
        pen = shared_pen(self._colors.text, 2)
        self._ring.setData([events.peak_s[row]], [float(events.n_neurons[row])], brush=None, pen=pen)

    def _draw(self) -> None:
        table = self._table
        if table is None or not len(table):
            for item in (self._counts, self._expected, self._limit):
                item.setData([], [])
            return
        start, stop = self.span
        first = int(np.searchsorted(table.time_s, start)) - 1
        last = int(np.searchsorted(table.time_s, stop)) + 1
        lines = (
            (self._counts, table.active_neurons, self._colors.text, 1),
            (self._expected, table.expected, EXPECTED_COLOR, 2),
            (self._limit, table.threshold, THRESHOLD_COLOR, 1),
        )
        for item, values, color, width in lines:
            rows = values.astype(np.float32)[None]
            points = outline(rows, self.pixels, start=max(0, first), stop=max(0, last))
            x = table.time_s[points.frames[0]] + table.window_s / 2
            item.setPen(pg.mkPen(readable(color, self._colors.background), width=width))
            item.setData(x, points.values[0].astype(np.float64))

    def _draw_events(self) -> None:
        events = self._events
        if events is None or not len(events):
            self._dots.clear()
            return
        brushes = {k: self._brush(k) for k in np.unique(events.ensemble_id).tolist()}
        size = np.where(events.ensemble_id >= 0, _SIZE, _SMALL)
        # Events of no ensemble first, the chosen ensemble's last: what matters is not covered.
        last = events.ensemble_id == self._chosen if self._chosen is not None else events.ensemble_id < -1
        order = np.lexsort((events.ensemble_id >= 0, last))
        self._dots.setData(
            events.peak_s[order],
            events.n_neurons[order].astype(float),
            size=size[order],
            brush=[brushes[k] for k in events.ensemble_id[order].tolist()],
            pen=None,
        )

    def _brush(self, ensemble: int) -> Any:
        color = pg.mkColor(ensemble_mark(ensemble, self._colors.background))
        if self._chosen is not None and ensemble != self._chosen:
            color.setAlpha(_DIMMED)
        return shared_brush(color.getRgb())

    def _on_time_clicked(self, seconds: float, height: float) -> None:
        table, events = self._table, self._events
        if table is None or not len(table):
            return
        start, stop = self.span
        if events is not None and len(events):
            nearest = int(np.argmin(np.abs(events.peak_s - seconds)))
            if abs(events.peak_s[nearest] - seconds) <= _REACH * (stop - start) / self.pixels:
                self.event_clicked.emit(nearest)
                if events.ensemble_id[nearest] >= 0:
                    self.ensemble_clicked.emit(int(events.ensemble_id[nearest]))
                self.time_picked.emit(float(events.peak_s[nearest]))
                return
        window = math.floor((seconds - table.time_s[0]) / table.step_s)
        window = min(max(0, window), len(table) - 1)
        self.time_picked.emit(float(table.time_s[window] + table.window_s / 2))
