"""Whole flows in a real napari window with real mouse and key events."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow
from tests.widgets.settling import settle

from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.widgets.ensembles_dock import EnsemblesDock
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.traces import TracesDock
from napari_calcium.widgets.viewer_session import session_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def window(make_napari_viewer, qtbot):
    """A shown viewer with both docks: (viewer, session, traces dock, ensembles dock)."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 900)
    _, traces = viewer.window.add_plugin_dock_widget("napari-calcium", "Traces")
    _, ensembles = viewer.window.add_plugin_dock_widget("napari-calcium", "Ensembles")
    qtbot.wait(50)
    return viewer, session_of(viewer), traces, ensembles


def on_screen(viewer, y: float, x: float) -> np.ndarray:
    """Return the canvas pixel of a world position."""
    canvas = viewer.window._qt_viewer.canvas
    return (canvas.view.transform * canvas.view.scene.transform).map([x, y, 0, 1])[:2]


def click(
    viewer, y: float, x: float, *, modifiers: tuple = (), drag: tuple[float, float] | None = None
) -> None:
    settle()
    events = viewer.window._qt_viewer.canvas._scene_canvas.events
    place = on_screen(viewer, y, x)
    press = events.mouse_press(pos=place, modifiers=modifiers, button=1)
    if drag is not None:
        for share in (0.5, 1.0):
            moved = place + share * np.asarray(drag)
            events.mouse_move(
                pos=moved, modifiers=modifiers, button=1, press_event=press, last_event=press, buttons=[1]
            )
        place = place + np.asarray(drag)
    events.mouse_release(pos=place, modifiers=modifiers, button=1)
    settle()


def centre(recording, cell: int) -> np.ndarray:
    row = list(recording.rois.ids).index(cell)
    own = np.argwhere(recording.rois.label_image() == row + 1)
    return own[len(own) // 2] * recording.pixel_size_um


def shown(traces: TracesDock) -> list[int]:
    settle()
    return list(dict.fromkeys(lane.cell for lane in traces.plot.lanes.lanes))


def click_plot(qtbot, plot, seconds: float, height: float) -> None:
    settle()
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, height)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle()


def test_from_soma_to_trace_and_back(window, qtbot, recording):
    viewer, session, traces, _ = window
    assert isinstance(traces, TracesDock)
    session.open(recording)
    click(viewer, *centre(recording, 7))
    assert shown(traces) == [7]
    click(viewer, *centre(recording, 2), modifiers=("Shift",))
    assert shown(traces) == [7, 2]
    click(viewer, *centre(recording, 11), drag=(60, 30))
    assert shown(traces) == [7, 2]

    viewer.scene.camera.zoom *= 12  # so near that the picture need not end at the edge of the canvas
    click_plot(qtbot, traces.plot, 20.0, 1.5)
    assert session.selection.focus == 2
    expected = recording.rois.centroids[list(recording.rois.ids).index(2)] * recording.pixel_size_um
    assert viewer.scene.camera.center[-2:] == pytest.approx(tuple(expected))
    assert viewer.dims.current_step[0] == pytest.approx(20 * recording.frame_rate, abs=2)

    viewer.dims.set_current_step(0, 33)
    assert traces.plot._cursor.value() == pytest.approx(33 / recording.frame_rate)

    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Escape)
    settle()
    assert session.selection.cells == ()
    assert traces.pages.currentIndex() == 0


