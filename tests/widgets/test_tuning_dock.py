"""The Tuning dock with a viewer model: no napari window is needed."""

from __future__ import annotations

import numpy as np
import pytest
from tests.io.test_behaviour_folder import analysed, made
from tests.widgets.settling import settle

from napari_calcium.widgets.tuning_dock import TuningDock


@pytest.fixture(scope="module")
def whole():
    return analysed(made())


@pytest.fixture
def dock(qtbot, viewer, session):
    shown = TuningDock(viewer)
    qtbot.addWidget(shown)
    shown.resize(900, 300)
    shown.show()
    qtbot.waitExposed(shown)
    return shown


def hint(dock) -> str:
    settle()
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


def test_each_step_says_which_is_next(dock, session, whole):
    assert "Open a recording first" in hint(dock)
    session.open(whole.replace(behaviour=None))
    assert "Behaviour" in hint(dock)
    session.open(whole.replace(tuning=None, triggered=None))
    assert "Analyse" in hint(dock)
    session.open(analysed(made(with_file=False)))
    assert "circular" in hint(dock)
    session.open(whole)
    assert hint(dock) == ""


def test_the_selected_cells_are_shown_and_the_one_in_focus_comes_last(dock, session, whole):
    session.open(whole)
    session.selection.cells = (1, 4, 5)
    session.selection.focus = 4
    settle()
    data = dock._data(whole)
    assert [curve.label for curve in data.curves] == ["cell 1", "cell 5", "cell 4"]
    assert "cell 4" in data.map.title
    assert "cell 4" in dock.note.text()
    assert "best tuned" not in dock.who.text()


def test_without_a_selection_the_best_are_shown_and_a_click_selects_them(dock, session, whole):
    session.open(whole)
    settle()
    assert "best tuned" in dock.who.text()
    dock.best.click()
    settle()
    assert len(session.selection.cells) == 5
    assert session.selection.ensemble is None


def test_signal_and_event_can_be_chosen(dock, session, whole):
    session.open(whole)
    settle()
    assert [dock.signals.itemText(k) for k in range(dock.signals.count())][1:] == list(whole.behaviour.names)
    dock.signals.setCurrentIndex(dock.signals.findData("y"))
    dock.signals.activated.emit(dock.signals.currentIndex())
    dock.labels.setCurrentIndex(dock.labels.findData("none"))
    dock.labels.activated.emit(dock.labels.currentIndex())
    settle()
    data = dock._data(whole)
    assert data.signal == "y (cm)"
    assert data.label == "none"


def test_an_ensemble_is_shown_when_chosen(dock, session, whole):
    session.open(whole)
    session.choose_ensemble(0)
    settle()
    assert "ensemble 0" in dock.who.text()
    assert not dock.trials.isVisible()


@pytest.mark.parametrize(("width", "shown"), [(1200, 4), (560, 3), (200, 1)])
def test_as_many_plots_as_there_is_room_for(dock, session, whole, width, shown):
    session.open(whole)
    dock.resize(width, 300)
    settle()
    plots = (dock.curves, dock.map, dock.bands, dock.trials)
    assert sum(plot.isVisible() for plot in plots) == shown
    box = next(box for box, plot in dock._plots.items() if plot is dock.curves)
    box.setChecked(False)
    settle()
    assert not dock.curves.isVisible()
    assert dock.map.isVisible()


def test_themes_and_export(dock, session, whole, viewer, tmp_path):
    assert dock.export() is None
    session.open(whole)
    session.selection.cells = (2,)
    settle()
    viewer.theme = "light"
    settle()
    export = dock.export()
    export.write(tmp_path / "t.csv")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0] == "what,of,over,at,activity,low,high"
    assert sum(line.startswith("tuning,cell 2") for line in lines) == 20
    assert sum(line.startswith("average,cell 2") for line in lines) == len(whole.triggered.time_s)
    export.write(tmp_path / "t.pdf")
    assert (tmp_path / "t.pdf").stat().st_size > 1000


def test_cells_without_any_number_are_drawn(dock, session, whole):
    nothing = np.full_like(whole.triggered.mean, np.nan)
    triggered = type(whole.triggered)(
        whole.triggered.kind,
        whole.triggered.id,
        whole.triggered.labels,
        whole.triggered.time_s,
        nothing,
        nothing,
        nothing,
        whole.triggered.responses,
    )
    session.open(whole.replace(triggered=triggered))
    session.selection.cells = (0, 1)
    settle()
    assert hint(dock) == ""
    assert not dock.grab().isNull()
