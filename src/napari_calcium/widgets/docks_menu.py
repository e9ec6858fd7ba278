"""A button with every dock of the workspace: to open, to close, and to put all back in order."""

from __future__ import annotations

import weakref
from typing import Any

from qtpy.QtWidgets import QMenu, QPushButton

from napari_calcium.widgets.explore_places import PLACES
from napari_calcium.widgets.workspace import Workspace, workspace_of

__all__ = ["DocksMenu"]

_ELSEWHERE = ("Import fluorescence", "Match sessions", "Start here")
"""Docks that stand by themselves: they lead to a recording, or to another one."""


class DocksMenu(QPushButton):
    """Lists the docks when it is pressed; those with a tick are open.

    Parameters
    ----------
    viewer : napari.Viewer
        Without a window there is nothing to choose.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__("Docks")
        # The dock that holds this button is held by the viewer's window.
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self.setToolTip("Open and close docks, and put them back in order")
        self.list = QMenu(self)
        self.setMenu(self.list)
        self.list.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List what there is now."""
        self.list.clear()
        viewer = self._viewer()
        workspace = workspace_of(viewer) if viewer is not None else None
        if workspace is None:
            return
        self.list.addAction("Explore: all that are of use, in order", workspace.arrange)
        self.list.addSeparator()
        for place in PLACES:
            action = self.list.addAction(place.dock)
            action.setCheckable(True)
            action.setChecked(workspace.shows(place.dock))
            action.triggered.connect(lambda on, name=place.dock, of=workspace: _switch(of, name, on))
        self.list.addSeparator()
        for name in _ELSEWHERE:
            self.list.addAction(f"{name}…", lambda name=name: self._open(name))

    def _open(self, name: str) -> None:
        """Open a dock that is not part of the workspace."""
        viewer = self._viewer()
        if viewer is not None:
            dock, _ = viewer.window.add_plugin_dock_widget("napari-calcium", name)
            dock.show()
            dock.raise_()


def _switch(workspace: Workspace, name: str, on: bool) -> None:
    if on:
        workspace.show(name)
    else:
        workspace.hide(name)
