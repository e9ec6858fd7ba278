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
from qtpy.QtCore import QRectF, Qt

from napari_calcium.figures.palette import ensemble_color
from napari_calcium.figures.raster_pyramid import RasterPyramid
from napari_calcium.figures.similarity_tree import Arrangement
from napari_calcium.widgets.plots.square_plot import SquarePlot
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["SimilarityPlot", "SimilarityView"]

_TREE = 70
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


class SimilarityPlot(SquarePlot):
    """Matrix, tree at the left, colours of the ensembles on two sides; a click names the event of a row."""

    event_clicked = Signal(int)
    """Row of the table of ensemble events."""

    def __init__(self, colors: PlotColors) -> None:
        self._view: SimilarityView | None = None
        self._event: int | None = None
        self._chosen: int | None = None
        super().__init__(colors, left=1)

    def _build(self) -> None:
        self._tree_box = self._strip(1, 0)
        self._tree_box.setFixedWidth(_TREE)
        self._tree_box.invertX(True)
        self._tree_box.invertY(True)
        self._tree_box.setYLink(self.box)
        self._image.setColorMap("viridis")
        self._tree = self._curve(self._tree_box)
        self._blocks, self._cross = self._curve(self.box), self._curve(self.box)

    def _order(self) -> NDArray[np.int64]:
        return self._view.arrangement.order if self._view is not None else np.empty(0, np.int64)

    def _groups(self) -> NDArray[np.int64]:
        return self._view.arrangement.ensemble_id if self._view is not None else np.empty(0, np.int64)

    def _curve(self, box: Any) -> Any:
        curve = pg.PlotCurveItem(connect="pairs")
        box.addItem(curve, ignoreBounds=True)
        return curve

    @property
    def view(self) -> SimilarityView | None:
        """What is shown."""
        return self._view

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        super().set_colors(colors)
        self._color_tree()

    def show_view(self, view: SimilarityView | None) -> None:
        """Show a matrix, whole."""
        self._view = view
        lines = view.arrangement.lines if view is not None else np.empty((0, 2, 2))
        self._tree.setData(lines[:, :, 0].ravel(), lines[:, :, 1].ravel())
        self._color_tree()
        # The tree begins at distance 0 beside the strip; what joins never is at distance 1.
        self._tree_box.setXRange(0, 1.02, padding=0)
        self._tree_box.setFixedWidth(_TREE if len(lines) else 0)
        self._show_all()

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

    def _draw(self) -> None:
        if self._view is None:
            self._image.clear()
            return
        across, down = self.box.viewRange()
        picture = self._view.pyramid.view(tuple(down), tuple(across), *self._pixels)
        if picture is None:
            self._image.clear()
            return
        self._image.setImage(picture.image, autoLevels=False, levels=(0, 255))
        (top, bottom), (left, right) = picture.rows, picture.frames
        self._image.setRect(QRectF(left, top, right - left, bottom - top))

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
        inside = super()._place_at(position)
        if inside is not None or self._view is None:
            return inside
        row = math.floor(self.box.mapSceneToView(position).y())
        beside = any(b.sceneBoundingRect().contains(position) for b in (self._side, self._tree_box))
        return (row, row) if beside and 0 <= row < len(self._order()) else None

    def _on_click(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        place = self._place_at(event.scenePos())
        if place is not None and self._view is not None:
            self.event_clicked.emit(int(self._view.arrangement.order[place[0]]))
