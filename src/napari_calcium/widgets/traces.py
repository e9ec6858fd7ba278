"""The Traces dock: the selected cells over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QScrollBar, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.decimate import outline
from napari_calcium.figures.export import FigureKind
from napari_calcium.figures.traces_figure import draw_traces, prepare_traces, read_for_events, traces_size
from napari_calcium.pipeline_settings import TITLES
from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.widgets.dock_place import DockPlace
from napari_calcium.widgets.exporting import Export, ExportButton, traces_writer
from napari_calcium.widgets.in_sight import InSight
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plots.time_mark import link_marks
from napari_calcium.widgets.plots.trace_lanes import TraceLanes, make_lanes
from napari_calcium.widgets.plots.traces_plot import TracesPlot
from napari_calcium.widgets.theme import plot_colors
from napari_calcium.widgets.trace_choices import TraceChoices
from napari_calcium.widgets.trace_judging import TraceJudging
from napari_calcium.widgets.view_dock import shade_times
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.what_changed import Seen
from napari_calcium.widgets.workbench import workbench_of

__all__ = ["TracesDock"]

_MOST_CELLS = 200


class TracesDock(QWidget):
    """Stacked traces of the selected cells, any stage over the other, linked to image, slider and ensembles.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The plot takes its theme, and shows its session.
    """

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._session: Session = session_of(napari_viewer)
        self._bench = workbench_of(napari_viewer)
        self._recording: Recording | None = None
        self._preview: Recording | None = None
        self._seen = Seen()
        self._lanes: TraceLanes | None = None
        self._wanted: tuple[object, ...] = ()
        self._drawn_preview: Recording | None = None
        self._build()
        # Several signals come together (cells and ensemble, recording and cells): draw once for all of them.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.refresh)
        self._stale = True
        # Its kernel takes a second to load: better now than at the first click.
        outline(np.zeros((1, 8), np.float32), 1)
        self._place = DockPlace(self, "Traces", "bottom")
        self._sight = InSight(self)
        self._sight.turned.connect(self._on_sight)
        self.plot.cell_clicked.connect(self._on_cell_clicked)
        self.judging.time_picked.connect(self.time_picked.emit)
        self.judging.focus_picked.connect(self.focus_picked.emit)
        self.judging.span_picked.connect(self.span_picked.emit)
        self.plot.time_picked.connect(self.time_picked.emit)
        self.plot.span_picked.connect(self.span_picked.emit)
        napari_viewer.events.theme.connect(self._on_theme)
        self._on_theme()
        self._links = Links(self)
        self._links.add(self._session.link(self))
        link_marks(self, self._session.selection, self._links)
        self._links.add(lambda: napari_viewer.events.theme.disconnect(self._on_theme))

    def _build(self) -> None:
        self.setMinimumHeight(130)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot = TracesPlot(plot_colors(self._viewer))
        self.plot.setFocusProxy(self)
        self.export_button = ExportButton(self.export, self)
        self.choices = TraceChoices(self.export_button)
        self.choices.changed.connect(self._later)
        self.boxes, self.events_box = self.choices.boxes, self.choices.events_box
        self.judge_button, self.all_button = self.choices.judge_button, self.choices.all_button
        self.note, self.clock = self.choices.note, self.choices.clock
        self.judge_button.toggled.connect(self._on_judge)
        self.all_button.clicked.connect(lambda: self.span_picked.emit(None))
        self.bar = QScrollBar(Qt.Orientation.Vertical)
        self.bar.setToolTip("More of the selected cells (Shift + wheel)")
        self.bar.valueChanged.connect(self.plot.scroll_to)
        self.plot.scrolled.connect(self._on_scrolled)
        drawing = QWidget()
        row = QHBoxLayout(drawing)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.plot, 1)
        row.addWidget(self.bar)
        self.hint = QLabel()
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.hint)
        self.pages.addWidget(drawing)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.choices)
        self.judging = TraceJudging(self._bench, self.plot, self._shown_cells, self)
        column.addWidget(self.judging.bar)
        column.addWidget(self.pages, 1)

    def show_recording(self, recording: Recording | None) -> None:
        """Show another recording."""
        self._recording = recording
        self.choices.show_recording(recording)
        if recording is not None:
            rate_known = recording.frame_rate is not None
            seconds = recording.duration_s if rate_known else float(recording.n_frames)
            self.plot.set_duration(seconds, in_frames=not rate_known)
            self.plot.show_span(self._session.selection.span)
        # The clock alone: moving the cursor would bring it into view, and take the user away from his place.
        self._tell_time(self._session.selection.time)
        shade_times(self, recording)
        self._later()

    def show_preview(self, preview: Recording | None) -> None:
        """Draw what a stage would make of some cells over their traces."""
        self._preview = preview
        self._later()

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Show the traces of these cells."""
        self._later()

    def show_focus(self, cell: int | None) -> None:
        """Lay a ground under the lane of this cell."""
        self._later()

    def show_ensemble(self, ensemble_id: int | None) -> None:
        """Mark the activations of this ensemble."""
        self._later()

    # A view of ensembles that never picks one still needs the signal to be linked.
    ensemble_picked = Signal(object)

    def show_time(self, seconds: float) -> None:
        """Move the cursor."""
        self.plot.show_time(seconds)
        self._tell_time(seconds)

    def _tell_time(self, seconds: float) -> None:
        known = self._recording is None or self._recording.frame_rate is not None
        self.clock.setText(f"{seconds:.2f} s" if known else f"frame {seconds:.0f}")

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.plot.show_span(seconds)

    def refresh(self) -> None:
        """Draw what is selected now; while it cannot be seen, once the dock is in sight again."""
        if not self._sight:
            self._stale = True
            return
        self._stale = False
        recording, selection = self._recording, self._session.selection
        hint = self._hint()
        self.hint.setText(hint)
        self.pages.setCurrentIndex(0 if hint else 1)
        cells = selection.cells
        self.note.setText(self._note(len(cells)))
        if recording is None or hint:
            self.plot.show_lanes(TraceLanes())
            return
        lanes = self._lanes_of(recording)
        marked = self.events_box.isChecked()
        preview_events = self._preview.events if marked and self._preview is not None else None
        review = self.judging.judge.review if marked and recording.event_choices else None
        self.plot.show_lanes(
            lanes,
            recording.events if marked else None,
            preview_events,
            review,
            (recording.spike_times, self._preview.spike_times if self._preview is not None else None),
        )
        self.judging.show_event()
        self.plot.show_focus(selection.focus)
        self._show_activations(recording, selection.ensemble)

    def _lanes_of(self, recording: Recording) -> TraceLanes:
        """Return the lanes to draw: those of before where no trace has changed: none is drawn anew."""
        scaled = self.choices.scale_box.isChecked()
        wanted = (self._shown_cells(), tuple(self.choices.stages), scaled)
        same = wanted == self._wanted and self._preview is self._drawn_preview
        if self._seen.is_news(recording) or not same or self._lanes is None:
            self._wanted, self._drawn_preview = wanted, self._preview
            self._lanes = make_lanes(
                recording, wanted[0], wanted[1], preview=self._preview, same_scale=scaled
            )
        return self._lanes

    def export(self) -> Export | None:
        """Return what can be exported: the drawn cells, in the stage events were found on if it is shown.

        Its numbers are the ones that are written; what else is shown of the same unit is drawn over it.
        """
        recording, cells = self._recording, self._shown_cells()
        shown = [name for name in self.choices.stages if name != "baseline"]
        if recording is None or not cells or not shown:
            return None
        found_on = read_for_events(recording)
        # Inferred spikes are another quantity, in whatever unit: a figure has one or the other.
        stage = found_on if found_on in shown else [s for s in shown if s != "spikes" or shown == [s]][-1]
        over = [s for s in shown if (s == "spikes") == (stage == "spikes")]
        figure = FigureKind(
            "traces",
            ("traces",),
            lambda made: prepare_traces(made, cells, stage, over=over),
            traces_size,
            draw_traces,
        )
        return Export(f"{recording.name}_{stage}", recording, figure, traces_writer(recording, cells, stage))

    def showEvent(self, event: Any) -> None:
        """Draw what happened while the dock was hidden."""
        super().showEvent(event)
        self._place.on_show()
        if self._stale:
            self._later()

    def _on_sight(self, seen: bool) -> None:
        if seen and self._stale:
            self._soon.stop()
            self.refresh()

    def sizeHint(self) -> QSize:
        """Ask for a strip under the canvas."""
        return QSize(600, 290)

    def keyPressEvent(self, event: Any) -> None:
        """Go to the next or previous cell (↓ ↑), frame (→ ←), show all (Home), clear (Esc); judge events."""
        key = event.key()
        if self.judging.takes_key(event):
            return
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._step(1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Left):
            rate = (self._recording.frame_rate if self._recording else None) or 1.0
            step = (1 if key == Qt.Key.Key_Right else -1) / rate
            self.time_picked.emit(max(0.0, self._session.selection.time + step))
        elif key == Qt.Key.Key_Home:
            self.span_picked.emit(None)
        elif key == Qt.Key.Key_Escape:
            self._session.selection.clear()
        else:
            super().keyPressEvent(event)

    def _on_judge(self, on: bool) -> None:
        if on:
            self.events_box.setChecked(True)
            self.setFocus()
        self.judging.set_active(on)
        self._later()

    def _later(self, *_: object) -> None:
        self._soon.start()

    def _shown_cells(self) -> tuple[int, ...]:
        """Return the selected cells that are drawn; the one in focus always is."""
        selection = self._session.selection
        cells = selection.cells[:_MOST_CELLS]
        if selection.focus is not None and selection.focus not in cells:
            cells = (*cells[:-1], selection.focus)
        return cells

    def _hint(self) -> str:
        """Return what the user can do when there is nothing to draw."""
        recording = self._recording
        if recording is None:
            return "Open a recording first: drop a CSV of fluorescence traces on the window."
        if recording.movie is not None and not recording.n_rois:
            return (
                f"{recording.name} is a movie: Run all in the Calcium pipeline dock finds its cells and "
                "reads their traces. Or draw some in the dock Choose cells."
            )
        if not recording.traces or not recording.n_rois:
            return f"{recording.name} has no traces: it holds no cells."
        if not self._session.selection.cells:
            place = "a soma on the image" if recording.has_positions else "a row of the heatmap"
            return (
                f"Click {place} to see its trace. Shift-click adds cells; ↑ and ↓ here go from cell to cell."
            )
        if not self.choices.stages and self._preview is None:
            return "Choose above which stages of the traces to draw."
        return ""

    def _note(self, n_selected: int) -> str:
        """Return what the line of a preview is, what is not drawn, and what the shading is."""
        motion = self._recording.motion if self._recording is not None else None
        bad = int(motion.bad.sum()) if motion is not None else 0
        parts = [f"{_MOST_CELLS} of {n_selected} selected cells"] if n_selected > _MOST_CELLS else []
        parts += [f"{counted(bad, 'bad frame')} shaded"] if bad else []
        if self._preview is not None:
            stage = self._preview.log[-1].stage if self._preview.log else ""
            # In the colour of the words, dark on light and light on dark.
            parts.insert(0, f"━ preview of {TITLES.get(stage, stage)}".rstrip())
        return " · ".join(parts)

    def _on_scrolled(self, first: int, most: int) -> None:
        self.bar.blockSignals(True)
        self.bar.setRange(0, most)
        self.bar.setPageStep(max(1, len(self.plot.places)))
        self.bar.setValue(first)
        self.bar.setVisible(most > 0)
        self.bar.blockSignals(False)

    def _show_activations(self, recording: Recording, ensemble: int | None) -> None:
        if ensemble is None or recording.ensembles is None:
            self.plot.show_activations(np.empty(0), None)
        else:
            times = recording.ensembles.activations_of(ensemble).time_s
            self.plot.show_activations(times, ensemble)

    def _step(self, by: int) -> None:
        """Go to a neighbour: among the selected cells if there are several, else among all."""
        recording, selection = self._recording, self._session.selection
        if recording is None or not recording.n_rois:
            return
        cells = self._shown_cells()
        line = list(cells) if len(cells) > 1 else recording.roi_ids.tolist()
        now = selection.focus if selection.focus is not None else (cells[0] if len(cells) == 1 else None)
        start = line.index(now) + by if now in line else (0 if by > 0 else len(line) - 1)
        cell = line[start % len(line)]
        if len(cells) <= 1:
            self.cells_picked.emit((cell,))
        self.focus_picked.emit(cell)

    def _on_cell_clicked(self, cell: int, seconds: float) -> None:
        self.setFocus()
        self.focus_picked.emit(cell)
        seconds = self.judging.take_click(cell, seconds)
        self.time_picked.emit(seconds)

    def _on_theme(self, event: Any = None) -> None:
        colors = plot_colors(self._viewer)
        self.plot.set_colors(colors)
        self.choices.set_colors(colors)
