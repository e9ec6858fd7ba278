"""The Choose cells dock: which candidates are cells, by a threshold and by hand, and ROIs that are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_calcium.cell_choice import CellChoice
from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.palette import TRACE_COLORS
from napari_calcium.recording import Recording
from napari_calcium.rois import Rois
from napari_calcium.widgets.candidate_layer import CELL_COLOR, REJECTED_COLOR, CandidateLayer
from napari_calcium.widgets.candidate_words import candidate_words, quality_of
from napari_calcium.widgets.canvas_drag import pressed
from napari_calcium.widgets.drawing_row import DrawingRow
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.number_box import NumberBox
from napari_calcium.widgets.plots.frames_plot import FramesPlot
from napari_calcium.widgets.plots.quality_plot import QualityPlot
from napari_calcium.widgets.theme import PlotColors, readable
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.workbench import workbench_of

__all__ = ["ACCEPT_KEY", "REJECT_KEY", "ChooseDock"]

ACCEPT_KEY, REJECT_KEY = "K", "J"
_SETTLED_MS = 400


class ChooseDock(ViewDock):
    """Threshold with live counts, one candidate after the other with its trace, and drawn ROIs.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Choose cells"
    area = "right"
    wanted = (380, 560)

    cells_picked = Signal(tuple)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._here: int | None = None
        self._moving: float | None = None
        self._traced: tuple[Rois | None, int | None] = (None, None)
        self._bench = workbench_of(napari_viewer)
        self.outlines = CandidateLayer(napari_viewer)
        super().__init__(napari_viewer)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)
        self._bind_keys()

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the part about candidates, and below it the one about drawn ROIs."""
        self.nothing = QLabel()
        self.nothing.setWordWrap(True)
        self.part = QWidget()
        inside = QVBoxLayout(self.part)
        inside.setContentsMargins(0, 0, 0, 0)
        self._build_threshold(inside, colors)
        self._build_candidate(inside, colors)
        self.drawing = DrawingRow(self._viewer, self._bench)
        column.setContentsMargins(6, 4, 6, 6)
        column.addWidget(self.nothing)
        column.addWidget(self.part, 1)
        column.addStretch(0)
        column.addWidget(self.drawing)

    def _build_threshold(self, column: QVBoxLayout, colors: PlotColors) -> None:
        self.counts = QLabel()
        self.counts.setWordWrap(True)
        self.histogram = QualityPlot(colors)
        self.histogram.setToolTip(
            "Quality of all candidates: the smallest ratio of their numbers to what the settings of the\n"
            "stage Cells ask for. Pull the line: candidates right of it are cells."
        )
        self.histogram.threshold_moved.connect(self._on_moving)
        self.histogram.threshold_picked.connect(self._on_threshold)
        self.threshold = NumberBox(0, 1000)
        self.threshold.setAccessibleName("Least quality of a cell")
        self.threshold.setSingleStep(0.05)
        self.threshold.valueChanged.connect(self._on_typed)
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._settled.timeout.connect(lambda: self._on_threshold(self.threshold.value()))
        self.show_outlines = QCheckBox("Outlines")
        self.show_outlines.setToolTip(
            "On the image. Blue: cells. Orange, broken: rejected. White: the one below."
        )
        self.show_outlines.setChecked(True)
        self.show_outlines.toggled.connect(self.later)
        row = QHBoxLayout()
        label = QLabel("Least quality")
        label.setBuddy(self.threshold)
        for widget in (label, self.threshold):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.show_outlines)
        column.addWidget(self.counts)
        column.addWidget(self.histogram, 2)
        column.addLayout(row)

    def _build_candidate(self, column: QVBoxLayout, colors: PlotColors) -> None:
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setMinimumHeight(3 * self.about.fontMetrics().lineSpacing() + 4)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.trace = FramesPlot(colors, "Raw (a.u.)")
        self.trace.setToolTip("Raw fluorescence of this candidate, read from the movie when it is looked at")
        self.trace.setAccessibleName("Trace of the candidate")
        self.trace.time_picked.connect(lambda seconds: self.time_picked.emit(seconds))
        self.trace.span_picked.connect(lambda span: self.span_picked.emit(span))
        self.accept = QPushButton(f"Cell ({ACCEPT_KEY})")
        self.reject = QPushButton(f"No cell ({REJECT_KEY})")
        self.before, self.after = QPushButton("◀"), QPushButton("▶")
        self.accept.setToolTip(f"It is a cell, whatever its quality ({ACCEPT_KEY}); then the next one")
        self.reject.setToolTip(f"It is no cell, whatever its quality ({REJECT_KEY}); then the next one")
        self.before.setToolTip("The candidate of the next higher quality")
        self.after.setToolTip("The candidate of the next lower quality")
        self.before.setAccessibleName("Candidate of higher quality")
        self.after.setAccessibleName("Candidate of lower quality")
        self.accept.clicked.connect(lambda: self.decide(cells=True))
        self.reject.clicked.connect(lambda: self.decide(cells=False))
        self.before.clicked.connect(lambda: self.step(-1))
        self.after.clicked.connect(lambda: self.step(1))
        self.lag = QLabel()
        self.lag.setWordWrap(True)
        self.read = QPushButton("Read them")
        self.read.setToolTip("Read the fluorescence of the cells that are new; Run all does the rest as well")
        self.read.clicked.connect(self._read)
        grid = QGridLayout()
        for place, button in enumerate((self.before, self.accept, self.reject, self.after)):
            grid.addWidget(button, 0, place)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        for button in (self.before, self.after):
            button.setFixedWidth(34)
        lagging = QHBoxLayout()
        lagging.addWidget(self.lag, 1)
        lagging.addWidget(self.read)
        column.addWidget(self.about)
        column.addWidget(self.trace, 2)
        column.addLayout(grid)
        column.addLayout(lagging)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.histogram.set_colors(colors)
        self.trace.set_colors(colors)
        self.later()

    @property
    def here(self) -> int | None:
        """Id of the candidate that is looked at."""
        return self._here

    def look_at(self, candidate: int) -> None:
        """Show this candidate, and select it where it is a cell of the recording."""
        self._here = candidate
        recording = self.recording
        if recording is not None and len(recording.rows((candidate,))):
            self.cells_picked.emit((candidate,))
        self.later()

    def decide(self, *, cells: bool) -> None:
        """Say that the candidate is a cell, or none, as a step that can be undone; go on to the next one."""
        found = self._candidates()
        recording = self.recording
        if found is None or recording is None or self._here is None or self._bench.runner.busy:
            return
        candidate = self._here
        choice = recording.cell_choice.decide(found, (candidate,), cells=cells)
        self.step(1)
        if choice != recording.cell_choice:
            word = "Cell" if cells else "No cell"
            self.session.apply(recording.replace(cell_choice=choice), f"{word}: candidate {candidate}")

    def step(self, by: int) -> None:
        """Go to the candidate of the next lower (1) or higher (−1) quality."""
        found = self._candidates()
        if found is None or not len(found):
            return
        order = found.ids[np.argsort(-quality_of(found), kind="stable")].tolist()
        place = order.index(self._here) + by if self._here in order else 0
        self.look_at(order[min(max(place, 0), len(order) - 1)])

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Look at a cell that was selected anywhere."""
        found = self._candidates()
        if len(ids) == 1 and found is not None and ids[0] in found.ids:
            self._here = ids[0]
        self.later()

    def show_time(self, seconds: float) -> None:
        """Move the cursor."""
        self.trace.show_time(seconds)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.trace.show_span(seconds)

    def show_recording(self, recording: Recording | None) -> None:
        """Show another recording."""
        known = recording.candidates if recording is not None else None
        if known is None or self._here not in known.ids:
            self._here = None
        if known is None:
            self.outlines.clear()
        super().show_recording(recording)

    @property
    def draws_on_canvas(self) -> bool:
        """Whether the outlines of the candidates are on the image."""
        return bool(self.show_outlines.isChecked())

    def hint_for(self, recording: Recording) -> str:
        """Return nothing: ROIs can be drawn on any recording."""
        return ""

    def draw(self, recording: Recording) -> None:
        """Show the candidates of a recording, and the one that is looked at."""
        self.drawing.show_recording(recording)
        found = recording.candidates
        self.part.setVisible(found is not None)
        self.nothing.setVisible(found is None)
        if found is None:
            self.nothing.setText(
                "No candidates yet. Run Cells in the Calcium pipeline dock, or draw the cells yourself:"
                if recording.movie is not None
                else "Draw where the cells of these traces lie:"
            )
            return
        if self._here is None and len(found):
            below = np.where(self._choice(recording).accepts(found), -np.inf, quality_of(found))
            self._here = int(found.ids[int(np.argmax(below))])
        self._show_choice(recording, found)
        self._show_candidate(recording, found)
        self._show_lag(recording)

    def _choice(self, recording: Recording) -> CellChoice:
        """Return the choice as it would be with the line where it is pulled to now."""
        choice = recording.cell_choice
        return choice if self._moving is None else choice.replace(threshold=self._moving)

    def _show_choice(self, recording: Recording, found: Rois) -> None:
        choice = self._choice(recording)
        chosen = choice.accepts(found)
        ground = self.colors.background
        blue, orange = readable(CELL_COLOR, ground), readable(REJECTED_COLOR, ground)
        by_hand = len(choice.own)
        told = f" · {by_hand} decided by hand" if by_hand else ""
        self.counts.setText(
            f"<b style='color:{blue}'>{counted(int(chosen.sum()), 'cell')}</b> · "
            f"<b style='color:{orange}'>{int((~chosen).sum()):,} rejected</b>{told}"
        )
        row = self._row(found)
        quality = quality_of(found)
        here = float(quality[row]) if row is not None and np.isfinite(quality[row]) else None
        self.histogram.show_quality(quality, chosen, choice.threshold, here)
        self.threshold.blockSignals(True)
        self.threshold.setValue(choice.threshold)
        self.threshold.blockSignals(False)
        if self.show_outlines.isChecked():
            self.outlines.show(recording, chosen, row)
        else:
            self.outlines.clear()

    def _show_candidate(self, recording: Recording, found: Rois) -> None:
        row = self._row(found)
        for button in (self.accept, self.reject, self.before, self.after):
            button.setEnabled(row is not None)
        if row is None:
            self.about.setText("Nothing was found.")
            self.trace.show_lines(1.0, [])
            return
        self.about.setText(candidate_words(recording, found, row, self._choice(recording)))
        rate = recording.frame_rate or 1.0
        if self._traced != (found, self._here):
            self._traced = (found, self._here)
            known = recording.frame_rate is not None
            self.trace.set_duration(recording.n_frames / rate, in_frames=not known)
            self.trace.show_span(self.session.selection.span)
            self._ask_trace(recording, found, int(found.ids[row]))

    def _ask_trace(self, recording: Recording, found: Rois, candidate: int) -> None:
        """Take the trace that is there, or read it beside the window."""
        rate = recording.frame_rate or 1.0

        def show(values: NDArray[np.float32]) -> None:
            if self._here == candidate:
                self.trace.show_lines(rate, [(np.asarray(values, np.float64), TRACE_COLORS["raw"])])

        rows = recording.rows((candidate,))
        if len(rows) and "raw" in recording.traces:
            show(recording.traces["raw"].values[rows[0]])
            return
        if recording.movie is None:
            self.trace.show_lines(rate, [])
            return

        def work(on_progress: Any) -> NDArray[np.float32]:
            from napari_calcium.movie.extraction import traces_of
            from napari_calcium.stages.pipeline_movie import registered_movie

            return traces_of(registered_movie(recording), found, [candidate], on_progress=on_progress)[0]

        self._job.ask(f"Trace of candidate {candidate}", work, show)

    def _show_lag(self, recording: Recording) -> None:
        from napari_calcium.stages.pipeline_movie import lags_behind, rois_to_read

        wanted = rois_to_read(recording)
        read = recording.roi_ids if recording.traces else np.empty(0, np.int64)
        new = np.setdiff1d(wanted.ids, read) if wanted is not None else np.empty(0, np.int64)
        gone = np.setdiff1d(read, wanted.ids) if wanted is not None else np.empty(0, np.int64)
        there = bool(recording.traces) and lags_behind(recording)
        self.lag.setVisible(there)
        self.read.setVisible(there)
        parts = [f"{counted(len(new), 'cell')} to read"] if len(new) else []
        parts += [f"{counted(len(gone), 'cell')} to leave out"] if len(gone) else []
        parts = parts or ["the cells around new ones are to be read again"]
        self.lag.setText(f"◐ {', '.join(parts)}" if there else "")
        self.lag.setToolTip("The results are those of the cells as they were")

    def _row(self, found: Rois) -> int | None:
        rows = np.flatnonzero(found.ids == (-1 if self._here is None else self._here))
        return int(rows[0]) if len(rows) else None

    def _candidates(self) -> Rois | None:
        return self.recording.candidates if self.recording is not None else None

    def _on_moving(self, threshold: float) -> None:
        self._moving = threshold
        self.later()

    def _on_typed(self, value: float) -> None:
        self._on_moving(value)
        self._settled.start()

    def _on_threshold(self, threshold: float) -> None:
        self._settled.stop()
        self._moving = None
        recording = self.recording
        if recording is None or self._bench.runner.busy:
            return self.later()
        choice = recording.cell_choice.replace(threshold=round(threshold, 4))
        if choice != recording.cell_choice:
            self.session.apply(recording.replace(cell_choice=choice), f"Least quality {choice.threshold:.3g}")
        else:
            self.later()
        return None

    def _read(self) -> None:
        why = self._bench.run_stage("extraction")
        if why:
            self.lag.setText(why)

    def _bind_keys(self) -> None:
        viewer = self._viewer
        viewer.bind_key(ACCEPT_KEY, lambda _: self.decide(cells=True), overwrite=True)
        viewer.bind_key(REJECT_KEY, lambda _: self.decide(cells=False), overwrite=True)
        viewer.mouse_drag_callbacks.append(self._on_press)

        def let_go() -> None:
            for key in (ACCEPT_KEY, REJECT_KEY):
                viewer.bind_key(key, None)
            if self._on_press in viewer.mouse_drag_callbacks:
                viewer.mouse_drag_callbacks.remove(self._on_press)

        self.links.add(let_go)

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """Look at the candidate that is clicked on the image, also at one that is no cell."""
        active = viewer.layers.selection.active
        if event.button != 1 or (active is not None and str(getattr(active, "mode", "")) != "pan_zoom"):
            return
        moved = yield from pressed(event)
        found = self._candidates()
        if moved or found is None or self.outlines.layer is None or self.recording is None:
            return
        row = self.outlines.row_at(event.position, self.recording.pixel_size_um or 1.0)
        if row is not None:
            self._here = int(found.ids[row])
            self.later()

    def showEvent(self, event: Any) -> None:
        """Show the outlines with the dock."""
        super().showEvent(event)
        self._see_outlines(True)

    def hideEvent(self, event: Any) -> None:
        """Hide the outlines behind another tab: they would cover what is selected there."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._see_outlines(False)

    def _see_outlines(self, seen: bool) -> None:
        layer = self.outlines.layer if hasattr(self, "outlines") else None
        if layer is not None:
            layer.visible = seen

    def keyPressEvent(self, event: Any) -> None:
        """Decide (K, J) and go from candidate to candidate (→ ←) by key, as on the image."""
        keys = {Qt.Key.Key_K: True, Qt.Key.Key_J: False}
        if event.key() in keys:
            self.decide(cells=keys[event.key()])
        elif event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Left):
            self.step(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)
