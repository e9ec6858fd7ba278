"""A bar for each row beside a plot of rows, moving with it."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QSize

from napari_calcium.widgets.plots.time_matrix_plot import TimeMatrixPlot
from napari_calcium.widgets.theme import PlotColors

__all__ = ["RowBars"]

_WIDTH = 92


class RowBars(pg.PlotWidget):
    """Bars from zero, coloured by group; its rows are those of the plot beside it.

    Parameters
    ----------
    plot : TimeMatrixPlot
    colors : PlotColors
    label : str
        What the bars are, with unit.
    """

    def __init__(self, plot: TimeMatrixPlot, colors: PlotColors, label: str) -> None:
        super().__init__()
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.hideAxis("left")
        item.setLabel("bottom", label)
        item.getAxis("bottom").enableAutoSIPrefix(False)
        item.layout.setContentsMargins(4, 4, 2, 5)
        self._plot = plot
        box = item.getViewBox()
        box.setMouseEnabled(x=False, y=False)
        box.setDefaultPadding(0.0)
        box.invertY(True)
        box.setYLink(plot.box)
        self._curves: list[pg.PlotCurveItem] = []
        self._zero = pg.InfiniteLine(pos=0, angle=90)
        item.addItem(self._zero, ignoreBounds=True)
        self.setFixedWidth(_WIDTH)
        self._follow_top()
        self.set_colors(colors)

    def sizeHint(self) -> QSize:
        """Ask for a strip."""
        return QSize(_WIDTH, 120)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.setBackground(colors.background)
        axis = self.getPlotItem().getAxis("bottom")
        axis.setPen(colors.faint)
        axis.setTextPen(colors.text)
        self._zero.setPen(pg.mkPen(colors.faint))

    def show_bars(self, values: NDArray[np.float64], groups: dict[str, NDArray[np.bool_]]) -> None:
        """Show a bar for each row, in the colour of its group; NaN has none."""
        for curve in self._curves:
            self.getPlotItem().removeItem(curve)
        self._curves = []
        known = np.isfinite(values)
        for color, inside in groups.items():
            rows = np.flatnonzero(known & inside)
            # A bar is a rectangle along its row: four corners, filled down to zero.
            y = np.repeat(rows, 2) + np.tile([0.5, 0.5], len(rows))
            x = np.stack([np.zeros(len(rows)), values[rows]], axis=1).ravel()
            width = max(1.0, min(9.0, self._plot.box.height() / max(1, len(values))))
            pen = pg.mkPen(color, width=width)
            pen.setCapStyle(pg.QtCore.Qt.PenCapStyle.FlatCap)
            curve = pg.PlotCurveItem(x, y, connect="pairs", pen=pen)
            self.getPlotItem().addItem(curve, ignoreBounds=True)
            self._curves.append(curve)
        low = min(0.0, float(values[known].min())) if known.any() else 0.0
        high = max(0.05, float(values[known].max())) if known.any() else 1.0
        margin = 0.05 * (high - low)
        self.getPlotItem().getViewBox().setXRange(low - margin, high + margin, padding=0)

    def _follow_top(self) -> None:
        # The plot beside it has room for ticks above its rows; so have the bars.
        self.getPlotItem().layout.setContentsMargins(4, 4, 2, 5)
        self.getPlotItem().getAxis("top").setVisible(False)
