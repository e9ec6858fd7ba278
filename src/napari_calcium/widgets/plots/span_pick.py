"""A drag over part of a trace that means this part, while the plot listens for it."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from psygnal import Signal
from qtpy.QtCore import QRectF, Qt

__all__ = ["SpanPick"]

_OPACITY = 70


class SpanPick(pg.GraphicsObject):
    """Takes drags with the left button in the place of the plot, which would move; hidden, it takes none.

    Other buttons and the wheel move and zoom as ever. Lanes are one high: the band is drawn in the lane in
    which the drag began.

    Parameters
    ----------
    color : str
        Of the band.

    Attributes
    ----------
    picked : signal of (float, float, float)
        Seconds at which the drag began and ended, ascending, and the height at which it began.
    """

    picked = Signal(float, float, float)

    def __init__(self, color: str) -> None:
        super().__init__()
        self._band: QRectF | None = None
        self._color = color
        self.setZValue(9)

    def set_color(self, color: str) -> None:
        """Draw the band in this colour."""
        self._color = color
        self.update()

    def boundingRect(self) -> QRectF:
        """Return all that is in view: drags are taken everywhere."""
        return self.viewRect()

    def viewRangeChanged(self) -> None:
        """Follow the view."""
        self.prepareGeometryChange()

    def mouseDragEvent(self, event: Any) -> None:
        """Draw the band, and say at the end what it was."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if event.button() != Qt.MouseButton.LeftButton or not plain:
            event.ignore()
            return
        event.accept()
        first, last = event.buttonDownPos(), event.pos()
        begin, end = sorted((float(first.x()), float(last.x())))
        self._band = QRectF(begin, math.floor(first.y()), end - begin, 1.0)
        self.update()
        if event.isFinish():
            self._band = None
            self.picked.emit(begin, end, float(first.y()))

    def paint(self, painter: Any, *_: object) -> None:
        """Fill the band."""
        if self._band is not None:
            color = pg.mkColor(self._color)
            color.setAlpha(_OPACITY)
            painter.fillRect(self._band, color)
