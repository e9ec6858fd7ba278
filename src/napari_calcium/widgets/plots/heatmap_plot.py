"""All neurons over time as an image; members of an ensemble stand together."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QRectF

from napari_calcium.figures.decimate import pool_max
from napari_calcium.figures.row_order import display_order
from napari_calcium.recording import Recording, Trace
from napari_calcium.widgets.activity_movie import activity_trace
from napari_calcium.widgets.heatmap_layer import heatmap_image
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["HeatmapPlot"]

_MOST_FRAMES = 4000
"""Spans of no more frames than this are drawn from the traces themselves, longer ones from a picture."""
_MOST_MARKS = 200


class HeatmapPlot(TimePlot):
    """Neurons × seconds; a click names the cell and the time, marks at both sides show the selected cells."""

    cell_clicked = Signal(int, float)

    def __init__(self, colors: PlotColors) -> None:
        self._colors = colors
        self._recording: Recording | None = None
        self._trace: Trace | None = None
        self._order: NDArray[np.int64] = np.empty(0, np.int64)
        self._picture: NDArray[np.float32] = np.zeros((1, 1), np.float32)
        self._frames = self._rows = 1
        super().__init__(colors)
        item = self.getPlotItem()
        item.getAxis("left").setWidth(52)
        item.getAxis("left").setStyle(tickLength=0)
        item.setLabel("left", "Neurons")
        self._image = pg.ImageItem(axisOrder="row-major")
        self._image.setColorMap("viridis")
        self._image.setZValue(-20)
        item.addItem(self._image, ignoreBounds=True)
        self._marks = curve_item(self, z=5, connect="pairs")
        self.box.sigXRangeChanged.connect(lambda *_: self._draw())
        self.box.sigResized.connect(lambda *_: self._draw())
        self.clicked.connect(self._on_row_clicked)

    @property
    def order(self) -> NDArray[np.int64]:
        """Ids of the cells from top to bottom."""
        return self._recording.roi_ids[self._order] if self._recording is not None else self._order

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)

    def show_recording(self, recording: Recording | None) -> None:
        """Show the most processed trace of every cell."""
        self._recording = recording
        found = activity_trace(recording) if recording is not None else None
        self._trace = found[1] if found is not None else None
        if recording is None or self._trace is None:
            self._order = np.empty(0, np.int64)
            self._picture = np.zeros((1, 1), np.float32)
        else:
            self._order, _ = display_order(recording)
            ordered = Trace(self._trace.values[self._order], self._trace.unit)
            self._picture, self._frames, self._rows = heatmap_image(ordered)
        self.box.setYRange(0, max(1, len(self._order)), padding=0)
        self._draw()

    def show_cells(self, cells: tuple[int, ...], color: str | None) -> None:
        """Mark the rows of these cells, in the colour of their ensemble if it is the chosen one."""
        rows = self._recording.rows(cells[:_MOST_MARKS]) if self._recording is not None else self._order[:0]
        places = np.flatnonzero(np.isin(self._order, rows)) + 0.5
        start, stop = self.span
        self._marks.setPen(pg.mkPen(readable(color or self._colors.text, "#440154"), width=3))
        length = 0.012 * (stop - start)
        x = np.tile([start, start + length, stop - length, stop], len(places))
        self._marks.setData(x, np.repeat(places, 4))

    def _draw(self) -> None:
        if self._trace is None or self._recording is None or not len(self._order):
            self._image.clear()
            return
        rate = self._recording.frame_rate or 1.0
        start, stop = self.span
        first = max(0, math.floor(start * rate))
        last = min(self._recording.n_frames, math.ceil(stop * rate))
        height, width = max(1, int(self.box.height())), self.pixels
        if last <= first:
            self._image.clear()
            return
        if self._frames == 1 or last - first > _MOST_FRAMES:
            a, b = first // self._frames, -(-last // self._frames)
            source = self._picture[:, a:b]
            left, right = a * self._frames / rate, b * self._frames / rate
        else:
            part = Trace(self._trace.values[self._order, first:last], self._trace.unit)
            source, left, right = heatmap_image(part)[0], first / rate, last / rate
        shown = np.nan_to_num(pool_max(source, height, width))
        high = float(np.percentile(self._picture, 99.7)) if self._trace.unit == "ΔF/F" else 1.0
        self._image.setImage(shown, levels=(0.0, high if high > 0 else 1.0), autoLevels=False)
        self._image.setRect(QRectF(left, 0, right - left, len(self._order)))

    def _on_row_clicked(self, seconds: float, height: float) -> None:
        if 0 <= height < len(self._order):
            self.cell_clicked.emit(int(self.order[int(height)]), max(0.0, seconds))
