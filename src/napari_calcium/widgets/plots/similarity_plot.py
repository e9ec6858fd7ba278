"""How alike the ensemble events are, with their tree and the colours of their ensembles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QRectF, QSize, Qt, QTimer

from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.figures.raster_pyramid import RasterPyramid
from napari_calcium.figures.similarity_tree import Arrangement
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["SimilarityPlot", "SimilarityView"]

_STRIP, _TREE, _MARGIN, _GAP = 10, 70, 4, 2
"""Pixels."""
_LEAVES, _FAINTEST = 60, 0.25
"""Leaves above which the lines of a tree fade, and the least opacity they fade to."""


@dataclass(frozen=True)
class SimilarityView:
    """What the plot shows.

    Attributes
    ----------
    arrangement : Arrangement
    pyramid : RasterPyramid
        Of the matrix in this order.
    high : float
        Similarity of the highest level.
    """

    arrangement: Arrangement
    pyramid: RasterPyramid
    high: float


class SimilarityPlot(pg.GraphicsLayoutWidget):
    """Matrix, tree at the left, colours of the ensembles on two sides; a click names the event of a row."""

    event_clicked = Signal(int)
    """Row of the table of ensemble events."""
    hovered = Signal(object)
    """Rows of two events of the table, or None."""

    def __init__(self, colors: PlotColors) -> None:
        super().__init__()
        self._colors = colors
        self._view: SimilarityView | None = None
        self._event: int | None = None
        self._chosen: int | None = None
        layout = self.ci.layout
        layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        layout.setSpacing(_GAP)
        self._top = self._box(0, 2)
        self._tree_box, self._side, self.box = self._box(1, 0), self._box(1, 1), self._box(1, 2)
        self._top.setFixedHeight(_STRIP)
        self._side.setFixedWidth(_STRIP)
        self._tree_box.setFixedWidth(_TREE)
        self._tree_box.invertX(True)
        for box in (self.box, self._tree_box, self._side):
            box.invertY(True)
        self.box.setMouseEnabled(True, True)
        self._tree_box.setYLink(self.box)
        self._side.setYLink(self.box)
        self._top.setXLink(self.box)
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

    def _box(self, row: int, column: int) -> Any:
        return self.addViewBox(row, column, enableMouse=False, enableMenu=False, defaultPadding=0.0)

    def _build(self) -> None:
        self._image, self._side_image, self._top_image = (
            pg.ImageItem(axisOrder="row-major") for _ in range(3)
        )
        for box, image in (
            (self.box, self._image),
            (self._side, self._side_image),
            (self._top, self._top_image),
        ):
            box.addItem(image, ignoreBounds=True)
        for box in (self._side, self._top):
            box.setRange(QRectF(0, 0, 1, 1), padding=0)
        self._image.setColorMap("viridis")
        self._tree = self._curve(self._tree_box)
        self._blocks, self._cross = self._curve(self.box), self._curve(self.box)

    def _curve(self, box: Any) -> Any:
        curve = pg.PlotCurveItem(connect="pairs")
        box.addItem(curve, ignoreBounds=True)
        return curve

    def sizeHint(self) -> QSize:
        """Ask for a square."""
        return QSize(360, 360)

    def minimumSizeHint(self) -> QSize:
        """Be content with less."""
        return QSize(160, 100)

    @property
    def view(self) -> SimilarityView | None:
        """What is shown."""
        return self._view

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        self._color_tree()
        self._paint_strips()
        self._mark()

    def show_view(self, view: SimilarityView | None) -> None:
        """Show a matrix, whole."""
        self._view = view
        n = max(1, len(view.arrangement.order)) if view is not None else 1
        self.box.setLimits(xMin=0, xMax=n, yMin=0, yMax=n, minXRange=min(2, n), minYRange=min(2, n))
        self.box.setRange(QRectF(0, 0, n, n), padding=0)
        lines = view.arrangement.lines if view is not None else np.empty((0, 2, 2))
        self._tree.setData(lines[:, :, 0].ravel(), lines[:, :, 1].ravel())
        self._color_tree()
        # The tree begins at distance 0 beside the strip; what joins never is at distance 1.
        self._tree_box.setXRange(0, 1.02, padding=0)
        self._tree_box.setFixedWidth(_TREE if len(lines) else 0)
        self._paint_strips()
        self._draw()
        self._mark()

    def _color_tree(self) -> None:
        # Lines closer than pixels would fill the tree to a white block: they let one another through.
        color = pg.mkColor(self._colors.text)
        n = len(self._view.arrangement.order) if self._view is not None else 0
        color.setAlphaF(min(1.0, max(_FAINTEST, _LEAVES / max(1, n))))
        self._tree.setPen(pg.mkPen(color))

    def show_event(self, row: int | None) -> None:
        """Mark the row and the column of the event in this row of the table."""
        self._event = row
        self._mark()

    def show_chosen(self, ensemble_id: int | None) -> None:
        """Frame the events of this ensemble."""
        self._chosen = ensemble_id
        self._mark()

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show all events."""
        n = max(1, len(self._view.arrangement.order)) if self._view is not None else 1
        self.box.setRange(QRectF(0, 0, n, n), padding=0)
        event.accept()

    def leaveEvent(self, event: Any) -> None:
        """Forget where the mouse was."""
        super().leaveEvent(event)
        self.hovered.emit(None)

    def _on_resized(self, *_: object) -> None:
        # Later: a change of size amid one would leave the boxes where they were before.
        self._square.start()
        self._draw()

    def _stay_square(self) -> None:
        """Be no higher than makes the matrix square: both its sides are the same events."""
        self.setMaximumHeight(max(160, int(self.box.width()) + _STRIP + 2 * _MARGIN + _GAP))

    def _draw(self) -> None:
        if self._view is None:
            self._image.clear()
            return
        across, down = self.box.viewRange()
        ratio = self.devicePixelRatioF()
        height, width = (max(1, int(size * ratio)) for size in (self.box.height(), self.box.width()))
        picture = self._view.pyramid.view(tuple(down), tuple(across), height, width)
        if picture is None:
            self._image.clear()
            return
        self._image.setImage(picture.image, autoLevels=False, levels=(0, 255))
        (top, bottom), (left, right) = picture.rows, picture.frames
        self._image.setRect(QRectF(left, top, right - left, bottom - top))

    def _paint_strips(self) -> None:
        ids: NDArray[np.int64] = (
            self._view.arrangement.ensemble_id if self._view is not None else np.empty(0, np.int64)
        )
        if not len(ids):
            self._side_image.clear()
            self._top_image.clear()
            return
        colors = {
            k: rgb(readable(ensemble_color(k), self._colors.background)) for k in np.unique(ids).tolist()
        }
        table = np.array([colors[k] for k in ids.tolist()], np.uint8)
        self._side_image.setImage(table[:, None], autoLevels=False, levels=(0, 255))
        self._side_image.setRect(QRectF(0, 0, 1, len(ids)))
        self._top_image.setImage(table[None], autoLevels=False, levels=(0, 255))
        self._top_image.setRect(QRectF(0, 0, len(ids), 1))

    def _mark(self) -> None:
        """Draw the cross of the event and the frame of the ensemble."""
        arrangement = self._view.arrangement if self._view is not None else None
        n = len(arrangement.order) if arrangement is not None else 0
        at = np.flatnonzero(arrangement.order == self._event) if arrangement is not None else np.empty(0)
        here = float(at[0]) if self._event is not None and len(at) else None
        edges = [] if here is None else [here, here + 1]
        self._cross.setPen(pg.mkPen("#ffffff", width=1))
        lines = [((0, e), (n, e)) for e in edges] + [((e, 0), (e, n)) for e in edges]
        self._set(self._cross, lines)
        frames: list[tuple[tuple[float, float], tuple[float, float]]] = []
        for ensemble, start, stop in arrangement.blocks if arrangement is not None else ():
            if ensemble == self._chosen and ensemble is not None:
                corners = [(start, start), (stop, start), (stop, stop), (start, stop), (start, start)]
                frames += list(pairwise(corners))
        color = ensemble_color(self._chosen) if self._chosen is not None else self._colors.text
        self._blocks.setPen(pg.mkPen(readable(color, "#440154"), width=2))
        self._set(self._blocks, frames)

    def _set(self, curve: Any, lines: list[Any]) -> None:
        points = np.array(lines, np.float64).reshape(-1, 2)
        curve.setData(points[:, 0], points[:, 1])

    def _place_at(self, position: Any) -> tuple[int, int] | None:
        """Return the places (row, column) under the mouse; beside the matrix, row and itself."""
        if self._view is None:
            return None
        n = len(self._view.arrangement.order)
        point = self.box.mapSceneToView(position)
        row, column = math.floor(point.y()), math.floor(point.x())
        if self.box.sceneBoundingRect().contains(position) and 0 <= row < n and 0 <= column < n:
            return row, column
        beside = any(b.sceneBoundingRect().contains(position) for b in (self._side, self._tree_box))
        return (row, row) if beside and 0 <= row < n else None

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        place = self._place_at(event.scenePos())
        if place is not None and self._view is not None:
            self.event_clicked.emit(int(self._view.arrangement.order[place[0]]))

    def _on_move(self, position: Any) -> None:
        place = self._place_at(position)
        order = self._view.arrangement.order if self._view is not None else None
        self.hovered.emit(None if place is None or order is None else tuple(int(order[p]) for p in place))
