"""Whether a widget can be seen: what is behind another's tab, or closed, draws nothing."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QDockWidget, QWidget

from napari_calcium.widgets.dock_place import dock_of
from napari_calcium.widgets.plots.time_plot import TimePlot

__all__ = ["InSight"]


_MOVES = (QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.Move, QEvent.Type.Resize)


class InSight(QObject):
    """Tells a widget when its dock comes into sight, and lets its plots over time rest until then.

    Qt counts a widget behind another's tab as visible: it lies outside of the window. Its signal
    ``visibilityChanged`` does not always come where a dock is moved, so it is asked what can be seen whenever
    something moves.

    Parameters
    ----------
    widget : QWidget
        Its own window, or in a dock, perhaps not yet.

    Attributes
    ----------
    turned : signal of bool
        The dock has come into sight (told before the window is painted), or has gone.
    """

    turned = Signal(bool)
    _moved = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._dock: QDockWidget | None = None
        self._rested = self._asked = False
        widget.installEventFilter(self)
        # Later, since Qt is still laying out the window; but before it paints: a timer would come after that.
        self._moved.connect(self._look, Qt.ConnectionType.QueuedConnection)

    def __bool__(self) -> bool:
        widget = self.parent()
        return isinstance(widget, QWidget) and widget.isVisible() and not self.rests

    @property
    def rests(self) -> bool:
        """Whether the dock is closed, or behind another's tab, in a window that is open."""
        dock = self._dock
        if dock is None or dock.isFloating() or not dock.window().isVisible():
            return dock is not None and dock.isHidden()
        around = dock.parentWidget()
        return dock.isHidden() or (around is not None and not around.rect().intersects(dock.geometry()))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look again whenever the dock moves, or is painted while it is taken to be out of sight."""
        if event is not None:
            kind = event.type()
            if kind == QEvent.Type.Show and watched is self.parent():
                self._join()
            if kind in _MOVES or (kind == QEvent.Type.Paint and self._rested):
                self._ask()
        return False

    def _join(self) -> None:
        widget = self.parent()
        dock = dock_of(widget) if isinstance(widget, QWidget) else None
        if dock is None or dock is self._dock:
            return
        if self._dock is not None:
            self._dock.removeEventFilter(self)
            self._dock.visibilityChanged.disconnect(self._ask)
        self._dock = dock
        dock.installEventFilter(self)
        dock.visibilityChanged.connect(self._ask)

    def _ask(self, *_: object) -> None:
        if not self._asked:
            self._asked = True
            self._moved.emit()

    def _look(self) -> None:
        self._asked = False
        widget, now = self.parent(), self.rests
        if now == self._rested or not isinstance(widget, QWidget):
            return
        self._rested = now
        for plot in widget.findChildren(TimePlot):
            plot.rest(now)
        self.turned.emit(not now)
