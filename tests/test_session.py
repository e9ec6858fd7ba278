from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from psygnal import Signal

from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.results.tables import Activations, Ensembles, Members
from napari_calcium.session import Session


def recording(n: int = 4, name: str = "a", first: int = 10) -> Recording:
    values = np.arange(n * 6, dtype=np.float32).reshape(n, 6)
    return Recording(name, np.arange(first, first + n), 2.0, {"raw": Trace(values, "a.u.")})


def with_ensembles(made: Recording) -> Recording:
    members = Members(
        np.array([0, 0, 1]),
        made.roi_ids[[2, 0, 1]],
        np.array([0.6, 0.9, 1.0]),
        np.ones(3),
        np.zeros(3),
        np.ones(3, bool),
    )
    activations = Activations(np.array([0]), np.array([1.0]), np.zeros(1), np.array([2]))
    found = Ensembles(members, activations)
    return made.with_step(LogEntry("ensembles", {}, ("traces/raw",), ("ensembles",)), ensembles=found)


class View:
    """A view of everything that echoes whatever it is shown, as Qt's widgets do."""

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)
    ensemble_picked = Signal(object)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self) -> None:
        self.shown: list[tuple[str, object]] = []

    def show_recording(self, recording):
        self.shown.append(("recording", recording))

    def show_preview(self, preview):
        self.shown.append(("preview", preview))

    def show_cells(self, ids):
        self.shown.append(("cells", ids))
        self.cells_picked.emit(ids)

    def show_focus(self, cell):
        self.shown.append(("focus", cell))
        self.focus_picked.emit(cell)

    def show_ensemble(self, ensemble_id):
        self.shown.append(("ensemble", ensemble_id))

    def show_time(self, seconds):
        self.shown.append(("time", seconds))
        self.time_picked.emit(seconds)

    def show_span(self, seconds):
        self.shown.append(("span", seconds))
        self.span_picked.emit(seconds)

    def last(self, what: str) -> object:
        return [value for name, value in self.shown if name == what][-1]

    def count(self, what: str) -> int:
        return sum(name == what for name, _ in self.shown)


def test_a_view_is_told_at_once_what_is_so():
    session, view = Session(), View()
    session.open(recording())
    session.selection.cells, session.selection.time = (11,), 1.0
    session.link(view)
    assert view.last("recording") is session.recording
    assert (view.last("cells"), view.last("time"), view.last("span")) == ((11,), 1.0, None)


@pytest.mark.parametrize(
    ("signal", "value", "name"),
    [
        ("cells_picked", (12, 10), "cells"),
        ("focus_picked", 12, "focus"),
        ("time_picked", 2.5, "time"),
        ("span_picked", (0.5, 1.5), "span"),
    ],
)
def test_what_is_picked_in_one_view_is_shown_once_in_every_other(signal, value, name):
    session, one, other = Session(), View(), View()
    session.open(recording())
    session.link(one)
    session.link(other)
    before = other.count(name)
    getattr(one, signal).emit(value)
    assert getattr(session.selection, name) == value
    assert one.last(name) == other.last(name) == value
    assert other.count(name) == before + 1


def test_an_ensemble_brings_its_members_those_that_take_part_most_first():
    session, view = Session(), View()
    session.open(with_ensembles(recording()))
    session.link(view)
    view.ensemble_picked.emit(0)
    assert session.selection.ensemble == 0
    assert session.selection.cells == (10, 12)
    view.ensemble_picked.emit(None)
    assert session.selection.ensemble is None
    assert session.selection.cells == (10, 12)


def test_an_ended_link_is_silent_both_ways():
    session, view = Session(), View()
    session.open(recording())
    session.link(view)()
    view.shown.clear()
    session.selection.cells = (10,)
    session.selection.time = 1.0
    session.open(recording(name="b"))
    view.cells_picked.emit((11,))
    assert view.shown == []
    assert session.selection.cells == ()


def test_a_view_of_time_alone_is_enough():
    class Clock:
        time_picked = Signal(float)

        def __init__(self) -> None:
            self.seen: list[float] = []

        def show_time(self, seconds: float) -> None:
            self.seen.append(seconds)

    session, clock = Session(), Clock()
    session.link(clock)
    session.selection.cells = (1,)
    clock.time_picked.emit(3.0)
    assert clock.seen == [0.0, 3.0]


def test_undo_and_redo_walk_through_what_was_done():
    session = Session()
    first, second = recording(name="a"), recording(name="b")
    session.open(first)
    assert not session.can_undo
    session.apply(second, "Second")
    session.undo()
    assert session.recording is first
    assert session.can_redo
    session.redo()
    assert session.recording is second
    assert not session.can_redo
    session.redo()
    assert session.recording is second
    assert session.history == ("Start", "Open a", "Second")


def test_opening_forgets_the_selection_but_loses_no_work():
    session = Session()
    session.open(recording())
    worked = recording()
    session.apply(worked, "Step")
    session.selection.cells, session.selection.time, session.selection.span = (10,), 2.0, (0.0, 1.0)
    session.open(recording(name="b"))
    selection = session.selection
    assert (selection.cells, selection.time, selection.span) == ((), 0.0, None)
    session.undo()
    assert session.recording is worked


def test_cells_and_ensembles_that_are_gone_are_not_selected():
    session = Session()
    session.open(with_ensembles(recording(4)))
    session.choose_ensemble(0)
    session.selection.cells = (10, 13)
    session.apply(recording(2), "Fewer cells")
    assert session.selection.cells == (10,)
    assert session.selection.ensemble is None


def test_a_new_recording_ends_the_preview():
    session, seen = Session(), Mock()
    session.open(recording())
    session.preview = recording(1)
    session.preview_changed.connect(seen)
    session.apply(recording(), "Step")
    assert session.preview is None
    seen.assert_called_once_with(None)


def test_release_tells_nobody():
    session = Session()
    session.open(recording())
    seen = []
    session.recording_changed.connect(seen.append)
    session.release()
    assert seen == []
    assert session.recording is None


def test_close_lets_go():
    session, view = Session(), View()
    session.open(recording())
    session.link(view)
    session.close()
    assert session.recording is None
    assert view.last("recording") is None


def test_choosing_an_ensemble_without_a_recording_is_harmless():
    session = Session()
    session.choose_ensemble(1)
    assert session.selection.cells == ()
