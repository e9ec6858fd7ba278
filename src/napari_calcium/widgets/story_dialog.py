"""What happened here: the steps behind a result, in a window of their own."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from napari_calcium.guidance.overview import overview, why_counts_differ
from napari_calcium.guidance.provenance import story
from napari_calcium.recording import Recording

__all__ = ["StoryDialog"]

_SIZE = (560, 560)


class StoryDialog(QDialog):
    """Tells how a result came about, to read beside the window or to copy into a methods section.

    Parameters
    ----------
    recording : Recording
    results : tuple of str
        What the dock shows, as the log names it; all steps without.
    parent : QWidget, optional
    """

    def __init__(
        self, recording: Recording, results: tuple[str, ...] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"What happened here: {recording.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        why = why_counts_differ(recording)
        parts = [overview(recording) + ".", story(recording, results), why]
        self.text = QPlainTextEdit("\n\n".join(part for part in parts if part))
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Steps behind this result")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(self.text.toPlainText()))
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
        self.resize(*_SIZE)
