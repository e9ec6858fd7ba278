"""What lies over the whole view of a plot, wherever that is moved."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtCore import QRectF

__all__ = ["ViewWide"]


class ViewWide(pg.GraphicsObject):
    """An item as large as the view, which draws what of it is in view; a subclass paints.

    It begins hidden: what is seen takes part in every move of the view, also where it draws nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hide()

    def boundingRect(self) -> QRectF:
        """Return the whole view, so that it is drawn wherever the view is."""
        return QRectF(self.viewRect())

    def viewRangeChanged(self) -> None:
        """Follow the view."""
        self.prepareGeometryChange()
        self.update()
