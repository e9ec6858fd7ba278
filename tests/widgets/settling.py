"""Let Qt do what it has put off."""

from qtpy.QtWidgets import QApplication


def settle() -> None:
    """Run what waits in the queue of events, what that puts there, and so on a few times over."""
    for _ in range(5):
        QApplication.processEvents()
