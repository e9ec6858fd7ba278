"""Numbers of every frame over time, as lines: shifts, correlations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.decimate import outline
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["FramesPlot"]

_PAD = 0.06


class FramesPlot(TimePlot):
    """Lines with a value a frame, bad frames shaded; a click picks the moment.

    Parameters
    ----------
    colors : PlotColors
    label : str
        Of the axis of values, with its unit.
    """

    def __init__(self, colors: PlotColors, label: str) -> None:
        self._colors = colors
        self._rate = 1.0
        self._lines: list[tuple[NDArray[np.float32], str]] = []
        super().__init__(colors)
        self.box.invertY(False)
        item = self.getPlotItem()
        item.getAxis("left").setWidth(58)
        item.getAxis("left").enableAutoSIPrefix(False)
        item.setLabel("left", label)
        self._curves = [curve_item(self, z=k + 1) for k in range(3)]
        self.box.sigXRangeChanged.connect(lambda *_: self._draw())
        self.box.sigResized.connect(lambda *_: self._draw())
        self.clicked.connect(lambda seconds, _: self.time_picked.emit(max(0.0, seconds)))

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)
        if hasattr(self, "_curves"):
            self._draw()

    def show_lines(self, rate: float, lines: list[tuple[NDArray[np.float64], str]]) -> None:
        """Show up to three lines, each of one value a frame and a colour.

        Parameters
        ----------
        rate : float
            Frames per second.
        lines : list of ((n_frames,) array, str)
            NaN are gaps.
        """
        self._rate = rate
        self._lines = [(np.ascontiguousarray(values, np.float32), color) for values, color in lines]
        known = np.concatenate([v[np.isfinite(v)] for v, _ in self._lines] or [np.empty(0, np.float32)])
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        room = _PAD * (high - low) or 0.5
        self.box.setYRange(low - room, high + room, padding=0)
        self._draw()

    def _draw(self) -> None:
        start, stop = self.span
        for k, curve in enumerate(self._curves):
            if k >= len(self._lines):
                curve.setData([], [])
                continue
            values, color = self._lines[k]
            first, last = int(start * self._rate) - 1, int(stop * self._rate) + 2
            points = outline(values[None], self.pixels, start=max(0, first), stop=max(0, last))
            curve.setPen(readable(color, self._colors.background))
            curve.setData(points.frames[0] / self._rate, points.values[0].astype(np.float64))
