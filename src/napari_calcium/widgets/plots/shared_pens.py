"""Pens and brushes that are the same object wherever they look the same.

pyqtgraph's scatter plots paint a symbol for each object that they meet, and keep it for good: with a new
brush for each point, four thousand points take a third of a second each time they are shown.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

__all__ = ["shared_brush", "shared_brushes", "shared_pen"]


@lru_cache(maxsize=4096)
def shared_brush(color: str | tuple[int, ...]) -> Any:
    """Return a brush of a colour, ``#rrggbb`` or (red, green, blue, opacity); it must not be changed."""
    return pg.mkBrush(color)


@lru_cache(maxsize=512)
def shared_pen(color: str, width: float = 1) -> Any:
    """Return a pen of a colour and width in pixels; it must not be changed."""
    return pg.mkPen(color, width=width)


def shared_brushes(fill: NDArray[np.uint8], opacity: int = 255) -> list[Any]:
    """Return a brush for each row of (n, 3) colours: one object a colour, however many rows have it."""
    colors, which = np.unique(fill, axis=0, return_inverse=True)
    known = [shared_brush((*color, opacity)) for color in colors.tolist()]
    return [known[k] for k in which.ravel().tolist()]
