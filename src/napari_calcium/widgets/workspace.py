"""The Explore workspace: all docks that show a recording, opened and arranged at once."""

from __future__ import annotations

import contextlib
import inspect
import weakref
from pathlib import Path
from typing import Any, cast

from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.widgets.arrangement import (
    Arrangement,
    bring_to_front,
    put_in_place,
    size_groups,
    spell_out_tabs,
)
from napari_calcium.widgets.dock_place import dock_of, mark_placed, our_docks, short_name
from napari_calcium.widgets.explore_places import PLACES, Place, always, when_asked
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.notices import show_warning
from napari_calcium.widgets.preferences import preferences, storage_folder
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.worker import Job, explain

__all__ = ["Workspace", "explore", "open_explore", "workspace_of"]

_PLUGIN = "napari-calcium"
_POLL_MS = 15
_FILE = "napari-calcium-window.json"


class Workspace(QObject):
    """Opens the docks of `PLACES` in a viewer's window, one after the other so that nothing waits for all.

    A dock opens once there is something to show in it, and once only: what the user closes stays closed, and
    what the user has moved is not moved back. At the next start the same docks stand at the same places.

    Parameters
    ----------
    viewer : napari.Viewer
        With a window.
    session : Session

    Attributes
    ----------
    is_open : bool
        Whether it was opened in this window.
    """

    def __init__(self, viewer: Any, session: Session) -> None:
        self._viewer = weakref.ref(viewer)
        main = _main_window(viewer)
        super().__init__(main)
        self._session = session
        self._known: dict[str, None] = {}
        self._kept: Arrangement | None = None
        self._waiting: list[Place] = []
        self.is_open = False
        self._warm: Job | None = None
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._open_next)
        self._stands = False
        main.installEventFilter(self)
        Links(self).join(session.recording_changed, self._follow)

    @property
    def _main(self) -> QMainWindow:
        # Not held: window and viewer would hold each other for ever.
        return cast("QMainWindow", self.parent())

    @property
    def is_ready(self) -> bool:
        """Whether no dock is still to be opened."""
        return not self._waiting

    def open(self) -> None:
        """Open it, as it stood the last time; where it is open already nothing happens."""
        if self.is_open:
            return
        self.is_open = True
        path = _file()
        self._kept = Arrangement.load(path) if path is not None and preferences().keep_arrangement else None
        for name in self._kept.closed if self._kept is not None else ():
            self._known[name] = None
        self._follow(self._session.recording)

    def arrange(self) -> None:
        """Open all docks that are of use, and put them at their usual places."""
        self.is_open, self._kept = True, None
        recording = self._session.recording
        for dock in our_docks(self._main):
            if short_name(dock) in (place.dock for place in PLACES):
                dock.hide()
        self._waiting = [place for place in PLACES if _of_use(place, recording)]
        self._known = dict.fromkeys(place.dock for place in self._waiting)
        while self._waiting:
            dock = self._open_dock(self._waiting.pop(0).dock)
            if dock is not None:
                dock.setFloating(False)
                put_in_place(self._main, dock)
        self._settle()
        self._stands = True

    def show(self, name: str) -> QDockWidget | None:
        """Open a dock at its place and bring it to the front."""
        self._known[name] = None
        there = self._dock(name)
        dock = self._open_dock(name)
        if dock is not None:
            if there is None:
                put_in_place(self._main, dock)
            dock.raise_()
        return dock

    def hide(self, name: str) -> None:
        """Close a dock; it stays closed until it is asked for."""
        self._known[name] = None
        dock = self._dock(name)
        if dock is not None:
            dock.hide()

    def shows(self, name: str) -> bool:
        """Whether a dock is open, if perhaps behind a tab."""
        dock = self._dock(name)
        return dock is not None and not dock.isHidden()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep the arrangement when the window closes, and let new bars of tabs spell out their names."""
        if event is not None and watched is self._main:
            if event.type() == QEvent.Type.Close:
                self.keep()
            elif event.type() == QEvent.Type.ChildPolished:
                spell_out_tabs(self._main)
        return False

    def keep(self) -> None:
        """Write down how the docks stand, for the next start."""
        path = _file()
        if self.is_open and not self._waiting and path is not None and preferences().keep_arrangement:
            # A folder that cannot be written to is no reason to keep a window from closing.
            with contextlib.suppress(OSError):
                Arrangement.of(self._main, self._known).save(path)

    def _follow(self, recording: Recording | None) -> None:
        """Open the docks that have something to show since now."""
        if not self.is_open or recording is None:
            return
        waiting = {place.dock for place in self._waiting}
        kept = self._kept.open if self._kept is not None else ()
        new = [
            place
            for place in PLACES
            if place.dock not in self._known
            and place.dock not in waiting
            and (place.of_use(recording) or (place.of_use is when_asked and place.dock in kept))
        ]
        if new:
            self._warm = self._warm or Job(_warm_up, "Explore")
            self._waiting += new
            self._next.start(_POLL_MS)  # what was opened is painted first

    def _open_next(self) -> None:
        """Open one dock; the next follows when the window has had time for the user."""
        if self._viewer() is None or not self._waiting:
            return
        if (self._warm is not None and not self._warm.done) or _napari_is_opening():
            self._next.start(_POLL_MS)
            return
        place = self._waiting.pop(0)
        self._known[place.dock] = None
        if self._dock(place.dock) is None:
            before = self._main.size()
            dock = self._open_dock(place.dock)
            if dock is not None:
                put_in_place(self._main, dock)
            self._take_back(before)
        if self._waiting:
            self._next.start(0)
        else:
            self._opened_all()

    def _opened_all(self) -> None:
        kept, self._kept = self._kept, None
        # Docks that come later are tabs behind the others: the window stands as the user has it.
        if not self._stands and (kept is None or not kept.restore(self._main)):
            self._settle()
        self._stands = True

    def _take_back(self, before: QSize) -> None:
        """Take back what the window grew by: napari puts a dock below the others before it is a tab."""
        main = self._main
        filled = main.windowState() & (Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen)
        if not filled and main.size() != before:
            main.resize(before)

    def _settle(self) -> None:
        """Give each group its size, and let the first of each come up in front."""
        size_groups(self._main)
        first: dict[str, str] = {}
        for place in PLACES:
            if self.shows(place.dock):
                first.setdefault(place.group, place.dock)
        bring_to_front(self._main, first.values())

    def _dock(self, name: str) -> QDockWidget | None:
        return next((dock for dock in our_docks(self._main) if short_name(dock) == name), None)

    def _open_dock(self, name: str) -> QDockWidget | None:
        viewer = self._viewer()
        dock = self._dock(name)
        if dock is None and viewer is not None:
            try:
                _, widget = viewer.window.add_plugin_dock_widget(_PLUGIN, name)
            except (
                Exception
            ) as error:  # the boundary: one dock that fails is no reason to go without the others
                show_warning(explain(error, f"Opening {name}").message)
                return None
            dock = dock_of(widget)
        if dock is not None:
            mark_placed(dock)
            dock.show()
        return dock


_workspaces: weakref.WeakKeyDictionary[Any, weakref.ref[Workspace]] = weakref.WeakKeyDictionary()
"""The windows keep them."""


def workspace_of(viewer: Any) -> Workspace | None:
    """Return the workspace of a viewer, made when first asked for; None for a viewer without a window.

    Parameters
    ----------
    viewer : napari.Viewer or napari.components.ViewerModel
        Also the proxy that napari hands to plugins.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)
    if getattr(viewer, "window", None) is None:
        return None
    known = _workspaces.get(viewer)
    made = known() if known is not None else None
    if made is None:
        made = Workspace(viewer, session_of(viewer))
        _workspaces[viewer] = weakref.ref(made)
    return made


