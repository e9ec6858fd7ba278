"""Spans of time shaded behind a plot, such as bad frames; as quick with thousands as with one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF

from napari_calcium.figures.bad_spans import joined_spans
from napari_calcium.widgets.plots.view_wide import ViewWide

__all__ = ["FrameBands"]

_LEAST_PIXELS = 2.0


class FrameBands(ViewWide):
    """Bands from top to bottom of the view, whatever is in view; one frame is seen at any zoom.

    Parameters
    ----------
    color : str
        ``#rrggbb``.
    """

    def __init__(self, color: str, *, opacity: int = 110) -> None:
        super().__init__()
        self._spans: NDArray[np.float64] = np.empty((0, 2))
        self._brush = pg.mkBrush(color)
        shade = self._brush.color()
        shade.setAlpha(opacity)
        self._brush.setColor(shade)
        # Over the images of rasters, under epochs and curves.
        self.setZValue(-16)

    @property
    def spans(self) -> NDArray[np.float64]:
        """Start and end of each band, (n, 2) seconds."""
        return self._spans

    def show_spans(self, spans: NDArray[np.float64]) -> None:
        """Shade these spans, (n, 2) ascending seconds."""
        self._spans = spans
        self.setVisible(len(spans) > 0)
        self.update()

    def paint(self, painter: Any, *_: object) -> None:
        """Fill the spans in view, each at least two pixels wide; those that touch there are one."""
        if not len(self._spans):
            return
        view = self.viewRect()
        pixel = self.pixelWidth() or 0.0
        inside = (self._spans[:, 1] >= view.left()) & (self._spans[:, 0] <= view.right())
        painter.setPen(pg.mkPen(None))
        painter.setBrush(self._brush)
        for start, stop in joined_spans(self._spans[inside], _LEAST_PIXELS * pixel).tolist():
            painter.drawRect(QRectF(start, view.top(), stop - start, view.height()))
