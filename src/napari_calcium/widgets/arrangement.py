"""How the docks of a window stand: put at their places, saved, and brought back at the next start."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qtpy.QtCore import QByteArray, Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QTabBar

from napari_calcium.atomic import replacing
from napari_calcium.widgets.dock_place import DOCK_AREAS, give_corners_to_the_sides, our_docks, short_name
from napari_calcium.widgets.explore_places import PLACES, Group, place_of

__all__ = ["Arrangement", "bring_to_front", "in_front", "put_in_place", "size_groups", "spell_out_tabs"]

_WIDE = 1500
"""From this width of the window on there is room for two plots side by side under the image."""
_SHARE_BELOW, _LEAST_BELOW = 0.34, 200
_SHARE_RIGHT, _LEAST_RIGHT = 0.2, 350
_ALIKE = 0.2
"""Windows whose sizes differ by less than this share can have the same arrangement to the pixel."""


def put_in_place(main: QMainWindow, dock: QDockWidget) -> None:
    """Put a dock beside its group, wherever the user has that, else where the group belongs.

    Parameters
    ----------
    main : QMainWindow
    dock : QDockWidget
        Of the workspace; docks that are there already are not moved.
    """
    place = place_of(short_name(dock))
    if place is None:
        return
    give_corners_to_the_sides(main)
    mates = _docked(main, place.group, other_than=dock)
    time = _docked(main, "time", other_than=dock)
    if mates:
        _as_tab(main, mates[-1], dock)
    elif place.group == "structure" and time and main.width() >= _WIDE:
        # splitDockWidget would make it one more tab where the first dock is a tab already.
        main.addDockWidget(main.dockWidgetArea(time[0]), dock, _HORIZONTAL)
        _share_width(main, time[0], dock)
    elif place.group == "structure" and time:
        _as_tab(main, time[-1], dock)
    else:
        area = DOCK_AREAS["right" if place.group == "work" else "bottom"]
        company = _others_in(main, area, dock)
        if company:
            _as_tab(main, company[-1], dock)
        else:
            main.addDockWidget(area, dock)


def size_groups(main: QMainWindow) -> None:
    """Give the groups their share of the window: the image keeps the larger part."""
    work, time = _docked(main, "work"), _docked(main, "time")
    structure = [dock for dock in _docked(main, "structure") if dock not in _tabs_of(main, time)]
    if work:
        main.resizeDocks(work[:1], [max(_LEAST_RIGHT, int(_SHARE_RIGHT * main.width()))], _HORIZONTAL)
    if time:
        main.resizeDocks(time[:1], [max(_LEAST_BELOW, int(_SHARE_BELOW * main.height()))], _VERTICAL)
    if time and structure:
        _share_width(main, time[0], structure[0])


def spell_out_tabs(main: QMainWindow) -> None:
    """Let the tabs of docks show their whole names: where they do not fit, arrows lead to the others."""
    for bar in main.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        if bar.elideMode() != Qt.TextElideMode.ElideNone:
            bar.setElideMode(Qt.TextElideMode.ElideNone)
            bar.setUsesScrollButtons(True)


def in_front(dock: QDockWidget) -> bool:
    """Whether a dock is not behind another's tab."""
    return not dock.isHidden() and not dock.visibleRegion().isEmpty()


def bring_to_front(main: QMainWindow, names: Iterable[str]) -> None:
    """Bring these docks before those that share their place."""
    wanted = tuple(names)
    for dock in our_docks(main):
        if short_name(dock) in wanted and not dock.isHidden():
            dock.raise_()


@dataclass(frozen=True)
class Arrangement:
    """Which docks were open in a window, and how it stood.

    Attributes
    ----------
    open, closed : tuple of str
        Names of docks of the workspace: those that were open, and those that the user had closed.
    width, height : int
        Of the window, in pixels.
    state : str
        As Qt tells it, in base 64.
    """

    open: tuple[str, ...]
    closed: tuple[str, ...]
    width: int
    height: int
    state: str

    @classmethod
    def of(cls, main: QMainWindow, known: Iterable[str]) -> Arrangement:
        """Return how a window stands now; of the docks `known` those that are not open were closed."""
        there = tuple(short_name(dock) for dock in our_docks(main) if not dock.isHidden())
        shown = tuple(place.dock for place in PLACES if place.dock in there)
        closed = tuple(sorted(set(known) - set(shown)))
        state = bytes(main.saveState().toBase64().data()).decode("ascii")
        return cls(shown, closed, main.width(), main.height(), state)

    @classmethod
    def load(cls, path: Path) -> Arrangement | None:
        """Read what :meth:`save` wrote; None where there is nothing that can be used."""
        try:
            data = json.loads(path.read_text("utf-8"))
            shown, closed = (tuple(str(name) for name in data[key]) for key in ("open", "closed"))
            return cls(shown, closed, int(data["width"]), int(data["height"]), str(data["state"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # an arrangement is no result: without it the docks stand as they do the first time

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside:
            beside.write_text(json.dumps(asdict(self)), "utf-8")

    def restore(self, main: QMainWindow) -> bool:
        """Let a window whose docks are open stand as it did; return whether it does.

        A window of another size is left alone: what fitted on one screen crowds another. napari's own docks
        stay shown or hidden as they are.
        """
        alike = all(
            abs(now - then) <= _ALIKE * then
            for now, then in ((main.width(), self.width), (main.height(), self.height))
        )
        if not alike:
            return False
        ours = our_docks(main)
        others = [dock for dock in main.findChildren(QDockWidget) if dock not in ours]
        hidden = [dock.isHidden() for dock in others]
        done = main.restoreState(QByteArray.fromBase64(QByteArray(self.state.encode("ascii"))))
        for dock, was_hidden in zip(others, hidden, strict=True):
            dock.setHidden(was_hidden)
        return bool(done)


_HORIZONTAL, _VERTICAL = Qt.Orientation.Horizontal, Qt.Orientation.Vertical


def _docked(main: QMainWindow, group: Group, other_than: Any = None) -> list[QDockWidget]:
    """Return the open docks of a group that are docked, in the order of the table."""
    there = {
        short_name(dock): dock
        for dock in our_docks(main)
        if dock is not other_than and not dock.isHidden() and not dock.isFloating()
    }
    return [there[place.dock] for place in PLACES if place.group == group and place.dock in there]


def _others_in(main: QMainWindow, area: Qt.DockWidgetArea, dock: QDockWidget) -> list[QDockWidget]:
    """Return the other docks of this plugin in an area: they are of no group, as Start here is."""
    return [
        other
        for other in our_docks(main)
        if other is not dock
        and not other.isHidden()
        and not other.isFloating()
        and main.dockWidgetArea(other) == area
    ]


def _share_width(main: QMainWindow, time: QDockWidget, structure: QDockWidget) -> None:
    main.resizeDocks([time, structure], [3, 2], _HORIZONTAL)


def _tabs_of(main: QMainWindow, docks: list[QDockWidget]) -> list[QDockWidget]:
    return [tab for dock in docks for tab in main.tabifiedDockWidgets(dock)]


def _as_tab(main: QMainWindow, company: QDockWidget, dock: QDockWidget) -> None:
    """Make a dock a tab of another without coming to the front."""
    before = [other for other in (company, *main.tabifiedDockWidgets(company)) if in_front(other)]
    main.tabifyDockWidget(company, dock)
    for other in before[:1]:
        other.raise_()
