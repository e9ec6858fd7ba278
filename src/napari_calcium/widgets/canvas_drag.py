"""The way of the mouse over the canvas from press to release, drawn as it goes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.selection import Selection
from napari_calcium.widgets.tissue_layers import KEY

__all__ = ["Way", "followed", "is_drag", "place_of", "pressed"]

Way = list[NDArray[np.float64]]
"""Places (y, x) in world coordinates, from the press on."""

_LINE = "#ffd166"
_LEAST_PIXELS = 4
"""Less of a drag is a slip of the hand: a click."""


def is_drag(event: Any) -> bool:
    """Return whether a press may begin a drag: the first button, on a flat view."""
    return bool(event.button == 1 and len(event.dims_displayed) < 3)


def pressed(event: Any, on_move: Callable[[], object] | None = None) -> Generator[None, None, bool]:
    """Wait until the button is let go, and return whether the mouse was dragged; False for a click.

    To be used with ``yield from`` in napari's callback; napari changes `event` as the mouse moves.
    """
    start = np.asarray(event.pos, float)
    moved = False
    yield
    while event.type == "mouse_move":
        moved = moved or bool(np.hypot(*(np.asarray(event.pos, float) - start)) > _LEAST_PIXELS)
        if on_move is not None:
            on_move()
        yield
    return moved


def followed(
    viewer: Any,
    event: Any,
    selection: Selection,
    outline: Callable[[Way], NDArray[np.float64]],
) -> Generator[None, None, tuple[Way, bool]]:
    """Follow the mouse until its button is let go, and draw what it does.

    Parameters
    ----------
    viewer : ViewerModel
    event : napari mouse event
        Of the press.
    selection : Selection
        Its tool says whether a drag moves the image again afterwards.
    outline : callable
        Returns what to draw of the way so far, (n, 2) world coordinates.

    Returns
    -------
    way : list of (2,) float64
        Where the mouse was; the last is where the button was let go.
    moved : bool
        False for a click.
    """
    way = [place_of(event)]
    line = _Line(viewer)

    def draw() -> None:
        way.append(place_of(event))
        line.show(outline(way))

    # napari takes it from the active layer, which may have changed since, and does when one is added.
    viewer.scene.camera.mouse_pan = False
    try:
        moved = yield from pressed(event, draw)
    finally:
        line.remove()
        viewer.scene.camera.mouse_pan = selection.tool == "click"
    # Of fast moves napari leaves some out, but the button is let go where it is let go.
    return [*way, place_of(event)], moved


def place_of(event: Any) -> NDArray[np.float64]:
    """Return where the mouse is, (y, x) in world coordinates."""
    return np.asarray(event.position[-2:], float)


class _Line:
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
