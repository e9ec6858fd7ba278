"""Where to begin: open a file, import a table, or try a sample."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from npe2 import PluginManager
from npe2.manifest.contributions import ContributionPoints
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QPushButton, QWidget

from napari_calcium.recording import Recording
from napari_calcium.widgets.files_menu import open_file
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.viewer_session import session_of

__all__ = ["StartRow", "contributions"]

_PLUGIN = "napari-calcium"


def contributions() -> ContributionPoints:
    """Return what the manifest of this plugin offers, also where napari has not looked for plugins yet."""
    manager = PluginManager.instance()
    if _PLUGIN not in manager:
        manager.discover()
    return manager.get_manifest(_PLUGIN).contributions


class StartRow(QWidget):
    """Three buttons that lead to a recording.

    Parameters
    ----------
    viewer : napari.Viewer
    say : callable
        Shows a line to the user, where a file could not be opened.
    always : bool
        Whether they stay when there is a recording.
    """

    def __init__(self, viewer: Any, say: Callable[[str], None], *, always: bool = False) -> None:
        super().__init__()
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self._say, self._always = say, always
        self.file = QPushButton("Open file…")
        self.file.setToolTip("A table of fluorescence, a movie, NWB, or what suite2p or CaImAn saved.")
        self.table = QPushButton("Import table…")
        self.table.setToolTip("See what a CSV would be read as before it is opened, with ROIs and an image.")
        self.sample = QPushButton("Samples")
        self.sample.setToolTip("A simulated recording with known ensembles, to look around.")
        self.samples = QMenu(self.sample)
        self.sample.setMenu(self.samples)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for button in (self.file, self.table, self.sample):
            row.addWidget(button, 1)
        self.file.clicked.connect(self._ask_file)
        self.table.clicked.connect(self._import)
        self.samples.aboutToShow.connect(self.fill)
        session = session_of(viewer)
        Links(self).join(session.recording_changed, self._follow)
        self._follow(session.recording)

    def fill(self) -> None:
        """List the samples of the manifest, as napari's File menu does."""
        self.samples.clear()
        for sample in contributions().sample_data or ():
            self.samples.addAction(sample.display_name, lambda key=sample.key: self._open_sample(key))

    def _follow(self, recording: Recording | None) -> None:
        self.setVisible(self._always or recording is None)

    def _ask_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Open a recording")
        viewer = self._viewer()
        if chosen and viewer is not None:
            open_file(viewer, chosen, self._say)

    def _import(self) -> None:
        window = getattr(self._viewer(), "window", None)
        if window is not None:
            dock, _ = window.add_plugin_dock_widget(_PLUGIN, "Import fluorescence")
            dock.show()
            dock.raise_()

    def _open_sample(self, key: str) -> None:
        viewer = self._viewer()
        if viewer is not None:
            viewer.open_sample(_PLUGIN, key)
