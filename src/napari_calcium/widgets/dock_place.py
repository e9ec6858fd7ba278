"""Where a dock comes up the first time; after that napari remembers where the user put it."""

from __future__ import annotations

from typing import Literal

from napari.settings import get_settings
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

__all__ = ["DockPlace"]

_PLUGIN = "napari-calcium"
_AREAS = {"bottom": Qt.DockWidgetArea.BottomDockWidgetArea, "right": Qt.DockWidgetArea.RightDockWidgetArea}


class DockPlace(QObject):
    """Moves a plugin's dock once, to the bottom or the right, as a tab beside this plugin's others.

    napari puts every new plugin dock at the right, one below the other, which leaves none enough room. Later
    it remembers the area, but not the tabs.

    Parameters
    ----------
    widget : QWidget
        The plugin widget, before it is docked. A window of its own is left alone.
    name : str
        Its name in ``napari.yaml``.
    area : {"bottom", "right"}
    """

    def __init__(self, widget: QWidget, name: str, area: Literal["bottom", "right"]) -> None:
        super().__init__(widget)
        self._widget, self._area = widget, _AREAS[area]
        remembered = get_settings().application.plugin_widget_positions
        self._remembered = f"{name} ({_PLUGIN})" in remembered
        self._done = False

    def on_show(self) -> None:
        """Tell that the widget is shown; the move follows once napari is through with docking it."""
        if not self._done:
            self._done = True
            QTimer.singleShot(0, self._move)

    def _move(self) -> None:
        dock = _dock_of(self._widget)
        main = dock.parentWidget() if dock is not None else None
        if dock is None or not isinstance(main, QMainWindow) or dock.isFloating():
            return
        # Layer list and forms keep the whole height: on a small screen nothing would be left of them.
        main.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        main.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        if not self._remembered and main.dockWidgetArea(dock) != self._area:
            main.addDockWidget(self._area, dock)
            main.resizeDocks([dock], [self._widget.sizeHint().height()], Qt.Orientation.Vertical)
        area = main.dockWidgetArea(dock)
        for other in main.findChildren(QDockWidget):
            # A dock behind another's tab is not visible, yet not hidden.
            ours = other.windowTitle().endswith(f"({_PLUGIN})") and not other.isHidden()
            if ours and other is not dock and main.dockWidgetArea(other) == area:
                main.tabifyDockWidget(other, dock)
                return


def _dock_of(widget: QWidget) -> QDockWidget | None:
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent
