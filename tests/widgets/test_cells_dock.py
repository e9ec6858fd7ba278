"""The Cells dock with a viewer model: no napari window is needed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt
from tests.widgets.settling import settle

from napari_calcium.recording import Recording
from napari_calcium.widgets.cells_dock import CellsDock
from napari_calcium.widgets.tissue_layers import layer_role


@pytest.fixture
def measured(recording) -> Recording:
    rng = np.random.default_rng(0)
    return recording.replace(features={"snr": rng.random(20), "n_events": np.arange(20)})


@pytest.fixture
def dock(qtbot, viewer, session):
    made = CellsDock(viewer)
    qtbot.addWidget(made)
    made.resize(420, 500)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def shown(dock, session, measured):
    session.open(measured)
    settle()
    return dock


def hint(dock) -> str:
    settle()
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


def click(qtbot, dock, row: int, modifier=Qt.KeyboardModifier.NoModifier) -> int:
    place = dock.table.visualRect(dock.table.model().index(row, 0)).center()
    qtbot.mouseClick(dock.table.viewport(), Qt.MouseButton.LeftButton, modifier, place)
    settle()
    return int(dock.recording.roi_ids[dock.table.rows[row]])


def chosen(dock) -> set[int]:
    rows = [dock.table.rows[i.row()] for i in dock.table.selectionModel().selectedRows()]
    return set(dock.recording.roi_ids[rows].tolist())


def painted(viewer) -> list:
    return [layer for layer in viewer.layers if layer_role(layer) == "number"]


def test_empty_states_say_what_to_do(dock, session, raw_recording):
    assert "Open a recording" in hint(dock)
    session.open(Recording("nobody", np.empty(0, int), 10.0))
    assert "holds no cells" in hint(dock)
    session.open(raw_recording)
    settle()
    assert "run Features" in dock.note.text()


def test_a_row_is_a_cell_both_ways(qtbot, shown, session):
    first = click(qtbot, shown, 4)
    assert session.selection.cells == (first,) and session.selection.focus == first
    second = click(qtbot, shown, 6, Qt.KeyboardModifier.ControlModifier)
    assert set(session.selection.cells) == {first, second}
    session.selection.cells = (int(shown.recording.roi_ids[0]),)
    settle()
    assert chosen(shown) == {int(shown.recording.roi_ids[0])}


def test_an_ensemble_chosen_elsewhere_selects_its_members(shown, session, measured):
    session.choose_ensemble(1)
    settle()
    assert chosen(shown) == set(measured.ensembles.members_of(1).roi_id.tolist())


def test_a_filter_leaves_what_fits_and_says_how_many(qtbot, shown, session, measured):
    shown.filter.setText("events >= 15")
    qtbot.keyClick(shown.filter, Qt.Key.Key_Return)
    assert sorted(shown.table.rows.tolist()) == [15, 16, 17, 18, 19]
    assert shown.note.text() == "5 of 20 cells"
    qtbot.mouseClick(shown.select_all, Qt.MouseButton.LeftButton)
    assert set(session.selection.cells) == set(measured.roi_ids[15:].tolist())


def test_what_the_filter_left_is_rejected_and_accepted_as_one_step(qtbot, shown, session, measured):
    shown.filter.setText("events >= 15")
    qtbot.keyClick(shown.filter, Qt.Key.Key_Return)
    qtbot.mouseClick(shown.reject, Qt.MouseButton.LeftButton)
    assert session.recording.rois.accepted.sum() == 15 and session.position == 2
    settle()
    assert "5 of 20 cells · Reject 5 cells with events >= 15." in shown.note.text()
    shown.filter.setText("counts = no")
    qtbot.keyClick(shown.filter, Qt.Key.Key_Return)
    assert sorted(shown.table.rows.tolist()) == [15, 16, 17, 18, 19]
    qtbot.mouseClick(shown.accept, Qt.MouseButton.LeftButton)
    assert session.recording.rois.accepted.all()
    session.undo()
    session.undo()
    assert session.recording == measured


def test_the_keyboard_alone_filters_and_rejects(qtbot, shown, session):
    qtbot.keyClicks(shown.filter, "events < 3")
    qtbot.keyClick(shown.filter, Qt.Key.Key_Return)
    qtbot.keyClick(shown.table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(shown.table, Qt.Key.Key_J, Qt.KeyboardModifier.ShiftModifier)
    assert session.recording.rois.accepted.tolist() == [False] * 3 + [True] * 17
    qtbot.keyClick(shown.table, Qt.Key.Key_K, Qt.KeyboardModifier.ShiftModifier)
    assert session.recording.rois.accepted.all()


def test_the_slider_writes_its_condition_and_the_table_follows(shown, measured):
    shown.condition.number.setCurrentIndex(shown.condition.number.findData("n_events"))
    shown.condition.slider.setValue(200)
    assert shown.filter.text() == "Events < 9.5" and len(shown.table.rows) == 10
    shown.filter.setText("snr > 0, Events < 9.5")
    shown.condition.slider.setValue(100)
    assert shown.filter.text().startswith("snr > 0, Events < ") and len(shown.table.rows) == 5
    shown.condition.sign.setCurrentIndex(1)
    shown.condition.moved.emit()
    assert ">=" in shown.filter.text() and len(shown.table.rows) == 15


def test_while_a_run_goes_on_nothing_is_judged(qtbot, shown, session, measured, monkeypatch):
    monkeypatch.setattr(type(shown._bench.runner), "busy", property(lambda self: True))
    qtbot.mouseClick(shown.reject, Qt.MouseButton.LeftButton)
    assert "⚠" in shown.note.text() and session.recording == measured


def test_a_filter_that_is_not_understood_says_so_and_keeps_the_table(qtbot, shown):
    shown.filter.setText("nonsense > 1")
    qtbot.keyClick(shown.filter, Qt.Key.Key_Return)
    assert "no column “nonsense”" in shown.note.text()
    assert len(shown.table.rows) == 20
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    assert shown.note.text() == "20 cells"


def test_while_one_types_the_table_follows(qtbot, shown):
    qtbot.keyClicks(shown.filter, "events = 3")
    qtbot.waitUntil(lambda: len(shown.table.rows) == 1)


def test_somata_take_the_colours_of_a_number(shown, viewer, session, raw_recording):
    shown.colour_by.setCurrentIndex(shown.colour_by.findData("snr"))
    shown.colour_by.activated.emit(shown.colour_by.currentIndex())
    (layer,) = painted(viewer)
    assert layer.name == "SNR" and shown.bar.isVisible()
    assert float(shown.low.text()) < float(shown.high.text())
    shown.colour_by.setCurrentIndex(0)
    shown.colour_by.activated.emit(0)
    assert not painted(viewer) and not shown.bar.isVisible()


def test_the_colours_go_with_their_somata(shown, viewer, session, traces_only):
    shown.colour_by.setCurrentIndex(shown.colour_by.findData("snr"))
    shown.colour_by.activated.emit(shown.colour_by.currentIndex())
    session.open(traces_only)
    settle()
    assert not painted(viewer) and not shown.colour_by.isEnabled()


def test_undo_takes_the_numbers_back_and_what_was_typed_stays(shown, session, measured):
    session.apply(measured.replace(features={"snr": np.arange(20.0)}), "Features")
    settle()
    shown.filter.setText("snr >= 18")
    shown._apply_filter()
    assert len(shown.table.rows) == 2
    session.undo()
    settle()
    assert shown.filter.text() == "snr >= 18" and len(shown.table.rows) == 0


def test_export_has_every_number_of_every_cell_as_stored(qtbot, shown, measured, tmp_path):
    shown.filter.setText("events = 3")
    qtbot.keyClick(shown.filter, Qt.Key.Key_Return)
    table = pd.read_csv(shown.export().write(tmp_path / "cells"[:5]).with_suffix(".csv"))
    assert table["roi_id"].tolist() == measured.roi_ids.tolist()
    np.testing.assert_allclose(table["SNR"], measured.features["snr"])
    with pytest.raises(ValueError, match="numbers only"):
        shown.export().write(tmp_path / "cells.png")


def test_both_themes(shown, viewer):
    for theme in ("light", "dark"):
        viewer.theme = theme
        settle()
    assert len(shown.table.rows) == 20
