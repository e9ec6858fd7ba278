"""Where a dock comes up the first time; after that napari remembers where the user put it."""

from __future__ import annotations

from typing import Literal

from napari.settings import get_settings
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QWidget

from napari_calcium.widgets.explore_places import place_of

__all__ = [
    "DOCK_AREAS",
    "DockPlace",
    "dock_of",
    "full_name",
    "give_corners_to_the_sides",
    "mark_placed",
    "our_docks",
    "short_name",
]

_ENDING = " (napari-calcium)"
_PLACED = "napari_calcium_placed"
_TABS = {"Calcium pipeline": "Pipeline"}
"""What stands on a tab in place of the name: the tabs at the right of a small screen have no room for it."""
DOCK_AREAS = {
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
}


class DockPlace(QObject):
    """Moves a plugin's dock once, to the bottom or the right, as a tab beside this plugin's others.

    napari puts every new plugin dock at the right, one below the other, which leaves none enough room. Later
    it remembers the area, but not the tabs. What the Explore workspace has placed stays there.

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
        self._widget, self._name, self._area = widget, name, DOCK_AREAS[area]
        self._remembered = full_name(name) in get_settings().application.plugin_widget_positions
        self._done = False

    def on_show(self) -> None:
        """Tell that the widget is shown; the move follows once napari is through with docking it."""
        if not self._done:
            self._done = True
            QTimer.singleShot(0, self._move)

    def _move(self) -> None:
        dock = dock_of(self._widget)
        main = dock.parentWidget() if dock is not None else None
        if dock is None or not isinstance(main, QMainWindow) or dock.isFloating():
            return
        _shorten_title(dock)
        if dock.property(_PLACED):
            return
        give_corners_to_the_sides(main)
        if not self._remembered and main.dockWidgetArea(dock) != self._area:
            main.addDockWidget(self._area, dock)
            main.resizeDocks([dock], [self._widget.sizeHint().height()], Qt.Orientation.Vertical)
        company = self._company(main, dock)
        if company is not None:
            main.tabifyDockWidget(company, dock)

    def _company(self, main: QMainWindow, dock: QDockWidget) -> QDockWidget | None:
        """Return the dock to stand beside: one of the same group if there is one in this area."""
        area = main.dockWidgetArea(dock)
        # A dock behind another's tab is not visible, yet not hidden.
        there = [
            other
            for other in our_docks(main)
            if other is not dock and not other.isHidden() and main.dockWidgetArea(other) == area
        ]
        place = place_of(self._name)
        group = place.group if place is not None else None
        alike = [other for other in there if _group_of(other) == group]
        return next(iter(alike or there), None)


def full_name(name: str) -> str:
    """Return what napari calls a dock of ours."""
    return f"{name}{_ENDING}"


def short_name(dock: QDockWidget) -> str:
    """Return the name of a dock of ours in ``napari.yaml``."""
    return str(dock.objectName()).removesuffix(_ENDING)


def our_docks(main: QMainWindow) -> list[QDockWidget]:
    """Return this plugin's docks, hidden ones too."""
    # A window's docks are its children; to look through all that is in them would take ten milliseconds.
    docks = main.findChildren(QDockWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return [dock for dock in docks if dock.objectName().endswith(_ENDING)]


def mark_placed(dock: QDockWidget) -> None:
    """Say that a dock has its place, so that it does not look for one itself."""
    dock.setProperty(_PLACED, True)
    _shorten_title(dock)


def give_corners_to_the_sides(main: QMainWindow) -> None:
    """Let layer list and forms keep the whole height: on a small screen nothing would be left of them."""
    main.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
    main.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)


class _TitleKeeper(QObject):
    """Shortens the title bar again when napari makes it anew: when the dock floats or comes back.

    It goes with the dock, which it knows as its parent only: a function that held it would keep it alive.
    """

    def __init__(self, dock: QDockWidget, name: str) -> None:
        super().__init__(dock)
        self._name = name
        self._after = QTimer(self)
        self._after.setSingleShot(True)
        self._after.timeout.connect(self._shorten)
        dock.topLevelChanged.connect(self._on_float)

    def _on_float(self, _: bool) -> None:
        self._after.start(0)

    def _shorten(self) -> None:
        dock = self.parent()
        if isinstance(dock, QDockWidget):
            _shorten_bar(dock, self._name)


def _shorten_title(dock: QDockWidget) -> None:
    """Take "(napari-calcium)" from the title and the tab, where it cuts off the names of several docks."""
    name = short_name(dock)
    if dock.windowTitle().endswith(_ENDING):
        dock.setWindowTitle(_TABS.get(name, name))
        _TitleKeeper(dock, name)
    _shorten_bar(dock, name)


def _shorten_bar(dock: QDockWidget, name: str) -> None:
    bar = dock.titleBarWidget()
    for label in bar.findChildren(QLabel) if bar is not None else ():
        if label.text() == full_name(name):
            label.setText(name)


def _group_of(dock: QDockWidget) -> str | None:
    place = place_of(short_name(dock))
    return place.group if place is not None else None


def dock_of(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget is in, None outside of one."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent
