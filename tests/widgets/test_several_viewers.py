"""Two windows at once, and what is taken away under our feet while something runs."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from tests.widgets.settling import settle

from napari_calcium.widgets.dock_place import dock_of
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def windows(make_napari_viewer):
    """Two windows with their docks, and without their canvases.

    Two bare napari windows in a software OpenGL do not bear it that one is closed: vispy complains of its own
    buffers (``GL_INVALID_VALUE``) whenever the other's canvas is painted after that.
    """
    made = []
    for _ in range(2):
        viewer = make_napari_viewer(show=True)
        viewer.window._qt_viewer.canvas.native.hide()
        docks = {
            name: viewer.window.add_plugin_dock_widget("napari-calcium", name)[1]
            for name in ("Traces", "Ensembles")
        }
        made.append((viewer, docks))
    return made


def shown(docks) -> list[int]:
    dock_of(docks["Traces"]).raise_()  # behind another's tab it draws nothing
    settle()
    return list(dict.fromkeys(lane.cell for lane in docks["Traces"].plot.lanes.lanes))


def test_what_is_chosen_in_one_window_stays_there(windows, recording, traces_only, qtbot):
    (one, docks), (other, others) = windows
    session_of(one).open(recording)
    session_of(other).open(traces_only)
    session_of(other).selection.cells = (3,)
    settle()
    before = [layer.name for layer in other.layers]
    place = docks["Ensembles"].table.visualItemRect(docks["Ensembles"].table.item(1, 0)).center()
    qtbot.mouseClick(docks["Ensembles"].table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert set(shown(docks)) == set(recording.ensembles.members_of(1).roi_id.tolist())
    assert shown(others) == [3]
    assert session_of(other).selection.ensemble is None
    assert [layer.name for layer in other.layers] == before
    one.dims.set_current_step(0, 40)
    assert session_of(one).selection.time > 0
    assert session_of(other).selection.time == 0


def test_closing_one_window_leaves_the_other_at_work(windows, recording, qtbot):
    (one, _), (other, docks) = windows
    for viewer in (one, other):
        session_of(viewer).open(recording)
    with qtbot.captureExceptions() as raised:
        one.close()
        settle()
        session_of(other).selection.cells = (5, 2)
        assert shown(docks) == [5, 2]
        session_of(other).choose_ensemble(0)
        assert set(shown(docks)) == set(recording.ensembles.members_of(0).roi_id.tolist())
        qtbot.wait(200)
    assert raised == []


def test_runs_in_two_windows_do_not_meet(windows, few, fake_stages, qtbot):
    (one, _), (other, _) = windows
    session_of(one).open(few)
    session_of(other).open(few)
    workbench_of(one).run_stage("baseline")
    assert not workbench_of(other).runner.busy
    qtbot.waitUntil(lambda: not workbench_of(one).runner.busy)
    assert session_of(one).recording is not few
    assert session_of(other).recording is few
    for viewer in (one, other):
        workbench_of(viewer).saved = session_of(viewer).recording


def test_layers_may_be_deleted_and_renamed_while_a_stage_runs(windows, raw_recording, fake_stages, qtbot):
    (viewer, docks), _ = windows
    session, bench = session_of(viewer), workbench_of(viewer)
    session.open(raw_recording)
    fake_stages.gate.clear()
    bench.run_stage("baseline")
    viewer.layers[-1].name = "mine"
    gone = viewer.layers[0]
    viewer.layers.remove(gone)
    fake_stages.gate.set()
    qtbot.waitUntil(lambda: not bench.runner.busy)
    assert session.recording is not raw_recording
    assert gone not in viewer.layers
    assert "mine" in viewer.layers
    session.selection.cells = (4,)
    assert shown(docks) == [4]
    viewer.layers.clear()
    session.undo()
    assert session.recording is raw_recording
    bench.saved = session.recording
