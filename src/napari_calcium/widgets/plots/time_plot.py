"""A plot over time: wheel and drag move in time only, a cursor to pull, and colours of the theme."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from psygnal import Signal
from qtpy.QtCore import QSize, Qt

from napari_calcium.figures.bad_spans import BAD_COLOR
from napari_calcium.results.behaviour_results import Epochs
from napari_calcium.widgets.plots.epoch_shades import EpochShades
from napari_calcium.widgets.plots.frame_bands import FrameBands
from napari_calcium.widgets.plots.time_mark import TimeBox, TimeMark
from napari_calcium.widgets.theme import PlotColors

__all__ = ["TimePlot", "curve_item"]


class TimePlot(pg.PlotWidget):
    """Time in seconds from left to right, anything from top (y = 0) to bottom.

    Wheel and drag zoom and pan in time alone; a double click shows all of it; a drag with Shift marks a
    stretch, which :func:`~napari_calcium.widgets.plots.time_mark.link_marks` shows in every plot. Signals are
    of psygnal, so that a session can be linked to them.
    """

    clicked = Signal(float, float)
    """Seconds and height of a click that was not a drag."""
    time_picked = Signal(float)
    span_picked = Signal(object)
    mark_picked = Signal(object)
    """Seconds between which the user dragged with Shift, ascending, or None."""

    def __init__(self, colors: PlotColors) -> None:
        super().__init__(viewBox=TimeBox(self._on_mark))
        self._duration = 0.0
        self._quiet = False
        self._rests = False
        self._late: dict[str, Any] = {}
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        box = item.getViewBox()
        box.setMouseEnabled(x=True, y=False)
        box.invertY(True)
        box.setDefaultPadding(0.0)
        item.getAxis("bottom").enableAutoSIPrefix(False)
        # Two sizes of ticks are enough: drawing the axis is half of what it takes to pan.
        item.getAxis("bottom").setStyle(maxTickLevel=1)
        item.layout.setContentsMargins(2, 4, 6, 5)  # room for the label's descenders
        self._cursor = pg.InfiniteLine(angle=90, movable=True)
        self._cursor.setZValue(10)
        item.addItem(self._cursor, ignoreBounds=True)
        self._cursor.sigDragged.connect(lambda line: self.time_picked.emit(max(0.0, float(line.value()))))
        self._shades = EpochShades()
        self._shades.setZValue(-15)
        item.addItem(self._shades, ignoreBounds=True)
        self.bad_frames = FrameBands(BAD_COLOR)
        item.addItem(self.bad_frames, ignoreBounds=True)
        self._mark = TimeMark()
        item.addItem(self._mark, ignoreBounds=True)
        box.sigXRangeChanged.connect(self._on_range)
        self.scene().sigMouseClicked.connect(self._on_click)
        self.set_colors(colors)

    def sizeHint(self) -> QSize:
        """Ask for little room: docks grow, but a window that is too large for the screen does not shrink."""
        return QSize(320, 140)

    def minimumSizeHint(self) -> QSize:
        """Be content with even less."""
        return QSize(120, 60)

    @property
    def box(self) -> Any:
        """The view box that holds the curves."""
        return self.getPlotItem().getViewBox()

    @property
    def span(self) -> tuple[float, float]:
        """The seconds in view."""
        low, high = self.box.viewRange()[0]
        return float(low), float(high)

    @property
    def pixels(self) -> int:
        """Width of the curves on the screen."""
        return max(1, int(self.box.width() * self.devicePixelRatioF()))

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.setBackground(colors.background)
        for name in ("left", "bottom", "right"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(colors.faint)
            axis.setTextPen(colors.text)
        self._cursor.setPen(pg.mkPen(colors.cursor, width=1))
        self._cursor.setHoverPen(pg.mkPen(colors.cursor, width=3))

    def set_duration(self, seconds: float, *, in_frames: bool = False) -> None:
        """Say how long the recording is; `in_frames` where the frame rate is not known."""
        words = "Frame (frame rate not known)" if in_frames else "Time (s)"
        self.getPlotItem().setLabel("bottom", words)
        self._duration = seconds
        if seconds > 0:
            self.box.setLimits(xMin=0, xMax=seconds, minXRange=min(seconds, seconds / 1e5 + 0.05))

    def show_epochs(self, epochs: Epochs | None) -> None:
        """Shade the epochs of the behaviour behind the curves; None shades none."""
        self._shades.show(epochs)

    def rest(self, on: bool) -> None:
        """Put off following span and cursor while nobody can see it; what came last is shown afterwards."""
        self._rests = on
        if on:
            return
        late, self._late = self._late, {}
        if "span" in late:
            self.show_span(late["span"])
        if next(reversed(late), "") == "time":
            self.show_time(late["time"])
        elif "time" in late:
            # The view was moved away from it since: that is where the user is.
            self._cursor.setValue(late["time"])

    def _puts_off(self, what: str, value: object) -> bool:
        if self._rests:
            self._late.pop(what, None)
            self._late[what] = value  # the last one comes last
        return self._rests

    def show_time(self, seconds: float) -> None:
        """Move the cursor, and bring it into view if it is outside of it."""
        if self._puts_off("time", seconds):
            return
        self._cursor.setValue(seconds)
        start, stop = self.span
        if self._duration > 0 and not start <= seconds <= stop:
            width = stop - start
            begin = min(max(0.0, seconds - width / 2), max(0.0, self._duration - width))
            self.box.setXRange(begin, begin + width, padding=0)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this part of the recording; None is all of it."""
        if self._puts_off("span", seconds):
            return
        start, stop = (0.0, self._duration) if seconds is None else seconds
        low, high = self.span
        if stop > start and max(abs(start - low), abs(stop - high)) > 1e-9:
            self._quiet = True
            self.box.setXRange(start, stop, padding=0)
            self._quiet = False

    def show_mark(self, seconds: tuple[float, float] | None) -> None:
        """Mark this stretch of time; None marks none."""
        self._mark.show_stretch(seconds)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show all of the recording."""
        self.span_picked.emit(None)
        self.show_span(None)
        event.accept()

    def _on_range(self, _: object, bounds: tuple[float, float]) -> None:
        if not self._quiet and self._duration > 0:
            whole = max(abs(bounds[0]), abs(bounds[1] - self._duration)) <= 1e-6 * self._duration
            self.span_picked.emit(None if whole else (float(bounds[0]), float(bounds[1])))

    def _on_mark(self, seconds: tuple[float, float] | None) -> None:
        if seconds is not None:
            begin, end = (min(max(0.0, moment), self._duration) for moment in seconds)
            seconds = (begin, end) if end > begin else None
        self.mark_picked.emit(seconds)

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        if not self.box.sceneBoundingRect().contains(event.scenePos()):
            return
        place = self.box.mapSceneToView(event.scenePos())
        self.clicked.emit(float(place.x()), float(place.y()))


def curve_item(plot: TimePlot, *, width: int = 1, z: float = 0, connect: str = "finite") -> Any:
    """Add an empty curve to a plot: ``connect`` as in `pyqtgraph.PlotCurveItem`."""
    item = pg.PlotCurveItem(connect=connect)
    item.setZValue(z)
    plot.getPlotItem().addItem(item, ignoreBounds=True)
    return item
