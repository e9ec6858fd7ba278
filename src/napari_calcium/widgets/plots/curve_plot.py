"""A plain plot that is not of time: curves with a band of chance, or the steps of a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt

from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["Curve", "CurvePlot"]


@dataclass(frozen=True)
class Curve:
    """One line of a plot.

    Attributes
    ----------
    x, y : (n,) arrays
        NaN breaks the line. For steps, x has one edge more than y.
    color : str
    label : str
        In the legend; empty for none.
    dots, dashed, steps : bool
        How it is drawn.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    color: str
    label: str = ""
    dots: bool = False
    dashed: bool = False
    steps: bool = False


class CurvePlot(pg.PlotWidget):
    """Curves and a band between two of them; wheel and drag zoom and pan, a double click shows all."""

    def __init__(self, colors: PlotColors, across: str = "", up: str = "") -> None:
        super().__init__()
        self._colors = colors
        self._shown: tuple[tuple[Curve, ...], tuple[NDArray[np.float64], ...] | None, str] = ((), None, "")
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.layout.setContentsMargins(4, 6, 10, 4)
        for axis in ("left", "bottom"):
            item.getAxis(axis).enableAutoSIPrefix(False)
        self._legend = item.addLegend(offset=(-6, 4))
        self.set_labels(across, up)
        self.set_colors(colors)

    def sizeHint(self) -> QSize:
        """Ask for little room."""
        return QSize(260, 180)

    def minimumSizeHint(self) -> QSize:
        """Be content with even less."""
        return QSize(120, 90)

    def set_labels(self, across: str, up: str) -> None:
        """Say what the axes are, with units."""
        self.getPlotItem().setLabel("bottom", across)
        self.getPlotItem().setLabel("left", up)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        for name in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(colors.faint)
            axis.setTextPen(colors.text)
        self._legend.setLabelTextColor(colors.text)
        self._legend.setBrush(pg.mkBrush(colors.background + "c0"))  # curves go below it
        curves, band, words = self._shown
        self.show_curves(curves, band, words)

    def show_curves(
        self,
        curves: Sequence[Curve],
        band: tuple[NDArray[np.float64], ...] | None = None,
        band_words: str = "chance",
    ) -> None:
        """Show curves; `band` is x, its lower and its upper border."""
        self._shown = (tuple(curves), band, band_words)
        item = self.getPlotItem()
        item.clear()
        self._legend.clear()
        if band is not None:
            self._add_band(*band, words=band_words)
        for curve in curves:
            self._add(curve)
        item.getViewBox().autoRange(padding=0.04)

    def mouseDoubleClickEvent(self, event: object) -> None:
        """Show all."""
        self.getPlotItem().getViewBox().autoRange(padding=0.04)
        event.accept()  # type: ignore[attr-defined]

    def _add(self, curve: Curve) -> None:
        color = readable(curve.color, self._colors.background)
        style = Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine
        pen = pg.mkPen(color, width=1.5, style=style)
        marks = (
            {"symbol": "o", "symbolSize": 5, "symbolBrush": color, "symbolPen": None} if curve.dots else {}
        )
        if curve.steps:
            self.plot(curve.x, curve.y, stepMode="center", fillLevel=0, brush=color + "80", pen=pen)
        else:
            self.plot(curve.x, curve.y, pen=pen, connect="finite", name=curve.label or None, **marks)

    def _add_band(
        self, x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], *, words: str
    ) -> None:
        known = np.isfinite(low) & np.isfinite(high)
        if not known.any():
            return
        nothing = pg.mkPen(None)
        borders = [pg.PlotDataItem(x[known], side[known], pen=nothing) for side in (low, high)]
        brush = pg.mkBrush(self._colors.faint + "70")
        between = pg.FillBetweenItem(*borders, brush=brush)
        for part in (*borders, between):
            self.addItem(part)
        sample = pg.PlotDataItem([], [], pen=pg.mkPen(self._colors.faint, width=7))
        self._legend.addItem(sample, words)
