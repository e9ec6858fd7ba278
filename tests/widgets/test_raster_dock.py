"""The Raster dock with a viewer model: no napari window is needed."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtWidgets import QApplication
from tests.widgets.settling import settle

from napari_calcium.figures.raster_levels import event_levels
from napari_calcium.figures.raster_view import EVENTS
from napari_calcium.figures.row_order import display_order
from napari_calcium.figures.row_sorting import sort_rows
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.widgets.raster_dock import RasterDock


@pytest.fixture
def dock(qtbot, viewer, session):
    made = RasterDock(viewer)
    qtbot.addWidget(made)
    made.resize(900, 400)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made._job.abandon()


@pytest.fixture
def ready(qtbot, dock):
    def wait() -> RasterDock:
        settle()
        qtbot.waitUntil(lambda: not dock._job.busy)
        settle()  # the row above takes the room that what is shown now needs
        return dock

    return wait


def choose(box, value: str) -> None:
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def hint(dock: RasterDock) -> str:
    QApplication.processEvents()
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


def click(qtbot, dock, row: int, seconds: float, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    plot = dock.plot
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, row + 0.5)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def test_empty_states_say_what_to_do(dock, session):
    assert "Open a recording" in hint(dock)
    session.open(Recording("nobody", np.empty(0, int), 10.0))
    assert "no cells" in hint(dock)


def test_it_opens_with_the_most_processed_trace_by_ensemble(ready, session, recording):
    session.open(recording)
    dock = ready()
    assert hint(dock) == ""
    assert dock.stages.currentData() == "denoised" and dock.orders.currentData() == "ensemble"
    expected = recording.roi_ids[display_order(recording)[0]]
    np.testing.assert_array_equal(dock.plot.view.cells, expected)


def test_before_there_are_ensembles_cells_stand_by_id_and_the_choice_says_what_is_missing(
    ready, session, raw_recording
):
    session.open(raw_recording)
    dock = ready()
    assert dock.orders.currentData() == "id"
    item = dock.orders.model().item(dock.orders.findData("ensemble"))
    assert not item.isEnabled() and "find ensembles first" in item.toolTip()
    assert dock.stages.findData(EVENTS) == -1


@pytest.mark.parametrize("order", ["id", "rate", "component", "position"])
def test_neurons_can_be_sorted(ready, session, recording, order):
    session.open(recording)
    dock = ready()
    base = dock.plot.view.pyramid.coarse[0]
    choose(dock.orders, order)
    ready()
    np.testing.assert_array_equal(dock.plot.view.cells, recording.roi_ids[sort_rows(recording, order)])
    assert dock.plot.view.pyramid.coarse[0] is base  # not made anew


def test_events_are_a_raster_of_their_own(ready, session, recording):
    session.open(recording)
    dock = ready()
    choose(dock.stages, EVENTS)
    ready()
    np.testing.assert_array_equal(dock.plot.view.pyramid.coarse[0][0], event_levels(recording))
    assert not dock.scale.isVisible()
    choose(dock.stages, "dff")
    ready()
    assert dock.scale.isVisible() and dock.high.text().endswith("%")


def test_each_neuron_can_be_scaled(ready, session, recording):
    session.open(recording)
    dock = ready()
    before = dock.plot.view.pyramid.coarse[0][0]
    dock.scaled.setChecked(True)
    ready()
    assert not np.array_equal(dock.plot.view.pyramid.coarse[0][0], before)
    assert (dock.low.text(), dock.high.text()) == ("rest", "peak")


def test_brightness_changes_colours_and_the_scale_beside_them_only(ready, session, recording):
    session.open(recording)
    dock = ready()
    dock.plot._image.render()
    image, high, table = dock.plot._image.image, dock.high.text(), dock.plot._image.lut.copy()
    dock.bright.setValue(60)
    assert dock.plot._image.image is image
    assert float(dock.high.text().split()[0]) < float(high.split()[0])
    assert (dock.plot._image.lut != table).any()


def test_a_row_is_a_cell_both_ways(qtbot, ready, session, recording):
    session.open(recording)
    dock = ready()
    click(qtbot, dock, 3, 20.0)
    cell = int(dock.plot.view.cells[3])
    assert session.selection.cells == (cell,) and session.selection.focus == cell
    assert session.selection.time == pytest.approx(20.0, abs=0.3)
    other = int(dock.plot.view.cells[9])
    click(qtbot, dock, 9, 20.0, Qt.KeyboardModifier.ShiftModifier)
    assert session.selection.cells == (cell, other)
    click(qtbot, dock, 9, 20.0, Qt.KeyboardModifier.ShiftModifier)
    assert session.selection.cells == (cell,)
    session.selection.cells = (other,)
    ready()
    assert set(dock.plot.strip._marks.getData()[1]) == {9.5}


def test_time_and_span_go_both_ways(ready, session, recording):
    session.open(recording)
    dock = ready()
    session.selection.time = 7.5
    assert dock.plot._cursor.value() == 7.5
    session.selection.span = (5.0, 12.0)
    assert dock.plot.span == pytest.approx((5.0, 12.0))
    dock.plot.box.setXRange(6.0, 9.0, padding=0)
    assert session.selection.span == pytest.approx((6.0, 9.0))


def test_a_chosen_ensemble_is_marked(ready, session, recording):
    session.open(recording)
    dock = ready()
    session.choose_ensemble(1)
    ready()
    times = set(recording.ensembles.activations_of(1).time_s)
    assert set(dock.plot._bands.getData()[0]) == times
    members = set(recording.ensembles.members_of(1).roi_id.tolist())
    rows = {int(y) for y in dock.plot.strip._marks.getData()[1]}
    assert {int(dock.plot.view.cells[r]) for r in rows} == members


def test_a_new_stage_is_shown_when_it_is_there_and_undo_takes_it_back(
    ready, session, raw_recording, recording
):
    session.open(raw_recording)
    dock = ready()
    assert dock.stages.currentData() == "raw"
    session.apply(recording, "all")
    ready()
    assert dock.stages.currentData() == "denoised"
    session.undo()
    ready()
    assert dock.stages.currentData() == "raw"


def test_the_mouse_reads_cell_time_and_value(ready, viewer, session, recording):
    session.open(recording)
    dock = ready()
    dock.plot.hovered.emit((2, 40))
    cell = int(dock.plot.view.cells[2])
    value = 100 * recording.traces["denoised"].values[recording.rows([cell])[0], 40]
    assert viewer.status == f"cell {cell} · {40 / recording.frame_rate:.2f} s · {value:.3g} %"
    dock.plot.hovered.emit(None)
    assert viewer.status == "Ready"


def test_without_a_frame_rate_time_is_in_frames(ready, viewer, session, few):
    session.open(few.replace(frame_rate=None))
    dock = ready()
    assert "Frame" in dock.plot.getPlotItem().getAxis("bottom").labelText
    dock.plot.hovered.emit((0, 5))
    assert "frame 5" in viewer.status


def test_edges_are_results(ready, session):
    gap = np.full((2, 1), np.nan, np.float32)
    session.open(Recording("one frame", np.arange(2), 5.0, {"raw": Trace(gap, "a.u.")}))
    assert ready().plot.view.pyramid.shape == (2, 1)


def test_a_hidden_dock_prepares_nothing_until_it_is_seen(qtbot, viewer, session, recording):
    dock = RasterDock(viewer)
    qtbot.addWidget(dock)
    session.open(recording)
    QApplication.processEvents()
    assert not dock._job.busy and dock.plot.view is None
    dock.show()
    qtbot.waitUntil(lambda: dock.plot.view is not None)


def test_both_themes(ready, viewer, session, recording):
    session.open(recording)
    dock = ready()
    choose(dock.stages, EVENTS)
    ready()
    for theme in ("light", "dark"):
        viewer.theme = theme
        assert dock.plot._image.lut[0].tolist() == list(dock.plot.backgroundBrush().color().getRgb()[:3])


def test_the_same_traces_are_not_prepared_again(ready, session, recording):
    session.open(recording)
    dock = ready()
    base = dock.plot.view.pyramid.coarse[0][0]
    session.apply(recording.with_step(LogEntry("features", {}), features={}), "Features")
    ready()
    assert dock.plot.view.pyramid.coarse[0][0] is base


def test_export_is_of_what_is_shown(ready, session, recording, tmp_path):
    session.open(recording)
    dock = ready()
    lines = dock.export().write(tmp_path / "h.csv").read_text("utf-8").splitlines()
    assert len([line for line in lines if line and not line.startswith("#")]) == 1 + recording.n_frames
    choose(dock.stages, EVENTS)
    ready()
    lines = dock.export().write(tmp_path / "e.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1 + len(recording.events)
