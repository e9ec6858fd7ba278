"""The Match sessions dock: the cells of this recording found again in another one of the same field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from napari_calcium.cells.session_matching import (
    cells_elsewhere,
    match_recordings,
    matches_columns,
    write_matches,
)
from napari_calcium.curation.matching import CellMatches, MatchSettings
from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.cell_numbers import CellColumn
from napari_calcium.figures.palette import ensemble_color
from napari_calcium.progress import Progress, part
from napari_calcium.recording import Recording
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.match_layer import MATCHED_COLOR, MatchLayer
from napari_calcium.widgets.number_box import NumberBox
from napari_calcium.widgets.plots.cells_table import CellsTable
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.theme import PlotColors, readable
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.worker import Runner

__all__ = ["MatchDock"]

_READING = 0.4
_HEADINGS = {
    "cell": ("Cell", "Name in this recording."),
    "other_cell": ("Cell there", "Name in the other recording."),
    "confidence": ("Confidence", "One minus the share of matches at least as good that are accidents."),
    "overlap": ("Overlap", "Cosine of both footprints after registration, 0 to 1."),
    "distance_px": ("Distance (px)", "Between the centres after registration."),
    "ensembles": ("In ensemble", "Ensembles of this recording that it is a member of."),
    "other_ensembles": ("There in", "Ensembles of the other recording that it is a member of."),
}


class MatchDock(ViewDock):
    """Choose another recording; its cells on the image, what matches, and the chosen ensemble there.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Match sessions"
    area = "right"
    wanted = (380, 440)

    cells_picked = Signal(tuple)

    def __init__(self, napari_viewer: Any) -> None:
        self.other: Recording | None = None
        self.matches: CellMatches | None = None
        self._matched: Recording | None = None
        self.layer = MatchLayer(napari_viewer)
        super().__init__(napari_viewer)
        self.links.add(self.runner.abandon)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the buttons, the line on what was found, and the table."""
        column.setContentsMargins(6, 4, 6, 6)
        self.runner = Runner(self)
        self.open_folder = QPushButton("Results folder…")
        self.open_file = QPushButton("File…")
        self.export_button = QPushButton("Save table…")
        self.open_folder.setToolTip("Another recording of the same field: a results folder, or suite2p's")
        self.open_file.setToolTip("Another recording of the same field: NWB, or what CaImAn or MATLAB saved")
        self.open_folder.clicked.connect(self._choose_folder)
        self.open_file.clicked.connect(self._choose_file)
        self.export_button.clicked.connect(self._save)
        row = QHBoxLayout()
        for widget in (QLabel("Match with"), self.open_folder, self.open_file):
            row.addWidget(widget)
        row.addStretch(1)
        self.least = NumberBox(0, 1)
        self.least.setValue(MatchSettings().confidence)
        self.least.setSingleStep(0.01)
        self.least.setToolTip("Matches that are less sure than this are left out")
        self.least.valueChanged.connect(self.later)
        second = QHBoxLayout()
        label = QLabel("Least confidence")
        label.setBuddy(self.least)
        for widget in (label, self.least, self.export_button):
            second.addWidget(widget)
        second.addStretch(1)
        self.says = message_label()
        self.progress = ProgressLine(self.runner)
        self.table = CellsTable()
        self.table.setAccessibleName("Cells that are in both recordings")
        self.table.setToolTip("Click a row: the cell, here and in the other recording")
        self.table.picked.connect(self._on_picked)
        column.addLayout(row)
        column.addLayout(second)
        column.addWidget(self.says)
        column.addWidget(self.progress)
        column.addWidget(self.table, 1)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.later()

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Show where these cells are in the other recording."""
        self.later()

    def show_ensemble(self, ensemble_id: int | None) -> None:
        """Show where the members of this ensemble are in the other recording."""
        self.later()

    ensemble_picked = Signal(object)

    def show_recording(self, recording: Recording | None) -> None:
        """Show another recording; matches of one that was open before go."""
        if self._matched is not None and (recording is None or recording.name != self._matched.name):
            self.other = self.matches = self._matched = None
            self.layer.clear()
        super().show_recording(recording)

    @property
    def draws_on_canvas(self) -> bool:
        """Whether cells of another recording are on the image."""
        return self.other is not None

    def hint_for(self, recording: Recording) -> str:
        """Return what is missing."""
        if recording.has_positions:
            return ""
        return "Matching takes places of the cells: open a label image as well, or draw them."

    def match_with(self, path: Path) -> None:
        """Open another recording beside the window and match it."""
        recording = self.recording
        if recording is None or self.runner.busy:
            return

        def work(on_progress: Progress) -> tuple[Recording, CellMatches]:
            from napari_calcium.io.opening import open_recording

            other = open_recording(path, on_progress=part(on_progress, 0.0, _READING))
            settings = MatchSettings(confidence=0.0)
            progress = part(on_progress, _READING, 1.0)
            return other, match_recordings(recording, other, settings, on_progress=progress)

        def done(found: tuple[Recording, CellMatches]) -> None:
            self.layer.clear()
            self.other, self.matches = found
            self._matched = recording
            self.later()

        self.runner.start(f"Match with {path.name}", work, done)

    def draw(self, recording: Recording) -> None:
        """Show what matches, and where the chosen cells are there."""
        self.export_button.setEnabled(self.matches is not None)
        self.least.setEnabled(self.matches is not None)
        found = self._sure()
        if found is None or self.other is None:
            self.says.setVisible(True)
            self.says.setText("Choose another recording of the same field of view.")
            self.table.show_columns((), np.empty(0, np.int64))
            return
        columns = matches_columns(recording, self.other, found)
        shown = tuple(CellColumn(key, *words, columns[key]) for key, words in _HEADINGS.items())
        self.table.show_columns(shown, np.arange(len(found.roi_id)))
        self.says.setVisible(True)
        self.says.setText(self._words(recording, found))
        selection = self.session.selection
        chosen, color = selection.cells, None
        if selection.ensemble is not None and recording.ensembles is not None:
            chosen = tuple(recording.ensembles.members_of(selection.ensemble).roi_id.tolist())
            color = ensemble_color(selection.ensemble)
        self.layer.show(recording, self.other, found, cells_elsewhere(found, chosen).tolist(), color)
        rows = np.flatnonzero(np.isin(found.roi_id, selection.cells))
        self.table.show_selected(tuple(rows.tolist()))

    def _words(self, recording: Recording, found: CellMatches) -> str:
        assert self.other is not None and self.other.rois is not None
        green = readable(MATCHED_COLOR, self.colors.background)
        text = (
            f"<b style='color:{green}'>{counted(len(found.roi_id), 'cell')} in both</b>, of "
            f"{recording.n_rois:,} here and {len(self.other.rois):,} in {self.other.name}; "
            f"the field moved by {found.shift_y_px:+.0f} px down, {found.shift_x_px:+.0f} px right."
        )
        ensemble = self.session.selection.ensemble
        if ensemble is not None and recording.ensembles is not None:
            members = recording.ensembles.members_of(ensemble).roi_id
            again = len(cells_elsewhere(found, members.tolist()))
            text += f"<br>Ensemble {ensemble}: {again} of {len(members)} members found there."
        if recording.rois is not self._matched_rois():
            text += "<br>⚠ The cells were changed since; match again."
        return text

    def _matched_rois(self) -> object:
        return self._matched.rois if self._matched is not None else None

    def _sure(self) -> CellMatches | None:
        """Return the matches of at least the least confidence, of cells that are still there."""
        found, recording = self.matches, self.recording
        if found is None or recording is None:
            return None
        kept = (found.confidence >= self.least.value()) & np.isin(found.roi_id, recording.roi_ids)
        columns = {name: values[kept] for name, values in found.columns().items()}
        return CellMatches(**columns, shift_y_px=found.shift_y_px, shift_x_px=found.shift_x_px)

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Another recording of the same field")
        if path:
            self.match_with(Path(path))

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Another recording of the same field")
        if path:
            self.match_with(Path(path))

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save matches", "matches.csv", "CSV (*.csv)")
        if path:
            self.keep(Path(path))

    def keep(self, path: Path) -> None:
        """Write the matches that are shown as CSV."""
        found = self._sure()
        if found is None or self.recording is None or self.other is None:
            return
        try:
            write_matches(self.recording, self.other, found, path)
        except OSError as error:
            self.says.setText(f"⚠ {path.name}: {error.strerror or error}")

    def _on_picked(self, rows: tuple[int, ...]) -> None:
        found = self._sure()
        if found is not None:
            self.cells_picked.emit(tuple(found.roi_id[list(rows)].tolist()))

    def closeEvent(self, event: Any) -> None:
        """Take the other recording's cells off the image."""
        self.layer.clear()
        super().closeEvent(event)

    def keyPressEvent(self, event: Any) -> None:
        """Select nothing on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.session.selection.clear()
        else:
            super().keyPressEvent(event)
