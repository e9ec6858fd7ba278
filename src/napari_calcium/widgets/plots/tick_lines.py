"""Ticks over time in several colours as one item: pyqtgraph measures every curve anew at each move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QLineF

from napari_calcium.widgets.plots.view_wide import ViewWide

__all__ = ["TickLines"]


class TickLines(ViewWide):
    """Vertical lines between two heights; drawing costs what is in view, at most a line a pixel and colour.

    Parameters
    ----------
    top, bottom : float
        Heights in the coordinates of the view.
    """

    def __init__(self, top: float, bottom: float) -> None:
        super().__init__()
        self._top, self._bottom = top, bottom
        self._lines: list[tuple[Any, NDArray[np.float64]]] = []

    def show_lines(self, times: Mapping[str, NDArray[np.float64]], strong: str | None = None) -> None:
        """Show lines at these times (s) by colour; those of the colour `strong` are wider."""
        self._lines = [
            (pg.mkPen(color, width=3 if color == strong else 1), np.sort(moments))
            for color, moments in times.items()
        ]
        self.setVisible(bool(self._lines))
        self.update()

    def paint(self, painter: Any, *_: object) -> None:
        """Draw the lines in view."""
        view = self.viewRect()
        pixel = self.pixelWidth() or view.width() / 1000
        for pen, times in self._lines:
            first, last = np.searchsorted(times, (view.left() - 2 * pixel, view.right() + 2 * pixel))
            painter.setPen(pen)
            painter.drawLines(
                [QLineF(x, self._top, x, self._bottom) for x in _parted(times[first:last], pixel).tolist()]
            )


def _parted(times: NDArray[np.float64], pixel: float) -> NDArray[np.float64]:
    """Return ascending times without those that fall on the pixel of the one before."""
    if len(times) < 2 or pixel <= 0:
        return times
    column = np.floor(times / pixel)
    return times[np.concatenate([[True], column[1:] != column[:-1]])]
