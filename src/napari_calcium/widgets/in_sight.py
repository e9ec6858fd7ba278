"""Whether a widget can be seen: what is behind another's tab, or closed, draws nothing."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QDockWidget, QWidget

from napari_calcium.widgets.dock_place import dock_of
from napari_calcium.widgets.plots.time_plot import TimePlot

__all__ = ["InSight"]


class InSight(QObject):
    """Tells a widget when its dock comes into sight, and lets its plots over time rest until then.

    Qt counts a widget behind another's tab as visible: it lies outside of the window.

    Parameters
    ----------
    widget : QWidget
        Its own window, or in a dock, perhaps not yet.

    Attributes
    ----------
    rests : bool
        The dock is closed, or behind another's tab; False for a widget that is in none.
    turned : signal of bool
        The dock has come into sight (told before the window is painted), or has gone.
    """

    turned = Signal(bool)
    _dock_turned = Signal(bool)

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._dock: QDockWidget | None = None
        self.rests = False
        widget.installEventFilter(self)
        # Later, since Qt is still laying out the window; but before it paints: a timer would come after that.
        self._dock_turned.connect(self._follow, Qt.ConnectionType.QueuedConnection)

    def __bool__(self) -> bool:
        widget = self.parent()
        return isinstance(widget, QWidget) and widget.isVisible() and not self.rests

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Get to know the dock when the widget is shown in it."""
        if event is not None and event.type() == QEvent.Type.Show:
            self._join()
        return False

    def _join(self) -> None:
        widget = self.parent()
        dock = dock_of(widget) if isinstance(widget, QWidget) else None
        if dock is None or dock is self._dock:
            return
        if self._dock is not None:
            self._dock.visibilityChanged.disconnect(self._on_dock)
        self._dock = dock
        dock.visibilityChanged.connect(self._on_dock)

    def _on_dock(self, seen: bool) -> None:
        if seen == self.rests:
            self.rests = not seen
            self._dock_turned.emit(seen)

    def _follow(self, seen: bool) -> None:
        widget = self.parent()
        if not isinstance(widget, QWidget) or seen == self.rests:
            return  # it has turned again since
        for plot in widget.findChildren(TimePlot):
            plot.rest(not seen)
        self.turned.emit(seen)
