"""The Edit cells dock: tools and keys, traces that follow in the background, undo of everything."""

from __future__ import annotations

import time

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from tests.widgets.settling import settle

from napari_calcium.cells.drawn_rois import drawn_labels, use_drawing
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.pipeline import PipelineSettings, run, run_stage
from napari_calcium.pipeline_settings import STAGES
from napari_calcium.progress import Cancelled
from napari_calcium.recording import Movie, Recording
from napari_calcium.stages.pipeline_movie import lags_behind
from napari_calcium.widgets.edit_dock import ACTION_KEYS, EditDock
from napari_calcium.widgets.edit_tool import EDIT_KEYS
from napari_calcium.widgets.key_list import KEYS
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SHAPE = (48, 64)


@pytest.fixture(scope="module")
def recording():
    """Three cells drawn by hand, one more that flashes in the movie, and the images of a registration."""
    frames = np.random.default_rng(0).poisson(100, (80, *SHAPE)).astype(np.uint16)
    flash = (np.arange(80) % 20 < 5).astype(np.uint16) * 300
    frames[:, 30:36, 40:46] += flash[:, None, None]
    bright = np.zeros(SHAPE, np.float32)
    bright[30:36, 40:46] = 1
    image = np.zeros(SHAPE, np.int32)
    image[4:9, 4:9], image[4:9, 9:13], image[20:26, 10:20] = 1, 2, 3
    empty = Recording(
        "film",
        np.empty(0, np.int64),
        10.0,
        movie=Movie(frames),
        images={"local_correlation": bright},
        pixel_size_um=2.0,
    )
    return run_stage(use_drawing(empty, drawn_labels(image)), "extraction", ExtractionSettings())


@pytest.fixture
def dock(qtbot, viewer, recording):
    made = EditDock(viewer)
    qtbot.addWidget(made)
    made.resize(400, 500)
    made.show()
    qtbot.waitExposed(made)
    made.session.open(recording)
    settle()
    yield made
    workbench_of(viewer).let_go()


def until_read(qtbot, dock) -> None:
    def done() -> bool:
        updates = dock.updates
        return not (updates.pending or updates.runner.busy or updates.neighbours_due)

    qtbot.waitUntil(done)
    settle()


def press(viewer, key: str) -> None:
    """Do what a key of the image does."""
    from app_model.types import KeyBinding

    viewer.keymap[KeyBinding.from_str(key)](viewer)
    settle()


def gesture(dock, tool, *places, held=()) -> None:
    """Hand a gesture over as the canvas does: in µm."""
    dock._on_gesture(tool, np.array(places, float) * 2.0, held)


def test_a_wand_cell_has_its_trace_in_the_background_and_undo_takes_both_back(qtbot, dock, recording):
    gesture(dock, "wand", (33, 43))
    assert dock.session.recording.traces == recording.traces  # as before, while the light is read
    assert dock.says.text().startswith("Wand: cell 3, ")
    until_read(qtbot, dock)
    now = dock.session.recording
    assert now.roi_ids.tolist() == [0, 1, 2, 3] and dock.session.selection.cells == (3,)
    y, x = now.rois.pixels(3)
    assert len(y) >= 30 and y.min() >= 29 and y.max() <= 36 and x.min() >= 39 and x.max() <= 46
    flash = np.arange(80) % 20 < 5
    assert np.corrcoef(now.traces["raw"].values[3], flash)[0, 1] > 0.95
    np.testing.assert_array_equal(now.traces["raw"].values[:3], recording.traces["raw"].values)
    qtbot.mouseClick(dock.undo, Qt.MouseButton.LeftButton)
    assert dock.session.recording == recording
    settle()
    qtbot.mouseClick(dock.redo, Qt.MouseButton.LeftButton)
    assert dock.session.recording is now


