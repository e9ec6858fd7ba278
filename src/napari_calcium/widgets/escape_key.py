"""Escape clears the selection, whichever layer is active, unless the user is drawing on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app_model.types import KeyBinding

__all__ = ["bind_escape"]

_ESCAPE = KeyBinding.from_str("Escape")


def bind_escape(viewer: Any, clear: Callable[[], None]) -> None:
    """Call `clear` on Escape.

    Labels and Shapes layers bind Escape themselves, to end a polygon, and the active layer comes before the
    viewer. So a layer that becomes active gets a binding of its own, which passes the key on while the user
    draws.

    Parameters
    ----------
    viewer : ViewerModel
    clear : callable
    """
    viewer.bind_key(_ESCAPE, lambda _: clear(), overwrite=True)

    def on_active(event: Any = None) -> None:
        layer = viewer_layers.selection.active
        if layer is None or _ESCAPE in layer.keymap:
            return
        usual = next((_keys(c)[_ESCAPE] for c in type(layer).__mro__ if _ESCAPE in _keys(c)), None)
        if usual is not None:
            layer.bind_key(_ESCAPE, lambda active: _escape(active, clear, usual))

    viewer_layers = viewer.layers
    viewer_layers.selection.events.active.connect(on_active)


def _keys(kind: type) -> Any:
    return getattr(kind, "class_keymap", {})


def _escape(layer: Any, clear: Callable[[], None], usual: Callable[[Any], Any]) -> None:
    if str(layer.mode) == "pan_zoom":
        clear()
    else:
        usual(layer)
