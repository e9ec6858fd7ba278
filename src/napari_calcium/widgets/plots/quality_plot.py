"""How many candidates have which quality, with a threshold to pull."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QSize

from napari_calcium.widgets.candidate_layer import CELL_COLOR, REJECTED_COLOR
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["QualityPlot"]

_BINS = 40
_PERCENTILE = 98.0


class QualityPlot(pg.PlotWidget):
    """Histogram of the quality, cells and rejected in their colours, and the threshold as a line.

    Attributes
    ----------
    threshold_moved : signal of float
        While the line is pulled.
    threshold_picked : signal of float
        Once it is let go.
    """

    threshold_moved = Signal(float)
    threshold_picked = Signal(float)

    def __init__(self, colors: PlotColors) -> None:
        super().__init__()
        self._quality: NDArray[np.float64] = np.empty(0)
        self._chosen: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._here: float | None = None
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.getViewBox().setMouseEnabled(x=False, y=False)
        item.setLabel("bottom", "Quality (1: as the settings ask)")
        item.setLabel("left", "Candidates")
        item.layout.setContentsMargins(2, 4, 6, 5)
        for name in ("left", "bottom"):
            item.getAxis(name).enableAutoSIPrefix(False)
        self._bars = pg.BarGraphItem(x0=[], x1=[], y0=[], y1=[])
        item.addItem(self._bars)
        self._marker = pg.InfiniteLine(angle=90)
        self._line = pg.InfiniteLine(1.0, angle=90, movable=True)
        for line in (self._marker, self._line):
            item.addItem(line, ignoreBounds=True)
        self._line.sigDragged.connect(lambda line: self.threshold_moved.emit(self.threshold))
        self._line.sigPositionChangeFinished.connect(lambda line: self.threshold_picked.emit(self.threshold))
        self.setAccessibleName("Histogram of the candidates' quality with the threshold")
        self.set_colors(colors)

    @property
    def threshold(self) -> float:
        """Where the line stands, never below 0."""
        return max(0.0, float(self._line.value()))

    def sizeHint(self) -> QSize:
        """Ask for a low strip."""
        return QSize(300, 150)

    def minimumSizeHint(self) -> QSize:
        """Be content with little."""
        return QSize(150, 90)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        for name in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(colors.faint)
            axis.setTextPen(colors.text)
        self._line.setPen(pg.mkPen(colors.text, width=2))
        self._line.setHoverPen(pg.mkPen(colors.cursor, width=4))
        self._marker.setPen(pg.mkPen(colors.text, width=1, style=pg.QtCore.Qt.PenStyle.DotLine))
        self._draw()

    def show_quality(
        self, quality: NDArray[np.float64], chosen: NDArray[np.bool_], threshold: float, here: float | None
    ) -> None:
        """Show the quality of candidates, which are chosen, and that of the one that is looked at."""
        self._quality, self._chosen, self._here = quality, chosen, here
        self._line.setValue(threshold)
        self._draw()

    def _draw(self) -> None:
        known = np.isfinite(self._quality)
        values = self._quality[known]
        # Few are far out at either end: they stand in the outermost bars.
        top = max(1.2, 1.05 * float(np.percentile(values, _PERCENTILE))) if len(values) else 1.2
        bottom = max(min(0.0, float(values.min(initial=0.0))), -0.5 * top)
        edges = np.linspace(bottom, top, _BINS + 1)
        inside = np.clip(values, edges[0], edges[-1])
        cells = np.histogram(inside[self._chosen[known]], edges)[0]
        every = np.histogram(inside, edges)[0]
        ground = self._colors.background
        blue, orange = (pg.mkBrush(readable(c, ground)) for c in (CELL_COLOR, REJECTED_COLOR))
        self._bars.setOpts(
            x0=np.tile(edges[:-1], 2),
            x1=np.tile(edges[1:], 2),
            y0=np.concatenate([np.zeros(_BINS), cells]),
            y1=np.concatenate([cells, every]),
            brushes=[blue] * _BINS + [orange] * _BINS,
            pen=pg.mkPen(ground),
        )
        self._marker.setVisible(self._here is not None)
        if self._here is not None:
            self._marker.setValue(min(max(self._here, edges[0]), edges[-1]))
        item = self.getPlotItem()
        item.setXRange(edges[0], edges[-1], padding=0.02)
        item.setYRange(0, 1.1 * max(1, int(every.max(initial=1))), padding=0)
