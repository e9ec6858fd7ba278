"""The History dock: every step, to go back to any of them."""

from __future__ import annotations

from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QListWidget, QPushButton, QVBoxLayout, QWidget

from napari_calcium.widgets.dock_place import DockPlace
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.workbench import workbench_of

__all__ = ["HistoryDock"]


class HistoryDock(QWidget):
    """A list of what was done; a click on a step makes its recording the current one.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._bench = workbench_of(napari_viewer)
        self.steps = QListWidget()
        self.steps.setAccessibleName("Steps of the analysis")
        self.steps.setToolTip(
            "Click a step to go there. What comes after it is kept until you do something else."
        )
        self.undo, self.redo = QPushButton("Undo"), QPushButton("Redo")
        self.undo.setToolTip("Go back one step (Ctrl+Alt+Z)")
        self.redo.setToolTip("Go forward one step (Ctrl+Alt+Shift+Z)")
        self.note = QLabel("Nothing was done yet. Open a recording: every step stands here then.")
        self.note.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(self.undo)
        row.addWidget(self.redo)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.note)
        layout.addWidget(self.steps, 1)
        layout.addLayout(row)
        self._place = DockPlace(self, "History", "right")
        self.steps.itemClicked.connect(lambda item: self._go(self.steps.row(item) + 1))
        self.steps.itemActivated.connect(lambda item: self._go(self.steps.row(item) + 1))
        self.undo.clicked.connect(lambda: self._go(self._bench.session.position - 1))
        self.redo.clicked.connect(lambda: self._go(self._bench.session.position + 1))
        self._bench.runner.started.connect(self._show)
        self._bench.runner.finished.connect(self._show)
        Links(self).join(self._bench.session.history_changed, self._show)
        self._show()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take a place among the other docks, the first time."""
        super().showEvent(event)
        self._place.on_show()

    def _go(self, position: int) -> None:
        session = self._bench.session
        there = 1 <= position < len(session.history) and position != session.position
        if there and not self._bench.runner.busy:
            session.go_to(position)

    def _show(self, *_: object) -> None:
        session = self._bench.session
        steps = session.history[1:]
        self.steps.clear()
        for position, label in enumerate(steps, 1):
            self.steps.addItem(label)
            item = self.steps.item(position - 1)
            if item is not None and position > session.position:
                # Undone: still there to go forward to.
                item.setForeground(self.palette().placeholderText())
                item.setToolTip("Undone; click to do it again.")
        self.steps.setCurrentRow(session.position - 1)
        self.steps.setVisible(bool(steps))
        self.note.setVisible(not steps)
        free = not self._bench.runner.busy
        self.steps.setEnabled(free)
        self.undo.setEnabled(free and session.can_undo)
        self.redo.setEnabled(free and session.can_redo)
        if steps:
            self.steps.scrollToItem(self.steps.item(max(0, session.position - 1)))
