"""Colours of numbers below and above zero: blue, grey at zero, red; white where nothing is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNKNOWN", "diverging_colors", "symmetric_limit"]

UNKNOWN = (255, 255, 255)
"""Of what is not defined, which is not the same as zero: white beside grey, in every theme."""

_ON_LIGHT = ((33, 102, 172), (146, 178, 206), (202, 202, 202), (214, 150, 140), (178, 24, 43))
_ON_DARK = ((96, 172, 255), (60, 104, 160), (44, 46, 52), (160, 72, 60), (255, 104, 84))


def diverging_colors(*, on_dark: bool = False, n: int = 255) -> NDArray[np.uint8]:
    """Return colours from the lowest to the highest number, zero in the middle.

    Parameters
    ----------
    on_dark : bool
        For a dark ground, where zero is dark.
    n : int
        How many; odd, so that there is a middle.

    Returns
    -------
    (n, 3) uint8
        Blue and red are told apart by colour-blind eyes, and none is the colour of what is unknown.
    """
    anchors = np.array(_ON_DARK if on_dark else _ON_LIGHT, np.float64)
    place = np.linspace(0, len(anchors) - 1, n)
    columns = [np.interp(place, np.arange(len(anchors)), anchors[:, k]) for k in range(3)]
    return np.rint(np.column_stack(columns)).astype(np.uint8)


def symmetric_limit(values: NDArray[np.floating], *, least: float = 0.05) -> float:
    """Return where a scale about zero ends: the 99.5th percentile of the sizes, between `least` and 1."""
    known = np.abs(values[np.isfinite(values)])
    top = float(np.percentile(known, 99.5)) if len(known) else 1.0
    return float(np.clip(top, least, 1.0))
