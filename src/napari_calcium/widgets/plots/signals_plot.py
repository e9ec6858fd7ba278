"""Signals of the behaviour in lanes over time, below neural activity, with the epochs as ground."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from napari_calcium.figures.behaviour_figure import BehaviourData, SignalLane
from napari_calcium.figures.decimate import outline
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["SignalsPlot"]

_PAD = 0.12
_ROOM_FOR_VALUES, _ROOM_FOR_BOTH = 18, 60
"""Lanes of fewer pixels than this have no values at their side, or only the highest."""
_ROOM_FOR_UNIT = 32


class SignalsPlot(TimePlot):
    """A lane for each signal; click for a moment, wheel and drag in time."""

    def __init__(self, colors: PlotColors) -> None:
        self._colors = colors
        self._data: BehaviourData | None = None
        self._curves: list[Any] = []
        super().__init__(colors)
        item = self.getPlotItem()
        item.showAxis("right")
        item.getAxis("left").setStyle(tickLength=0)
        item.getAxis("right").setStyle(tickLength=-4)
        item.getAxis("right").setWidth(44)
        self._told = curve_item(self, z=4)
        self._borders = curve_item(self, z=-4, connect="pairs")
        self.box.sigXRangeChanged.connect(lambda *_: self._draw_lines())
        self.box.sigResized.connect(lambda *_: self._draw())
        self.clicked.connect(lambda seconds, _: self.time_picked.emit(max(0.0, seconds)))

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)
        if hasattr(self, "_borders"):
            self._draw()

    def show_lanes(self, data: BehaviourData) -> None:
        """Show these lanes."""
        self._data = data
        self.box.setYRange(0, max(1, len(data.lanes)), padding=0)
        self.show_epochs(data.epochs)
        self._draw()

    def _draw(self) -> None:
        self._draw_lines()
        self._draw_axes()

    def _draw_lines(self) -> None:
        data = self._data
        if data is None:
            return
        while len(self._curves) < len(data.lanes):
            self._curves.append(curve_item(self))
        for curve in self._curves[len(data.lanes) :]:
            curve.setData([], [])
        start, stop = self.span
        first = max(0, math.floor(start * data.frame_rate) - 1)
        last = max(0, math.ceil(stop * data.frame_rate) + 1)
        for place, (curve, lane) in enumerate(zip(self._curves, data.lanes, strict=False)):
            points = outline(lane.values[None], self.pixels, start=first, stop=last)
            curve.setPen(pg.mkPen(readable(lane.color, self._colors.background)))
            x = (points.frames[0] + 0.5) / data.frame_rate
            curve.setData(x, _height(place, lane, points.values[0].astype(np.float64)))
        self._draw_told(data, start, stop)

    def _draw_told(self, data: BehaviourData, start: float, stop: float) -> None:
        xs: list[NDArray[np.float64]] = []
        ys: list[NDArray[np.float64]] = []
        for place, lane in enumerate(data.lanes):
            if len(lane.told):
                seen = slice(*np.searchsorted(lane.told_s, [start, stop]))
                y = _height(place, lane, lane.told[seen])
                xs += [lane.told_s[seen], np.zeros(1)]
                # What is beyond the lane is cut at its edge; a NaN parts the lanes.
                ys += [np.clip(y, place, place + 1), np.full(1, np.nan)]
        self._told.setPen(pg.mkPen(self._colors.text, width=1))
        self._told.setData(np.concatenate(xs) if xs else [], np.concatenate(ys) if ys else [])

    def _draw_axes(self) -> None:
        data = self._data
        lanes = data.lanes if data is not None else ()
        left, right = (self.getPlotItem().getAxis(side) for side in ("left", "right"))
        room = self.box.height() / max(1, len(lanes))
        names = [_name(lane, room) for lane in lanes]
        left.setTicks([[(k + 0.5, name) for k, name in enumerate(names)]])
        letters = max((len(line) for name in names for line in name.split("\n")), default=0)
        left.setWidth(min(170, 14 + 7 * letters))
        both = room >= _ROOM_FOR_BOTH
        ticks = [tick for k, lane in enumerate(lanes) for tick in _values(k, lane)[0 if both else 1 :]]
        right.setTicks([ticks if room >= _ROOM_FOR_VALUES else []])
        n = len(lanes)
        self._borders.setPen(pg.mkPen(self._colors.faint + "90"))
        self._borders.setData(
            np.tile([0.0, self._duration], max(0, n - 1)), np.repeat(np.arange(1.0, max(1, n)), 2)
        )


def _name(lane: SignalLane, room: float) -> str:
    """Return what stands beside a lane: the unit below the name where there is room for two lines."""
    return f"{lane.name}\n({lane.unit})" if lane.unit and room >= _ROOM_FOR_UNIT else lane.title


def _height(place: int, lane: SignalLane, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return place + 1 - _PAD - (1 - 2 * _PAD) * (values - lane.low) / (lane.high - lane.low)


def _values(place: int, lane: SignalLane) -> list[tuple[float, str]]:
    """Return the lowest and the highest value of a lane, with their heights."""
    ends = np.array([lane.low, lane.high])
    heights = _height(place, lane, ends)
    return [(float(y), f"{v:.3g}") for y, v in zip(heights, ends.tolist(), strict=True)]
