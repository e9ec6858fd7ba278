"""Nothing is lost on closing: a run is stopped, and unsaved results are asked about."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMainWindow, QMessageBox, QWidget

from napari_calcium.widgets.notices import show_info
from napari_calcium.widgets.preferences import preferences
from napari_calcium.widgets.saving import Saver
from napari_calcium.widgets.workbench import Workbench, workbench_of

__all__ = ["CloseGuard", "ask", "before_opening"]


class CloseGuard(QObject):
    """Watches the window that a widget is docked in.

    Parameters
    ----------
    widget : QWidget
        Docked in the window, sooner or later.
    bench : Workbench
    viewer : napari.Viewer
        Held weakly. A viewer closed by a program has lost its layers before its window closes, and is not
        asked about; a person closes a window with its layers in it.
    saver : Saver
    on_close : callable
        Called when the window closes in order.
    """

    def __init__(
        self,
        widget: QWidget,
        bench: Workbench,
        viewer: Any,
        saver: Saver,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(widget)
        self._on_close = on_close
        self._widget, self._bench, self._saver = widget, bench, saver
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self._watched: weakref.ref[QWidget] | None = None
        self.ask: Callable[[QWidget, str], str] = ask
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Find the window once the widget is docked; stop it from closing on unsaved results."""
        if event is None:
            return False
        if watched is self._widget and event.type() in (QEvent.Type.Show, QEvent.Type.ParentChange):
            self._watch()
        elif watched is not None and watched is self._window and event.type() == QEvent.Type.Close:
            return self._closing(event)
        return False

    @property
    def _window(self) -> QWidget | None:
        return self._watched() if self._watched is not None else None

    def _watch(self) -> None:
        window = self._widget.parentWidget()
        # A dock that floats is a window too; the one that matters is the main window it belongs to.
        while window is not None and not isinstance(window, QMainWindow):
            window = window.parentWidget()
        if window is not None and window is not self._window:
            if self._window is not None:
                self._window.removeEventFilter(self)
            self._watched = weakref.ref(window)
            window.installEventFilter(self)

    def _closing(self, event: QEvent) -> bool:
        viewer = self._viewer()
        window = self._window
        by_person = event.spontaneous() or (viewer is not None and len(viewer.layers) > 0)
        asks = by_person and self._bench.has_unsaved_results and preferences().ask_to_save
        if asks and window is not None:
            answer = self.ask(window, "closing")
            if answer != "discard":
                event.ignore()
                if answer == "save":
                    self._saver.save_results(then=window.close)
                return True
            # Asked once is enough, however many widgets watch this window.
            self._bench.saved = self._bench.session.recording
        self._bench.let_go()
        self._on_close()
        return False


def ask(window: QWidget, before: str) -> str:
    """Ask what to do with unsaved results: "save", "discard" or "stay".

    Parameters
    ----------
    window : QWidget
        The question stands over it.
    before : str
        What would lose the results: ``"closing"``, ``"opening another recording"``.
    """
    box = QMessageBox(window)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Unsaved results")
    box.setText("The results of the calcium pipeline have not been saved.")
    box.setInformativeText(f"Save them in a results folder before {before}?")
    save = box.addButton("Save…", QMessageBox.ButtonRole.AcceptRole)
    discard = box.addButton("Go on without saving", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    clicked = box.clickedButton()
    return "save" if clicked is save else "discard" if clicked is discard else "stay"


def before_opening(viewer: Any, proceed: Callable[[], None]) -> None:
    """Open another recording, after an offer to save results that would go out of sight.

    Parameters
    ----------
    viewer : napari.Viewer
    proceed : callable
        Opens the recording. Not called if the user stays; called once the results are saved if they save.
    """
    bench = workbench_of(viewer)
    if not (bench.has_unsaved_results and preferences().ask_to_save):
        proceed()
        return
    window: QWidget = viewer.window._qt_window  # napari offers no public way to it
    answer = ask(window, "opening another recording")
    if answer == "discard":
        proceed()
    elif answer == "save":
        Saver(bench, show_info, window).save_results(then=proceed)
