"""Small plots of tuning: curves, place map, averages around events, single trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, QSize

from napari_calcium.figures.tuning_figure import Band, Curve, PlaceMap, Trials
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["BandsPlot", "CurvesPlot", "MapPlot", "SmallPlot", "TrialsPlot"]


_LONG = 14
"""Letters that an axis at the side has room for."""


class SmallPlot(pg.PlotWidget):
    """A plot that follows the theme, with a title; wheel and drag zoom, a double click shows all."""

    def __init__(self, colors: PlotColors) -> None:
        super().__init__()
        self._colors = colors
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        for side in ("left", "bottom"):
            item.getAxis(side).enableAutoSIPrefix(False)
        item.layout.setContentsMargins(2, 2, 6, 8)
        item.getViewBox().setDefaultPadding(0.04)
        self.set_colors(colors)

    def sizeHint(self) -> QSize:
        """Ask for little room."""
        return QSize(180, 150)

    def minimumSizeHint(self) -> QSize:
        """Be content with even less."""
        return QSize(110, 90)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        for side in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(colors.faint)
            axis.setTextPen(colors.text)
        self._draw()

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show all of it."""
        self.getPlotItem().getViewBox().autoRange()
        event.accept()

    def _draw(self) -> None:
        """Draw what is shown; a subclass does."""

    def _begin(self, title: str, below: str, beside: str) -> Any:
        item = self.getPlotItem()
        item.clear()
        item.setTitle(title, color=self._colors.text, size="9pt")
        item.setLabel("bottom", below)
        # The axis is as short as the plot is low: the unit has a line of its own where both do not fit one.
        item.setLabel("left", beside.replace(" (", "<br>(", 1) if len(beside) > _LONG else beside)
        return item

    def _zero(self) -> None:
        line = pg.InfiniteLine(0.0, angle=90, pen=pg.mkPen(self._colors.text, width=1))
        line.setZValue(5)
        self.getPlotItem().addItem(line, ignoreBounds=True)


class CurvesPlot(SmallPlot):
    """Activity at each value of a signal, a line a cell."""

    def __init__(self, colors: PlotColors) -> None:
        self._curves: tuple[Curve, ...] = ()
        self._titles = ("", "")
        super().__init__(colors)

    def show_curves(self, curves: tuple[Curve, ...], signal: str, activity: str) -> None:
        """Show these curves."""
        self._curves, self._titles = curves, (signal, activity)
        self._draw()
        self.getPlotItem().getViewBox().autoRange()

    def _draw(self) -> None:
        item = self._begin("Tuning", *self._titles)
        for curve in self._curves:
            color = readable(curve.color, self._colors.background)
            item.plot(curve.x, curve.y, pen=pg.mkPen(color, width=2), connect="finite")
            item.plot(curve.x, curve.y, pen=None, symbol="o", symbolSize=4, symbolPen=None, symbolBrush=color)


class BandsPlot(SmallPlot):
    """Averages around an event with their confidence bands."""

    def __init__(self, colors: PlotColors) -> None:
        self._bands: tuple[Band, ...] = ()
        self._titles = ("", "")
        super().__init__(colors)

    def show_bands(self, bands: tuple[Band, ...], label: str, activity: str) -> None:
        """Show these averages."""
        self._bands, self._titles = bands, (f"Time from {label} (s)" if label else "", activity)
        self._draw()
        self.getPlotItem().getViewBox().autoRange()

    def _draw(self) -> None:
        item = self._begin("Average", *self._titles)
        for band in self._bands:
            color = readable(band.color, self._colors.background)
            if np.isfinite(band.low).all():
                faint = pg.mkColor(color)
                faint.setAlpha(70)
                ends = [pg.PlotCurveItem(band.time_s, y, pen=faint) for y in (band.low, band.high)]
                for part in (*ends, pg.FillBetweenItem(*ends, brush=faint)):
                    item.addItem(part)
            item.plot(band.time_s, band.mean, pen=pg.mkPen(color, width=2), connect="finite")
        self._zero()


class TrialsPlot(SmallPlot):
    """One cell around every event of a label: trials × time."""

    def __init__(self, colors: PlotColors) -> None:
        self._trials: Trials | None = None
        self._label = ""
        super().__init__(colors)
        self.getPlotItem().getViewBox().invertY(True)

    def show_trials(self, trials: Trials | None, label: str) -> None:
        """Show these trials."""
        self._trials, self._label = trials, label
        self._draw()
        self.getPlotItem().getViewBox().autoRange(padding=0)

    def _draw(self) -> None:
        trials = self._trials
        item = self._begin(
            trials.title if trials is not None else "Trials",
            f"Time from {self._label} (s)" if self._label else "",
            "Trial",
        )
        if trials is None or not trials.values.size:
            return
        step = float(np.median(np.diff(trials.time_s))) if len(trials.time_s) > 1 else 1.0
        image = pg.ImageItem(_filled(trials.values), axisOrder="row-major")
        image.setColorMap(pg.colormap.get("viridis"))
        width = step * len(trials.time_s)
        image.setRect(QRectF(float(trials.time_s[0]), 0.0, width, float(len(trials.values))))
        item.addItem(image)
        self._zero()


class MapPlot(SmallPlot):
    """One cell at each place; places that were visited too shortly are left out."""

    def __init__(self, colors: PlotColors) -> None:
        self._map: PlaceMap | None = None
        super().__init__(colors)
        self.getPlotItem().getViewBox().setAspectLocked(True)

    def show_map(self, place: PlaceMap | None) -> None:
        """Show this map."""
        self._map = place
        self._draw()
        self.getPlotItem().getViewBox().autoRange()

    def _draw(self) -> None:
        place = self._map
        if place is None:
            self._begin("Place", "", "")
            return
        values = place.values
        known = np.isfinite(values)
        top = float(values[known].max()) if known.any() else 1.0
        low = min(0.0, float(values[known].min())) if known.any() else 0.0
        title = f"Place: {place.title}, {low:.2g} – {top:.2g}"
        item = self._begin(title, place.x_title, place.y_title)
        # Colours with an opacity of their own, so that empty bins show the ground.
        level = np.where(known, (values - low) / max(top - low, 1e-12), 0.0)
        table = pg.colormap.get("viridis").getLookupTable(nPts=256)[:, :3]
        picture = np.empty((*values.shape, 4), np.uint8)
        picture[..., :3] = table[np.rint(255 * level).astype(np.int64)]
        picture[..., 3] = np.where(known, 255, 0)
        image = pg.ImageItem(picture, axisOrder="row-major", levels=None)
        x, y = place.x_edges, place.y_edges
        image.setRect(QRectF(float(x[0]), float(y[0]), float(x[-1] - x[0]), float(y[-1] - y[0])))
        item.addItem(image)


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(values)
    return np.where(known, values, float(values[known].min()) if known.any() else 0.0)
