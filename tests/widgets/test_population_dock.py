from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_calcium.recording import LogEntry, Recording
from napari_calcium.results import Coactivity
from napari_calcium.session import Session
from napari_calcium.widgets.population_dock import PopulationDock
from napari_calcium.widgets.viewer_session import session_of


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def session(viewer) -> Session:
    return session_of(viewer)


@pytest.fixture
def dock(qtbot, viewer, session):
    made = PopulationDock(viewer)
    qtbot.addWidget(made)
    made.resize(800, 420)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def counted(recording: Recording) -> Recording:
    n = 80
    flat = np.full(n, 2.0)
    table = Coactivity(np.arange(n) * 0.5, np.arange(n) % 5, flat, flat, flat, np.zeros(n, bool))
    entry = LogEntry("coactivity", {}, ("events",), ("coactivity",))
    return recording.with_step(entry, coactivity=table)


def settle() -> None:
    for _ in range(3):
        QApplication.processEvents()


def test_it_says_what_to_do_before_there_is_anything(dock, session, recording):
    settle()
    assert dock.pages.currentIndex() == 0
    assert "Open a recording" in dock.hint.text()
    session.open(recording)
    settle()
    assert dock.pages.currentIndex() == 1
    assert dock.below.currentWidget() is dock.not_counted


def test_both_plots_show_the_recording(dock, session, counted):
    session.open(counted)
    settle()
    assert dock.below.currentWidget() is dock.coactivity
    assert len(dock.heatmap.order) == counted.n_rois
    assert not dock.heatmap.getPlotItem().getAxis("bottom").isVisible()


def test_a_row_selects_the_cell_and_the_moment(dock, session, counted):
    session.open(counted)
    settle()
    dock.heatmap.cell_clicked.emit(7, 12.0)
    assert session.selection.cells == (7,)
    assert session.selection.time == 12.0


def test_a_window_of_the_coactivity_is_a_moment_and_a_dot_an_ensemble(dock, session, counted):
    session.open(counted)
    dock.coactivity.time_picked.emit(9.25)
    dock.coactivity.ensemble_clicked.emit(1)
    assert (session.selection.time, session.selection.ensemble) == (9.25, 1)
    assert set(session.selection.cells) == set(counted.ensembles.members_of(1).roi_id.tolist())


def test_cells_selected_elsewhere_are_marked(dock, session, counted):
    session.open(counted)
    session.selection.cells = (4, 9)
    settle()
    _, y = dock.heatmap._marks.getData()
    assert {int(v) for v in y} == set(np.flatnonzero(np.isin(dock.heatmap.order, [4, 9])).tolist())


def test_time_and_span_go_both_ways(dock, session, counted):
    session.open(counted)
    settle()
    session.selection.span, session.selection.time = (5.0, 15.0), 7.0
    for plot in (dock.heatmap, dock.coactivity):
        assert plot.span == pytest.approx((5, 15))
        assert plot._cursor.value() == 7.0
    dock.heatmap.span_picked.emit((2.0, 9.0))
    assert dock.coactivity.span == pytest.approx((2, 9))


def test_a_hidden_dock_draws_when_it_is_seen_again(dock, session, counted):
    dock.hide()
    session.open(counted)
    settle()
    assert len(dock.heatmap.order) == 0
    dock.show()
    settle()
    assert len(dock.heatmap.order) == counted.n_rois


def test_undo_and_closing_are_followed(dock, session, recording, counted):
    session.open(recording)
    session.apply(counted, "Coactivity")
    settle()
    session.undo()
    settle()
    assert dock.below.currentWidget() is dock.not_counted
    session.close()
    settle()
    assert dock.pages.currentIndex() == 0


def test_escape_clears(qtbot, dock, session, counted):
    session.open(counted)
    session.choose_ensemble(1)
    qtbot.keyClick(dock, Qt.Key.Key_Escape)
    assert session.selection.cells == ()


def test_a_dock_that_is_gone_hears_nothing(qtbot, viewer, session, counted):
    dock = PopulationDock(viewer)
    dock.deleteLater()
    qtbot.wait(10)
    session.open(counted)
    session.choose_ensemble(1)
    viewer.theme = "light"
    settle()