def test_neighbours_follow_in_the_background_to_the_byte_of_a_run(qtbot, dock, recording):
    before = dock.session.recording
    gesture(dock, "outline", (10, 5), (10, 9), (14, 9), (14, 5))  # in the ring around cells 0 and 1
    gesture(dock, "outline", (14, 14), (14, 18), (18, 18), (18, 14))
    until_read(qtbot, dock)
    now = dock.session.recording
    assert not lags_behind(now) and now.n_rois == 5
    again = run_stage(now.replace(traces={}, log=now.log[:-1]), "extraction", ExtractionSettings())
    for name, trace in again.traces.items():
        np.testing.assert_array_equal(now.traces[name].values, trace.values)
    assert (now.traces["neuropil"].values[0] != before.traces["neuropil"].values[0]).any()
    dock.session.undo()
    dock.session.undo()
    settle()
    assert dock.session.recording is before


def test_neighbours_whose_reading_is_cancelled_wait_for_a_run(qtbot, dock, monkeypatch):
    monkeypatch.setattr("napari_calcium.widgets.cell_update.read_neighbours", _never)
    gesture(dock, "wand", (33, 43))
    qtbot.waitUntil(lambda: dock.updates.was_given_up)
    dock.refresh()
    assert dock.session.recording.n_rois == 4 and "Run all" in dock.about.text()


def _never(*_, **__):
    raise Cancelled


def test_a_silent_cell_is_grown_in_the_mean_image(qtbot, dock, recording):
    noise = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    mean = np.zeros(SHAPE, np.float32)
    mean[12:19, 50:57] = 1
    dock.session.open(recording.replace(images={"local_correlation": noise, "mean": mean}))
    gesture(dock, "wand", (15, 53))
    until_read(qtbot, dock)
    np.testing.assert_allclose(dock.session.recording.rois.centroids[-1], (15, 53), atol=1.0)


def test_undo_before_the_traces_are_there_and_redo_reads_them(qtbot, dock, recording):
    gesture(dock, "ellipse", (30, 40), (36, 40), (36, 46), (30, 46))
    dock.session.undo()
    settle()
    assert dock.session.recording == recording
    dock.session.redo()
    until_read(qtbot, dock)
    assert dock.session.recording.n_rois == 4


def test_changes_in_a_row_are_all_read(qtbot, dock):
    for left in (30, 40, 50):
        gesture(dock, "outline", (10, left), (14, left), (14, left + 5), (10, left + 5))
    until_read(qtbot, dock)
    assert dock.session.recording.roi_ids.tolist() == [0, 1, 2, 3, 4, 5]
    assert dock.session.position == 4  # the opening and three steps


def test_merge_split_redraw_and_delete(qtbot, dock):
    session = dock.session
    session.selection.cells = (0, 1)
    settle()
    qtbot.mouseClick(dock.buttons["merge"], Qt.MouseButton.LeftButton)
    until_read(qtbot, dock)
    assert session.recording.roi_ids.tolist() == [2, 3] and session.selection.cells == (3,)
    session.selection.cells = ()
    gesture(dock, "split", (15, 14.5), (30, 14.5))
    until_read(qtbot, dock)
    assert session.recording.roi_ids.tolist() == [3, 4, 5]
    areas = dict(zip(session.recording.rois.ids.tolist(), session.recording.rois.areas.tolist(), strict=True))
    assert sorted((areas[4], areas[5])) == [30, 30] or areas[4] + areas[5] == 60
    session.selection.cells = (4,)
    gesture(dock, "redraw", (25, 9), (29, 9), (29, 15), (25, 15), held=("Shift",))
    until_read(qtbot, dock)
    row = session.recording.rois.ids.tolist().index(4)
    assert session.recording.rois.areas[row] > areas[4]
    gesture(dock, "redraw", (-1, -1), (50, -1), (50, 70), (-1, 70), held=("Alt",))
    assert dock.says.text().startswith("⚠ Nothing would be left")
    session.selection.cells = (4, 5)
    settle()
    qtbot.mouseClick(dock.buttons["delete"], Qt.MouseButton.LeftButton)
    until_read(qtbot, dock)
    assert session.recording.roi_ids.tolist() == [3]
    for _ in range(4):
        session.undo()
    assert session.recording.roi_ids.tolist() == [0, 1, 2]


