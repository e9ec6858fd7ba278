"""A square matrix of things with themselves, with the colours of their groups at two sides."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QRectF, QSize, QTimer

from napari_calcium.figures.palette import rgb
from napari_calcium.widgets.abstract import refuse_abstract
from napari_calcium.widgets.theme import PlotColors, ensemble_mark

__all__ = ["SquarePlot"]

_STRIP, _MARGIN, _GAP = 10, 4, 2
"""Pixels."""


class SquarePlot(pg.GraphicsLayoutWidget):
    """A matrix that stays square whatever room it has; a double click shows all of it.

    A subclass says what stands where (:meth:`_order`, :meth:`_groups`) and draws it (:meth:`_draw`,
    :meth:`_mark`).

    Parameters
    ----------
    colors : PlotColors
    left : int
        Columns of the layout to leave free at the left.
    """

    hovered = Signal(object)
    """Rows of two things of the table, or None."""

    _spare = 0
    """Pixels at the right that a square leaves free. Of the class: Qt asks for a size while it is made."""

    def __init__(self, colors: PlotColors, *, left: int = 0) -> None:
        refuse_abstract(self)
        super().__init__()
        self._colors = colors
        layout = self.ci.layout
        layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        layout.setSpacing(_GAP)
        self._top, self._side = self._strip(0, left + 1), self._strip(1, left)
        self.box = self._make_box()
        self.ci.addItem(self.box, 1, left + 1)
        self._top.setFixedHeight(_STRIP)
        self._side.setFixedWidth(_STRIP)
        for box in (self.box, self._side):
            box.invertY(True)
        self._side.setYLink(self.box)
        self._top.setXLink(self.box)
        self._image, self._side_image, self._top_image = (
            pg.ImageItem(axisOrder="row-major") for _ in range(3)
        )
        pairs = ((self.box, self._image), (self._side, self._side_image), (self._top, self._top_image))
        for box, image in pairs:
            box.addItem(image, ignoreBounds=True)
        for box in (self._side, self._top):
            box.setRange(QRectF(0, 0, 1, 1), padding=0)
        self._square = QTimer(self)
        self._square.setSingleShot(True)
        self._square.setInterval(0)
        self._square.timeout.connect(self._stay_square)
        self._build()
        self.set_colors(colors)
        self.scene().sigMouseClicked.connect(self._on_click)
        self.scene().sigMouseMoved.connect(self._on_move)
        self.box.sigRangeChanged.connect(lambda *_: self._draw())
        self.box.sigResized.connect(self._on_resized)

    def sizeHint(self) -> QSize:
        """Ask for a square."""
        return QSize(360, 360)

    def minimumSizeHint(self) -> QSize:
        """Be content with less."""
        return QSize(160, 100)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        self._paint_strips()
        self._mark()

    def resizeEvent(self, event: Any) -> None:
        """Give the matrix all of the new room first: what was left free may be more than there is now."""
        if self._spare and not self.closed:
            self._leave_free(0)
        super().resizeEvent(event)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show all of it."""
        n = max(1, len(self._order()))
        self.box.setRange(QRectF(0, 0, n, n), padding=0)
        event.accept()

    def leaveEvent(self, event: Any) -> None:
        """Forget where the mouse was."""
        super().leaveEvent(event)
        self.hovered.emit(None)

    def _strip(self, row: int, column: int) -> Any:
        return self.addViewBox(row, column, enableMouse=False, enableMenu=False, defaultPadding=0.0)

    def _make_box(self) -> Any:
        """Return the view box of the matrix."""
        return pg.ViewBox(enableMenu=False, defaultPadding=0.0)

    @abstractmethod
    def _build(self) -> None:
        """Add what else is drawn."""

    @abstractmethod
    def _order(self) -> NDArray[np.int64]:
        """Return the row of the table at each place; empty where nothing is shown."""

    @abstractmethod
    def _groups(self) -> NDArray[np.int64]:
        """Return the group at each place."""

    def _group_color(self, group: int) -> str:
        return ensemble_mark(group, self._colors.background)

    @abstractmethod
    def _draw(self) -> None:
        """Draw what is in view."""

    @abstractmethod
    def _mark(self) -> None:
        """Draw what is selected."""

    @abstractmethod
    def _on_click(self, event: Any) -> None:
        """Answer a click on the scene."""

    def _show_all(self) -> None:
        """Take the size of what is shown, and show all of it."""
        n = max(1, len(self._order()))
        self.box.setLimits(xMin=0, xMax=n, yMin=0, yMax=n, minXRange=min(2, n), minYRange=min(2, n))
        self.box.setRange(QRectF(0, 0, n, n), padding=0)
        self._paint_strips()
        self._draw()
        self._mark()

    @property
    def _pixels(self) -> tuple[int, int]:
        """Height and width of the matrix on the screen."""
        ratio = self.devicePixelRatioF()
        return max(1, int(self.box.height() * ratio)), max(1, int(self.box.width() * ratio))

    def _on_resized(self, *_: object) -> None:
        # Later: a change of size amid one would leave the boxes where they were before.
        self._square.start()
        self._draw()

    def _stay_square(self) -> None:
        """Be no higher than makes the matrix square, and no wider: both its sides are the same things.

        What is left of the width stays free at the right.
        """
        if self.closed:
            return
        room = int(self.box.width()) + self._spare
        self.setMaximumHeight(max(160, room + _STRIP + 2 * _MARGIN + _GAP))
        spare = max(0, room - int(self.box.height()))
        if abs(spare - self._spare) > 1:
            self._leave_free(spare)

    def _leave_free(self, spare: int) -> None:
        self._spare = spare
        self.ci.layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN + spare, _MARGIN)

    def _paint_strips(self) -> None:
        groups = self._groups()
        if not len(groups):
            self._side_image.clear()
            self._top_image.clear()
            return
        colors = {k: rgb(self._group_color(k)) for k in np.unique(groups).tolist()}
        table = np.array([colors[k] for k in groups.tolist()], np.uint8)
        self._side_image.setImage(table[:, None], autoLevels=False, levels=(0, 255))
        self._side_image.setRect(QRectF(0, 0, 1, len(groups)))
        self._top_image.setImage(table[None], autoLevels=False, levels=(0, 255))
        self._top_image.setRect(QRectF(0, 0, len(groups), 1))

    def _place_at(self, position: Any) -> tuple[int, int] | None:
        """Return the places (row, column) under the mouse, None beside the matrix."""
        n = len(self._order())
        if not n or not self.box.sceneBoundingRect().contains(position):
            return None
        point = self.box.mapSceneToView(position)
        row, column = math.floor(point.y()), math.floor(point.x())
        return (row, column) if 0 <= row < n and 0 <= column < n else None

    def _on_move(self, position: Any) -> None:
        place = self._place_at(position)
        order = self._order()
        self.hovered.emit(None if place is None else tuple(int(order[p]) for p in place))
