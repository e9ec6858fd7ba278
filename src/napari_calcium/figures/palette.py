"""The one source of colours: an ensemble has one colour in the list, on the image and in every plot."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ACCENT_COLOR",
    "BASELINE_COLOR",
    "EVENT_COLOR",
    "EXPECTED_COLOR",
    "THRESHOLD_COLOR",
    "TRACE_COLORS",
    "UNASSIGNED_COLOR",
    "ensemble_color",
    "rgb",
]

UNASSIGNED_COLOR = "#8c8c8c"
"""Ensemble events that belong to no ensemble."""

EVENT_COLOR = "#d55e00"
BASELINE_COLOR = "#e69f00"
EXPECTED_COLOR = "#8c8c8c"
THRESHOLD_COLOR = "#d55e00"
ACCENT_COLOR = "#0072b2"

TRACE_COLORS = {
    "raw": "#6e6e6e",
    "neuropil": "#906030",
    "corrected": "#56b4e9",
    "baseline": BASELINE_COLOR,
    "dff": "#0072b2",
    "background_corrected": "#009e73",
    "denoised": "#aa4499",
    "spikes": "#9a8300",
}
"""Colour of a trace by the stage that made it."""

_FIRST = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#9048f0", "#906030")
"""Okabe and Ito's colours without black and yellow, which vanish on black or white, and two more."""

_LIMIT = 256
"""Beyond so many ensembles no eye tells colours apart: they repeat."""

# How a dichromat sees linear RGB: protanopia, deuteranopia, tritanopia (Machado, Oliveira & Fernandes 2009).
_VISIONS = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ]
)


def ensemble_color(ensemble_id: int) -> str:
    """Return the colour of an ensemble as ``"#rrggbb"``.

    It depends on the id alone. The first eight are curated; each further one is, of all colours that hold on
    black and on white, the one farthest from those before it for normal and colour-blind eyes. Negative ids
    (unassigned) are grey; after 256 colours they repeat.

    Notes
    -----
    From about 15 on, neighbours in this list can be told apart side by side, but not named: label them too.

    References
    ----------
    Okabe & Ito 2008, Color universal design; Machado, Oliveira & Fernandes 2009, doi:10.1109/TVCG.2009.113;
    distances in Ottosson's OKLab (2020).
    """
    if ensemble_id < 0:
        return UNASSIGNED_COLOR
    place = int(ensemble_id) % _LIMIT
    return _FIRST[place] if place < len(_FIRST) else _more()[place - len(_FIRST)]


def rgb(color: str) -> tuple[int, int, int]:
    """Return the red, green and blue of ``"#rrggbb"``, 0 to 255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


@cache
def _more() -> tuple[str, ...]:
    """Return the colours after the curated ones, each the farthest from all before."""
    steps = np.arange(16, 256, 16)
    candidates = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    seen = _as_seen(candidates)
    lightness = seen[:, 0, 0]
    chroma = np.hypot(seen[:, 0, 1], seen[:, 0, 2])
    # Lighter ones would have to be darkened on white, into those that are there.
    usable = (lightness > 0.52) & (lightness < 0.72) & (chroma > 0.08)
    candidates, seen = candidates[usable], seen[usable]
    taken = _as_seen(np.array([rgb(color) for color in (*_FIRST, UNASSIGNED_COLOR)]))
    nearest = np.min([_apart(seen, one) for one in taken], axis=0)
    chosen = []
    for _ in range(_LIMIT - len(_FIRST)):
        best = int(np.argmax(nearest))
        chosen.append("#{:02x}{:02x}{:02x}".format(*candidates[best]))
        nearest = np.minimum(nearest, _apart(seen, seen[best]))
    return tuple(chosen)


def _as_seen(colors: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return sRGB colours (n, 3) in OKLab as each kind of eye sees them, (n, 4, 3)."""
    share = colors / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.einsum("vij,nj->nvi", _VISIONS, linear), 0, 1)
    to_cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    lab: NDArray[np.float64] = np.cbrt(seen @ to_cones.T) @ to_lab.T
    return lab


def _apart(seen: NDArray[np.float64], one: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance from each colour to `one`, dichromats' eyes counting half."""
    distance = np.linalg.norm(seen - one, axis=2)
    nearest: NDArray[np.float64] = np.minimum(distance[:, 0], 2 * distance[:, 1:].min(axis=1))
    return nearest
