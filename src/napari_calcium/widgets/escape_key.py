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
        layer = layers.selection.active
        if type(layer).__name__ in ("Labels", "Shapes") and _ESCAPE not in layer.keymap:
            layer.bind_key(_ESCAPE, lambda active: _escape(active, clear))

    layers = viewer.layers
    layers.selection.events.active.connect(on_active)


def _escape(layer: Any, clear: Callable[[], None]) -> None:
    if str(layer.mode) == "pan_zoom":
        clear()
        return
    keymaps = [getattr(kind, "class_keymap", {}) for kind in type(layer).__mro__]
    usual = next((keys[_ESCAPE] for keys in keymaps if _ESCAPE in keys), None)
    if usual is not None:
        usual(layer)
