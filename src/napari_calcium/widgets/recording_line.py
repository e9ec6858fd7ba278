"""A line on the recording that is open; and where its frame rate is set when the file did not tell."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_calcium.guidance.overview import overview, shortcoming
from napari_calcium.recording import LogEntry, Recording
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.notices import end_notices
from napari_calcium.widgets.number_box import NumberBox
from napari_calcium.widgets.plan import entry_of
from napari_calcium.widgets.workbench import NO_RECORDING, Workbench

__all__ = ["RecordingLine", "describe", "with_frame_rate"]


_UNTOLD = "does not tell the frame rate"


class RecordingLine(QWidget):
    """Name and size of the recording, and what it falls short of; a box for an unknown frame rate.

    Parameters
    ----------
    bench : Workbench
    parent : QWidget, optional
    """

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._text, self.doubt = message_label(), message_label()
        self._ask = QWidget()
        self.frame_rate = NumberBox(0, 10_000, unit="Hz")
        self.frame_rate.setAccessibleName("Frame rate")
        self.frame_rate.setSpecialValueText("unknown: type it here")
        self.set_rate = QPushButton("Set")
        self.set_rate.setEnabled(False)
        self._build()
        self.frame_rate.valueChanged.connect(lambda value: self.set_rate.setEnabled(value > 0))
        self.set_rate.clicked.connect(self._set)
        self.frame_rate.lineEdit().returnPressed.connect(self._set)
        Links(self).join(bench.session.recording_changed, self._show)
        self._show(bench.session.recording)

    def _build(self) -> None:
        row = QHBoxLayout(self._ask)
        row.setContentsMargins(0, 0, 0, 0)
        label = QLabel("Frame rate")
        label.setBuddy(self.frame_rate)
        tip = "<qt>Frames per second. The file does not tell it, and every stage needs it.</qt>"
        for widget in (label, self.frame_rate):
            widget.setToolTip(tip)
        row.addWidget(label)
        row.addWidget(self.frame_rate, 1)
        row.addWidget(self.set_rate)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text)
        layout.addWidget(self._ask)
        layout.addWidget(self.doubt)

    def _show(self, recording: Recording | None) -> None:
        self._text.setText(describe(recording) if recording is not None else NO_RECORDING)
        self._text.setVisible(True)
        doubt = shortcoming(recording) if recording is not None else ""
        self.doubt.setText(f"⚠ {doubt}")
        self.doubt.setVisible(bool(doubt))
        self._ask.setVisible(recording is not None and recording.frame_rate is None)

    def _set(self) -> None:
        session = self._bench.session
        # Return sets it, and may press the button as well.
        unknown = session.recording is not None and session.recording.frame_rate is None
        if unknown and session.recording is not None and not self._bench.runner.busy:
            rate = self.frame_rate.value()
            if rate <= 0:
                return
            session.apply(with_frame_rate(session.recording, rate), f"Frame rate {rate:g} Hz")
            end_notices()  # it may have asked for it


def describe(recording: Recording) -> str:
    """Say what a recording is and what is known of it."""
    return f"{recording.name}: {overview(recording)}"


def with_frame_rate(recording: Recording, frame_rate: float) -> Recording:
    """Return a recording whose frame rate is known, as if the file had been read with it.

    Parameters
    ----------
    recording : Recording
        Without results, as no stage can have run.
    frame_rate : float
        Hz.
    """
    entry = entry_of(recording, "read") or LogEntry("read", {})
    # What the reader would have noted, in the place of what it had to note.
    notes = tuple(f"the frame rate is {frame_rate:g} Hz, as set" if _UNTOLD in n else n for n in entry.notes)
    known = replace(entry, settings=dict(entry.settings) | {"frame_rate": frame_rate}, notes=notes)
    log = tuple(known if old is entry else old for old in recording.log)
    return recording.replace(frame_rate=frame_rate, log=log)
