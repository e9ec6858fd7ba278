"""What the user knows of the cells: the indicator and the cell type, as the network is told them."""

from __future__ import annotations

import logging
import re
from typing import Annotated, Literal

from napari_calcium.settings import Choice

__all__ = ["CELL_TYPES", "FAMILIES", "CellType", "IndicatorName", "cell_type_index", "family_index"]

FAMILIES: tuple[str, ...] = (
    "unknown",
    "OGB-1, Cal-520",
    "GCaMP6f, GCaMP7f",
    "GCaMP6s",
    "GCaMP8, XCaMP",
    "red",
)
"""Indicators that respond alike share what the network has learnt of them."""

CELL_TYPES: tuple[str, ...] = ("unknown", "excitatory", "inhibitory")
"""Types of cell that the network tells apart."""

IndicatorName = Annotated[
    Literal[
        "unknown",
        "GCaMP5k",
        "GCaMP6f",
        "GCaMP6s",
        "GCaMP7f",
        "GCaMP8f",
        "GCaMP8m",
        "GCaMP8s",
        "XCaMP-Gf",
        "jRGECO1a",
        "R-CaMP1.07",
        "OGB-1",
        "Cal-520",
    ],
    Choice((("unknown", "unknown"),)),
]
"""Presets of :data:`napari_calcium.numerics.indicators.INDICATORS`, or ``"unknown"``."""

CellType = Literal["unknown", "excitatory", "inhibitory"]

# Matched against the name in small letters without spaces, hyphens and dots, in this order.
_PATTERNS: tuple[tuple[str, int], ...] = (
    (r"unknown|estimate|", 0),
    (r"(ogb|oregongreen|cal520|fluo4|fluo5|calciumgreen).*", 1),
    # One dataset of GCaMP5k: as a family of its own it would be learnt by heart. Held out, r at 50 ms was
    # .760 told that it is like GCaMP6f, .754 untold and .723 told that it is like GCaMP6s.
    (r"j?gcamp(5|6f|7f).*", 2),
    (r"j?gcamp(2|3|6m|6s|6|7s|7c|7b|7).*", 3),
    (r"(j?gcamp8|xcamp(gf|g)).*", 4),
    (r"(j?r-?camp|j?r?geco|xcampr|kgeco).*", 5),
)

_log = logging.getLogger(__name__)


def family_index(indicator: str) -> int:
    """Return the place in :data:`FAMILIES` of an indicator's name.

    Parameters
    ----------
    indicator : str
        Capitals, spaces, hyphens and dots do not count: ``"GCaMP6f"``, ``"jGCaMP8s"``, ``"OGB1"``.

    Returns
    -------
    int
        0 (unknown) for a name that is not known, with a line in the log: the network then judges from the
        traces alone.
    """
    plain = re.sub(r"[\s_.-]", "", indicator).lower()
    for pattern, family in _PATTERNS:
        if re.fullmatch(pattern, plain):
            return family
    _log.warning(
        "spike inference has not been trained on %r; it is taken as unknown. Known families: %s",
        indicator,
        "; ".join(FAMILIES[1:]),
    )
    return 0


def cell_type_index(cell_type: str) -> int:
    """Return the place of a cell type in :data:`CELL_TYPES`.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    if cell_type not in CELL_TYPES:
        raise ValueError(f"cell_type must be one of {', '.join(CELL_TYPES)}, got {cell_type!r}")
    return CELL_TYPES.index(cell_type)
