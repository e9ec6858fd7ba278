"""Keys, clicks and the frame with which events are judged in a plot of traces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QWidget

from napari_calcium.events.validation import ValidationSettings
from napari_calcium.widgets.event_judge import EventJudge, Verdict
from napari_calcium.widgets.judge_bar import JudgeBar
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plots.traces_plot import TracesPlot
from napari_calcium.widgets.workbench import Workbench

__all__ = ["KEYS", "TraceJudging"]

KEYS: dict[Qt.Key, Verdict] = {
    Qt.Key.Key_A: "accept",
    Qt.Key.Key_R: "reject",
    Qt.Key.Key_Delete: "delete",
    Qt.Key.Key_Backspace: "delete",
    Qt.Key.Key_U: "clear",
}
"""What each key decides about the event at hand."""

_FAR_S, _CLOSE_S = 120.0, 45.0
"""A view of more than the first is narrowed to the second when one goes from event to event."""
_GRAB_PIXELS = 10
"""So near to its onset a click means an event."""


class TraceJudging(QObject):
    """Lets events be judged in a plot: while it is active, keys, drags and double clicks mean events.

    Parameters
    ----------
    bench : Workbench
    plot : TracesPlot
    cells : callable
        Returns the ids of the cells on screen, from top to bottom.
    parent : QWidget
        Of the bar.
    """

    time_picked = Signal(float)
    focus_picked = Signal(object)
    span_picked = Signal(object)

    def __init__(
        self, bench: Workbench, plot: TracesPlot, cells: Callable[[], Sequence[int]], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._bench, self._plot, self._cells = bench, plot, cells
        self._active = False
        self.judge = EventJudge(bench.session, self._tolerance)
        self.bar = JudgeBar(bench, self.judge, self.step, self.add_at_cursor, parent)
        self.bar.set_active(False)
        plot.add_asked.connect(self.bar.add)
        plot.span_asked.connect(self.bar.add)
        Links(self).join(self.judge.changed, self.show_event)

    def set_active(self, on: bool) -> None:
        """Begin to judge, or end it: then no event is at hand."""
        self._active = self._plot.asks_for_events = on
        self.bar.set_active(on)
        if not on:
            self.judge.choose(None)
        self.show_event()

    def show_event(self) -> None:
        """Frame the event at hand."""
        place = self.judge.current if self._active else None
        self._plot.show_event(*((None, 0.0) if place is None else (place.roi_id, place.onset_s)))

    def step(self, by: int) -> None:
        """Go to the next (1) or the previous (−1) event of the cells on screen, and bring it into view."""
        selection = self._bench.session.selection
        if not self.judge.step(by, self._cells(), selection.time):
            which = "last" if by > 0 else "first"
            self.bar.say(f"That was the {which} event shown here; ↓ and ↑ go to other cells.")
            return
        place = self.judge.current
        assert place is not None
        start, stop = self._plot.span
        if stop - start > _FAR_S:
            begin = max(0.0, place.onset_s - _CLOSE_S / 3)
            self.span_picked.emit((begin, begin + _CLOSE_S))
        if selection.focus != place.roi_id:
            self.focus_picked.emit(place.roi_id)
        self.time_picked.emit(place.onset_s)

    def add_at_cursor(self) -> None:
        """Add an event to the cell in focus, or to the first on screen, where the cursor stands."""
        selection, shown = self._bench.session.selection, self._cells()
        if shown:
            self.bar.add(selection.focus if selection.focus is not None else shown[0], selection.time)

    def takes_key(self, event: Any) -> bool:
        """Do what a key means; return whether it means anything now."""
        key = event.key()
        if not self._active or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        if key in KEYS:
            self.bar.decide(KEYS[key])
        elif key in (Qt.Key.Key_N, Qt.Key.Key_P):
            self.step(1 if key == Qt.Key.Key_N else -1)
        elif key == Qt.Key.Key_I:
            self.add_at_cursor()
        elif key == Qt.Key.Key_Z:
            self.bar.take_back()
        else:
            return False
        return True

    def take_click(self, cell: int, seconds: float) -> float:
        """Take the event under a click to hand; return its onset, or the moment of the click."""
        if not self._active:
            return seconds
        start, stop = self._plot.span
        row = self.judge.nearest(cell, seconds, _GRAB_PIXELS * (stop - start) / self._plot.pixels)
        self.judge.choose(row)
        return seconds if row is None else float(self.judge.review.onset_s[row])

    def _tolerance(self) -> float:
        settings = self._bench.plan.stage("validation")
        assert isinstance(settings, ValidationSettings)
        return settings.tolerance
