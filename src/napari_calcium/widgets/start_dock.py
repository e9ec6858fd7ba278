"""The dock Start here: open something, and every dock with what it shows."""

from __future__ import annotations

import weakref
from html import escape
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_calcium.widgets.dock_place import DockPlace, dock_of
from napari_calcium.widgets.explore_places import place_of
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.reader_choice import is_first_choice, make_first_choice
from napari_calcium.widgets.stage_widget import scrolling
from napari_calcium.widgets.start_row import StartRow, contributions
from napari_calcium.widgets.theme import link_color
from napari_calcium.widgets.workspace import workspace_of

__all__ = ["StartDock"]

_PLUGIN = "napari-calcium"
_NAME = "Start here"
_FIRST = (
    "Open a recording, press <b>Run all</b> in the Calcium pipeline, and choose an ensemble: its neurons "
    "light up on the image, their traces come up, and every moment of it is a click away."
)
_GROUPS = (("work", "Work"), ("time", "Over time"), ("structure", "Structure"), ("", "More"))


class StartDock(QWidget):
    """Leads to a recording, and to every dock; a click on a name opens it or brings it to the front.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._viewer = weakref.ref(getattr(napari_viewer, "__wrapped__", napari_viewer))
        self.message = message_label()
        self.start = StartRow(napari_viewer, self._say, always=True)
        self.unasked = QCheckBox("Always open CSV, TIFF and folders with napari-calcium")
        self.unasked.setToolTip(
            "With File ▸ Open, too, and on the command line, napari then opens .csv, .tsv, .tif, .tiff and "
            "folders without asking which reader to use. What is no recording opens as napari opens it. "
            "The choice stands in napari's Preferences ▸ Plugins. Files dropped on a window with docks of "
            "napari-calcium open unasked anyway."
        )
        self.unasked.setChecked(is_first_choice())
        self.arrange = QPushButton("Open all that are of use, in order")
        self.arrange.setToolTip("The Explore docks at their usual places: forms at the right, plots below.")
        self.docks = QLabel()
        self.docks.setWordWrap(True)
        self.docks.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.docks.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.docks.setAccessibleName("Every dock and what it shows")
        first = QLabel(_FIRST)
        first.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        for widget in (first, self.start, self.message, self.unasked, self.arrange):
            layout.addWidget(widget)
        layout.addWidget(scrolling(self.docks), 1)
        self._place = DockPlace(self, _NAME, "right")
        self.docks.linkActivated.connect(self.open)
        self.arrange.clicked.connect(self._arrange)
        self.unasked.toggled.connect(make_first_choice)
        napari_viewer.events.theme.connect(self._list)
        Links(self).add(lambda: napari_viewer.events.theme.disconnect(self._list))
        self._list()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take a place among the other docks, the first time."""
        super().showEvent(event)
        self._place.on_show()

    def open(self, name: str) -> None:
        """Open a dock of the manifest, or bring it to the front."""
        viewer = self._viewer()
        workspace = workspace_of(viewer) if viewer is not None else None
        if viewer is None or workspace is None:
            return
        if place_of(name) is not None:
            workspace.show(name)
            return
        dock = dock_of(viewer.window.add_plugin_dock_widget(_PLUGIN, name)[1])
        if dock is not None:
            dock.show()
            dock.raise_()

    def _arrange(self) -> None:
        viewer = self._viewer()
        workspace = workspace_of(viewer) if viewer is not None else None
        if workspace is not None:
            workspace.arrange()

    def _list(self, event: Any = None) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        color = link_color(viewer)
        parts = []
        for group, title in _GROUPS:
            rows = [
                f"<tr><td width='36%'><a href='{escape(name)}' style='color:{color}'>{escape(name)}</a></td>"
                f"<td>{escape(words)}</td></tr>"
                for name, words in _docks()
                if _group_of(name) == group
            ]
            parts.append(f"<p><b>{title}</b></p><table cellspacing='3' width='100%'>{''.join(rows)}</table>")
        self.docks.setText("".join(parts))

    def _say(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))


def _docks() -> list[tuple[str, str]]:
    """Return every dock of the manifest but this one, and what it shows."""
    found = contributions()
    titles = {command.id: command.title for command in found.commands or ()}
    return [
        (widget.display_name, titles[widget.command])
        for widget in found.widgets or ()
        if widget.display_name != _NAME
    ]


def _group_of(name: str) -> str:
    place = place_of(name)
    return place.group if place is not None else ""