def explore(viewer: Any) -> None:
    """Open the workspace with a recording, unless the user does not want that (napari's preferences)."""
    if preferences().open_explore:
        workspace = workspace_of(viewer)
        if workspace is not None:
            workspace.open()


def open_explore() -> None:
    """Open the workspace in the current window, arranged anew: for napari's menus."""
    import napari

    workspace = workspace_of(napari.current_viewer())
    if workspace is not None:
        workspace.arrange()


def _napari_is_opening() -> bool:
    """Whether this is called from within napari's opening of a file: its progress bar takes in events.

    A dock that was made then would hold up the file, and the user with it.
    """
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not ViewerModel.open.__code__:
        frame = frame.f_back
    return frame is not None


def _warm_up(on_progress: Progress) -> None:
    """Load beside the window what the docks would load one after the other: a second and more."""
    import matplotlib.colors  # noqa: F401
    import numpy as np
    from npe2 import PluginManager

    from napari_calcium.figures.decimate import outline

    outline(np.zeros((1, 8), np.float32), 1)
    manager = PluginManager.instance()
    known = {place.dock for place in PLACES}
    for widget in manager.get_manifest(_PLUGIN).contributions.widgets or ():
        if widget.display_name in known:
            manager.commands.get(widget.command)  # which loads its module


def _of_use(place: Place, recording: Recording | None) -> bool:
    return place.of_use is always if recording is None else place.of_use(recording)


def _file() -> Path | None:
    folder = storage_folder()
    return folder / _FILE if folder is not None else None


def _main_window(viewer: Any) -> QMainWindow:
    # napari offers no public way to its main window.
    window: QMainWindow = viewer.window._qt_window
    return window
