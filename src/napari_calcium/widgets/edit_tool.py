"""Clicks and drags on the canvas that make or change cells."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from app_model.types import KeyBinding
from numpy.typing import NDArray

from napari_calcium.selection import Selection, Tool
from napari_calcium.widgets.canvas_drag import Way, followed, is_drag, place_of, pressed

__all__ = ["EDIT_KEYS", "EditTool"]

EDIT_KEYS: dict[Tool, str] = {
    "wand": "Shift+W",
    "ellipse": "Shift+E",
    "outline": "Shift+O",
    "redraw": "Shift+R",
    "split": "Shift+S",
}
"""Tools that make or change cells, and their keys on the image."""
_ROUND = 32


class EditTool:
    """While `selection.tool` is one of :data:`EDIT_KEYS`, clicks and drags on the canvas go to the editor.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    selection : Selection
        Which tool is in hand.
    keys : dict of str to callable
        Other keys of the image, and what they do.
    on_gesture : callable
        Called with the tool, the way of the mouse, (n, 2) world coordinates (y, x) of which a click has one
        and an ellipse its outline, and the names of the keys that are held.
    """

    def __init__(
        self,
        viewer: Any,
        selection: Selection,
        keys: dict[str, Callable[[], object]],
        on_gesture: Callable[[Tool, NDArray[np.float64], tuple[str, ...]], object],
    ) -> None:
        self._viewer = weakref.ref(viewer)
        self._selection, self._on_gesture = selection, on_gesture
        switches = {key: lambda tool=tool: self.switch(tool) for tool, key in EDIT_KEYS.items()}
        self._keys: dict[str, Callable[[], object]] = switches | keys
        for key, act in self._keys.items():
            viewer.bind_key(KeyBinding.from_str(key), lambda _, act=act: _ignored(act()), overwrite=True)
        viewer.mouse_drag_callbacks.append(self._on_press)

    def switch(self, tool: Tool) -> None:
        """Take a tool, or put it away again."""
        self._selection.tool = "click" if self._selection.tool == tool else tool

    def let_go(self) -> None:
        """Leave the viewer as it was."""
        viewer = self._viewer()
        if viewer is None:
            return
        for key in self._keys:
            viewer.bind_key(KeyBinding.from_str(key), None, overwrite=True)
        if self._on_press in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(self._on_press)
        if self._selection.tool in EDIT_KEYS:
            self._selection.tool = "click"

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        tool = self._selection.tool
        if tool not in EDIT_KEYS or not is_drag(event):
            return
        held = tuple(str(getattr(key, "name", key)) for key in event.modifiers)
        if tool == "wand":
            place = place_of(event)
            if not (yield from pressed(event)):
                self._on_gesture(tool, place[None], held)
            return
        way, moved = yield from followed(viewer, event, self._selection, lambda way: _drawn(way, tool))
        if moved:
            self._on_gesture(tool, _drawn(way, tool), held)


def _ignored(value: object) -> None:
    """Return nothing: napari takes what a key returns for something to wait for."""


def _drawn(way: Way, tool: Tool) -> NDArray[np.float64]:
    """Return what a drag draws: the ellipse in its box, the straight line, or the way itself."""
    if tool == "split":
        return np.array([way[0], way[-1]])
    if tool != "ellipse":
        return np.array(way)
    centre, radii = (way[0] + way[-1]) / 2, np.abs(way[-1] - way[0]) / 2
    angle = np.linspace(0, 2 * np.pi, _ROUND, endpoint=False)[:, None]
    return np.asarray(centre + np.hstack([np.sin(angle), np.cos(angle)]) * radii)
