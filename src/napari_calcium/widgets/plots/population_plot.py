"""The population over time: bins and their smoothed course."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg

from napari_calcium.figures.axis_labels import unit_scale
from napari_calcium.figures.decimate import outline
from napari_calcium.results.population_results import PopulationActivity
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["PopulationPlot"]

_SMOOTH = "#56b4e9"
_LEAST_HEIGHT = 110
"""Pixels of a plot whose axis has room for its label."""


class PopulationPlot(TimePlot):
    """Mean or sum of all neurons; faint the bins, strong the smoothed course. A click picks the time."""

    def __init__(self, colors: PlotColors) -> None:
        self._colors = colors
        self._found: PopulationActivity | None = None
        self._ends = (0.0, 1.0)
        super().__init__(colors)
        self.box.invertY(False)
        # As wide as a heatmap above, which has a strip at its right.
        self.getPlotItem().layout.setContentsMargins(2, 4, 20, 5)
        self.getPlotItem().getAxis("left").setWidth(58)
        self.getPlotItem().getAxis("left").enableAutoSIPrefix(False)
        self._bins, self._smooth = curve_item(self, z=1), curve_item(self, z=2)
        self.box.sigXRangeChanged.connect(lambda *_: self._draw())
        self.box.sigResized.connect(lambda *_: self._on_resized())
        self.clicked.connect(lambda seconds, _: self.time_picked.emit(max(0.0, seconds)))

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)
        if hasattr(self, "_smooth"):
            self._draw()

    def show_activity(self, found: PopulationActivity | None, label: str) -> None:
        """Show the population, with what stands on the axis."""
        self._found = found
        self.getPlotItem().setLabel("left", label)
        if found is not None and len(found):
            values = unit_scale(found.unit)[0] * found.activity
            known = values[np.isfinite(values)]
            low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
            self._ends = (low, high)
            margin = 0.06 * max(high - low, 1e-9)
            self.box.setYRange(low - margin, high + margin, padding=0)
        self._on_resized()

    def _on_resized(self) -> None:
        """In a low plot leave the words out, and all numbers but the ends: the tip says the rest."""
        axis, room = self.getPlotItem().getAxis("left"), self.height() >= _LEAST_HEIGHT
        axis.showLabel(room)
        axis.setTicks(None if room else [[(end, f"{end:.3g}") for end in self._ends]])
        self._draw()

    def _draw(self) -> None:
        found = self._found
        if found is None or not len(found):
            self._bins.setData([], [])
            self._smooth.setData([], [])
            return
        self._bins.setPen(pg.mkPen(self._colors.faint, width=1))
        self._smooth.setPen(pg.mkPen(readable(_SMOOTH, self._colors.background), width=2))
        start, stop = self.span
        first = max(0, int(start / found.bin_s) - 1)
        last = min(len(found), int(stop / found.bin_s) + 2)
        factor = unit_scale(found.unit)[0]
        for curve, values in ((self._bins, found.activity), (self._smooth, found.smoothed)):
            lines = outline(values[None].astype(np.float32), self.pixels, start=first, stop=last)
            curve.setData((lines.frames[0] + 0.5) * found.bin_s, factor * lines.values[0])
