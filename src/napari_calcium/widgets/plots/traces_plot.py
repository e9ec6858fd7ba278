"""The traces of some cells, stacked, over time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import Qt

from napari_calcium.events.validation import Review
from napari_calcium.figures.palette import EVENT_COLOR, TRACE_COLORS
from napari_calcium.results.event_choices import ACCEPTED, ADDED, REJECTED
from napari_calcium.results.tables import Events, SpikeTimes
from napari_calcium.widgets.plots.shared_pens import shared_brush, shared_pen
from napari_calcium.widgets.plots.span_pick import SpanPick
from napari_calcium.widgets.plots.time_plot import TimePlot, curve_item
from napari_calcium.widgets.plots.trace_lanes import PREVIEW, Lane, TraceLanes, nice_length
from napari_calcium.widgets.theme import PlotColors, ensemble_mark, readable

__all__ = ["TracesPlot", "trace_color"]

_ROOM_FOR_VALUES = 34
"""Lanes of fewer pixels than this have no values at their side."""
_LEAST_LANE = 18
"""Pixels; where lanes would be lower than this there is a scroll bar instead."""
_UNITS = {"ΔF/F": "ΔF/F (%)", "a.u.": "Raw (a.u.)", "spikes/s": "Spikes/s"}
_BAND_OPACITY = "50"
_SIGNS = {ACCEPTED: "o", REJECTED: "x", ADDED: "+"}
"""Told apart by their shape: a full dot, a cross, a plus."""
_FRAME_PIXELS = 7
_EMPTY: NDArray[np.float64] = np.empty(0)


class TracesPlot(TimePlot):
    """Lanes of traces with events, ensemble activations and a preview; a click names cell and time."""

    cell_clicked = Signal(int, float)
    scrolled = Signal(int, int)
    """First lane in view, and how many lanes are above it at most."""
    add_asked = Signal(int, float)
    """Cell and seconds of a double click, while events are judged."""
    span_asked = Signal(int, float, float)
    """Cell and the seconds between which the mouse was dragged, while events are judged."""

    def __init__(self, colors: PlotColors) -> None:
        self._colors = colors
        self._lanes = TraceLanes()
        self._first = 0
        self._ticks: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self._activations: NDArray[np.float64] = _EMPTY
        self._ensemble: int | None = None
        super().__init__(colors)
        item = self.getPlotItem()
        item.showAxis("right")
        item.getAxis("left").setStyle(tickLength=0)
        item.getAxis("right").setStyle(tickLength=-4)
        item.getAxis("right").setWidth(56)
        self._bands = curve_item(self, width=2, z=-5, connect="pairs")
        self._zeros = curve_item(self, z=-4, connect="pairs")
        self._focus = pg.LinearRegionItem(orientation="horizontal", movable=False)
        self._focus.setZValue(-10)
        self._focus.hide()
        item.addItem(self._focus, ignoreBounds=True)
        # Filled, and with a border of no width: a band is an area.
        self._uncertain = curve_item(self, z=-3)
        self._uncertain.setFillLevel("enclosed")
        self._uncertain.setPen(pg.mkPen(None))
        self._lines = {name: curve_item(self, z=z) for z, name in enumerate((*TRACE_COLORS, PREVIEW))}
        self._events = {name: curve_item(self, z=8, connect="pairs") for name in ("events", PREVIEW)}
        self._spikes = {name: curve_item(self, z=8, connect="pairs") for name in ("spikes", PREVIEW)}
        self._spike_ticks: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self._signs = {status: pg.ScatterPlotItem(symbol=sign) for status, sign in _SIGNS.items()}
        for signs in self._signs.values():
            signs.setZValue(9)
            item.addItem(signs, ignoreBounds=True)
        self._at_hand = curve_item(self, width=2, z=7, connect="pairs")
        self._review: Review | None = None
        self._hand: tuple[int, float] | None = None
        self._span_pick = SpanPick(colors.text)
        self._span_pick.hide()
        item.addItem(self._span_pick, ignoreBounds=True)
        self._span_pick.picked.connect(self._on_span_picked)
        self.box.sigXRangeChanged.connect(lambda *_: self._draw_lines())
        self.box.sigXRangeChanged.connect(lambda *_: self._draw_event())
        self.box.sigResized.connect(lambda *_: self.scroll_to(self._first))
        self.clicked.connect(self._on_lane_clicked)

    @property
    def lanes(self) -> TraceLanes:
        """What is shown."""
        return self._lanes

    @property
    def asks_for_events(self) -> bool:
        """Whether a double click or a drag on a trace means an event there; else they move the plot."""
        return bool(self._span_pick.isVisible())

    @asks_for_events.setter
    def asks_for_events(self, on: bool) -> None:
        self._span_pick.setVisible(on)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        super().set_colors(colors)
        if hasattr(self, "_span_pick"):
            self._span_pick.set_color(colors.text)
            self._draw()

    def show_lanes(
        self,
        lanes: TraceLanes,
        events: Events | None = None,
        preview_events: Events | None = None,
        review: Review | None = None,
        spikes: tuple[SpikeTimes | None, SpikeTimes | None] = (None, None),
    ) -> None:
        """Show these lanes, with ticks at the onsets of events; those of a preview above the others.

        The same lanes again cost only their marks. `spikes` are single ones, and those of a preview: ticks at
        the top of the lanes of inferred spikes.
        """
        again = lanes is self._lanes
        self._lanes = lanes
        self._review = review
        ticks = lanes.event_ticks(events) if review is None else lanes.review_ticks(review)
        self._ticks = {"events": ticks, PREVIEW: lanes.event_ticks(preview_events, row=1)}
        self._spike_ticks = {
            "spikes": lanes.spike_ticks(spikes[0]),
            PREVIEW: lanes.spike_ticks(spikes[1], row=int(spikes[0] is not None)),
        }
        if again:
            self._draw_marks()  # the traces are drawn already
        else:
            self.scroll_to(self._first)

    def show_event(self, cell: int | None, onset_s: float = 0.0) -> None:
        """Frame the event at hand in the lanes of its cell; None frames nothing."""
        self._hand = None if cell is None else (cell, onset_s)
        places = self._lanes.lanes_of(cell) if cell is not None else ()
        if places and (places[0] not in self.places or places[-1] not in self.places):
            self.scroll_to(places[0])
        self._draw_event()

    @property
    def places(self) -> range:
        """The lanes in view."""
        return range(self._first, min(len(self._lanes.lanes), self._first + self.room))

    @property
    def room(self) -> int:
        """How many lanes can be seen at once."""
        return max(1, int(self.box.height() // _LEAST_LANE))

    def scroll_to(self, first: int) -> None:
        """Put this lane on top, as far as there are enough below it."""
        most = max(0, len(self._lanes.lanes) - self.room)
        self._first = min(max(0, first), most)
        self.box.setYRange(self._first, self._first + max(1, len(self.places)), padding=0)
        self._draw()
        self.scrolled.emit(self._first, most)

    def wheelEvent(self, event: Any) -> None:
        """Scroll through the lanes with Shift, else zoom in time."""
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            # Some systems turn the wheel sideways while Shift is down.
            turned = event.angleDelta().y() or event.angleDelta().x()
            self.scroll_to(self._first + (1 if turned < 0 else -1))
            event.accept()
        else:
            super().wheelEvent(event)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show all of the recording; while events are judged, ask for one there."""
        place = self.box.mapSceneToView(self.mapToScene(event.position().toPoint()))
        lane = self._lanes.lane_at(place.y())
        if not self.asks_for_events or lane is None:
            super().mouseDoubleClickEvent(event)
            return
        self.add_asked.emit(lane.cell, min(max(0.0, place.x()), self._lanes.duration_s))
        event.accept()

    def show_activations(self, times: NDArray[np.float64], ensemble: int | None) -> None:
        """Mark the activations of the chosen ensemble, through all lanes, in its colour."""
        self._activations, self._ensemble = times, ensemble
        self._draw_activations()

    def show_focus(self, cell: int | None) -> None:
        """Lay a ground under the lanes of the cell in focus."""
        places = self._lanes.lanes_of(cell) if cell is not None else ()
        self._focus.setVisible(bool(places))
        if places:
            if places[0] not in self.places or places[-1] not in self.places:
                self.scroll_to(places[0])
            self._focus.setRegion((places[0], places[-1] + 1))
            self._focus.setBrush(pg.mkColor(self._colors.faint + "58"))
            for line in self._focus.lines:
                line.setPen(pg.mkPen(None))

    def _draw(self) -> None:
        self._draw_lines()
        self._draw_activations()
        x, y = self._lanes.zero_lines()
        self._zeros.setData(x, y)
        self._zeros.setPen(pg.mkPen(self._colors.faint + "90"))
        self._draw_marks()
        self._draw_axes()

    def _draw_marks(self) -> None:
        for name, item in self._events.items():
            x, y = self._ticks.get(name, (_EMPTY, _EMPTY))
            item.setPen(pg.mkPen(self._color_of(name), width=2))
            item.setData(x, y)
        for name, item in self._spikes.items():
            x, y = self._spike_ticks.get(name, (_EMPTY, _EMPTY))
            item.setPen(pg.mkPen(self._color_of(name), width=1))
            item.setData(x, y)
        for status, signs in self._signs.items():
            review = self._review
            x, y = (_EMPTY, _EMPTY) if review is None else self._lanes.review_marks(review, status)
            signs.setVisible(len(x) > 0)
            if not len(x):
                signs.clear()
                continue
            color = self._colors.text if status == REJECTED else self._color_of("events")
            fill = shared_brush(color if status == ACCEPTED else self._colors.background)
            signs.setData(x=x, y=y, size=9, pen=shared_pen(color, 2), brush=fill)
        self._draw_event()

    def _draw_event(self) -> None:
        """Draw an upright frame around the onset at hand, as wide as a finger whatever the zoom."""
        start, stop = self.span
        reach = _FRAME_PIXELS * (stop - start) / max(1, self.pixels)
        xs, ys = [], []
        if self._hand is not None:
            cell, onset = self._hand
            left, right = onset - reach, onset + reach
            for place in self._lanes.lanes_of(cell):
                top, foot = place + 0.04, place + 0.99
                xs += [left, left, left, right, right, right, right, left]
                ys += [top, foot, foot, foot, foot, top, top, top]
        self._at_hand.setPen(pg.mkPen(self._colors.text, width=2))
        self._at_hand.setData(np.array(xs, np.float64), np.array(ys, np.float64))

    def _draw_lines(self) -> None:
        start, stop = self.span
        curves = self._lanes.curves(start, stop, self.pixels, places=self.places)
        for name in curves.keys() - self._lines.keys():
            self._lines[name] = curve_item(self)
        for name, item in self._lines.items():
            x, y = curves.get(name, (_EMPTY, _EMPTY))
            item.setPen(pg.mkPen(self._color_of(name)))
            item.setData(x, y)
        height = self.box.height() / max(1, len(self.places))
        shown = self.places if height >= _ROOM_FOR_VALUES else range(0)
        x, y = self._lanes.bands(start, stop, self.pixels, places=shown)
        self._uncertain.setBrush(pg.mkBrush(self._color_of("spikes") + _BAND_OPACITY))
        self._uncertain.setData(x, y)

    def _draw_activations(self) -> None:
        times, height = self._activations, len(self._lanes.lanes)
        chosen, ground = self._ensemble, self._colors.background
        color = self._colors.text if chosen is None else ensemble_mark(chosen, ground)
        self._bands.setPen(pg.mkPen(color + "80", width=2))
        self._bands.setData(np.repeat(times, 2), np.tile([0.0, float(height)], len(times)))

    def _draw_axes(self) -> None:
        lanes = self._lanes.lanes
        names = [(k + 0.5, lane.label) for k, lane in enumerate(lanes)]
        height = self.box.height() / max(1, len(self.places))
        left, right = (self.getPlotItem().getAxis(side) for side in ("left", "right"))
        left.setTicks([names])
        # Not wider than the longest name, so that the plot does not jump while it scrolls.
        letters = max((len(lane.label) for lane in lanes), default=0)
        left.setWidth(min(140, 20 + 8 * letters))
        units = dict.fromkeys(_axis_words(lane) for lane in lanes)
        # Names say the unit of each lane where there are several; together they would be cut off here.
        words = next(iter(units), "") if len(units) < 2 else "ΔF/F in %" if _any_dff(lanes) else ""
        if height >= _ROOM_FOR_VALUES:
            right.setTicks([[tick for k in range(len(lanes)) for tick in self._values(k)]])
        elif len(units) > 1:
            right.setTicks([[self._values(k)[1] for k in range(len(lanes))]])
        elif len(units) == 1 and len({lane.high - lane.low for lane in lanes}) == 1:
            right.setTicks([self._scale(height)])
        else:
            right.setTicks([[]])
            words += ", scaled to each lane" if words else ""
        self.getPlotItem().setLabel("right", words)

    def _values(self, place: int) -> list[tuple[float, str]]:
        """Return two round values of a lane with their heights."""
        lane = self._lanes.lanes[place]
        factor = _factor(lane.unit)
        step = nice_length(factor * (lane.high - lane.low))
        low = 0.0 if lane.unit == "ΔF/F" or lane.is_activity else math.ceil(factor * lane.low / step) * step
        return [(self._lanes.height_of(place, v / factor), f"{v:g}") for v in (low, low + step)]

    def _scale(self, height: float) -> list[tuple[float, str]]:
        """Return 0 and a round value at the foot of the plot, for lanes of one scale and `height` pixels."""
        place = self.places[-1]
        lane = self._lanes.lanes[place]
        factor = _factor(lane.unit)
        # At least 20 pixels apart, be it across several lanes.
        step = nice_length(5 * factor * (lane.high - lane.low) * max(1.0, 20 / max(height, 1)))
        low = 0.0 if lane.unit == "ΔF/F" else lane.low
        foot = self._lanes.height_of(place, low)
        top = self._lanes.height_of(place, low + step / factor)
        return [(foot, "0" if lane.unit == "ΔF/F" else ""), (top, f"+{step:g}")]

    def _color_of(self, name: str) -> str:
        if name == PREVIEW:
            return self._colors.text
        color = EVENT_COLOR if name == "events" else trace_color(name)
        return readable(color, self._colors.background)

    def _on_span_picked(self, start: float, stop: float, height: float) -> None:
        lane = self._lanes.lane_at(height)
        if lane is not None:
            last = self._lanes.duration_s
            self.span_asked.emit(lane.cell, min(max(0.0, start), last), min(max(0.0, stop), last))

    def _on_lane_clicked(self, seconds: float, height: float) -> None:
        lane = self._lanes.lane_at(height)
        if lane is not None:
            self.cell_clicked.emit(lane.cell, min(max(0.0, seconds), self._lanes.duration_s))


def trace_color(name: str) -> str:
    """Return the palette's colour of a stage of the traces."""
    return TRACE_COLORS.get(name, TRACE_COLORS["dff"])


def _axis_words(lane: Lane) -> str:
    """Return quantity and unit of a lane's values, as they are written."""
    words = _UNITS.get(lane.unit, lane.unit)
    return f"Activity: {words}" if lane.is_activity and lane.unit != "spikes/s" else words


def _any_dff(lanes: tuple[Lane, ...]) -> bool:
    return any(lane.unit == "ΔF/F" for lane in lanes)


def _factor(unit: str) -> float:
    """Return what turns a stored value into the one that is written: ΔF/F is stored as a fraction."""
    return 100.0 if unit == "ΔF/F" else 1.0
