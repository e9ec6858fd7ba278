"""Whole flows in a real viewer with a real mouse: from a file to an ensemble on the image."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtWidgets import QApplication

from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.widgets import workspace as module
from napari_calcium.widgets.dock_place import dock_of, our_docks
from napari_calcium.widgets.preferences import Preferences
from napari_calcium.widgets.readers import read_table, read_tiff
from napari_calcium.widgets.recording_line import RecordingLine
from napari_calcium.widgets.soma_highlight import CELL_EDGE, FIRST_MEMBER
from napari_calcium.widgets.theme import ensemble_mark, plot_colors
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of
from napari_calcium.widgets.workspace import workspace_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def sample():
    return simulate(
        SimulationSettings(
            n_rois=50, n_frames=2000, n_ensembles=2, ensemble_size=(9, 11), height=160, width=160, n_vessels=0
        )
    )


@pytest.fixture(scope="module")
def files(sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    sample.write_csv(folder / "cells.csv")
    sample.write_labels(folder / "rois.tif")
    return folder


class Window:
    """A person in front of the window."""

    def __init__(self, viewer, qtbot) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.session, self.workspace = session_of(viewer), workspace_of(viewer)

    def drop(self, path, reader) -> None:
        reader(path)(path)
        self.qtbot.waitUntil(lambda: self.workspace.is_open and self.workspace.is_ready, timeout=120_000)
        self.settle()

    def settle(self, seconds: float = 0.05) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            QApplication.processEvents()

    def dock(self, name: str):
        """Bring a dock to the front, as a click on its tab does, and wait for what it prepares."""
        shown = self.workspace.show(name)
        self.settle()
        widget = self.viewer.window.dock_widgets[f"{name} (napari-calcium)"]
        assert dock_of(widget) is shown
        if hasattr(widget, "_job"):
            self.qtbot.waitUntil(lambda: not widget._job.busy, timeout=30_000)
        self.settle()
        return widget

    def press(self, button) -> None:
        self.qtbot.mouseClick(button, LEFT)
        self.settle()

    def click_plot(self, plot, seconds: float, height: float) -> None:
        place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, height)))
        self.qtbot.mouseMove(plot.viewport(), place)
        self.qtbot.mouseClick(plot.viewport(), LEFT, pos=place)
        self.settle()

    def click_image(self, y: float, x: float) -> None:
        canvas = self.viewer.window._qt_viewer.canvas
        place = (canvas.view.transform * canvas.view.scene.transform).map([x, y, 0, 1])[:2]
        canvas._scene_canvas.events.mouse_press(pos=place, modifiers=(), button=1)
        canvas._scene_canvas.events.mouse_release(pos=place, modifiers=(), button=1)
        self.settle()

    def run_all(self) -> None:
        pipeline = self.dock("Calcium pipeline")
        if self.session.recording.frame_rate is None:
            line = pipeline.findChild(RecordingLine)
            line.frame_rate.setValue(10)
            self.press(line.set_rate)
        assert pipeline.run_all.isEnabled(), pipeline.run_all.toolTip()
        self.press(pipeline.run_all)
        bench = workbench_of(self.viewer)
        self.qtbot.waitUntil(lambda: not bench.runner.busy, timeout=240_000)
        assert not pipeline.progress.message, pipeline.progress.message
        self.qtbot.waitUntil(lambda: self.workspace.is_ready, timeout=60_000)
        self.settle()

    def choose_first_ensemble(self) -> int:
        dock = self.dock("Ensembles")
        place = dock.table.visualItemRect(dock.table.item(0, 0)).center()
        self.qtbot.mouseClick(dock.table.viewport(), LEFT, pos=place)
        self.settle()
        return self.session.recording.ensembles.ids[0]

    def end(self) -> None:
        workbench_of(self.viewer).saved = self.session.recording


def in_table(window: Window) -> list[str]:
    """Return the names in the selected rows of the Cells dock."""
    table = window.dock("Cells").table
    return [str(index.data()) for index in table.selectionModel().selectedRows(0)]


@pytest.fixture
def window(make_napari_viewer, qtbot, monkeypatch):
    monkeypatch.setattr(module, "preferences", Preferences)
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 950)
    made = Window(viewer, qtbot)
    yield made
    made.end()


def test_from_a_table_alone_to_an_ensemble_and_its_moments(window, files):
    window.drop(files / "cells.csv", read_table)
    assert [layer_role(layer) for layer in window.viewer.layers if layer_role(layer) == "heatmap"]
    window.run_all()
    recording = window.session.recording
    assert recording.ensembles is not None and len(recording.ensembles) > 0
    chosen = window.choose_first_ensemble()
    members = set(recording.ensembles.members_of(chosen).roi_id.tolist())
    assert window.session.selection.ensemble == chosen
    assert set(window.session.selection.cells) == members

    # Ensemble event ↔ time ↔ coactivity ↔ similarity row.
    coactivity = window.dock("Coactivity")
    window.session.selection.time = 0.0
    window.press(coactivity.next)
    events = recording.ensemble_events
    first = int(np.flatnonzero((events.ensemble_id == chosen) & (events.peak_s > 0.2))[0])
    assert window.session.selection.time == pytest.approx(float(events.peak_s[first]))
    assert coactivity._event == first
    assert window.dock("Similarity").plot._event == first

    # Raster row ↔ table row.
    raster = window.dock("Raster")
    window.session.selection.span = None  # ▶ looks at 20 s around the event
    window.settle()
    window.click_plot(raster.plot, 50.0, 3.5)
    cell = int(raster.plot.view.cells[3])
    assert window.session.selection.cells == (cell,)
    assert window.session.selection.time == pytest.approx(50.0, abs=1)
    assert in_table(window) == [recording.cell_name(cell)]

    # Time span ↔ all time axes.
    window.session.selection.span = (20.0, 60.0)
    window.settle()
    for name in ("Traces", "Raster", "Coactivity"):
        low, high = window.dock(name).plot.box.viewRange()[0]
        assert (low, high) == pytest.approx((20.0, 60.0), abs=0.5), name


def test_from_a_table_and_labels_to_somata_that_light_up(window, files, sample):
    window.drop(files / "cells.csv", read_table)
    window.drop(files / "rois.tif", read_tiff)
    assert window.session.recording.has_positions
    window.run_all()
    recording = window.session.recording
    chosen = window.choose_first_ensemble()
    members = recording.ensembles.members_of(chosen).roi_id
    lit = next(layer for layer in window.viewer.layers if layer_role(layer) == "selected")
    labels = recording.rois.label_image()
    place = recording.ensembles.ids.index(chosen)
    rows = {int(cell): list(recording.rois.ids).index(cell) for cell in recording.roi_ids.tolist()}
    for cell in recording.roi_ids.tolist():
        values = set(np.unique(lit.data[labels == rows[cell] + 1]).tolist()) - {CELL_EDGE}
        assert (FIRST_MEMBER + place in values) == (cell in members), cell
    shown = np.ravel(lit.colormap.map(FIRST_MEMBER + place))[:3]
    colour = ensemble_mark(chosen, plot_colors(window.viewer).background)
    wanted = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    np.testing.assert_allclose(shown, wanted, atol=0.01)

    # Soma → trace, raster row and table row.
    cell = next(int(c) for c in recording.roi_ids if c not in members)
    inside = np.argwhere(labels == rows[cell] + 1)
    scale = next(layer for layer in window.viewer.layers if layer_role(layer) == "somata").scale
    window.click_image(*(inside[len(inside) // 2] * scale))
    assert window.session.selection.cells == (cell,)
    traces = window.dock("Traces")
    assert {lane.cell for lane in traces.plot.lanes.lanes} == {cell}
    assert in_table(window) == [recording.cell_name(cell)]
    assert window.dock("Raster").plot._selected == (cell,)


def test_closing_the_window_during_a_run_leaves_nothing_behind(make_napari_viewer, qtbot, files, monkeypatch):
    monkeypatch.setattr(module, "preferences", Preferences)
    viewer = make_napari_viewer(show=True)
    person = Window(viewer, qtbot)
    person.drop(files / "cells.csv", read_table)
    if person.session.recording.frame_rate is None:
        person.session.apply(person.session.recording.replace(frame_rate=10.0), "rate")
    workbench_of(viewer).run_all()
    viewer.close()
    QApplication.processEvents()
    assert not workbench_of(viewer).runner.busy
    mine = [thread for thread in threading.enumerate() if thread.name.startswith("napari-calcium")]
    for thread in mine:
        thread.join(30)
    assert not any(thread.is_alive() for thread in mine)


def test_two_windows_know_nothing_of_each_other(make_napari_viewer, qtbot, populated, traces_only):
    first, second = make_napari_viewer(), make_napari_viewer()
    session_of(first).open(populated)
    session_of(second).open(traces_only)
    for viewer in (first, second):
        workspace_of(viewer).show("Traces")
        workspace_of(viewer).show("Cells")
    session_of(first).choose_ensemble(1)
    assert session_of(second).selection.cells == ()
    assert session_of(second).selection.ensemble is None
    session_of(second).selection.cells = (2,)
    assert 2 not in session_of(first).selection.cells or session_of(first).selection.cells != (2,)
    first.close()
    session_of(second).selection.cells = (3, 4)
    for _ in range(5):
        QApplication.processEvents()
    assert session_of(second).selection.cells == (3, 4)


def test_layers_renamed_and_deleted_are_no_trouble(make_napari_viewer, qtbot, populated):
    viewer = make_napari_viewer(show=True)
    session = session_of(viewer)
    session.open(populated)
    workspace_of(viewer).show("Cells")
    for layer in list(viewer.layers):
        layer.name = f"my {layer.name}"
    session.choose_ensemble(0)
    for layer in list(viewer.layers):
        viewer.layers.remove(layer)
        session.selection.cells = (1,)
        session.choose_ensemble(1)
        session.selection.time = 3.0
        session.selection.tool = "box"
        session.selection.tool = "click"
        QApplication.processEvents()
    session.undo()
    session.redo()
    assert len(viewer.layers) == 0
    assert session.recording is populated
    assert session.selection.ensemble == 1


def test_docks_that_are_closed_are_gone(make_napari_viewer, qtbot, populated):
    viewer = make_napari_viewer(show=True)
    session, workspace = session_of(viewer), workspace_of(viewer)
    session.open(populated)
    heard = []
    for _ in range(2):
        workspace.arrange()
        gone = []
        for dock in our_docks(viewer.window._qt_window):
            dock.raise_()
            QApplication.processEvents()
            gone.append(weakref.ref(dock.widget()))
            viewer.window.remove_dock_widget(dock)
            del dock
        for _ in range(4):
            QApplication.processEvents()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            gc.collect()
        assert [ref() for ref in gone if ref() is not None] == []
        heard.append(len(session.recording_changed) + len(session.selection.cells_changed))
    assert heard[0] == heard[1]
