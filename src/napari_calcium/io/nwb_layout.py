"""Where a saved recording lies in its NWB file; what the writer and the reader of our own files share."""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "ABOUT",
    "CELLS",
    "MODULE",
    "MORE",
    "MOTION_FIELDS",
    "NO_PLACE",
    "SCHEMA_VERSION",
    "SIMILARITY",
    "interface_of",
    "safe_names",
    "series_names",
]

SCHEMA_VERSION: Final = 2
"""1: without `MORE`. Files of every earlier version are read."""
MORE: Final = "more"
"""In the JSON text: results that NWB has no table for; their arrays are in scratch by their names."""
MODULE: Final = "napari_calcium"
"""Processing module of the tables that NWB has no place for."""
ABOUT: Final = "napari_calcium_recording"
"""Scratch text, JSON: everything that is not an array, and where the arrays are."""
SIMILARITY: Final = "ensemble_event_similarity"
MOTION_FIELDS: Final = ("fields", "node_y_px", "node_x_px", "residual_px")
"""What the registration found that is no column, in scratch as ``motion_…``; earlier files lack the last."""
CELLS: Final = "processing/ophys/ImageSegmentation/PlaneSegmentation"
_SERIES: Final = {
    "raw": "RoiResponseSeries",
    "neuropil": "Neuropil",
    "dff": "Dff",
    "denoised": "Denoised",
    "baseline": "Baseline",
    "spikes": "Deconvolved",
}
"""What programs that read NWB (roiextractors, neuroconv) look for."""
NO_PLACE: Final = -1
"""In the column ``place``: a cell without ROI."""


def interface_of(name: str, unit: str) -> str:
    """Return the NWB interface that a trace belongs to, so that other programs find it."""
    if name == "neuropil":
        return "Neuropil"
    if name == "spikes":
        return "Deconvolved"
    return "DfOverF" if unit == "ΔF/F" else "Fluorescence"


def safe_names(names: tuple[str, ...], otherwise: str) -> dict[str, str]:
    """Return for each name one that HDF5 and NWB allow: itself as a rule, else a numbered one."""
    safe: dict[str, str] = {}
    for k, name in enumerate(names):
        plain = re.fullmatch(r"\w[\w -]{0,60}", name) and name not in ("id", "colnames", "description")
        safe[name] = name if plain else f"{otherwise} {k}"
    # A plain name may be just what another one was replaced by.
    if len(set(safe.values())) < len(safe):
        return {name: f"{otherwise} {k}" for k, name in enumerate(names)}
    return safe


def series_names(traces: tuple[str, ...]) -> dict[str, str]:
    """Return what each trace is called in the file: as other programs call such a thing, if they know it."""
    known = tuple(_SERIES.get(name, name) for name in traces)
    usual = known if len(set(known)) == len(known) else traces
    return dict(zip(traces, safe_names(usual, "trace").values(), strict=True))
