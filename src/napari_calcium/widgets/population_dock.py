"""The Population dock: all neurons over time, and how many are active together."""

from __future__ import annotations

from typing import Any

from psygnal import Signal
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from napari_calcium.figures.export import FIGURES
from napari_calcium.figures.palette import ensemble_color
from napari_calcium.recording import Recording
from napari_calcium.widgets.activity_movie import activity_trace
from napari_calcium.widgets.dock_place import DockPlace
from napari_calcium.widgets.exporting import Export, ExportButton, table_writer, traces_writer
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plots.coactivity_plot import CoactivityPlot
from napari_calcium.widgets.plots.heatmap_plot import HeatmapPlot
from napari_calcium.widgets.theme import plot_colors
from napari_calcium.widgets.viewer_session import session_of

__all__ = ["PopulationDock"]


class PopulationDock(QWidget):
    """Heatmap of all cells above their coactivity, linked to image, traces, slider and ensembles.

    A click on a row selects the cell, and the movie jumps to the moment; a click on a window of the
    coactivity jumps there, on an ensemble event it chooses the ensemble too.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    cells_picked = Signal(tuple)
    ensemble_picked = Signal(object)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._session = session_of(napari_viewer)
        self._recording: Recording | None = None
        self._drawn: Recording | None = None
        self._place = DockPlace(self, "Population", "bottom")
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.refresh)
        self._build()
        self._connect()
        napari_viewer.events.theme.connect(self._on_theme)
        self._links = Links(self)
        self._links.add(self._session.link(self))
        self._links.add(lambda: napari_viewer.events.theme.disconnect(self._on_theme))

    def _build(self) -> None:
        self.setMinimumHeight(130)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        colors = plot_colors(self._viewer)
        self.heatmap, self.coactivity = HeatmapPlot(colors), CoactivityPlot(colors)
        self.heatmap.setToolTip("Click a row to select the neuron and to go to that moment.")
        self.coactivity.setToolTip("Click to go to that moment; click a dot to choose its ensemble.")
        self.not_counted = QLabel("Coactivity has not been counted yet: run the stages in the pipeline dock.")
        self.hint = QLabel("Open a recording first: drop a CSV of fluorescence traces on the window.")
        for label in (self.not_counted, self.hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.heatmap)
        self.below = QStackedWidget()
        self.below.addWidget(self.not_counted)
        self.below.addWidget(self.coactivity)
        split.addWidget(self.below)
        split.setSizes([170, 120])
        self.pages = QStackedWidget()
        self.pages.addWidget(self.hint)
        self.pages.addWidget(split)
        self.export_button = ExportButton(self.export, self)
        corner = QHBoxLayout()
        corner.setContentsMargins(6, 2, 6, 0)
        words = QLabel("All neurons; members of an ensemble stand together")
        # It may be cut: a label that insists on its width makes the whole window wider.
        words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        corner.addWidget(words, 1)
        corner.addWidget(self.export_button)
        column = QVBoxLayout(self)
        column.setSpacing(2)
        column.addLayout(corner)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.pages)

    def _connect(self) -> None:
        for plot in (self.heatmap, self.coactivity):
            plot.time_picked.connect(self.time_picked.emit)
            plot.span_picked.connect(self.span_picked.emit)
        self.heatmap.cell_clicked.connect(self._on_cell)
        self.coactivity.ensemble_clicked.connect(self.ensemble_picked.emit)

    def show_recording(self, recording: Recording | None) -> None:
        """Show another recording."""
        self._recording = recording
        self._soon.start()

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Mark the rows of these cells."""
        self._soon.start()

    def show_ensemble(self, ensemble_id: int | None) -> None:
        """Mark its members in the colour of this ensemble."""
        self._soon.start()

    def show_time(self, seconds: float) -> None:
        """Move the cursors."""
        self.heatmap.show_time(seconds)
        self.coactivity.show_time(seconds)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.heatmap.show_span(seconds)
        self.coactivity.show_span(seconds)
        self._soon.start()

    def refresh(self) -> None:
        """Draw what is so now; when the dock is hidden, once it is seen again."""
        if not self.isVisible():
            return
        recording, selection = self._recording, self._session.selection
        self.pages.setCurrentIndex(0 if recording is None or not recording.traces else 1)
        if recording is not self._drawn:
            self._drawn = recording
            self._show_data(recording)
        chosen = selection.ensemble
        self.heatmap.show_cells(selection.cells, None if chosen is None else ensemble_color(chosen))

    def export(self) -> Export | None:
        """Return what can be exported: the coactivity, or the heatmap before it was counted."""
        recording = self._recording
        trace = activity_trace(recording) if recording is not None else None
        if recording is None or trace is None:
            return None
        stem = "heatmap" if recording.coactivity is None else "coactivity"
        figure = next(kind for kind in FIGURES if kind.stem == stem)
        write = (
            traces_writer(recording, tuple(recording.roi_ids.tolist()), trace[0])
            if recording.coactivity is None
            else table_writer(recording.coactivity)
        )
        return Export(f"{recording.name}_{stem}", recording, figure, write)

    def showEvent(self, event: Any) -> None:
        """Draw what happened while the dock was hidden."""
        super().showEvent(event)
        self._place.on_show()
        self._soon.start()

    def sizeHint(self) -> QSize:
        """Ask for a strip under the canvas."""
        return QSize(600, 290)

    def keyPressEvent(self, event: Any) -> None:
        """Clear the selection on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self._session.selection.clear()
        else:
            super().keyPressEvent(event)

    def _show_data(self, recording: Recording | None) -> None:
        if recording is not None:
            known = recording.frame_rate is not None
            for plot in (self.heatmap, self.coactivity):
                plot.set_duration(recording.duration_s if known else recording.n_frames, in_frames=not known)
                plot.show_span(self._session.selection.span)
        table = recording.coactivity if recording is not None else None
        events = recording.ensemble_events if recording is not None else None
        self.below.setCurrentIndex(0 if table is None else 1)
        # One axis of time for both, unless there is but one plot.
        self.heatmap.getPlotItem().showAxis("bottom", table is None)
        self.heatmap.show_recording(recording)
        self.coactivity.show_coactivity(table, events)

    def _on_cell(self, cell: int, seconds: float) -> None:
        self.cells_picked.emit((cell,))
        self.time_picked.emit(seconds)

    def _on_theme(self, event: Any = None) -> None:
        colors = plot_colors(self._viewer)
        self.heatmap.set_colors(colors)
        self.coactivity.set_colors(colors)
