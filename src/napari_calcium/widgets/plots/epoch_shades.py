"""Epochs as coloured ground behind a plot over time, from its top to its bottom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF

from napari_calcium.figures.epoch_colors import epoch_color
from napari_calcium.results.behaviour_results import Epochs
from napari_calcium.widgets.plots.view_wide import ViewWide

__all__ = ["EpochShades"]

_OPACITY = 46
_MOMENT_OPACITY = 75
_MOST_BOXES = 2000
"""More epochs in view than this are drawn as the stretches that they cover on the screen."""


class EpochShades(ViewWide):
    """Stretches of time in the colour of their label; moments are thin lines.

    The cost of drawing goes with what is in view, and never beyond some thousand boxes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epochs = Epochs()
        self._boxes: list[tuple[NDArray[np.float64], NDArray[np.float64], Any]] = []

    def show(self, epochs: Epochs | None) -> None:
        """Show these epochs; None shows none."""
        epochs = epochs if epochs is not None else Epochs()
        if epochs is self._epochs or epochs == self._epochs:
            return
        self._epochs = epochs
        self._boxes = []
        for place, label in enumerate(epochs.labels):
            own = epochs.of(label)
            color = pg.mkColor(epoch_color(place))
            moments = not (own.end_s > own.start_s).any()
            color.setAlpha(_MOMENT_OPACITY if moments else _OPACITY)
            self._boxes.append((own.start_s, own.end_s, pg.mkBrush(color)))
        self.setVisible(bool(self._boxes))
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: Any, *_: Any) -> None:
        """Draw what is in view."""
        view = self.viewRect()
        left, right, top, height = view.left(), view.right(), view.top(), view.height()
        pixel = self.pixelLength(pg.Point(1, 0)) or (right - left) / 1000
        painter.setPen(pg.mkPen(None))
        for start, end, brush in self._boxes:
            seen = (end >= left) & (start <= right)
            first, last = _merged(start[seen], np.maximum(end[seen], start[seen] + pixel), pixel)
            painter.setBrush(brush)
            painter.drawRects(
                [QRectF(a, top, b - a, height) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
            )


def _merged(
    start: NDArray[np.float64], end: NDArray[np.float64], pixel: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Join boxes that no pixel parts where there are very many of them."""
    if len(start) <= _MOST_BOXES:
        return start, end
    reach = np.maximum.accumulate(end)
    new = np.concatenate([[True], start[1:] > reach[:-1] + pixel])
    at = np.flatnonzero(new)
    return start[at], reach[np.append(at[1:], len(start)) - 1]
