"""The Import fluorescence widget: choose a file, see what was guessed and why, overrule it, open it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_calcium.io.csv import CsvSettings
from napari_calcium.io.csv_settings import MOVIE_FIELDS
from napari_calcium.io.opening import open_recording
from napari_calcium.io.positions import PositionSettings
from napari_calcium.recording import Recording
from napari_calcium.settings import Settings
from napari_calcium.widgets.close_guard import ask
from napari_calcium.widgets.dock_place import DockPlace
from napari_calcium.widgets.file_row import FileRow
from napari_calcium.widgets.form import SettingsForm, message_label, row_label
from napari_calcium.widgets.number_box import NumberBox
from napari_calcium.widgets.plan import entry_of
from napari_calcium.widgets.preferences import preferences
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.recording_line import describe
from napari_calcium.widgets.rows import ChoiceRow, row_for
from napari_calcium.widgets.saving import Saver
from napari_calcium.widgets.section import Section
from napari_calcium.widgets.stage_widget import scrolling
from napari_calcium.widgets.workbench import workbench_of
from napari_calcium.widgets.worker import Failure, Runner
from napari_calcium.widgets.workspace import explore

__all__ = ["ImportWidget", "guesses"]

_TABLES = "Tables (*.csv *.tsv *.txt *.dat);;All files (*)"
_IMAGES = "TIFF images (*.tif *.tiff);;All files (*)"
_DEBOUNCE_MS = 250
_FASTEST = 100_000
_ELSEWHERE = ("frame_rate", *MOVIE_FIELDS)
"""Fields with a row of their own, and those that no table asks for."""


@dataclass(frozen=True)
class _Wish:
    path: Path
    read: CsvSettings
    positions: PositionSettings


class ImportWidget(QWidget):
    """Reads a table of fluorescence, with the places of its cells if a file says them.

    The file is read as soon as it is chosen, and again whenever a guess is overruled; Open puts what was read
    last into the window.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._bench = workbench_of(napari_viewer)
        self._runner = Runner(self)
        self._asked: _Wish | None = None
        self._got: tuple[_Wish, Recording] | None = None
        self.table = FileRow("Table of fluorescence", _TABLES, "CSV, TSV, text")
        self.labels = FileRow("ROI label image", _IMAGES, "optional TIFF")
        self.image = FileRow("Image of the tissue", _IMAGES, "optional TIFF")
        link = row_for(PositionSettings.model_fields["link"])
        assert isinstance(link, ChoiceRow)
        self.link = link
        self.frame_rate = NumberBox(0, _FASTEST, unit="Hz")
        self.frame_rate.setSpecialValueText("from the file")
        self.frame_rate.setAccessibleName("Frame rate")
        self._rate_hint = message_label()
        self.form = SettingsForm(CsvSettings(), leave_out=_ELSEWHERE)
        self.found = message_label()
        self.open = QPushButton("Open")
        self.progress = ProgressLine(self._runner)
        self.ask = ask
        self._saver = Saver(self._bench, self.progress.say, self)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_DEBOUNCE_MS)
        self._place = DockPlace(self, "Import fluorescence", "right")
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        rows = QFormLayout()
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, row in (
            ("Table", self.table),
            ("Frame rate", self.frame_rate),
            ("ROI label image", self.labels),
            ("Image", self.image),
            ("Link by", self.link),
        ):
            rows.addRow(row_label(title, row), row)
            if row is self.frame_rate:
                rows.addRow(None, self._rate_hint)
        self.labels.setToolTip(_tip("labels"))
        self.image.setToolTip(_tip("image"))
        self.link.setToolTip(_tip("link"))
        self.frame_rate.setToolTip(
            "<qt>Frames per second; 0 to take it from the file's column of times.</qt>"
        )
        self.guesses = Section("How the table is read", self.form)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 4, 0)
        sentence = QLabel("Opens a table of fluorescence or ΔF/F: a row a neuron or a column a neuron.")
        sentence.setWordWrap(True)
        column.addWidget(sentence)
        column.addLayout(rows)
        column.addWidget(self.found)
        column.addWidget(self.guesses)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(scrolling(inside), 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.open)
        self.setMinimumWidth(350)

    def _connect(self) -> None:
        for row in (self.table, self.labels, self.image, self.link, self.form):
            row.changed.connect(self._changed)
        self.frame_rate.valueChanged.connect(self._changed)
        self._later.timeout.connect(self._read)
        self._runner.finished.connect(self._finished)
        self.open.clicked.connect(self._open)
        runner = self._runner
        self.destroyed.connect(lambda *_: runner.abandon())

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take a place among the other docks, the first time."""
        super().showEvent(event)
        self._place.on_show()

    @property
    def recording(self) -> Recording | None:
        """What was read, if it is what the widget asks for now."""
        if self._got is not None and self._got[0] == self._wish():
            return self._got[1]
        return None

    def _wish(self) -> _Wish | None:
        path = self.table.path
        if path is None or self.form.error:
            return None
        read = self.form.settings.replace(frame_rate=self.frame_rate.value() or None)
        assert isinstance(read, CsvSettings)
        files = {"labels": self.labels.path, "image": self.image.path}
        places = {name: relative(file, path.parent) for name, file in files.items() if file is not None}
        return _Wish(path, read, PositionSettings(**places, link=self.link.value))

    def _changed(self, *_: object) -> None:
        self._runner.supersede()
        self._later.start()
        self._show()

    def _read(self) -> None:
        wish = self._wish()
        if wish is None or self._runner.busy or self.recording is not None:
            return
        self._asked = wish
        self._runner.start(
            f"Reading {wish.path.name}",
            lambda p: open_recording(wish.path, wish.read, wish.positions, on_progress=p),
            lambda recording: self._take(wish, recording),
        )
        self._show()

    def _take(self, wish: _Wish, recording: Recording) -> None:
        self._got = (wish, recording)

    def _finished(self, title: str, failure: Failure | None) -> None:
        if self._wish() != self._asked:
            self.progress.say("")
            self._later.start()
        self._show()

    def _show(self) -> None:
        recording = self.recording
        self.open.setEnabled(recording is not None)
        self.link.setEnabled(self.labels.path is not None)
        lines: list[str] = []
        if recording is not None:
            notes = [note for entry in recording.log for note in entry.notes]
            lines = [describe(recording), *(note[:1].upper() + note[1:] for note in notes)]
        self.found.setText("\n".join(f"• {line}" for line in lines))
        self.found.setVisible(bool(lines))
        told = guesses(self.form, recording) if recording is not None else {}
        for name in CsvSettings.model_fields.keys() - set(_ELSEWHERE):
            self.form.hint(name, told.get(name, ""))
        unknown = recording is not None and recording.frame_rate is None
        self._rate_hint.setText("⚠ The file does not tell it, and every stage needs it.")
        self._rate_hint.setVisible(unknown)

    def _open(self) -> None:
        recording = self.recording
        if recording is None:
            return
        if self._bench.runner.busy:
            self.progress.say("A run is going on; wait for it or cancel it.")
            return
        asks = self._bench.has_unsaved_results and preferences().ask_to_save
        answer = self.ask(self, "opening another recording") if asks else "discard"
        if answer == "save":
            self._saver.save_results(then=lambda: self._put(recording))
        elif answer == "discard":
            self._put(recording)

    def _put(self, recording: Recording) -> None:
        self._bench.session.open(recording)
        explore(self._viewer)
        self.progress.say(f"{recording.name} is open.")


def guesses(form: SettingsForm, recording: Recording) -> dict[str, str]:
    """Return for each field that was left to be guessed what was found, in words.

    Parameters
    ----------
    form : SettingsForm
        Of :class:`~napari_calcium.io.csv.CsvSettings`.
    recording : Recording
        Read with the settings in the form.
    """
    entry = entry_of(recording, "read")
    if entry is None:
        return {}
    asked: Settings = form.settings
    found = {name: value for name, value in entry.settings.items() if name in type(asked).model_fields}
    return {
        name: f"found: {form.row(name).words(value)}"
        for name, value in found.items()
        if name != "frame_rate" and getattr(asked, name) in ("auto", None) and value not in ("auto", None)
    }


def relative(path: Path, folder: Path) -> str:
    """Say where a file lies, seen from a folder, so that settings travel with the data."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive, on Windows
        return path.absolute().as_posix()


def _tip(name: str) -> str:
    return f"<qt>{PositionSettings.model_fields[name].description}</qt>"