def test_what_was_done_here_is_done_again_by_a_run_of_the_settings(qtbot, dock, recording):
    gesture(dock, "wand", (33, 43))
    dock.session.selection.cells = (0, 1)
    dock.act("merge")
    until_read(qtbot, dock)
    bench = workbench_of(dock._viewer)
    settings = bench.plan.settings.replace(**dict.fromkeys((*STAGES, "registration", "segmentation")))
    fresh = Recording("film", np.empty(0, np.int64), 10.0, movie=recording.movie)
    again = run(fresh, PipelineSettings.from_yaml(settings.to_yaml()))
    assert again.roi_ids.tolist() == dock.session.recording.roi_ids.tolist() == [2, 3, 4]
    quality = dock.session.recording.rois
    np.testing.assert_array_equal(again.rois.footprints.toarray(), quality.footprints.toarray())


def test_rejecting_is_a_decision_that_undo_takes_back(dock, recording):
    dock.session.selection.cells = (1, 2)
    dock.act("reject")
    assert dock.session.recording.cell_choice.rejected == (1, 2)
    dock.act("reject")
    assert dock.says.text().endswith("so they were.")
    dock.session.undo()
    assert dock.session.recording == recording


def test_keys_take_tools_and_act(qtbot, viewer, dock):
    for tool, key in EDIT_KEYS.items():
        press(viewer, key)
        assert dock.session.selection.tool == tool and dock.buttons[tool].isChecked()
        press(viewer, key)
        assert dock.session.selection.tool == "click"
    dock.session.selection.cells = (0, 1)
    press(viewer, ACTION_KEYS["merge"])
    until_read(qtbot, dock)
    assert dock.session.recording.n_rois == 2
    qtbot.keyClick(dock, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
    until_read(qtbot, dock)
    assert dock.session.recording.n_rois == 1
    listed = ", ".join(keys for keys, _, _ in KEYS)
    assert all(key in listed for key in (*EDIT_KEYS.values(), *ACTION_KEYS.values()))


def test_a_dock_that_goes_takes_its_keys_and_tools_along(qtbot, viewer, recording):
    made = EditDock(viewer)
    press(viewer, EDIT_KEYS["wand"])
    session = made.session
    assert session.selection.tool == "wand"
    made.deleteLater()
    qtbot.waitUntil(lambda: session.selection.tool == "click")
    assert not [key for key in viewer.keymap if str(key) in EDIT_KEYS.values()]


def test_changed_cells_are_outlined_until_they_are_read(qtbot, viewer, dock):
    gesture(dock, "wand", (33, 43))
    dock.refresh()
    assert "changed" in [layer_role(layer) for layer in viewer.layers]
    until_read(qtbot, dock)
    dock.refresh()
    assert "changed" not in [layer_role(layer) for layer in viewer.layers]


def test_later_results_follow_where_that_is_wanted(qtbot, dock, recording):
    settings = PipelineSettings()
    analysed = recording
    for stage in ("baseline", "background"):
        analysed = run_stage(analysed, stage, getattr(settings, stage))
    dock.session.open(analysed)
    dock.follow.setChecked(True)
    gesture(dock, "wand", (33, 43))
    until_read(qtbot, dock)
    assert dock.session.recording.traces["background_corrected"].values.shape[0] == 4
    dock.follow.setChecked(False)
    gesture(dock, "ellipse", (10, 40), (14, 40), (14, 45), (10, 45))
    until_read(qtbot, dock)
    assert "dff" not in dock.session.recording.traces and dock.session.recording.n_rois == 5


def test_shapes_become_cells_on_the_second_press(qtbot, viewer, dock):
    dock.act("polygon")
    layer = viewer.layers["Shapes for cells"]
    assert layer.mode == "add_polygon"
    layer.add_polygons(np.array([[10, 40], [16, 40], [16, 46], [10, 46]]))
    with qtbot.waitSignal(workbench_of(viewer).runner.finished):
        dock.act("polygon")
    assert dock.session.recording.n_rois == 4 and layer not in viewer.layers


def test_without_a_movie_it_says_what_can_be_done_and_does_it(qtbot, dock, recording):
    log = tuple(entry for entry in recording.log if entry.stage != "extraction")
    table = recording.replace(movie=None, log=log, candidates=None)
    dock.session.open(table)
    settle()
    assert "cannot be read" in dock.about.text()
    assert not dock.buttons["wand"].isEnabled() and not dock.buttons["merge"].isEnabled()
    gesture(dock, "wand", (33, 43))
    assert "cannot be read" in dock.says.text()
    dock.session.selection.cells = (0,)
    dock.act("reject")
    assert dock.session.recording.rois.accepted.tolist() == [False, True, True]
    dock.act("delete")
    assert dock.session.recording.roi_ids.tolist() == [1, 2]
    dock.session.undo()
    dock.session.undo()
    assert dock.session.recording is table


def test_a_reading_that_fails_is_told_once_and_not_tried_for_ever(qtbot, dock, monkeypatch):
    calls = []

    def fail(*args, **kwargs):
        calls.append(1)
        raise OSError("disk: the movie is no longer there")

    monkeypatch.setattr("napari_calcium.widgets.cell_update.read_edited", fail)
    with qtbot.waitSignal(dock.updates.runner.finished):
        gesture(dock, "wand", (33, 43))
    qtbot.wait(300)
    assert calls == [1] and "no longer there" in dock.progress.message


def test_wrong_places_are_told_in_a_line(dock):
    gesture(dock, "wand", (500, 500))
    assert dock.says.text().startswith("⚠ Nothing stands out")
    gesture(dock, "split", (40, 2), (46, 2))
    assert dock.says.text().startswith("⚠ There is no cell")
    gesture(dock, "outline", (60, 0), (70, 10), (60, 10))
    assert dock.says.text().startswith("⚠ There is no pixel")
    dock.session.selection.cells = (0,)
    dock.act("merge")
    assert dock.says.text().startswith("⚠ Select two cells")
    gesture(dock, "split", (40, 2), (46, 2))
    assert "does not cross" in dock.says.text()


def test_in_a_low_dock_nothing_is_squeezed(dock):
    dock.resize(360, 160)
    settle()
    buttons = [*dock.buttons.values(), *dock.numbers.buttons.values(), dock.learning.train]
    assert all(button.height() >= button.minimumSizeHint().height() for button in buttons)


# --- by numbers, and by what was learnt


def test_the_slider_counts_at_once_and_its_cells_are_selected_or_rejected(qtbot, dock, recording):
    dock.refresh()
    row = dock.numbers
    qtbot.waitUntil(lambda: row.condition.number.findData("trace_snr") >= 0)
    row.condition.number.setCurrentIndex(row.condition.number.findData("area"))
    areas = recording.rois.areas * 4.0
    for place in (0, 100, 250, 400):
        row.condition.slider.setValue(place)
        expected = recording.roi_ids[areas < row.condition.threshold].tolist()
        assert row.found().tolist() == expected
        assert row.counts.text().startswith(f"<b>{len(expected)}</b> of 3 cells")
    row.condition.sign.setCurrentIndex(1)
    row.condition.slider.setValue(200)
    assert row.found().tolist() == [2]  # the largest
    qtbot.mouseClick(row.buttons["select"], Qt.MouseButton.LeftButton)
    assert dock.session.selection.cells == (2,)
    qtbot.mouseClick(row.buttons["reject"], Qt.MouseButton.LeftButton)
    assert dock.session.recording.cell_choice.rejected == (2,)
    assert "Area" in dock.says.text()
    dock.session.undo()
    assert dock.session.recording.cell_choice.rejected == ()


def test_a_classifier_is_trained_kept_loaded_and_judges_with_undo(qtbot, dock, tmp_path):
    rng = np.random.default_rng(0)
    image = np.zeros(SHAPE, np.int32)
    for k in range(24):
        image[2 * k, : (30 if k % 2 else 5)] = k + 1  # long ones and short ones
    rois = drawn_labels(image)
    cells = use_drawing(
        Recording("f", np.empty(0, np.int64), 10.0, movie=Movie(rng.random((9, *SHAPE)))), rois
    )
    learning = dock.learning
    dock.session.open(cells)
    settle()
    qtbot.mouseClick(learning.train, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "at least 5" in learning.says.text())
    dock.editor.decide(cells=False, ids=cells.roi_ids[::2].tolist())
    dock.editor.decide(cells=True, ids=cells.roi_ids[1::2].tolist())
    dock.refresh()
    assert "12 as cells and 12 as none" in learning.says.text()
    qtbot.mouseClick(learning.train, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: learning.classifier is not None)
    assert "12 accepted and 12 rejected" in learning.says.text()
    learning.keep(tmp_path / "cells.json")
    learning.classifier = None
    learning.take(tmp_path / "cells.json")
    dock.session.undo()
    dock.session.undo()
    before = dock.session.recording
    assert before.cell_choice.accepts(before.candidates).all()
    qtbot.mouseClick(learning.apply, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dock.session.recording is not before)
    now = dock.session.recording
    assert now.cell_choice.accepts(now.candidates).tolist() == [False, True] * 12
    assert np.isfinite(now.candidates.quality["probability"]).all()
    dock.session.undo()
    assert dock.session.recording is before
    (tmp_path / "no.json").write_text("{}")
    learning.take(tmp_path / "no.json")
    assert learning.says.text().startswith("⚠ No.json") or "not a cell classifier" in learning.says.text()


# --- the real window


def test_a_click_with_the_wand_makes_a_cell_with_its_trace_until_undo(make_napari_viewer, qtbot, recording):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 900)
    session = session_of(viewer)
    session.open(recording)
    _, dock = viewer.window.add_plugin_dock_widget("napari-calcium", "Edit cells")
    _, traces = viewer.window.add_plugin_dock_widget("napari-calcium", "Traces")
    settle()
    qtbot.mouseClick(dock.buttons["wand"], Qt.MouseButton.LeftButton)
    drag(viewer, [(66, 86)])
    until_read(qtbot, dock)
    assert session.selection.cells == (3,)
    traces.parentWidget().raise_()
    qtbot.waitUntil(lambda: [lane.cell for lane in traces.plot.lanes.lanes] == [3])
    qtbot.mouseClick(dock.buttons["ellipse"], Qt.MouseButton.LeftButton)
    drag(viewer, [(20, 60), (24, 64), (32, 76)])
    until_read(qtbot, dock)
    drawn = session.recording.rois
    assert drawn.ids.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(drawn.centroids[-1], (13, 34), atol=0.7)
    session.undo()
    session.undo()
    assert session.recording == recording
    workbench_of(viewer).let_go()


def drag(viewer, path) -> None:
    """Press at the first world position (y, x), move along the others, let go at the last."""
    settle()
    canvas = viewer.window._qt_viewer.canvas
    places = [(canvas.view.transform * canvas.view.scene.transform).map([x, y, 0, 1])[:2] for y, x in path]
    events = canvas._scene_canvas.events
    pressed = events.mouse_press(pos=places[0], modifiers=(), button=1)
    for place in places[1:]:
        events.mouse_move(
            pos=place, modifiers=(), button=1, press_event=pressed, last_event=pressed, buttons=[1]
        )
        time.sleep(0.006)
        QApplication.processEvents()
    events.mouse_release(pos=places[-1], modifiers=(), button=1)
    settle()
