"""Select somata with a box or a line drawn around them on the canvas."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from app_model.types import KeyBinding
from numpy.typing import NDArray

from napari_calcium.selection import Selection, Tool
from napari_calcium.widgets.tissue_layers import KEY

__all__ = ["DragLine", "SelectionTool"]

_KEYS: dict[str, Tool] = {"Alt+B": "box", "Alt+L": "lasso"}
_LINE = "#ffd166"
_LEAST_PIXELS = 4
"""Less of a drag is a slip of the hand."""
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
        if tool not in _KEYS.values() or event.button != 1 or len(event.dims_displayed) == 3:
            return
        start = np.asarray(event.pos, float)
        path = [_place(event)]
        line = DragLine(viewer)
        # napari takes it from the active layer, which may have changed since, and does when one is added.
        viewer.scene.camera.mouse_pan = False
        moved = False
        try:
            yield
            while event.type == "mouse_move":
                path = [*path, _place(event)]
                moved = moved or bool(np.hypot(*(np.asarray(event.pos, float) - start)) > _LEAST_PIXELS)
                line.show(_outline(path, tool))
                yield
        finally:
            line.remove()
            viewer.scene.camera.mouse_pan = self._selection.tool == "click"
        if moved:
            # Of fast moves napari leaves some out, but the button is let go where it is let go.
            outline = _outline([*path, _place(event)], tool)
            self._pick(self._cells_in(outline), "Shift" in event.modifiers)


class DragLine:
    """What is being drawn, in a layer that lives as long as the drag."""

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        layers = viewer.layers
        like = next((layer for layer in layers if layer.ndim >= 2), None)
        self._active = layers.selection.active
        units = tuple(str(unit) for unit in like.units[-2:]) if like is not None else None
        self._layer = viewer.add_vectors(
            np.zeros((0, 2, 2)),
            name="Selecting",
            vector_style="line",
            edge_color=_LINE,
            edge_width=2 / viewer.scene.camera.zoom,
            metadata={KEY: {"role": "drawing"}},
            **({"units": units} if units is not None else {}),
        )
        layers.selection.active = self._active

    def show(self, outline: NDArray[np.float64]) -> None:
        """Draw a closed line."""
        self._layer.data = np.stack([outline, np.roll(outline, -1, axis=0) - outline], axis=1)

    def remove(self) -> None:
        """Take it away."""
        if self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
            self._viewer.layers.selection.active = self._active


def _place(event: Any) -> NDArray[np.float64]:
    return np.asarray(event.position[-2:], float)


def _outline(path: list[NDArray[np.float64]], tool: Tool) -> NDArray[np.float64]:
    if tool == "lasso":
        return np.array(path)
    (top, left), (bottom, right) = path[0], path[-1]
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])
