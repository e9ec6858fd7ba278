"""The line that says what is going on: progress, time left, Cancel; afterwards what came of it."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.worker import Failure, Runner

__all__ = ["ProgressLine", "time_left"]

_FINE = 1000


class ProgressLine(QWidget):
    """Progress bar and Cancel while a job is going on, one readable line when it failed.

    Parameters
    ----------
    runner : Runner
        Whose jobs to show.
    parent : QWidget, optional
    """

    def __init__(self, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._failure: Failure | None = None
        self._bar = QProgressBar()
        self._bar.setRange(0, _FINE)
        self._bar.setAccessibleName("Progress")
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Stop; the recording stays as it was before this run.")
        self._cancel.clicked.connect(self._ask_to_stop)
        self._message = message_label()
        self._details = QPushButton("Details…")
        self._details.setToolTip("Show where in the program it went wrong, to copy into a report.")
        self._details.clicked.connect(self._show_details)
        self._dismiss = QToolButton()
        self._dismiss.setText("✕")
        self._dismiss.setAutoRaise(True)
        self._dismiss.setToolTip("Take this line away")
        self._dismiss.setAccessibleName("Take this line away")
        self._dismiss.clicked.connect(lambda: self.say(""))
        self._build()
        runner.started.connect(self._started)
        runner.progressed.connect(self._progressed)
        runner.finished.connect(self._finished)
        self._show_busy(runner.busy)

    @property
    def message(self) -> str:
        """The line that stands there now; empty for none."""
        return "" if self._message.isHidden() else str(self._message.text())

    def say(self, text: str, failure: Failure | None = None) -> None:
        """Show a line, with the details of a failure a click away."""
        self._failure = failure
        self._message.setText(text)
        self._message.setVisible(bool(text))
        self._details.setVisible(failure is not None)
        self._dismiss.setVisible(bool(text))

    def _build(self) -> None:
        running = QHBoxLayout()
        running.addWidget(self._bar, 1)
        running.addWidget(self._cancel)
        said = QHBoxLayout()
        said.addWidget(self._message, 1)
        said.addWidget(self._details, 0, Qt.AlignmentFlag.AlignTop)
        said.addWidget(self._dismiss, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(running)
        layout.addLayout(said)
        self.say("")

    def _show_busy(self, busy: bool) -> None:
        self._bar.setVisible(busy)
        self._cancel.setVisible(busy)
        self._cancel.setEnabled(True)

    def _started(self, title: str) -> None:
        self.say("")
        self._bar.setRange(0, 0)
        self._bar.setFormat(title)
        self._show_busy(True)

    def _progressed(self, share: float | None, seconds: float | None) -> None:
        if share is None:
            self._bar.setRange(0, 0)
            return
        self._bar.setRange(0, _FINE)
        self._bar.setValue(round(_FINE * share))
        left = f" · {time_left(seconds)}" if seconds is not None else ""
        self._bar.setFormat(f"{self._runner.title} · %p %{left}")

    def _finished(self, title: str, failure: Failure | None) -> None:
        self._show_busy(False)
        if failure is not None:
            self.say(f"⚠ {failure.message}", failure)
        elif self._runner.was_cancelled:
            self.say(f"Cancelled: {title}. What was done before stands.")

    def _ask_to_stop(self) -> None:
        self._cancel.setEnabled(False)
        self._runner.cancel()

    def _show_details(self) -> None:
        if self._failure is not None:
            box = QMessageBox(self)
            box.setWindowTitle("What went wrong")
            box.setText(self._failure.message)
            box.setDetailedText(self._failure.details)
            copy = box.addButton("Copy details", QMessageBox.ButtonRole.ActionRole)
            box.addButton(QMessageBox.StandardButton.Close)
            details = self._failure.details
            copy.clicked.connect(lambda: QApplication.clipboard().setText(details))
            box.open()


def time_left(seconds: float) -> str:
    """Say a time left in words: roughly, as it is an estimate."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s left"
    if seconds < 3600:
        return f"{round(seconds / 60)} min left"
    return f"{seconds / 3600:.1f} h left"
