"""napari's notifications, one of ours at a time, and none that has been seen to."""

from __future__ import annotations

from napari.utils import notifications
from qtpy.QtWidgets import QApplication, QDialog, QLabel, QMainWindow

__all__ = ["end_notices", "is_told_of", "show_info", "show_warning"]

_shown: set[str] = set()
"""What was said and may still be on screen."""


def show_info(text: str) -> None:
    """Say something in the corner of the canvas, in place of what was said there before."""
    end_notices()
    _shown.add(text)
    notifications.show_info(text)


def show_warning(text: str) -> None:
    """Warn in the corner of the canvas, in place of what was said there before."""
    end_notices()
    _shown.add(text)
    notifications.show_warning(text)


def is_told_of(name: str) -> bool:
    """Whether something is on screen that we said of a file, as a rule why it was not opened."""
    return any(text.startswith(f"{name}: ") for text in _shown)


def end_notices() -> None:
    """Take our notifications away, in all windows: they have been answered, or another one comes.

    In napari 0.9 a notification that another one has covered stays until it is closed by hand, and so does
    one that came while its window was not the active one. Those of napari and of other plugins stay.
    """
    if not _shown or QApplication.instance() is None:
        return
    for window in QApplication.topLevelWidgets():
        if not isinstance(window, QMainWindow):
            continue
        for box in window.findChildren(QDialog):
            # Known by its name: the class is not among those that napari offers.
            if type(box).__name__ == "NapariQtNotification" and _says(box):
                box.close()
    _shown.clear()


def _says(box: QDialog) -> bool:
    """Whether a notification is one of ours."""
    return any(str(label.text()) in _shown for label in box.findChildren(QLabel))
