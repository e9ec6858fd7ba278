"""The Behaviour dock: what the animal did, under what its neurons did, on one time axis."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from napari_calcium.figures.behaviour_figure import behaviour_size, draw_behaviour, prepare_behaviour
from napari_calcium.figures.epoch_colors import epoch_color
from napari_calcium.figures.export import FigureKind
from napari_calcium.io.behaviour_csv import BehaviourFileSettings
from napari_calcium.recording import Recording
from napari_calcium.widgets.behaviour_opening import add_behaviour_files, entry_settings
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.notices import show_info, show_warning
from napari_calcium.widgets.plots.signals_plot import SignalsPlot
from napari_calcium.widgets.theme import PlotColors, readable
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.workbench import workbench_of

__all__ = ["BehaviourDock"]

_EMPTY = (
    "No behaviour yet. Add a CSV of signals (speed, position, pupil, lick …) or of events (start, end, "
    "label) with its own clock; or let the population's mean and first component stand in."
)
_TABLES = "Tables (*.csv *.tsv *.txt *.gz);;All files (*)"
_MORE = {
    "epochs": "Add a table of epochs…",
    "frame_times": "Add frame times (clock of the behaviour)…",
    "pulses": "Add pulses (clock of the behaviour)…",
    "recording_pulses": "Add pulses (clock of the microscope)…",
}


_NEARLY_ALL = 0.995
"""Share of the recording from which on a file of behaviour is said to cover all of it, by saying nothing."""


class BehaviourDock(ViewDock):
    """Signals and epochs under the selected cells, on the time axis of all docks; adds files and aligns them.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Behaviour"
    wanted = (600, 300)

    cells_picked = Signal(tuple)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._shown: tuple[Any, ...] | None = None
        self._timed: Recording | None = None
        super().__init__(napari_viewer)
        self._bench = workbench_of(napari_viewer)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the bar, the plot, and what the dock shows while there is no behaviour."""
        self.plot = SignalsPlot(colors)
        self.plot.setAccessibleName("Behaviour over time")
        self.plot.setToolTip("Click: that moment. Wheel and drag: in time. Double click: all of it.")
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.decoded = QCheckBox("Decoded")
        self.decoded.setChecked(True)
        self.decoded.setToolTip(
            "White (or black) lines: what the neurons tell of each signal,\n"
            "on stretches the decoder has not seen"
        )
        self.decoded.toggled.connect(self.later)
        self.align = QPushButton("Align")
        self.align.setToolTip("Bring the files' clock onto the recording's (stage Behaviour)")
        self.align.clicked.connect(lambda: self._run("behaviour"))
        self.analyse = QPushButton("Analyse")
        self.analyse.setToolTip(
            "Run all stages of the behaviour: correlation, tuning, averages, preferred epochs, decoding"
        )
        self.analyse.clicked.connect(self._analyse)
        self.add = self._add_button("Files…")
        self.export_button = ExportButton(self.export, self)
        bar = QHBoxLayout()
        bar.setContentsMargins(6, 2, 6, 0)
        bar.addWidget(self.legend, 1)
        for widget in (self.decoded, self.add, self.align, self.analyse, self.export_button):
            bar.addWidget(widget)
        column.addLayout(bar)
        column.addWidget(self.plot, 1)
        self.plot.time_picked.connect(self.time_picked.emit)
        self.plot.span_picked.connect(self.span_picked.emit)
        self._build_empty()

    def _build_empty(self) -> None:
        """Give the empty state the two ways out of it."""
        self.first = self._add_button("Add behaviour…")
        self.stand_in = QPushButton("Use population signals")
        self.stand_in.setToolTip("The mean of all cells and their first principal component stand in")
        self.stand_in.clicked.connect(lambda: self._run("behaviour"))
        rows = QVBoxLayout(self.hint)
        rows.setContentsMargins(12, 8, 12, 12)
        rows.addStretch(1)
        ways = QHBoxLayout()
        ways.addStretch(1)
        ways.addWidget(self.first)
        ways.addWidget(self.stand_in)
        ways.addStretch(1)
        rows.addLayout(ways)

    def _add_button(self, words: str) -> QPushButton:
        button = QPushButton(words)
        menu = QMenu(button)
        menu.addAction("Signals or events (CSV)…", lambda: self._ask("file"))
        for key, title in _MORE.items():
            menu.addAction(title, lambda key=key: self._ask(key))
        button.setMenu(menu)
        button.setToolTip("Add tables of the behaviour, or drop them on the window")
        return button

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.plot.set_colors(colors)
        self._shown = None
        self.later()

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Show these cells above the signals."""
        self.later()

    def show_time(self, seconds: float) -> None:
        """Move the cursor."""
        self.plot.show_time(seconds)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.plot.show_span(seconds)

    def refresh(self) -> None:
        """Draw what is so now; offer the ways out of the empty state only where there is a recording."""
        super().refresh()
        there = self.recording is not None and self.recording.frame_rate is not None
        has_file = there and self.recording is not None and self.recording.behaviour_file is not None
        for button in (self.first, self.stand_in):
            button.setVisible(there)
        self.stand_in.setText("Align" if has_file else "Use population signals")

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        if recording.frame_rate is None:
            return "Set the frame rate of the recording first."
        if recording.behaviour is not None:
            return ""
        if recording.behaviour_file is None:
            return _EMPTY
        entry = next((e for e in recording.log if e.stage == "behaviour_file"), None)
        found = "; ".join(entry.notes) if entry is not None else ""
        return f"Behaviour was read ({found}). Align it with the recording now."

    def draw(self, recording: Recording) -> None:
        """Show the behaviour of a recording, under the selected cells."""
        behaviour = recording.behaviour
        if behaviour is None:
            return
        cells = self.session.selection.cells[:3]
        wish = (recording, cells, self.decoded.isChecked())
        if self._shown is not None and self._shown[0] is recording and self._shown[1:] == wish[1:]:
            return
        self._shown = wish
        if recording is not self._timed:
            self._timed = recording
            self.plot.set_duration(recording.duration_s)
            self.plot.show_span(self.session.selection.span)
        self.plot.show_lanes(prepare_behaviour(recording, cells, decoded=self.decoded.isChecked()))
        scores = recording.decoding.scores if recording.decoding is not None else None
        self.decoded.setVisible(scores is not None and bool((scores.measure == "r2").any()))
        self.align.setVisible(recording.behaviour_file is not None)
        self._write_legend(recording)

    def export(self) -> Export | None:
        """Return what can be exported: the figure, and the signals at every frame."""
        recording = self.recording
        if recording is None or recording.behaviour is None:
            return None
        cells = self.session.selection.cells[:3]
        figure = FigureKind(
            "behaviour",
            ("behaviour",),
            lambda made: prepare_behaviour(made, cells),
            behaviour_size,
            draw_behaviour,
        )
        return Export(f"{recording.name}_behaviour", recording, figure, lambda p: _write(recording, p))

    def _write_legend(self, recording: Recording) -> None:
        behaviour = recording.behaviour
        if behaviour is None:
            return
        ground = self.colors.background
        parts = []
        for place, label in enumerate(behaviour.epochs.labels):
            color = readable(epoch_color(place), ground)
            parts.append(f"<span style='color:{color}'>■</span> {escape(label)}")
        if any(behaviour.stand_ins):
            parts.append("made of the neurons themselves")
        elif behaviour.covered < _NEARLY_ALL:
            # Not of a signal: "lick covers 96 %" would read as if it were on so long.
            parts.append(f"(file: {100 * behaviour.covered:.0f}&nbsp;% of the recording)")
        self.legend.setText("&nbsp; ".join(parts))
        entry = next((e for e in recording.log if e.stage == "behaviour"), None)
        self.legend.setToolTip("\n".join(entry.notes) if entry is not None else "")

    def _ask(self, key: str) -> None:
        """Ask for a file and add it."""
        if self.recording is None:
            return
        chosen, _ = QFileDialog.getOpenFileName(self, "Behaviour", "", _TABLES)
        if chosen:
            self.add_file(Path(chosen), key)

    def add_file(self, path: Path, key: str = "file") -> None:
        """Add a table to what is known of the behaviour; it is read beside the window.

        Parameters
        ----------
        path : Path
        key : str
            What it is: a field of :class:`~napari_calcium.io.behaviour_csv.BehaviourFileSettings`.
        """
        recording = self.recording
        if recording is None:
            show_warning("Open a recording first.")
            return
        settings: BehaviourFileSettings = entry_settings(recording).replace(**{key: str(path.absolute())})
        self._job.ask(
            f"Reading {path.name}",
            lambda _: add_behaviour_files(self.session, recording, settings),
            lambda found: self._take(recording, found, path),
        )

    def _take(self, before: Recording, found: Recording, path: Path) -> None:
        if self.session.recording is not before:
            show_warning("The recording was changed while the file was read; add it again.")
            return
        self.session.apply(found, f"Add {path.name}")
        entry = next(e for e in found.log if e.stage == "behaviour_file")
        show_info("\n".join([f"{path.name}: {entry.notes[0]}", *entry.notes[1:]]))
        self._run("behaviour")

    def _run(self, stage: str) -> None:
        self._bench.plan.set_enabled(stage, True)
        if obstacle := self._bench.run_stage(stage):
            show_warning(obstacle)

    def _analyse(self) -> None:
        """Switch on what can be computed of this recording and run what is not up to date."""
        from napari_calcium.stages.pipeline_behaviour import BEHAVIOUR_STAGES

        for stage in BEHAVIOUR_STAGES:
            self._bench.plan.set_enabled(stage, True)
        answer = self._bench.run_all()
        if answer:
            show_info(answer)


def _write(recording: Recording, path: Path) -> None:
    import pandas as pd

    from napari_calcium.io.behaviour_folder import signal_columns

    pd.DataFrame(signal_columns(recording)).to_csv(path, index=False)
