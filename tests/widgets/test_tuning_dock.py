"""The Tuning dock with a viewer model: no napari window is needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtWidgets import QLabel
from tests.io.test_behaviour_folder import analysed, made
from tests.widgets.settling import settle

from napari_calcium.figures.tuning_figure import Curve
from napari_calcium.widgets.plots.tuning_plots import CurvesPlot
from napari_calcium.widgets.theme import PlotColors
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
    session.open(whole.replace(tuning=None, triggered=None, preferences=None))
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
    assert "lowest p" not in dock.who.text()


def with_sure(whole, *cells):
    """Return the recording with tests that hold these cells alone for tuned."""
    tuned, responses = whole.tuning.tuned, whole.triggered.responses
    sure = np.isin(tuned.id, cells) & (tuned.kind == "neuron")
    tuned = replace(tuned, q_value=np.where(sure, 0.01, 1.0))
    responses = replace(responses, q_value=np.ones(len(responses)))
    return whole.replace(
        tuning=replace(whole.tuning, tuned=tuned), triggered=replace(whole.triggered, responses=responses)
    )


def test_without_a_selection_the_best_are_shown_and_a_click_selects_those_beyond_chance(dock, session, whole):
    ids = whole.roi_ids[[3, 1]].tolist()
    session.open(with_sure(whole, *ids))
    settle()
    assert "lowest p" in dock.who.text()
    dock.best.click()
    settle()
    assert sorted(session.selection.cells) == sorted(ids)
    assert session.selection.ensemble is None and "lowest p" not in dock.who.text()


def test_where_no_cell_is_tuned_beyond_chance_none_is_picked(dock, session, whole):
    session.open(with_sure(whole))
    settle()
    legend = dock.who.text()
    for _ in range(2):
        dock.best.click()
        assert session.selection.cells == ()
        told, _, after = dock.who.text().partition("&nbsp; ")
        assert told == "No cell is tuned, or responds, beyond chance (q ≤ 0.05)." and after == legend


def test_each_box_has_a_name_that_comes_and_goes_with_it(dock, session, whole):
    session.open(whole)
    settle()
    names = [label for label in dock.findChildren(QLabel) if label.buddy() in (dock.signals, dock.labels)]
    assert [label.text() for label in names] == ["Curves over", "Averages around"]
    assert all(label.isVisible() for label in names)
    session.open(whole.replace(tuning=None))
    settle()
    assert [label.isVisible() for label in names] == [False, True]


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


@pytest.mark.parametrize(("width", "shown"), [(1200, 5), (560, 3), (200, 1)])
def test_as_many_plots_as_there_is_room_for(dock, session, whole, width, shown):
    session.open(whole)
    dock.resize(width, 300)
    settle()
    plots = (dock.curves, dock.map, dock.bands, dock.trials, dock.epochs)
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


def test_preferred_epochs_are_those_of_the_selection_or_of_all_ensembles(dock, session, whole):
    session.open(whole)
    session.selection.ensemble = None
    dock.resize(1300, 300)
    settle()
    assert dock.epochs.isVisible()
    assert [row.name for row in dock.epochs._data.rows] == [f"ensemble {k}" for k in whole.ensembles.ids]
    session.selection.cells = (2, 5)
    settle()
    assert [row.name for row in dock.epochs._data.rows] == ["cell 2", "cell 5"]
    session.open(whole.replace(preferences=None))
    settle()
    assert not dock.epochs.isVisible()


def test_in_a_low_dock_the_notes_are_a_tip(dock, session, whole):
    session.open(whole)
    session.selection.cells = (2,)
    dock.resize(900, 400)
    settle()
    assert dock.note.isVisible()
    dock.resize(900, 240)
    settle()
    assert not dock.note.isVisible()
    assert "cell 2" in dock.who.toolTip()


def test_the_unit_of_a_low_plot_is_not_cut_off(qtbot):
    plot = CurvesPlot(PlotColors("#262930", "#cccccc", "#555555", "#e03030"))
    qtbot.addWidget(plot)
    plot.resize(190, 150)
    plot.show()
    curve = Curve("cell 1", "#e69f00", np.arange(5.0), np.arange(5.0))
    plot.show_curves((curve,), "y (cm)", "Rate (activations/s)")
    qtbot.waitExposed(plot)
    label = plot.getPlotItem().getAxis("left").label
    assert "activations/s" in label.toPlainText()

    def is_whole():
        place = label.mapRectToScene(label.boundingRect())
        return place.top() >= 0 and place.bottom() <= plot.height()

    qtbot.waitUntil(is_whole)
