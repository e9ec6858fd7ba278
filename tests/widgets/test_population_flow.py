"""Raster, Coactivity, Similarity and Cells in a real window, with a real mouse: what one picks, all show."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtWidgets import QApplication, QDockWidget

from napari_calcium.figures.event_company import event_company
from napari_calcium.widgets.cells_dock import CellsDock
from napari_calcium.widgets.coactivity_dock import CoactivityDock
from napari_calcium.widgets.raster_dock import RasterDock
from napari_calcium.widgets.similarity_dock import SimilarityDock
from napari_calcium.widgets.soma_highlight import CELL_EDGE, FIRST_MEMBER
from napari_calcium.widgets.traces import TracesDock
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of

NAMES = {
    "Traces": TracesDock,
    "Raster": RasterDock,
    "Coactivity": CoactivityDock,
    "Similarity": SimilarityDock,
    "Cells": CellsDock,
}


class Workspace:
    def __init__(self, viewer, qtbot) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.session = session_of(viewer)
        self.docks = {}
        for name, kind in NAMES.items():
            dock, made = viewer.window.add_plugin_dock_widget("napari-calcium", name)
            assert isinstance(made, kind)
            self.docks[name] = (dock, made)
        self.settle()

    def front(self, name: str):
        dock, made = self.docks[name]
        dock.show()
        dock.raise_()
        self.settle()
        return made

    def settle(self) -> None:
        for _ in range(5):
            QApplication.processEvents()
        made = [made for _, made in self.docks.values()]
        self.qtbot.waitUntil(lambda: not any(m._job.busy for m in made if hasattr(m, "_job")), timeout=15_000)
        QApplication.processEvents()

    def click(self, plot, seconds: float, height: float) -> None:
        place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, height)))
        self.qtbot.mouseMove(plot.viewport(), place)
        self.qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
        self.settle()

    @property
    def highlight(self) -> np.ndarray:
        return np.asarray(self.viewer.layers["Selected cells"].data)


@pytest.fixture
def workspace(make_napari_viewer, qtbot, populated):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 950)
    made = Workspace(viewer, qtbot)
    made.session.open(populated.replace(features={"snr": np.arange(20.0)}))
    made.settle()
    yield made
    workbench_of(viewer).saved = made.session.recording


def test_a_click_in_each_dock_is_seen_in_all_others(workspace):
    session = workspace.session
    recording = session.recording
    events = recording.ensemble_events

    raster = workspace.front("Raster")
    workspace.click(raster.plot, 21.0, 4.5)
    cell = int(raster.plot.view.cells[4])
    assert session.selection.cells == (cell,)
    y, x = recording.rois.pixels(int(recording.rows([cell])[0]))
    assert CELL_EDGE in workspace.highlight[y, x]
    traces = workspace.front("Traces")
    assert {lane.cell for lane in traces.plot.lanes.lanes} == {cell}
    cells = workspace.front("Cells")
    shown = [
        int(recording.roi_ids[cells.table.rows[i.row()]]) for i in cells.table.selectionModel().selectedRows()
    ]
    assert shown == [cell]

    coactivity = workspace.front("Coactivity")
    workspace.click(coactivity.plot, float(events.peak_s[2]), 1.0)
    company = event_company(recording, 2)
    assert session.selection.ensemble == company.ensemble
    for member in company.members.tolist():
        y, x = recording.rois.pixels(int(recording.rows([member])[0]))
        assert (workspace.highlight[y, x] >= FIRST_MEMBER).any()
    for guest in company.guests.tolist():
        y, x = recording.rois.pixels(int(recording.rows([guest])[0]))
        assert (workspace.highlight[y, x] < FIRST_MEMBER).all() and (workspace.highlight[y, x] > 0).all()
    similarity = workspace.front("Similarity")
    assert similarity.plot._event == 2 and similarity.plot._chosen == company.ensemble

    row = int(np.flatnonzero(similarity.plot.view.arrangement.order == 0)[0])
    workspace.click(similarity.plot, row + 0.5, row + 0.5)
    assert session.selection.time == events.peak_s[0]
    for name in ("Raster", "Coactivity"):
        assert workspace.front(name).plot._cursor.value() == events.peak_s[0]


def test_time_axes_go_together(workspace):
    workspace.front("Raster").plot.box.setXRange(8.0, 16.0, padding=0)
    for name in ("Coactivity", "Traces", "Raster"):
        assert workspace.front(name).plot.span == pytest.approx((8.0, 16.0))


def test_a_dock_can_be_closed_and_opened_again_and_leaves_nothing_behind(workspace):
    before = len(workspace.session.selection.cells_changed)
    dock, made = workspace.docks.pop("Raster")
    del made
    dock.destroyOnClose()
    del dock
    workspace.settle()
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    gc.collect()
    workspace.session.choose_ensemble(0)
    assert len(workspace.session.selection.cells_changed) < before
    again, _ = workspace.viewer.window.add_plugin_dock_widget("napari-calcium", "Raster")
    assert isinstance(again, QDockWidget)


def test_closing_the_window_while_a_raster_is_prepared_is_safe(make_napari_viewer, populated, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.add_plugin_dock_widget("napari-calcium", "Raster")
    session = session_of(viewer)
    with qtbot.captureExceptions() as raised:
        session.open(populated)
        QApplication.processEvents()
        workbench_of(viewer).saved = session.recording
        viewer.close()
        qtbot.wait(100)
    assert raised == []
    assert session.recording is populated
