"""Narrow strips beside a plot that move with it: ticks above, colours of rows at the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF

from napari_calcium.widgets.plots.tick_lines import TickLines

__all__ = ["RowStrip", "TickStrip"]

_HEIGHT, _WIDTH = 12, 14


class _Strip(pg.ViewBox):
    """A view box that cannot be dragged, in the place of an axis that the plot does not use."""

    def __init__(self, plot: Any, side: str, place: tuple[int, int]) -> None:
        super().__init__(enableMouse=False, enableMenu=False, defaultPadding=0.0)
        item = plot.getPlotItem()
        # The place of an axis in the plot's layout: hidden axes take no room there.
        item.layout.removeItem(item.getAxis(side))
        item.getAxis(side).setVisible(False)
        item.layout.addItem(self, *place)


class TickStrip(_Strip):
    """Ticks over time above a plot, in several colours."""

    def __init__(self, plot: Any) -> None:
        super().__init__(plot, "top", (1, 1))
        self.setXLink(plot.getPlotItem().getViewBox())
        self.setYRange(0, 1, padding=0)
        self._lines = TickLines(0.1, 0.95)
        self.addItem(self._lines, ignoreBounds=True)

    def show_ticks(self, times: Mapping[str, NDArray[np.float64]], strong: str | None = None) -> None:
        """Show ticks at these times (s) by colour; those of the colour `strong` are wider."""
        # Some room in any case, else the axis beside it cuts its first number.
        self.setFixedHeight(_HEIGHT if times else _HEIGHT // 2)
        self._lines.show_lines(times, strong)


class RowStrip(_Strip):
    """A colour for each row at the right of a plot, and a mark at each row that is selected."""

    def __init__(self, plot: Any) -> None:
        super().__init__(plot, "right", (2, 2))
        self.invertY(True)
        self.setYLink(plot.getPlotItem().getViewBox())
        self.setXRange(0, 1, padding=0)
        self.setFixedWidth(_WIDTH)
        self._image = pg.ImageItem(axisOrder="row-major")
        self.addItem(self._image, ignoreBounds=True)
        self._marks = pg.PlotCurveItem(connect="pairs")
        self.addItem(self._marks, ignoreBounds=True)

    def show_rows(self, colors: NDArray[np.uint8]) -> None:
        """Show a colour (red, green, blue, opacity) for each row from top to bottom."""
        if not len(colors):
            self._image.clear()
            return
        self._image.setImage(colors[:, None], autoLevels=False, levels=(0, 255))
        self._image.setRect(QRectF(0.45, 0, 0.55, len(colors)))

    def show_marks(self, places: Sequence[float] | NDArray[np.float64], color: str) -> None:
        """Mark these rows."""
        heights = np.repeat(np.asarray(places, np.float64) + 0.5, 2)
        self._marks.setPen(pg.mkPen(color, width=3))
        self._marks.setData(np.tile([0.0, 0.42], len(places)), heights)
        self._marks.setVisible(len(places) > 0)
