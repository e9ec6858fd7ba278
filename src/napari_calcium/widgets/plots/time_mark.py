"""A stretch of time that the user marks in one plot and sees in all: Shift and drag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QLineF, QRectF, Qt
from qtpy.QtWidgets import QWidget

from napari_calcium.selection import Selection
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plots.view_wide import ViewWide

__all__ = ["MARK_COLOR", "TimeBox", "TimeMark", "link_marks"]

MARK_COLOR = "#cc79a7"
"""Of what is marked, wherever it is."""
_OPACITY = 60
_LEAST_PIXELS = 3.0
"""A shorter drag marks nothing, and takes away what was marked."""

Stretch = tuple[float, float]


class TimeMark(ViewWide):
    """A band with edges, from top to bottom of the view at every zoom; only the band itself is drawn anew."""

    def __init__(self) -> None:
        super().__init__()
        self.stretch: Stretch | None = None
        color = pg.mkColor(MARK_COLOR)
        self._pen = pg.mkPen(color, width=1)
        color.setAlpha(_OPACITY)
        self._brush = pg.mkBrush(color)
        self.setZValue(6)

    def show_stretch(self, stretch: Stretch | None) -> None:
        """Mark these seconds; None marks none."""
        if stretch == self.stretch:
            return
        self.prepareGeometryChange()
        self.stretch = stretch
        self.setVisible(stretch is not None)
        self.update()

    def boundingRect(self) -> QRectF:
        """Return the band, as high as the view."""
        if self.stretch is None:
            return QRectF()
        view = self.viewRect()
        start, stop = self.stretch
        pixel = self.pixelWidth() or 0.0
        return QRectF(start - pixel, view.top(), stop - start + 2 * pixel, view.height())

    def paint(self, painter: Any, *_: object) -> None:
        """Fill the band and draw its edges."""
        if self.stretch is None:
            return
        view = self.viewRect()
        start, stop = self.stretch
        painter.fillRect(QRectF(start, view.top(), stop - start, view.height()), self._brush)
        painter.setPen(self._pen)
        for edge in self.stretch:
            painter.drawLine(QLineF(edge, view.top(), edge, view.bottom()))


class TimeBox(pg.ViewBox):
    """A view box in which a drag with Shift marks time instead of moving the plot.

    Parameters
    ----------
    mark : callable
        Called with the seconds between which the mouse was dragged, ascending, and again while it moves;
        with None after a drag too short to mean any.
    """

    def __init__(self, mark: Callable[[Stretch | None], None]) -> None:
        super().__init__()
        self._mark = mark
        self._marking = False

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:
        """Mark time with Shift and the left button, else move the plot."""
        if event.isStart():
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._marking = shift and event.button() == Qt.MouseButton.LeftButton
        if not self._marking:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        first, last = event.buttonDownPos(), event.pos()
        short = abs(last.x() - first.x()) < _LEAST_PIXELS
        begin, end = sorted(float(self.mapToView(place).x()) for place in (first, last))
        self._mark(None if short else (begin, end))
        self._marking = not event.isFinish()


def link_marks(owner: QWidget, selection: Selection, links: Links) -> None:
    """Show and let mark the same stretch of time in every plot over time of a widget.

    Parameters
    ----------
    owner : QWidget
        Its plots are there already.
    selection : Selection
    links : Links
        Of the owner.
    """
    from napari_calcium.widgets.plots.time_plot import TimePlot

    def picked(stretch: Stretch | None) -> None:
        selection.marked = stretch

    for plot in owner.findChildren(TimePlot):
        plot.mark_picked.connect(picked)
        links.join(selection.marked_changed, plot.show_mark)
        plot.show_mark(selection.marked)
