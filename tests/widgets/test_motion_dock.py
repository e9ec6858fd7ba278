"""The Motion dock, and the registered movie beside the raw one."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPointF, Qt
from tests.widgets.settling import settle

from napari_calcium.cells.drawn_rois import drawn_discs, use_drawing
from napari_calcium.io.results_folder import new_results_folder, write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.movie.registration_settings import RigidRegistration
from napari_calcium.pipeline import run_stage
from napari_calcium.recording import Movie, Recording
from napari_calcium.widgets.motion_dock import MotionDock
from napari_calcium.widgets.registered_layer import RegisteredFrames, registered_layer_of
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.viewer_session import session_of


@pytest.fixture(scope="module")
def raw():
    rng = np.random.default_rng(3)
    scene = rng.gamma(1, 100, (60, 64))
    scene = sum(np.roll(scene, s, axis=(0, 1)) for s in ((0, 0), (0, 1), (1, 0), (1, 1)))
    shifts = rng.integers(-2, 3, (40, 2))
    movie = np.stack([rng.poisson(np.roll(scene, tuple(s), axis=(0, 1))) for s in shifts]).astype(np.uint16)
    return Recording("film", np.empty(0, np.int64), 10.0, movie=Movie(movie))


@pytest.fixture(scope="module")
def registered(raw):
    made = run_stage(raw, "registration", RigidRegistration())
    motion = made.motion
    bad = motion.bad.copy()
    bad[10:12] = True
    # The motion is another object then, for which no binned movie is kept.
    return made, made.replace(
        motion=type(motion)(
            *list(motion.columns().values())[:3], bad, motion.fields, motion.node_y_px, motion.node_x_px
        )
    )


@pytest.fixture
def dock(qtbot, viewer, session):
    made = MotionDock(viewer)
    qtbot.addWidget(made)
    made.resize(900, 260)
    made.show()
    qtbot.waitExposed(made)
    return made


def hint(dock) -> str:
    settle()
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


def test_empty_states_say_what_to_do(dock, session, raw):
    assert "Open a recording" in hint(dock)
    session.open(raw)
    assert "run Registration" in hint(dock)
    session.open(raw.replace(movie=None))
    assert "no movie" in hint(dock)


def test_shifts_correlation_and_bad_frames_are_shown(dock, session, registered):
    session.open(registered[1])
    assert hint(dock) == ""
    assert "2 bad frames" in [label.text() for label in dock.words]
    for plot in (dock.shifts, dock.correlation):
        np.testing.assert_allclose(plot.bad_frames.spans, [[1.0, 1.2]])
        assert plot.span[1] == pytest.approx(4.0)
    np.testing.assert_allclose(
        dock.shifts._curves[1].getData()[1], registered[1].motion.shift_x_px, atol=1e-5
    )


def test_the_motion_that_is_left_is_shown_also_of_a_recording_that_was_opened_again(
    dock, session, registered, tmp_path
):
    session.open(registered[0])
    settle()
    shown = dock.residual._values
    assert len(shown) == 20 and not dock.residual.isHidden() and dock.residual_note.isHidden()
    with new_results_folder(tmp_path / "results") as folder:
        write_results(registered[0], folder, "version: 1\n")
    session.open(read_results(tmp_path / "results"))
    settle()
    np.testing.assert_array_equal(dock.residual._values, shown)


def test_where_it_was_not_measured_the_dock_says_how_to_see_the_residual(dock, session, registered):
    session.open(registered[1])
    settle()
    assert dock.residual.isHidden() and "Run Registration again" in dock.residual_note.text()


def test_time_is_linked_both_ways(dock, session, registered, viewer, qtbot):
    session.open(registered[1])
    settle()
    viewer.dims.set_current_step(0, 20)
    assert dock.shifts._cursor.value() == dock.correlation._cursor.value() == pytest.approx(2.0)
    plot = dock.correlation
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(3.0, np.mean(plot.box.viewRange()[1]))))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert viewer.dims.current_step[0] == pytest.approx(30, abs=1)


def test_the_registered_movie_lies_over_the_raw_one_and_a_key_goes_to_and_fro(
    dock, session, registered, viewer
):
    session.open(registered[1])
    settle()
    names = [layer_role(layer) for layer in viewer.layers]
    assert names.index("registered") == names.index("movie") + 1
    raw_layer, layer = (viewer.layers[names.index(role)] for role in ("movie", "registered"))
    assert layer.visible and not raw_layer.visible and dock.registered.isChecked()
    press = next(action for key, action in viewer.keymap.items() if str(key) == "G")
    press(viewer)
    assert raw_layer.visible and not layer.visible and not dock.registered.isChecked()
    dock.registered.click()
    assert layer.visible and not raw_layer.visible
    np.testing.assert_allclose(layer.scale, raw_layer.scale)
    assert np.asarray(layer.data[3]).shape == (60, 64)


def test_the_layer_goes_with_its_registration_and_stays_deleted(session, raw, registered, viewer):
    session.open(raw)
    session.apply(registered[1], "Registration")
    found = registered_layer_of(viewer)
    assert found.layer is not None
    viewer.layers.remove(found.layer)
    session.apply(registered[1].replace(name="renamed"), "Rename")
    assert found.layer is None
    session.undo()
    session.undo()
    assert [layer_role(layer) for layer in viewer.layers] == ["movie"]
    assert viewer.layers[0].visible


def test_a_file_that_is_gone_gives_black_frames_and_no_error():
    class Gone:
        shape = (5, 4, 3)

        def __getitem__(self, key):
            raise OSError("no such file")

    frames = RegisteredFrames(Gone())
    assert frames[2].shape == (4, 3) and np.isnan(frames[2]).all()
    assert frames[1:3].shape == (2, 4, 3)
    assert frames[2, 1:3, :2].shape == (2, 2)
    assert len(frames) == 5 and frames.size == 60


def test_it_can_be_exported(dock, session, registered, tmp_path):
    assert dock.export() is None
    session.open(registered[1])
    settle()
    export = dock.export()
    export.write(tmp_path / "motion.png")
    export.write(tmp_path / "motion.csv")
    assert (tmp_path / "motion.csv").read_text().startswith("shift_y_px,shift_x_px,correlation,bad")


def test_nothing_keeps_a_viewer_alive():
    viewer = ViewerModel()
    session_of(viewer)
    gone = weakref.ref(viewer)
    del viewer
    gc.collect()
    assert gone() is None


def test_other_cells_of_the_same_movie_leave_hidden_what_was_hidden(session, registered, viewer):
    made = registered[1]
    session.open(made)
    found = registered_layer_of(viewer)
    raw_layer = next(layer for layer in viewer.layers if layer_role(layer) == "movie")
    found.layer.visible = raw_layer.visible = False
    drawn = use_drawing(made, drawn_discs([[20, 20]], [9], (60, 64)))
    session.apply(drawn, "Use drawn")
    roles = [layer_role(layer) for layer in viewer.layers]
    assert "somata" in roles and roles.index("registered") == roles.index("movie") + 1
    assert not found.layer.visible
    assert not next(layer for layer in viewer.layers if layer_role(layer) == "movie").visible
