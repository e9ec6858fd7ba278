"""A dock behind a tab does no work; what happened meanwhile is drawn once, when it comes into sight."""

from __future__ import annotations

import pytest
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow
from tests.widgets.settling import settle

from napari_calcium.widgets.ensembles_dock import EnsemblesDock
from napari_calcium.widgets.plots.time_plot import TimePlot
from napari_calcium.widgets.traces import TracesDock
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.workbench import workbench_of


class Counter(ViewDock):
    """A view that counts how often it is drawn, with a plot over time."""

    name = "Counter"
    span_picked = Signal(object)
    time_picked = Signal(float)
    cells_picked = Signal(tuple)
    paints = False

    def build(self, column, colors):
        self.drawn = []
        self.plot = TimePlot(colors)
        self.plot.span_picked.connect(self.span_picked.emit)
        column.addWidget(self.plot)

    def set_colors(self, colors):
        self.plot.set_colors(colors)

    def hint_for(self, recording):
        return ""

    def draw(self, recording):
        self.drawn.append((recording, self.session.selection.cells))
        self.plot.set_duration(recording.duration_s)

    def show_cells(self, ids):
        self.later()

    def show_span(self, seconds):
        self.plot.show_span(seconds)

    def show_time(self, seconds):
        self.plot.show_time(seconds)

    @property
    def draws_on_canvas(self):
        return self.paints


@pytest.fixture
def window(qtbot, session, recording):
    """A window with two tabs, of which the first is in front once the recording is open."""
    main = QMainWindow()
    qtbot.addWidget(main)
    main.resize(700, 500)
    yield main


def tabs(main, *widgets):
    docks = []
    for widget in widgets:
        dock = QDockWidget()
        dock.setWidget(widget)
        main.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        docks.append(dock)
    main.show()
    settle()
    for dock in docks[1:]:
        main.tabifyDockWidget(docks[0], dock)
    docks[0].raise_()
    settle()
    return docks


@pytest.fixture
def pair(window, viewer, session, recording):
    front, behind = Counter(viewer), Counter(viewer)
    session.open(recording)
    docks = tabs(window, front, behind)
    for view in (front, behind):
        view.drawn.clear()
    return front, behind, docks


def test_a_view_behind_a_tab_is_not_drawn(pair, session, recording):
    front, behind, _ = pair
    session.selection.cells = (1, 2)
    session.apply(recording.replace(features=None), "step")
    settle()
    assert len(front.drawn) == 1
    assert behind.drawn == []
    assert behind.isVisible() and behind.visibleRegion().isEmpty(), "as Qt has it behind a tab"


def test_what_happened_meanwhile_is_drawn_once_when_it_is_seen(pair, session, recording):
    _, behind, docks = pair
    for cells in ((1,), (2,), (1, 2)):
        session.selection.cells = cells
        settle()
    docks[1].raise_()
    settle()
    assert behind.drawn == [(recording, (1, 2))]
    docks[0].raise_()
    settle()
    docks[1].raise_()
    settle()
    assert len(behind.drawn) == 1, "nothing has happened since"


def test_a_view_that_draws_on_the_image_too_is_drawn_behind_a_tab(pair, session):
    _, behind, _ = pair
    behind.paints = True
    session.selection.cells = (3,)
    settle()
    assert len(behind.drawn) == 1


def test_a_closed_dock_does_nothing_until_it_is_opened(pair, session):
    front, _, docks = pair
    docks[0].hide()
    session.selection.cells = (4,)
    settle()
    assert front.drawn == []
    docks[0].show()
    docks[0].raise_()
    settle()
    assert [cells for _, cells in front.drawn] == [(4,)]


def test_a_plot_behind_a_tab_follows_the_span_when_it_is_seen(pair, session):
    front, behind, docks = pair
    docks[1].raise_()
    settle()
    docks[0].raise_()
    settle()
    moved = []
    behind.plot.box.sigXRangeChanged.connect(lambda *_: moved.append(1))
    for start in (1.0, 2.0, 3.0):
        session.selection.span = (start, start + 5)
        settle()
    assert front.plot.span == pytest.approx((3, 8))
    assert moved == []
    docks[1].raise_()
    settle()
    assert behind.plot.span == pytest.approx((3, 8))
    assert len(moved) == 1


def test_looking_at_another_tab_takes_nobody_away_from_where_he_is(pair, session):
    """The cursor left the view when the user moved on: that the plot behind hears of it late is no reason."""
    front, behind, docks = pair
    session.selection.span = (0.0, 5.0)
    session.selection.time = 20.0
    settle()
    session.selection.span = (1.0, 6.0)
    settle()
    docks[1].raise_()
    settle()
    assert session.selection.span == pytest.approx((1, 6))
    assert behind.plot.span == pytest.approx((1, 6))
    assert front.plot.span == pytest.approx((1, 6))


def test_a_moment_that_came_last_is_brought_into_view(pair, session):
    _, behind, docks = pair
    docks[0].hide()
    docks[1].hide()
    settle()
    session.selection.span = (0.0, 5.0)
    session.selection.time = 20.0
    settle()
    docks[1].show()
    settle()
    low, high = behind.plot.span
    assert low <= 20 <= high


def test_traces_and_ensembles_rest_too(window, viewer, session, recording, monkeypatch):
    workbench_of(viewer)
    front, traces, ensembles = Counter(viewer), TracesDock(viewer), EnsemblesDock(viewer)
    docks = tabs(window, front, traces, ensembles)
    asked = []
    for path in ("traces.make_lanes", "plots.activations_plot.ActivationsPlot.show_ensembles"):
        monkeypatch.setattr(f"napari_calcium.widgets.{path}", lambda *_, **__: asked.append(1))
    session.open(recording)
    session.choose_ensemble(1)
    settle()
    assert asked == []
    monkeypatch.undo()
    docks[1].raise_()
    settle()
    assert len(traces.plot.lanes.lanes) >= len(session.selection.cells)
    docks[2].raise_()
    settle()
    assert ensembles.table.rowCount() == len(recording.ensembles)
    assert ensembles.members.rowCount() == len(recording.ensembles.members_of(1))
    workbench_of(viewer).let_go()


def test_a_dock_that_leaves_the_tabs_for_a_place_of_its_own_is_drawn(pair, window, session, recording):
    """Qt does not say so by ``visibilityChanged``."""
    _, behind, docks = pair
    session.selection.cells = (5,)
    settle()
    assert behind.drawn == []
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, docks[1])
    settle()
    assert behind.sight and not behind.plot._rests
    assert behind.drawn == [(recording, (5,))]


def test_docks_that_are_made_and_moved_in_one_go_are_drawn(window, viewer, session, recording):
    """As napari does it: a new dock comes up at the right and is put at the bottom at once."""
    session.open(recording)
    first, second = Counter(viewer), Counter(viewer)
    tabs(window, first)
    dock = QDockWidget()
    dock.setWidget(second)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
    window.tabifyDockWidget(first.parentWidget(), dock)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    settle()
    for view in (first, second):
        assert view.sight, "both are in sight now"
        assert view.drawn and not view.plot._rests
