"""Open what was open lately, and save the recording as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from napari_calcium.io.suite2p import is_from_suite2p
from napari_calcium.widgets.recent_files import recent_files
from napari_calcium.widgets.saving import Saver
from napari_calcium.widgets.viewer_session import session_of

__all__ = ["FilesMenu", "open_file"]

_PLUGIN = "napari-calcium"


def open_file(viewer: Any, path: str, say: Callable[[str], None]) -> None:
    """Open a file or folder as if it were dropped on the window; what goes wrong is said in one line."""
    try:
        viewer.open(path, plugin=_PLUGIN)
    except (ValueError, OSError, RuntimeError) as error:
        say(f"⚠ {Path(path).name}: {' '.join(str(error).split())}")


class FilesMenu(QPushButton):
    """A button with a menu: open, recent files, save as NWB or as a results folder.

    Parameters
    ----------
    viewer : napari.Viewer
    saver : Saver
    """

    def __init__(self, viewer: Any, saver: Saver, parent: QWidget | None = None) -> None:
        super().__init__("File", parent)
        self._viewer, self._saver = viewer, saver
        self.setToolTip("Open a recording, also one of those opened lately; save it with all its results.")
        menu = QMenu(self)
        menu.addAction("Open file…", self._ask_file)
        menu.addAction("Open folder…", self._ask_folder)
        self.recent = QMenu("Open recent", menu)
        menu.addMenu(self.recent)
        menu.addSeparator()
        menu.addAction("Save recording as NWB…", saver.save_nwb)
        menu.addAction("Save results folder…", lambda: saver.save_results())
        self.choice = menu.addAction("Choice of cells to suite2p…", lambda: saver.save_choice())
        self.choice.setToolTip("Write which ROIs are cells into iscell.npy of the folder they were read from")
        menu.aboutToShow.connect(self._list)
        self.setMenu(menu)

    def _list(self) -> None:
        recording = session_of(self._viewer).recording
        self.choice.setVisible(recording is not None and is_from_suite2p(recording))
        self.recent.clear()
        for path in recent_files():
            action = self.recent.addAction(path.name, lambda chosen=path: self._open(str(chosen)))
            action.setToolTip(str(path))
        self.recent.setToolTipsVisible(True)
        self.recent.setEnabled(bool(self.recent.actions()))

    def _ask_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Open a recording")
        if chosen:
            self._open(chosen)

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open a results folder, or another program's")
        if chosen:
            self._open(chosen)

    def _open(self, path: str) -> None:
        open_file(self._viewer, path, self._saver.say)
