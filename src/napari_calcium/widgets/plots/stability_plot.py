"""Small plots side by side: how each number of the result moves with each setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from psygnal import Signal
from qtpy.QtCore import QSize, Qt

from napari_calcium.figures.stability_figure import METRICS, STRIP_COLORS, StabilityStrip, metric_range
from napari_calcium.widgets.plots.trace_lanes import nice_length
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["StabilityPlot"]

_LEFT = 40
_NAMES = 78
_PER_TICK = 30
"""Pixels that the writing under a tick needs."""
_ROW, _COLUMN, _FOOT = 44, 96, 56
"""Pixels that a row and a column have at least, and the names of the settings under them."""


class StabilityPlot(pg.GraphicsLayoutWidget):
    """A column a setting, a row a number; a click on a point picks it, the present value is a diamond.

    Attributes
    ----------
    picked : signal of (int, int)
        Strip and place of its value.
    """

    picked = Signal(int, int)

    def __init__(self, colors: PlotColors) -> None:
        super().__init__()
        self._colors = colors
        self._strips: tuple[StabilityStrip, ...] = ()
        self._chosen: tuple[int, int] | None = None
        self._plots: list[list[Any]] = []
        self.ci.layout.setContentsMargins(2, 2, 6, 2)
        self.ci.layout.setSpacing(2)
        self.scene().sigMouseClicked.connect(self._on_click)
        self.set_colors(colors)

    def sizeHint(self) -> QSize:
        """Ask for little room, as the other plots do."""
        return QSize(480, 220)

    def minimumSizeHint(self) -> QSize:
        """Return the room in which everything can still be read: in less it is to be scrolled."""
        width = _NAMES + _LEFT + _COLUMN * max(1, len(self._strips))
        return QSize(width, _ROW * len(METRICS) + _FOOT)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        self._plots = []  # laid out anew: names are in the colour of writing
        self.show_strips(self._strips, self._chosen)

    def resizeEvent(self, event: Any) -> None:
        """Write as many values under the axes as there is room for."""
        super().resizeEvent(event)
        if getattr(self, "_plots", None):
            self.show_strips(self._strips, self._chosen)

    def show_strips(self, strips: Sequence[StabilityStrip], chosen: tuple[int, int] | None = None) -> None:
        """Show these strips; the chosen point has a ring."""
        strips = tuple(strips)
        if [s.title for s in strips] != [s.title for s in self._strips] or not self._plots:
            self._lay_out(strips)
        more = len(strips) != len(self._strips)
        self._strips, self._chosen = strips, chosen
        if more:
            self.setMinimumSize(self.minimumSizeHint())
        for row, (_, names) in enumerate(METRICS):
            low, high = metric_range(strips, names)
            for column, strip in enumerate(strips):
                self._draw(self._plots[row][column], strip, names, column, chosen)
                self._plots[row][column].setYRange(low, high, padding=0)
            if strips:
                self._plots[row][0].getAxis("left").setTicks([_two_ticks(low, high)])

    def plot_at(self, row: int, column: int) -> Any:
        """Return the plot of a number (row of `METRICS`) and a setting."""
        return self._plots[row][column]

    def _lay_out(self, strips: Sequence[StabilityStrip]) -> None:
        self.clear()
        self._plots = []
        for row, (label, _) in enumerate(METRICS):
            line = []
            name = pg.LabelItem(label.replace("\n", "<br>"), justify="right", color=self._colors.text)
            name.setFixedWidth(_NAMES)
            self.addItem(name, row=row, col=0)
            for column, strip in enumerate(strips):
                plot = self.addPlot(row=row, col=column + 1)
                plot.setMenuEnabled(False)
                plot.hideButtons()
                plot.setMouseEnabled(x=False, y=False)
                plot.setXRange(-0.5, len(strip.labels) - 0.5, padding=0)
                plot.getAxis("left").setWidth(_LEFT if column == 0 else 8)
                plot.getAxis("left").setStyle(showValues=column == 0)
                plot.getAxis("bottom").setStyle(showValues=row == len(METRICS) - 1)
                plot.getAxis("bottom").enableAutoSIPrefix(False)
                plot.getAxis("left").enableAutoSIPrefix(False)
                if row == len(METRICS) - 1:
                    plot.setLabel("bottom", strip.title.replace(": ", ":<br>"))
                    plot.getAxis("bottom").setHeight(_FOOT)
                else:
                    plot.getAxis("bottom").setHeight(4)
                line.append(plot)
            self._plots.append(line)
        # Laid out anew, the plots would take the least room until the next time the dock is resized.
        self.ci.setGeometry(self.range)

    def _draw(
        self,
        plot: Any,
        strip: StabilityStrip,
        names: Sequence[str],
        column: int,
        chosen: tuple[int, int] | None,
    ) -> None:
        plot.clear()
        colors = self._colors
        for name in ("left", "bottom"):
            axis = plot.getAxis(name)
            axis.setPen(colors.faint)
            axis.setTextPen(colors.text)
        room = max(1, int(plot.getViewBox().width() // _PER_TICK))
        every = max(1, -(-len(strip.labels) // room))
        ticks = [(k, label) for k, label in enumerate(strip.labels) if (k - strip.current) % every == 0]
        plot.getAxis("bottom").setTicks([ticks])
        now = pg.InfiniteLine(strip.current, pen=pg.mkPen(colors.text, style=Qt.PenStyle.DotLine))
        now.setZValue(-5)
        plot.addItem(now, ignoreBounds=True)
        x = np.arange(len(strip.labels), dtype=np.float64)
        for name, color, dash in zip(
            names, STRIP_COLORS, (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine), strict=False
        ):
            shown = readable(color, colors.background)
            values = strip.lines[name]
            plot.plot(x, values, pen=pg.mkPen(shown, width=1.5, style=dash), connect="finite")
            known = np.isfinite(values)
            signs = np.where(x == strip.current, "d", "o")
            plot.addItem(
                pg.ScatterPlotItem(
                    x=x[known],
                    y=values[known],
                    symbol=list(signs[known]),
                    size=np.where(x[known] == strip.current, 11, 6),
                    brush=pg.mkBrush(shown),
                    pen=pg.mkPen(colors.background),
                )
            )
            if chosen is not None and chosen[0] == column and known[chosen[1]]:
                ring = pg.mkPen(colors.text, width=2)
                plot.addItem(
                    pg.ScatterPlotItem(
                        x=[chosen[1]], y=[values[chosen[1]]], size=14, brush=None, pen=ring, symbol="o"
                    )
                )

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        for line in self._plots:
            for column, plot in enumerate(line):
                if plot.sceneBoundingRect().contains(event.scenePos()):
                    x = plot.getViewBox().mapSceneToView(event.scenePos()).x()
                    place = round(min(max(x, 0), len(self._strips[column].labels) - 1))
                    self.picked.emit(column, int(place))
                    return


def _two_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return the lowest and the highest round value: more would stand in each other in a row so low."""
    top = nice_length(2 * high) if high > 0 else high
    return [(value, f"{value:,g}") for value in dict.fromkeys((max(0.0, low), top))]
