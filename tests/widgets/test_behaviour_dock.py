"""The Behaviour dock, dropped files and shaded epochs, with a viewer model: no napari window is needed."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import napari
import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from tests.io.test_behaviour_folder import analysed, made
from tests.widgets.settling import settle

from napari_calcium.recording import Source
from napari_calcium.widgets import readers
from napari_calcium.widgets.behaviour_dock import BehaviourDock
from napari_calcium.widgets.behaviour_opening import (
    add_behaviour_files,
    entry_settings,
    folder_of,
    remember_folder,
)
from napari_calcium.widgets.raster_dock import RasterDock
from napari_calcium.widgets.traces import TracesDock

SIGNALS = "time_s,speed (cm/s),pupil\n" + "".join(f"{k / 20},{k % 40},{k % 7}\n" for k in range(1300))
EVENTS = "start,end,label\n5,8,light\n20,22,light\n40,40,reward\n"


@pytest.fixture(scope="module")
def whole():
    return analysed(made())


@pytest.fixture
def dock(qtbot, viewer, session):
    shown = BehaviourDock(viewer)
    qtbot.addWidget(shown)
    shown.resize(900, 300)
    shown.show()
    qtbot.waitExposed(shown)
    return shown


@pytest.fixture
def told(monkeypatch):
    """Return what was said by notifications."""
    lines = []
    for module in ("behaviour_dock", "readers"):
        for name in ("show_info", "show_warning"):
            monkeypatch.setattr(f"napari_calcium.widgets.{module}.{name}", lines.append)
    return lines


def hint(dock) -> str:
    settle()
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


def bare():
    return made(with_file=False)


def test_the_empty_state_says_what_to_do(dock, session):
    assert "Open a recording first" in hint(dock)
    assert dock.first.isHidden()
    session.open(bare())
    assert "Add a CSV of signals" in hint(dock)
    assert not dock.first.isHidden()
    assert dock.stand_in.text() == "Use population signals"
    session.open(bare().replace(frame_rate=None))
    assert "frame rate" in hint(dock)


def test_population_signals_stand_in_at_a_click(dock, session, qtbot):
    session.open(bare())
    settle()
    dock.stand_in.click()
    qtbot.waitUntil(lambda: session.recording.behaviour is not None)
    assert hint(dock) == ""
    assert [lane.name for lane in dock.plot._data.lanes] == ["population mean", "first component"]
    assert "neurons themselves" in dock.legend.text()
    session.undo()
    assert session.recording.behaviour is None


def test_a_file_is_read_beside_the_window_and_aligned(dock, session, qtbot, tmp_path, told):
    session.open(bare())
    settle()
    (tmp_path / "rig.csv").write_text(SIGNALS)
    dock.add_file(tmp_path / "rig.csv")
    qtbot.waitUntil(lambda: session.recording.behaviour is not None)
    settle()
    assert session.recording.behaviour.names == ("speed", "pupil")
    assert any("2 signals" in line for line in told)
    (tmp_path / "stimuli.csv").write_text(EVENTS)
    dock.add_file(tmp_path / "stimuli.csv", "epochs")
    qtbot.waitUntil(lambda: bool(len(session.recording.behaviour_file.epochs)))
    qtbot.waitUntil(lambda: session.recording.behaviour is not None)
    settle()
    assert session.recording.behaviour.names == ("speed", "pupil"), "what was there before stays"
    assert "light" in dock.legend.text()
    assert "reward" in dock.legend.text()


def test_a_file_that_cannot_be_read_is_told(dock, session, qtbot, tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr("napari_calcium.widgets.latest_job.show_warning", lines.append)
    session.open(bare())
    settle()
    (tmp_path / "bad.csv").write_text("time,speed\n0,1\n1,fast\n2,3\n")
    dock.add_file(tmp_path / "bad.csv")
    qtbot.waitUntil(lambda: bool(lines))
    assert "row 3" in lines[0]
    assert session.recording.behaviour_file is None


def test_lanes_follow_the_selection_and_the_decoded_box(dock, session, whole):
    session.open(whole)
    settle()
    assert dock.plot._data.lanes[0].name == "mean of all cells"
    session.selection.cells = (4, 2)
    settle()
    assert [lane.name for lane in dock.plot._data.lanes][:3] == ["cell 4", "cell 2", "speed"]
    dock.decoded.setChecked(False)
    settle()
    assert all(len(lane.told) == 0 for lane in dock.plot._data.lanes)


def test_the_legend_says_how_much_a_file_covers_where_that_is_not_all(dock, session, whole):
    session.open(whole)
    settle()
    assert dock.legend.wordWrap(), "it must not be cut off in a narrow dock"
    assert "file:" not in dock.legend.text()
    behaviour = replace(whole.behaviour, covered=0.4)
    session.open(whole.replace(behaviour=behaviour))
    settle()
    assert "(file: 40&nbsp;% of the recording)" in dock.legend.text()


def test_time_and_span_go_both_ways(dock, session, whole, qtbot):
    session.open(whole)
    settle()
    session.selection.span = (10.0, 30.0)
    np.testing.assert_allclose(dock.plot.span, (10, 30))
    place = dock.plot.mapFromScene(dock.plot.box.mapViewToScene(QPointF(20.0, 1.5)))
    qtbot.mouseMove(dock.plot.viewport(), place)
    qtbot.mouseClick(dock.plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle()
    assert abs(session.selection.time - 20.0) < 0.2
    dock.plot.span_picked.emit((5.0, 6.0))
    assert session.selection.span == (5.0, 6.0)


def test_themes_and_export(dock, session, whole, viewer, tmp_path):
    assert dock.export() is None
    session.open(whole)
    settle()
    viewer.theme = "light"
    settle()
    export = dock.export()
    export.write(tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text().startswith("time_s,speed_cm_per_s")
    export.write(tmp_path / "b.png")
    assert (tmp_path / "b.png").stat().st_size > 1000


def test_analyse_runs_every_stage(dock, session, qtbot):
    session.open(made())
    settle()
    dock._bench.plan.set_stage("tuning", dock._bench.plan.stage("tuning").replace(n_shifts=20))
    dock._bench.plan.set_stage("decoding", dock._bench.plan.stage("decoding").replace(n_shifts=20))
    for stage in ("baseline", "background", "denoise", "events", "coactivity", "significance", "ensembles"):
        dock._bench.plan.set_enabled(stage, stage == "events")
    dock._bench.plan.set_enabled("features", False)
    dock.analyse.click()
    qtbot.waitUntil(lambda: session.recording.decoding is not None, timeout=60_000)
    assert session.recording.tuning is not None
    qtbot.waitUntil(lambda: not dock._bench.runner.busy)


def test_epochs_are_shaded_behind_every_plot_over_time(qtbot, viewer, session, whole, dock):
    others = [RasterDock(viewer), TracesDock(viewer)]
    for other in others:
        qtbot.addWidget(other)
        other.resize(500, 250)
        other.show()
        qtbot.waitExposed(other)
    session.open(whole)
    settle()
    for other in (dock, *others):
        assert other.plot._shades._epochs == whole.behaviour.epochs
        assert len(other.plot._shades._boxes) == len(whole.behaviour.epochs.labels)
    inside, outside = (_color_at(dock.plot, seconds) for seconds in (4.5, 8.0))
    assert inside != outside, "light lasts from 3 to 6 s"
    session.open(bare())
    settle()
    assert len(others[1].plot._shades._epochs) == 0


def _color_at(plot, seconds):
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, 0.02)))
    return plot.grab().toImage().pixelColor(place).name()


def test_many_moments_are_drawn_in_no_time(dock, session, whole):
    from napari_calcium.results.behaviour_results import Epochs

    times = np.sort(np.random.default_rng(0).uniform(0, 60, 200_000))
    dock.plot.show_epochs(Epochs(np.full(200_000, "lick"), times, times))
    session.open(whole)
    settle()
    dock.plot.show_epochs(Epochs(np.full(200_000, "lick"), times, times))
    assert not dock.plot.grab().isNull()


def test_a_dropped_table_of_behaviour_joins_the_open_recording(viewer, session, tmp_path, monkeypatch, told):
    monkeypatch.setattr(napari, "current_viewer", lambda: viewer)
    (tmp_path / "rig.csv").write_text(SIGNALS)
    (tmp_path / "stimuli.csv").write_text(EVENTS)
    assert readers.read_table(str(tmp_path / "rig.csv")) is not readers._open_behaviour, (
        "no recording is open"
    )
    session.open(bare())
    front = []
    docks = SimpleNamespace(show=front.append, shows=lambda name: True)
    monkeypatch.setattr(readers, "workspace_of", lambda viewer: docks)
    for name in ("rig.csv", "stimuli.csv"):
        reader = readers.read_table(str(tmp_path / name))
        assert reader is readers._open_behaviour
        assert reader(str(tmp_path / name)) == [(None,)]
    recording = session.recording
    assert recording.behaviour.names == ("speed", "pupil")
    assert recording.behaviour.epochs.labels == ("light", "reward")
    assert session.history[-1] == "Add stimuli.csv"
    assert front == ["Behaviour", "Behaviour"]
    # What is cut off a notification is told by its other lines.
    assert [line.splitlines()[0] for line in told] == [
        "rig.csv: behaviour added",
        "stimuli.csv: behaviour added",
    ]


def test_a_table_of_fluorescence_stays_one(viewer, session, tmp_path, monkeypatch):
    monkeypatch.setattr(napari, "current_viewer", lambda: viewer)
    session.open(bare())
    rows = "".join(",".join(f"{100 + (k * j) % 7}" for j in range(5)) + "\n" for k in range(40))
    (tmp_path / "cells.csv").write_text("time,cell 1,cell 2,cell 3,cell 4\n" + rows)
    assert readers.read_table(str(tmp_path / "cells.csv")) is readers._open_table


def test_files_are_told_relative_to_the_recordings(session, tmp_path):
    (tmp_path / "rig").mkdir()
    (tmp_path / "rig" / "b.csv").write_text(SIGNALS)
    recording = bare().replace(source=Source("cells.csv", 5))
    session.open(recording)
    remember_folder(session, "cells.csv", tmp_path)
    assert folder_of(session, recording) == tmp_path
    given = entry_settings(recording).replace(file=str(tmp_path / "rig" / "b.csv"))
    found = add_behaviour_files(session, recording, given)
    assert entry_settings(found).file == "rig/b.csv"
    assert folder_of(session, recording.replace(source=Source("other.csv", 5))) is None
