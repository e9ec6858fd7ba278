"""The Spike check dock with a viewer model: no napari window is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.spikes.ground_truth import score_spike_rate
from napari_calcium.widgets.checked_spikes import RECORDED
from napari_calcium.widgets.plots.trace_lanes import PREVIEW
from napari_calcium.widgets.spike_check_dock import SpikeCheckDock

RATE = 20.0
N = 1200
RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(0.4 / RATE, (4, N))
SPIKES = [np.flatnonzero(row) / RATE for row in COUNTS]


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Four cells with ids 5 … 8, whose inferred rate is the smoothed truth."""
    kernel = 0.5 * np.exp(-np.arange(60) / 10)
    dff = np.array([np.convolve(row, kernel)[:N] for row in COUNTS]) + 0.05 * RNG.standard_normal((4, N))
    rate = np.array([np.convolve(row * RATE, [0.25, 0.5, 0.25], "same") for row in COUNTS])
    made = Recording("cells", np.arange(4) + 5, RATE, {"dff": Trace(dff.astype(np.float32), "ΔF/F")})
    entry = LogEntry("spikes", {"method": "network"}, ("traces/dff",), ("traces/spikes",))
    return made.with_step(entry, traces={"spikes": Trace(rate.astype(np.float32), "spikes/s")})


@pytest.fixture
def table(tmp_path) -> Path:
    """Spikes of three of the cells."""
    path = tmp_path / "spikes.csv"
    rows = [f"{5 + k},{t:.4f}" for k in range(3) for t in SPIKES[k]]
    path.write_text("\n".join(["roi_id,time_s", *rows]), "utf-8")
    return path


@pytest.fixture
def dock(qtbot, viewer):
    made = SpikeCheckDock(viewer)
    qtbot.addWidget(made)
    made.resize(900, 360)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def loaded(qtbot, dock, session, recording, table):
    session.open(recording)
    qtbot.waitUntil(lambda: dock._drawn is recording)
    dock.load(table)
    qtbot.waitUntil(lambda: bool(dock.checked))
    return dock


def said(dock: SpikeCheckDock) -> str:
    return dock.says.text() if dock.inner.currentIndex() == 0 else ""


def rows(dock: SpikeCheckDock) -> list[list[str]]:
    table = dock.table
    return [[table.item(r, c).text() for c in range(table.columnCount())] for r in range(table.rowCount())]


# --- what it says while there is nothing to compare


def test_it_says_how_spikes_are_loaded(qtbot, dock, session, recording):
    session.open(recording)
    qtbot.waitUntil(lambda: dock.pages.currentIndex() == 1)
    assert "drop a CSV" in said(dock)
    assert not dock.both.isEnabled()
    assert dock.export() is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"frame_rate": None}, "frame rate"), ({"traces": {}, "log": ()}, "no traces")],
)
def test_it_says_what_is_lacking(dock, recording, changes, words):
    assert words in dock.hint_for(recording.replace(**changes))


def test_a_file_that_is_no_table_of_spikes_is_told_of_in_a_line(qtbot, dock, session, recording, tmp_path):
    session.open(recording)
    qtbot.waitUntil(lambda: dock._drawn is recording)
    for text, words in (("roi_id,time_s\n99,1.0\n", "no cell '99'"), ("roi_id,time_s\n", "no times")):
        path = tmp_path / "wrong.csv"
        path.write_text(text, "utf-8")
        dock.load(path)
        assert words in said(dock)
        assert dock.recorded is None
    dock.load(tmp_path / "gone.csv")
    assert "gone.csv" in said(dock)


# --- what it shows


def test_scores_are_those_of_the_function(loaded, recording):
    (checked,) = loaded.checked
    expected = score_spike_rate(
        recording.traces["spikes"].values[:3], RATE, recording.roi_ids[:3], loaded.recorded
    )
    assert checked.scores == expected
    shown = rows(loaded)
    assert [r[0] for r in shown] == ["median"] * 3 + ["5"] * 3 + ["6"] * 3 + ["7"] * 3
    assert shown[3][2:5] == ["25", str(expected.n_spikes[0]), f"{expected.correlation[0]:.2f}"]
    assert loaded.table.isColumnHidden(loaded.table.columnCount() - 1)


def test_a_cell_is_drawn_with_its_trace_its_rate_and_its_recorded_spikes(loaded, recording):
    lanes = loaded.plot.lanes.lanes
    assert [lane.cell for lane in lanes] == [5, 5]
    assert [[name for name, _ in lane.lines] for lane in lanes] == [["dff"], [RECORDED, "spikes"]]
    x, _ = loaded.plot._spikes[PREVIEW].getData()
    assert np.allclose(x[::2], SPIKES[0], atol=1e-4)
    assert "Cell 5" in loaded.legend.text() and "3 cells judged" in loaded.legend.text()


