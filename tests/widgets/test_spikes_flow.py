"""From ΔF/F to spikes, to events made of them and to recorded spikes, in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtWidgets import QApplication, QLabel

from napari_calcium.events.spike_bursts import SpikeEvents
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.spikes.spikes_settings import DeconvolvedSpikes, NetworkSpikes
from napari_calcium.widgets.cells_dock import CellsDock
from napari_calcium.widgets.compare_dock import CompareDock
from napari_calcium.widgets.plan import StageState
from napari_calcium.widgets.plots.trace_lanes import PREVIEW
from napari_calcium.widgets.spike_check_dock import SpikeCheckDock
from napari_calcium.widgets.spikes import SpikesWidget
from napari_calcium.widgets.stage_docks import open_stage
from napari_calcium.widgets.traces import TracesDock
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of

RATE = 20.0
N = 1500


def ticking() -> tuple[Recording, np.ndarray]:
    """Six cells as ΔF/F, of which each three fire together."""
    rng = np.random.default_rng(1)
    times = np.concatenate([rng.choice(N - 100, 12, replace=False), rng.choice(N - 100, 12, replace=False)])
    counts = np.zeros((6, N))
    for k in range(6):
        own = times[:12] if k < 3 else times[12:]
        counts[k, own + rng.integers(0, 2, 12)] += 3
    kernel = 0.3 * np.exp(-np.arange(80) / 12)
    dff = np.array([np.convolve(row, kernel)[:N] for row in counts]) + 0.04 * rng.standard_normal((6, N))
    read = LogEntry("read", {"frame_rate": RATE}, (), ("traces/dff",))
    traces = {"dff": Trace(dff.astype(np.float32), "ΔF/F")}
    return Recording("ticking", np.arange(6), RATE, traces, log=(read,)), counts


class Bench:
    def __init__(self, viewer, qtbot) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.session, self.bench = session_of(viewer), workbench_of(viewer)

    def dock(self, name: str):
        dock, widget = self.viewer.window.add_plugin_dock_widget("napari-calcium", name)
        dock.raise_()
        self.settle()
        return widget

    def stage(self, stage: str):
        widget = open_stage(self.viewer, stage)
        self.settle()
        return widget

    def settle(self) -> None:
        for _ in range(5):
            QApplication.processEvents()

    def run(self, stage: str) -> None:
        before = self.session.recording
        assert not self.bench.run_stage(stage)
        self.qtbot.waitUntil(
            lambda: self.session.recording is not before and not self.bench.runner.busy, timeout=30_000
        )
        self.settle()


@pytest.fixture
def bench(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 950)
    made = Bench(viewer, qtbot)
    made.session.open(ticking()[0])
    made.settle()
    yield made
    made.bench.saved = made.session.recording


def test_spikes_are_previewed_run_drawn_and_made_into_events(bench, qtbot):
    noise = next(c for c in bench.dock("Cells").table.columns if "Noise" in c.title)
    assert (noise.values > 0).all()  # before any stage has run
    panel = bench.stage("spikes").stage_panel
    traces = bench.dock("Traces")
    assert isinstance(traces, TracesDock)
    bench.session.selection.cells = (1, 4)
    panel.form.settings = NetworkSpikes(indicator="GCaMP6f", single_spikes=True)
    panel.form.changed.emit()
    qtbot.waitUntil(lambda: any(PREVIEW in dict(lane.lines) for lane in traces.plot.lanes.lanes))
    assert [lane.unit for lane in traces.plot.lanes.lanes] == ["ΔF/F", "spikes/s"] * 2
    panel.run.click()
    qtbot.waitUntil(lambda: "spikes" in bench.session.recording.traces, timeout=30_000)
    qtbot.waitUntil(lambda: not bench.bench.runner.busy)
    bench.settle()
    assert bench.bench.plan.state("spikes") is StageState.UP_TO_DATE
    assert any("spikes/s on average" in line for line in panel.result)
    lanes = traces.plot.lanes.lanes
    assert [[name for name, _ in lane.lines] for lane in lanes] == [["dff"], ["spikes"]] * 2
    bench.session.selection.span = (10.0, 30.0)
    bench.settle()
    assert len(traces.plot._uncertain.getData()[0]) > 0
    assert len(traces.plot._spikes["spikes"].getData()[0]) > 0

    for stage in ("background", "denoise"):
        bench.bench.plan.set_enabled(stage, False)  # events are made of spikes, which are made of ΔF/F
    bench.bench.plan.set_stage("events", SpikeEvents())
    for stage in ("events", "coactivity", "significance", "ensembles"):
        bench.run(stage)
    recording = bench.session.recording
    assert recording.events.unit == "spikes/s" and len(recording.events) > 40
    assert recording.ensembles is not None
    assert bench.bench.plan.state("events") is StageState.UP_TO_DATE


def test_a_doubt_stands_beside_the_form_before_and_in_the_result_after(bench):
    recording = bench.session.recording
    step = LogEntry("denoise", {}, ("traces/dff",), ("traces/denoised",))
    bench.session.open(recording.with_step(step, traces={"denoised": recording.traces["dff"]}))
    widget = bench.stage("spikes")
    assert isinstance(widget, SpikesWidget)
    panel = widget.stage_panel
    panel.form.settings = NetworkSpikes(input="denoised")
    panel.form.changed.emit()
    bench.settle()
    shown = [label.text() for label in panel.form.findChildren(QLabel) if label.isVisible()]
    assert any(text.startswith("⚠") and "have been denoised" in text for text in shown)
    bench.run("spikes")
    assert panel.result[0].startswith("⚠") and "have been denoised" in panel.result[0]


def test_two_methods_stand_beside_each_other_in_compare(bench, qtbot):
    bench.run("spikes")
    compare = bench.dock("Compare")
    assert isinstance(compare, CompareDock)
    bench.session.selection.cells = (2,)
    bench.settle()
    compare.stage.setCurrentIndex(compare.stage.findData("spikes"))
    compare.form.settings = DeconvolvedSpikes()
    compare.form.changed.emit()
    qtbot.waitUntil(lambda: compare._few is not None)
    bench.settle()
    lanes = compare.plot.lanes.lanes
    assert [lane.unit for lane in lanes] == ["spikes/s", "ΔF/F"]
    assert [list(dict(lane.lines)) for lane in lanes] == [["spikes"], [PREVIEW]]
    assert "activity" in lanes[1].label


def test_recorded_spikes_are_compared_and_a_click_goes_there(bench, qtbot, tmp_path):
    counts = ticking()[1]
    path = tmp_path / "truth.csv"
    rows = [f"{k},{frame / RATE}" for k in range(6) for frame in np.flatnonzero(counts[k])]
    path.write_text("\n".join(["roi_id,time_s", *rows]), "utf-8")
    bench.run("spikes")
    check = bench.dock("Spike check")
    assert isinstance(check, SpikeCheckDock)
    check.load(path)
    qtbot.waitUntil(lambda: bool(check.checked))
    assert np.nanmedian(check.checked[0].scores.correlation) > 0.6
    bench.settle()
    plot = check.plot
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(33.0, 1.5)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: abs(bench.session.selection.time - 33.0) < 0.5)
    check.both.click()
    qtbot.waitUntil(lambda: len(check.checked) == 2)
    assert check.checked[0].unit == "spikes/s" and check.checked[1].unit == "ΔF/F"


def test_the_cells_table_knows_how_noisy_a_cell_is_by_its_filter(bench):
    cells = bench.dock("Cells")
    assert isinstance(cells, CellsDock)
    cells.filter.setText("noise < 1000")
    cells.filter.returnPressed.emit()
    assert len(cells.table.rows) == 6
