"""A row to choose a file: its path, and a button that opens a dialog."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

__all__ = ["FileRow"]


class FileRow(QWidget):
    """A path that is typed, pasted or chosen.

    Parameters
    ----------
    title : str
        Of the dialog, and for screen readers.
    filters : str
        Kinds of files, as Qt's dialogs write them.
    hint : str
        Shown while the row is empty.
    parent : QWidget, optional

    Attributes
    ----------
    changed : signal
        Another path was entered; not while it is still being typed.
    """

    changed = Signal()

    def __init__(self, title: str, filters: str, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._filters = title, filters
        self._line = QLineEdit()
        self._line.setPlaceholderText(hint)
        self._line.setAccessibleName(title)
        self._line.setClearButtonEnabled(True)
        self._button = QPushButton("…")
        self._button.setToolTip("Choose a file")
        self._button.setFixedWidth(30)
        self._button.setAccessibleName(f"{title}: browse")
        self._last: Path | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line, 1)
        layout.addWidget(self._button)
        self.setFocusProxy(self._line)
        self._line.editingFinished.connect(self._entered)
        self._line.textChanged.connect(lambda text: self._entered() if not text else None)
        self._button.clicked.connect(self._browse)

    @property
    def path(self) -> Path | None:
        """The file; None while the row is empty. Setting it from code emits nothing."""
        text = self._line.text().strip().strip('"')
        return Path(text).expanduser() if text else None

    @path.setter
    def path(self, path: Path | None) -> None:
        self._last = path
        blocked = self._line.blockSignals(True)
        self._line.setText("" if path is None else str(path))
        self._line.blockSignals(blocked)

    def _entered(self) -> None:
        if self.path != self._last:
            self._last = self.path
            self.changed.emit()

    def _browse(self) -> None:
        start = str(self.path.parent) if self.path is not None else ""
        chosen, _ = QFileDialog.getOpenFileName(self, self._title, start, self._filters)
        if chosen:
            self._line.setText(chosen)
            self._entered()