def test_it_follows_the_selection_to_cells_that_are_judged(qtbot, loaded, session):
    session.selection.cells = (7,)
    qtbot.waitUntil(lambda: loaded.plot.lanes.lanes[0].cell == 7)
    session.selection.cells = (8,)  # has no recorded spikes
    qtbot.waitUntil(lambda: loaded.plot.lanes.lanes[0].cell == 5)


def test_a_click_on_a_row_selects_the_cell(loaded, session):
    last = loaded.table.rowCount() - 1
    loaded.table.cellClicked.emit(last, 0)
    assert session.selection.cells == (7,) and session.selection.focus == 7
    loaded.table.cellClicked.emit(0, 0)  # the median is of no cell
    assert session.selection.cells == (7,)


def test_time_and_span_are_linked_both_ways(loaded, session):
    session.selection.span = (10.0, 20.0)
    assert np.allclose(loaded.plot.span, (10, 20))
    loaded.plot.cell_clicked.emit(5, 12.0)
    assert session.selection.time == 12.0


def test_wider_smoothing_gives_a_flatter_course(loaded):
    def peak() -> float:
        return float(dict(loaded.plot.lanes.lanes[1].lines)["spikes"].max())

    before = peak()
    loaded.widths.setCurrentIndex(2)
    loaded.widths.activated.emit(2)
    assert peak() < before


def test_a_trace_that_is_not_in_spikes_has_neither_error_nor_bias(qtbot, loaded):
    place = loaded.traces.findData("dff")
    loaded.traces.setCurrentIndex(place)
    loaded.traces.activated.emit(place)
    qtbot.waitUntil(lambda: loaded.checked[0].trace == "dff")
    assert rows(loaded)[0][5:7] == ["–", "–"]


def test_both_methods_are_inferred_beside_the_window_and_compared(qtbot, loaded, session, recording):
    loaded.both.click()
    qtbot.waitUntil(lambda: len(loaded.checked) == 2)
    assert [one.label for one in loaded.checked] == ["network", "deconvolution"]
    assert [lane.unit for lane in loaded.plot.lanes.lanes] == ["ΔF/F", "spikes/s", "ΔF/F"]
    assert session.recording is recording
    assert loaded.checked[0].recording.roi_ids.tolist() == [5, 6, 7]
    qtbot.waitUntil(loaded.both.isEnabled)
    place = loaded.traces.findText("deconvolution alone")
    loaded.traces.setCurrentIndex(place)
    loaded.traces.activated.emit(place)
    assert [one.label for one in loaded.checked] == ["deconvolution"]


def test_a_file_is_dropped_on_the_dock(qtbot, dock, session, recording, table):
    session.open(recording)
    qtbot.waitUntil(lambda: dock._drawn is recording)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(table))])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    dock.dropEvent(event)
    qtbot.waitUntil(lambda: bool(dock.checked))
    assert dock.file.path == table


def test_a_single_column_is_of_the_selected_cell(qtbot, dock, session, recording, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("\n".join(f"{t:.4f}" for t in SPIKES[1]), "utf-8")
    session.open(recording)
    qtbot.waitUntil(lambda: dock._drawn is recording)
    dock.load(path)
    assert "one column of times" in said(dock)
    session.selection.cells = (6,)
    dock.load(path)
    qtbot.waitUntil(lambda: bool(dock.checked))
    assert set(dock.recorded.roi_id) == {6}


# --- what lasts and what goes


def test_another_result_is_judged_by_the_same_spikes(qtbot, loaded, session, recording):
    half = Trace(recording.traces["spikes"].values / 2, "spikes/s")
    session.apply(recording.replace(traces={**recording.traces, "spikes": half}), "half")
    qtbot.waitUntil(lambda: bool(loaded.checked) and loaded.checked[0].scores.bias[0] < -0.3)
    assert loaded.recorded is not None


def test_spikes_of_other_cells_are_forgotten(qtbot, loaded, session, recording):
    other = recording.replace(roi_ids=np.arange(4) + 50)
    session.open(other)
    qtbot.waitUntil(lambda: loaded._drawn is other)
    assert loaded.recorded is None and loaded.file.path is None
    assert "drop a CSV" in said(loaded)


def test_figure_and_scores_are_exported(loaded, tmp_path):
    export = loaded.export()
    export.write(tmp_path / "check.png")
    export.write(tmp_path / "check.csv")
    written = pd.read_csv(tmp_path / "check.csv")
    assert list(written.columns[:3]) == ["method", "roi_id", "cell"]
    assert np.allclose(written["correlation"], loaded.checked[0].scores.correlation)
    assert (tmp_path / "check.png").stat().st_size > 5000


def test_the_theme_changes_the_plot(loaded, viewer):
    viewer.theme = "light"
    assert loaded.plot.lanes.lanes
