"""The way of the population through its first components, coloured by time or any signal; drag to turn it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QSize, Qt

from napari_calcium.widgets.plots.shared_pens import shared_brushes
from napari_calcium.widgets.plots.time_mark import MARK_COLOR
from napari_calcium.widgets.theme import PlotColors

__all__ = ["TrajectoryPlot", "turned"]

_MOST_POINTS = 20_000
_NEAR = 14
_DEGREES = 0.4
"""By which a pixel of dragging turns."""


def turned(azimuth: float, elevation: float) -> NDArray[np.float64]:
    """Return what takes three components to across, up and towards the eye, (3, 3); angles in degrees."""
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    about_up = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_across = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]])
    return np.asarray(about_across @ about_up, np.float64)


class _TurnBox(pg.ViewBox):
    """A view box in which a drag with the left button turns what is shown."""

    def __init__(self, plot: TrajectoryPlot) -> None:
        super().__init__(enableMenu=False, lockAspect=True)
        self._plot = plot

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:
        """Turn with the left button; the right one zooms, the middle one moves."""
        if event.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        step = event.screenPos() - event.lastScreenPos()
        self._plot.turn(step.x(), step.y())


class TrajectoryPlot(pg.PlotWidget):
    """Three components seen from a side that the user chooses; a click picks the moment."""

    time_picked = Signal(float)

    def __init__(self, colors: PlotColors) -> None:
        super().__init__(viewBox=_TurnBox(self))
        self._colors = colors
        self._scores: NDArray[np.float64] = np.empty((0, 3))
        self._time: NDArray[np.float64] = np.empty(0)
        self._fill: NDArray[np.uint8] = np.empty((0, 3), np.uint8)
        self._seen: NDArray[np.float64] = np.empty((0, 2))
        self._names: tuple[str, ...] = ()
        self._moment = 0.0
        self._stretch: tuple[float, float] | None = None
        self.angles = (0.0, 0.0)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        for axis in ("left", "bottom"):
            item.hideAxis(axis)
        self._way = pg.PlotCurveItem(connect="finite")
        self._marked = pg.PlotCurveItem(connect="finite", pen=pg.mkPen(MARK_COLOR, width=3))
        self._dots = pg.ScatterPlotItem(size=5, pxMode=True, pen=None)
        self._here = pg.ScatterPlotItem(size=15, pxMode=True, brush=None)
        self._axes = pg.PlotCurveItem(connect="pairs")
        self._words: list[pg.TextItem] = []
        for part in (self._way, self._axes, self._dots, self._marked, self._here):
            self.addItem(part, ignoreBounds=part is not self._dots)
        self.set_colors(colors)
        self.scene().sigMouseClicked.connect(self._on_click)

    def sizeHint(self) -> QSize:
        """Ask for a square."""
        return QSize(340, 320)

    def minimumSizeHint(self) -> QSize:
        """Be content with less."""
        return QSize(140, 120)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        self._way.setPen(pg.mkPen(colors.faint, width=1))
        self._axes.setPen(pg.mkPen(colors.text, width=1))
        self._here.setPen(pg.mkPen(colors.cursor, width=3))
        for word in self._words:
            word.setColor(colors.text)

    def show_way(
        self,
        scores: NDArray[np.floating],
        time_s: NDArray[np.float64],
        fill: NDArray[np.uint8],
        names: tuple[str, ...],
    ) -> None:
        """Show scores, (n_bins, ≤ 3), in these colours, (n_bins, 3), with the names of the components."""
        every = max(1, -(-len(scores) // _MOST_POINTS))
        wide = np.zeros((len(scores), 3))
        wide[:, : scores.shape[1]] = scores[:, :3]
        anew = len(scores) != len(self._scores) * every or names != self._names
        self._scores, self._time, self._fill = wide[::every], time_s[::every], fill[::every]
        self._name(names)
        known = np.isfinite(self._scores).all(axis=1)
        self._center = self._scores[known].mean(axis=0) if known.any() else np.zeros(3)
        self._draw()
        if anew:
            self.getPlotItem().getViewBox().autoRange(padding=0.08)

    _center: NDArray[np.float64] = np.zeros(3)

    def show_time(self, seconds: float) -> None:
        """Ring the moment under the cursor."""
        self._moment = seconds
        row = int(np.argmin(np.abs(self._time - seconds))) if len(self._time) else -1
        if row < 0 or not np.isfinite(self._seen[row]).all():
            self._here.setData([], [])
        else:
            self._here.setData(self._seen[row : row + 1, 0], self._seen[row : row + 1, 1])

    def show_mark(self, stretch: tuple[float, float] | None) -> None:
        """Draw the way through a stretch of time boldly; None is none."""
        self._stretch = stretch
        start, stop = stretch if stretch is not None else (np.inf, -np.inf)
        inside = (self._time >= start) & (self._time <= stop)
        self._marked.setData(self._seen[inside, 0], self._seen[inside, 1])

    def turn(self, across: float, down: float) -> None:
        """Turn by a drag of so many pixels."""
        azimuth, elevation = self.angles
        self.angles = (azimuth + _DEGREES * across, float(np.clip(elevation + _DEGREES * down, -90, 90)))
        self._draw()

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """See the first two components, whole."""
        self.angles = (0.0, 0.0)
        self._draw()
        self.getPlotItem().getViewBox().autoRange(padding=0.08)
        event.accept()

    def _name(self, names: tuple[str, ...]) -> None:
        for word in self._words:
            self.removeItem(word)
        self._names = names
        self._words = [pg.TextItem(name, color=self._colors.text, anchor=(0.5, 0.5)) for name in names[:3]]
        for word in self._words:
            word.setZValue(10)
            self.addItem(word, ignoreBounds=True)

    def _draw(self) -> None:
        matrix = turned(*self.angles)
        self._seen = ((self._scores - self._center) @ matrix.T)[:, :2]
        known = np.isfinite(self._seen).all(axis=1)
        self._way.setData(self._seen[:, 0], self._seen[:, 1])
        fill = shared_brushes(self._fill[known])
        self._dots.setData(x=self._seen[known, 0], y=self._seen[known, 1], brush=fill)
        reach = float(np.percentile(np.abs(self._seen[known]), 99)) if known.any() else 1.0
        lines = np.zeros((6, 2))
        for k, word in enumerate(self._words):
            end = 0.75 * reach * matrix.T[k, :2]
            lines[2 * k + 1] = end
            word.setPos(*(1.14 * end))
            # An axis that points at the eye has no room for its name.
            word.setVisible(bool(np.hypot(*matrix.T[k, :2]) > 0.2))
        lines[2 * len(self._words) :] = 0
        self._axes.setData(lines[:, 0], lines[:, 1])
        self.show_time(self._moment)
        self.show_mark(self._stretch)

    def _on_click(self, event: Any) -> None:
        box = self.getPlotItem().getViewBox()
        inside = box.sceneBoundingRect().contains(event.scenePos())
        if event.button() != Qt.MouseButton.LeftButton or event.double() or not inside or not len(self._seen):
            return
        place = box.mapSceneToView(event.scenePos())
        across, up = box.viewPixelSize()
        away = np.hypot((self._seen[:, 0] - place.x()) / across, (self._seen[:, 1] - place.y()) / up)
        away[~np.isfinite(away)] = np.inf
        best = int(np.argmin(away))
        if away[best] <= _NEAR:
            self.time_picked.emit(float(self._time[best]))
