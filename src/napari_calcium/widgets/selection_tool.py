"""Select somata with a box or a line drawn around them on the canvas."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from app_model.types import KeyBinding
from numpy.typing import NDArray

from napari_calcium.selection import Selection, Tool
from napari_calcium.widgets.canvas_drag import Way, followed, is_drag

__all__ = ["SelectionTool"]

_KEYS: dict[str, Tool] = {"Alt+B": "box", "Alt+L": "lasso"}
_SAYS = {
    "box": "Drag a box around cells; with Shift, add them. Alt+B or Esc: back to clicking.",
    "lasso": "Draw a line around cells; with Shift, add them. Alt+L or Esc: back to clicking.",
    "click": "Ready",
}


class SelectionTool:
    """While `selection.tool` is a box or a lasso, a drag on the canvas selects what it encloses.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly.
    selection : Selection
        Which tool is in hand; whoever changes it there changes it here.
    cells_in : callable
        Returns the ids of the cells within a polygon of (n, 2) world coordinates (y, x).
    pick : callable
        Called with the ids, and whether they are added to those that are selected.
    """

    def __init__(
        self,
        viewer: Any,
        selection: Selection,
        cells_in: Callable[[NDArray[np.float64]], tuple[int, ...]],
        pick: Callable[[tuple[int, ...], bool], None],
    ) -> None:
        self._viewer = weakref.ref(viewer)
        self._selection, self._cells_in, self._pick = selection, cells_in, pick
        for keys, tool in _KEYS.items():
            viewer.bind_key(
                KeyBinding.from_str(keys), lambda _, tool=tool: self._switch(tool), overwrite=True
            )
        viewer.mouse_drag_callbacks.append(self._on_press)
        selection.tool_changed.connect(self._on_tool)

    def _switch(self, tool: Tool) -> None:
        self._selection.tool = "click" if self._selection.tool == tool else tool

    def _on_tool(self, tool: Tool) -> None:
        viewer = self._viewer()
        if viewer is not None:
            # The drag is for selecting; the wheel still zooms.
            viewer.scene.camera.mouse_pan = tool == "click"
            if tool in _SAYS:
                viewer.status = _SAYS[tool]

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        tool = self._selection.tool
        if tool not in _KEYS.values() or not is_drag(event):
            return
        way, moved = yield from followed(viewer, event, self._selection, lambda way: _outline(way, tool))
        if moved:
            self._pick(self._cells_in(_outline(way, tool)), "Shift" in event.modifiers)


def _outline(way: Way, tool: Tool) -> NDArray[np.float64]:
    if tool == "lasso":
        return np.array(way)
    (top, left), (bottom, right) = way[0], way[-1]
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])
