"""Files are read beside the window while the program runs; in a script, the next line finds them open."""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from qtpy.QtCore import QThread

from napari_calcium.progress import Progress
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.notices import show_warning
from napari_calcium.widgets.worker import Failure, Runner

__all__ = ["read_beside", "reading_of"]

R = TypeVar("R")

_NEXT = ("napari_calcium.widgets.workbench",)
"""What a recording that is opened needs next: loaded beside the window, too."""

_runners: weakref.WeakKeyDictionary[Any, Runner] = weakref.WeakKeyDictionary()


def read_beside(viewer: Any, title: str, read: Callable[[Progress], R], then: Callable[[R], None]) -> bool:
    """Read a file in a thread, if anybody would wait for it otherwise.

    Parameters
    ----------
    viewer : napari.Viewer
    title : str
        What is going on, for the message of an error.
    read : callable
        Reads the file; it must touch neither Qt nor napari.
    then : callable
        Gets what was read, in the main thread; not called once the window is closed.

    Returns
    -------
    bool
        False where the caller is to read it: no event loop runs (a script), the viewer has no window, or
        another file is being read.
    """
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)  # no public way to its main window
    thread = QThread.currentThread()
    if window is None or thread is None or thread.loopLevel() == 0:
        return False
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _runners:
        made = _runners[viewer] = Runner(window)
        made.finished.connect(_tell)
        Links(window).add(made.abandon)

    def work(on_progress: Progress) -> R:
        found = read(on_progress)
        for module in _NEXT:
            importlib.import_module(module)
        return found

    return _runners[viewer].start(title, work, then)


def reading_of(viewer: Any) -> Runner | None:
    """Return what reads files beside a viewer's window; None where it never did."""
    return _runners.get(getattr(viewer, "__wrapped__", viewer))


def _tell(title: str, failure: Failure | None) -> None:
    if failure is not None:
        show_warning(failure.message)
