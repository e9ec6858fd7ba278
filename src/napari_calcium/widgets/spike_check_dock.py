"""The Spike check dock: inferred spikes judged by those recorded electrically from the same cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.export import FigureKind
from napari_calcium.figures.spike_check_figure import (
    draw_spike_check,
    prepare_spike_check,
    spike_check_size,
)
from napari_calcium.io.errors import ReadError
from napari_calcium.io.spike_times import read_spike_times
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.results.tables import SpikeTimes
from napari_calcium.spikes.spikes_settings import DeconvolvedSpikes, NetworkSpikes
from napari_calcium.widgets.checked_spikes import (
    Checked,
    check_trace,
    checked_lanes,
    infer_both,
    score_table,
)
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.file_row import FileRow
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.plots.scores_table import ScoresTable
from napari_calcium.widgets.plots.trace_lanes import TraceLanes
from napari_calcium.widgets.plots.traces_plot import TracesPlot
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.theme import PlotColors
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.workbench import workbench_of
from napari_calcium.widgets.worker import Runner

__all__ = ["SpikeCheckDock"]

_LOAD = (
    "Load spikes that were recorded electrically from cells of this recording: drop a CSV here, or choose it "
    "above. A row a spike (roi_id, time_s), a column of times for each cell, or, with one cell selected, a "
    "single column of its times. Seconds from the start of the first frame."
)
_NOT_JUDGED = ("raw", "neuropil", "corrected", "baseline")
_WIDTHS_S = (0.025, 0.05, 0.2)
_KINDS = (".csv", ".tsv", ".txt")
_BOTH = "both"
_LEGEND = "In colour what was inferred, in grey what was recorded; ticks are the recorded spikes"


class SpikeCheckDock(ViewDock):
    """Scores and courses of inferred beside recorded spikes, linked to the selected cell and to the time.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Spike check"
    wanted = (600, 300)

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._bench = workbench_of(napari_viewer)
        self._drawn: Recording | None = None
        self.recorded: SpikeTimes | None = None
        self._both: tuple[Checked, ...] = ()
        self.checked: tuple[Checked, ...] = ()
        super().__init__(napari_viewer)
        self.setAcceptDrops(True)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)
        self.links.add(self.runner.abandon)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the choices, the courses and the table."""
        self.runner = Runner(self)
        self.runner.finished.connect(self._free)
        self.progress = ProgressLine(self.runner)
        self.file = FileRow("Recorded spikes", "Spike times (*.csv *.tsv *.txt)", "Recorded spikes (CSV)")
        self.file.changed.connect(self._load)
        self.file.setMinimumWidth(210)
        for line in self.file.findChildren(QLineEdit):
            line.setAcceptDrops(False)  # it would take a file as text
        self.traces, self.widths = QComboBox(), QComboBox()
        for box, words, tip in (
            (self.traces, "Judge", "Which trace is compared with the recorded spikes"),
            (
                self.widths,
                "Smoothing",
                "SD of the Gaussian with which the courses are smoothed, as for a score",
            ),
        ):
            box.setAccessibleName(words)
            box.setToolTip(tip)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for width in _WIDTHS_S:
            self.widths.addItem(f"σ {1000 * width:g} ms", width)
        self.widths.setCurrentIndex(1)
        self.traces.activated.connect(self._judge)
        self.widths.activated.connect(lambda *_: self._show_courses())
        self.both = QPushButton("Infer by both methods")
        self.both.setToolTip(
            "Infer the spikes of these cells by the network and by deconvolution, and compare both. "
            "The settings are those of the stage Spikes; the recording stays as it is."
        )
        self.both.clicked.connect(self._infer)
        self.export_button = ExportButton(self.export, self)
        bar = QFlowLayout()
        bar.setContentsMargins(6, 2, 6, 0)
        bar.setHorizontalSpacing(8)
        bar.setVerticalSpacing(2)
        for widget in (self.file, self.traces, self.widths, self.both, self.export_button):
            bar.addWidget(widget)
        column.addLayout(bar)
        column.addWidget(self._inside(colors), 1)
        column.addWidget(self.progress)

    def _inside(self, colors: PlotColors) -> QWidget:
        self.plot = TracesPlot(colors)
        self.plot.setAccessibleName("Inferred and recorded spikes over time")
        self.plot.setToolTip(_LEGEND)
        self.plot.setAcceptDrops(False)
        self.plot.time_picked.connect(self.time_picked.emit)
        self.plot.span_picked.connect(self.span_picked.emit)
        self.plot.cell_clicked.connect(lambda _, seconds: self.time_picked.emit(seconds))
        self.table = ScoresTable()
        self.table.cell_picked.connect(self._pick)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(self.plot)
        self.split.addWidget(self.table)
        self.split.setSizes([380, 260])
        self.says, self.legend = QLabel(_LOAD), QLabel()
        self.says.setWordWrap(True)
        self.says.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.says.setContentsMargins(12, 4, 12, 4)
        self.legend.setWordWrap(True)
        self.legend.setContentsMargins(6, 0, 6, 2)
        self.legend.setMinimumWidth(60)
        shown = QWidget()
        below = QVBoxLayout(shown)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        row = QHBoxLayout()
        row.addWidget(self.split)
        below.addLayout(row, 1)
        below.addWidget(self.legend)
        self.inner = QStackedWidget()
        self.inner.addWidget(self.says)
        self.inner.addWidget(shown)
        return self.inner

    # --- views of the session

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.plot.set_colors(colors)

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Show the course of the first of these cells that is judged."""
        self.later()

    def show_focus(self, cell: int | None) -> None:
        """Show the course of this cell if it is judged."""
        self.later()

    def show_time(self, seconds: float) -> None:
        """Move the cursor."""
        self.plot.show_time(seconds)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.plot.show_span(seconds)

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        if not recording.n_rois:
            return f"{recording.name} holds no cells, so there is nothing to compare."
        if recording.frame_rate is None:
            return (
                "Set the frame rate in the Calcium pipeline dock first: spikes have times, frames have none."
            )
        return "" if recording.traces else f"{recording.name} has no traces. Open one with fluorescence."

    def draw(self, recording: Recording) -> None:
        """Show what is known of a recording and its recorded spikes."""
        before = self._drawn
        if recording is not before:
            if before is None or not np.array_equal(before.roi_ids, recording.roi_ids):
                self.recorded, self.file.path = None, None
            self._drawn, self.checked, self._both = recording, (), self._kept(before, recording)
            self.plot.set_duration(recording.duration_s)
            self.plot.show_span(self.session.selection.span)
            self._offer(recording)
            self._judge()
        self._show_courses()

    # --- recorded spikes

    def dragEnterEvent(self, event: Any) -> None:
        """Take a table that is dragged over the dock."""
        if _table_in(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        """Load a table that is dropped on the dock."""
        path = _table_in(event)
        if path is not None and self._drawn is not None:
            event.acceptProposedAction()
            self.load(path)

    def load(self, path: Path) -> None:
        """Load recorded spikes; what is wrong with a file is said where the plot would be."""
        self.file.path = path
        self._load()

    def _load(self) -> None:
        path, recording = self.file.path, self._drawn
        self.recorded, self.checked, self._both = None, (), ()
        if path is None or recording is None:
            self._say(_LOAD)
            return
        cells = self.session.selection.cells
        try:
            self.recorded = read_spike_times(
                path, recording.roi_ids, recording.cell_names, cell=cells[0] if len(cells) == 1 else None
            )
        except (ReadError, OSError) as error:
            self._say(f"⚠ {error}")
            return
        if not len(self.recorded):
            self.recorded = None
            self._say(f"⚠ {path.name}: there are no times of spikes in it.")
            return
        self._offer(recording)
        self._judge()

    # --- what is judged

    def _offer(self, recording: Recording) -> None:
        """Offer the traces that can be judged; the result of the stage Spikes first."""
        chosen = self.traces.currentData()
        there = [name for name in reversed(tuple(recording.traces)) if name not in _NOT_JUDGED]
        there.sort(key=lambda name: name != "spikes")
        items = {
            name: "Spikes (the result)" if name == "spikes" else name.replace("_", " ") for name in there
        }
        if self._both:
            items[_BOTH] = "network and deconvolution"
            items |= {f"{_BOTH}{k}": f"{one.label} alone" for k, one in enumerate(self._both)}
        self.traces.clear()
        for name, words in items.items():
            self.traces.addItem(words, name)
        self.traces.setCurrentIndex(max(0, self.traces.findData(chosen)))

    def _kept(self, before: Recording | None, now: Recording) -> tuple[Checked, ...]:
        """Return what was inferred for the comparison, as long as what it was inferred from stands."""
        same = before is not None and before.traces.get("dff") is now.traces.get("dff")
        return self._both if same else ()

    def _judge(self, *_: object) -> None:
        recording, recorded, chosen = self._drawn, self.recorded, self.traces.currentData()
        self.both.setEnabled(recorded is not None and not self.runner.busy)
        if recording is None or recorded is None or chosen is None:
            self._say("" if recorded is not None else _LOAD)
            return
        if chosen.startswith(_BOTH):
            self._take(self._both if chosen == _BOTH else (self._both[int(chosen.removeprefix(_BOTH))],))
            return
        self._job.ask(
            "Spike check", lambda on_progress: (check_trace(recording, recorded, chosen),), self._take
        )

    def _infer(self) -> None:
        recording, recorded = self._drawn, self.recorded
        if recording is None or recorded is None or self.runner.busy:
            return
        chosen = self._bench.plan.stage("spikes")
        network = chosen if isinstance(chosen, NetworkSpikes) else NetworkSpikes()
        other = chosen if isinstance(chosen, DeconvolvedSpikes) else DeconvolvedSpikes(input=network.input)

        def work(on_progress: Progress) -> tuple[Checked, ...]:
            return infer_both(recording, recorded, network, other, on_progress)

        def done(both: tuple[Checked, ...]) -> None:
            if self._drawn is recording and self.recorded is recorded:
                self._both = both
                self._offer(recording)
                self.traces.setCurrentIndex(self.traces.findData(_BOTH))
                self._judge()

        self.runner.start("Both methods", work, done)
        self.both.setEnabled(False)

    def _free(self, *_: object) -> None:
        self.both.setEnabled(self.recorded is not None)

    def _take(self, checked: tuple[Checked, ...]) -> None:
        self.checked = checked
        self.table.show_scores(checked)
        self._show_courses()

    # --- what is shown

    @property
    def cell(self) -> int | None:
        """The cell whose course is shown: the one in focus, else a selected one, else the first judged."""
        if self.recorded is None:
            return None
        judged = list(dict.fromkeys(self.recorded.roi_id.tolist()))
        selection = self.session.selection
        wanted = (selection.focus, *selection.cells)
        return next((c for c in wanted if c in judged), judged[0] if judged else None)

    def _say(self, words: str) -> None:
        """Show words in the place of plot and table."""
        self.says.setText(
            words or "There is no trace to judge. Run the stage Spikes, or infer by both methods."
        )
        self.inner.setCurrentIndex(0)
        self.both.setEnabled(self.recorded is not None and not self.runner.busy)
        self.table.show_scores(())
        self.plot.show_lanes(TraceLanes())

    def _show_courses(self) -> None:
        recording, recorded, cell = self._drawn, self.recorded, self.cell
        if recording is None or recorded is None or cell is None or not self.checked:
            return
        self.inner.setCurrentIndex(1)
        self.both.setEnabled(not self.runner.busy)
        lanes = checked_lanes(recording, self.checked, recorded, cell, float(self.widths.currentData()))
        self.plot.show_lanes(lanes, spikes=(None, recorded))
        n = len(np.unique(recorded.roi_id))
        own = int((recorded.roi_id == cell).sum())
        self.legend.setText(
            f"Cell {recording.cell_name(cell)}, {counted(own, 'recorded spike')}; "
            f"{counted(n, 'cell')} judged. {_LEGEND}."
        )

    def _pick(self, cell: int) -> None:
        self.cells_picked.emit((cell,))
        self.focus_picked.emit(cell)

    def export(self) -> Export | None:
        """Return what can be exported: the figure of the first judged trace, and all scores."""
        recorded, checked = self.recorded, self.checked
        if self.recording is None or recorded is None or not checked:
            return None
        first = checked[0]
        figure = FigureKind(
            "spike_check",
            (f"traces/{first.trace}",),
            lambda _: prepare_spike_check(first.recording, recorded, first.scores, first.trace),
            spike_check_size,
            draw_spike_check,
        )
        table = score_table(checked)
        name = f"{self.recording.name}_spike_check"
        return Export(
            name, first.recording, figure, lambda path: table.to_csv(path, index=False), ("traces/spikes",)
        )


def _table_in(event: Any) -> Path | None:
    """Return the one table of a drag, None for anything else."""
    urls = event.mimeData().urls()
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    path = Path(urls[0].toLocalFile())
    return path if path.suffix.lower() in _KINDS else None
