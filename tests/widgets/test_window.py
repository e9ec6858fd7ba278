"""Whole flows in a real napari window, as a person goes through them."""

import threading

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication, QWidget

from napari_calcium.io.opening import open_recording
from napari_calcium.io.results_reading import read_results
from napari_calcium.pipeline import STAGES, TITLES, PipelineSettings, run
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.widgets.importing import ImportWidget
from napari_calcium.widgets.pipeline_dock import PipelineDock
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of

USED = tuple(stage for stage in STAGES if getattr(PipelineSettings(), stage) is not None)
"""Stages that are not skipped by default."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("window")
    sample = simulate(
        SimulationSettings(
            n_rois=60, n_frames=1500, n_ensembles=2, ensemble_size=(8, 10), height=128, width=128
        )
    )
    sample.write_csv(folder / "cells.csv")
    sample.write_labels(folder / "rois.tif")
    return folder


@pytest.fixture
def viewer(make_napari_viewer):
    made = make_napari_viewer(show=True)
    yield made
    workbench_of(made).saved = session_of(made).recording


@pytest.fixture
def dock(viewer):
    made = PipelineDock(viewer)
    viewer.window.add_dock_widget(made, name="Calcium pipeline", area="right")
    return made


def finish(bench, qtbot):
    qtbot.waitUntil(lambda: not bench.runner.busy, timeout=60_000)


def test_from_a_file_to_saved_results_and_the_same_results_headless(viewer, dock, files, qtbot, monkeypatch):
    monkeypatch.setattr("napari_calcium.figures.export.draw_all", lambda _, folder, **__: folder.mkdir())
    bench = workbench_of(viewer)
    widget = ImportWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Import fluorescence", area="right")
    widget.frame_rate.setValue(10)
    widget.labels.path = files / "rois.tif"
    widget.table.path = files / "cells.csv"
    widget.table.changed.emit()
    qtbot.waitUntil(lambda: widget.recording is not None)
    qtbot.mouseClick(widget.open, Qt.MouseButton.LeftButton)

    qtbot.mouseClick(dock.run_all, Qt.MouseButton.LeftButton)
    finish(bench, qtbot)
    assert dock.progress.message == ""
    assert bench.session.history[2:] == tuple(TITLES[stage] for stage in USED)
    assert len(bench.session.recording.ensembles) > 0

    dock.saver.write_results(bench.session.recording, files / "saved")
    finish(bench, qtbot)
    assert not bench.has_unsaved_results
    settings = PipelineSettings.from_yaml((files / "saved" / "pipeline.yaml").read_text("utf-8"))
    again = run(open_recording(files / "cells.csv", settings.read, settings.positions), settings)
    saved = read_results(files / "saved")
    for name, trace in again.traces.items():
        np.testing.assert_array_equal(saved.traces[name].values, trace.values)
    assert saved.events == again.events
    assert saved.ensembles.members == again.ensembles.members
    assert saved.ensembles.activations == again.ensembles.activations


def test_closing_the_window_during_a_run_stops_it_and_nothing_comes_after(
    viewer, dock, few, fake_stages, qtbot
):
    bench, session = workbench_of(viewer), session_of(viewer)
    session.open(few)
    fake_stages.gate.clear()
    dock.run_all.click()
    qtbot.waitUntil(lambda: fake_stages.ran == ["baseline"])
    viewer.close()
    QApplication.processEvents()
    assert not bench.runner.busy
    threads = [t for t in threading.enumerate() if t.name.startswith("napari-calcium")]
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    qtbot.wait(100)
    assert session.recording is few


def test_closing_the_window_during_a_preview_is_safe(viewer, dock, few, qtbot):
    bench, session = workbench_of(viewer), session_of(viewer)
    session.open(few)
    session.selection.cells = (10,)
    dock.panels["baseline"].form.chooser.setCurrentIndex(2)
    qtbot.waitUntil(lambda: session.preview is not None)
    dock.panels["baseline"].form.chooser.setCurrentIndex(0)
    viewer.close()
    qtbot.wait(200)
    assert bench.previewer.stage is None


def test_a_run_goes_on_when_only_its_dock_is_closed(viewer, dock, few, fake_stages, qtbot):
    bench = workbench_of(viewer)
    bench.session.open(few)
    fake_stages.gate.clear()
    dock.run_all.click()
    viewer.window.remove_dock_widget(dock)
    fake_stages.gate.set()
    finish(bench, qtbot)
    assert bench.session.history[-1] == TITLES[USED[-1]]
    dock.deleteLater()


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_nothing_in_the_dock_is_cut_off(viewer, dock, few, size, qtbot):
    session_of(viewer).open(few)
    viewer.window.resize(*size)
    for section in dock.sections.values():
        section.is_open = True
    QApplication.processEvents()
    edge = dock.mapToGlobal(QPoint(dock.width(), 0)).x()
    for widget in dock.findChildren(QWidget):
        if widget.isVisible() and type(widget).__name__ in (
            "NumberBox",
            "ChoiceBox",
            "QPushButton",
            "QLabel",
        ):
            assert widget.mapToGlobal(QPoint(widget.width(), 0)).x() <= edge, widget.accessibleName()
    assert dock.minimumSizeHint().height() <= size[1] - 200


def test_the_sample_data_open_with_the_truth_beside_them(viewer, dock):
    viewer.open_sample("napari-calcium", "demo_recording")
    recording = session_of(viewer).recording
    assert (recording.n_rois, recording.has_positions) == (120, True)
    truth = viewer.layers["True ensembles"]
    assert not truth.visible
    assert set(truth.features["cell"]) <= set(recording.roi_ids.tolist())