def test_from_ensemble_to_somata_traces_and_time(window, qtbot, recording):
    viewer, session, traces, dock = window
    assert isinstance(dock, EnsemblesDock)
    session.open(recording)
    settle()
    place = dock.table.visualItemRect(dock.table.item(1, 0)).center()
    qtbot.mouseClick(dock.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    members = set(recording.ensembles.members_of(1).roi_id.tolist())
    assert set(shown(traces)) == members

    # The pixel in the middle of a member has the colour of the ensemble, that of another cell has not.
    def colour_at(cell: int) -> np.ndarray:
        picture = viewer.screenshot(canvas_only=True, flash=False)
        x, y = on_screen(viewer, *centre(recording, cell)) * viewer.window._qt_viewer.devicePixelRatioF()
        return picture[round(y), round(x), :3].astype(int)

    viewer.layers["Activity (from traces)"].visible = False
    settle()
    wanted = np.array(rgb(ensemble_color(1)))
    member = min(members)
    other = next(k for k in recording.roi_ids.tolist() if k not in members)
    assert np.abs(colour_at(member) - wanted).max() < 70
    assert np.abs(colour_at(other) - wanted).max() > 70

    when = float(recording.ensembles.activations_of(1).time_s[1])
    click_plot(qtbot, dock.plot, when, 1.5)
    assert session.selection.time == when
    assert viewer.dims.current_step[0] == int(when * recording.frame_rate + 1e-6)


def test_a_recording_without_positions_has_the_same_docks(window, qtbot, traces_only):
    viewer, session, traces, dock = window
    session.open(traces_only)
    settle()
    heatmap = next(layer for layer in viewer.layers if layer_role(layer) == "heatmap")
    click(viewer, *heatmap.data_to_world((5, 100)))
    assert shown(traces) == [5]
    assert session.selection.time == pytest.approx(100 / traces_only.frame_rate, abs=0.2)
    session.choose_ensemble(0)
    assert set(shown(traces)) == set(traces_only.ensembles.members_of(0).roi_id.tolist())
    assert dock.table.rowCount() == 2


def test_the_canvas_is_not_black(window, recording):
    viewer, session, *_ = window
    session.open(recording)
    settle()
    assert viewer.screenshot(canvas_only=True, flash=False)[..., :3].max() > 100


@pytest.mark.usefixtures("window")
def test_the_traces_come_up_below_and_ensembles_beside_the_canvas():
    settle()
    main = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow) and w.isVisible())
    places = {
        dock.objectName() or dock.windowTitle(): main.dockWidgetArea(dock)
        for dock in main.findChildren(QDockWidget)
    }
    below = [area for name, area in places.items() if name.startswith("Traces")]
    beside = [area for name, area in places.items() if name.startswith("Ensembles")]
    assert below == [Qt.DockWidgetArea.BottomDockWidgetArea]
    assert beside == [Qt.DockWidgetArea.RightDockWidgetArea]


def test_closing_the_window_with_a_selection_is_safe(make_napari_viewer, qtbot, recording):
    viewer = make_napari_viewer(show=True)
    viewer.window.add_plugin_dock_widget("napari-calcium", "Traces")
    viewer.window.add_plugin_dock_widget("napari-calcium", "Ensembles")
    session = session_of(viewer)
    session.open(recording)
    session.choose_ensemble(1)
    viewer.close()
    session.selection.cells = (3,)
    session.selection.time = 4.0
    assert session.selection.cells == (3,)
    session.close()
    settle()
    assert session.recording is None


def test_a_dock_that_is_closed_can_be_opened_again(window, qtbot, recording):
    viewer, session, *_ = window
    session.open(recording)
    dock, _ = viewer.window.add_plugin_dock_widget("napari-calcium", "Traces")
    viewer.window.remove_dock_widget(dock)
    session.selection.cells = (4,)
    settle()
    _, again = viewer.window.add_plugin_dock_widget("napari-calcium", "Traces")
    qtbot.wait(50)
    assert shown(again) == [4]


def test_undo_while_an_ensemble_is_chosen(window, raw_recording, recording):
    _, session, traces, dock = window
    session.open(raw_recording)
    session.apply(recording, "All stages")
    session.choose_ensemble(1)
    settle()
    session.undo()
    settle()
    assert session.selection.ensemble is None
    assert dock.pages.currentIndex() == 0
    assert set(shown(traces)) == set(recording.ensembles.members_of(1).roi_id.tolist())
