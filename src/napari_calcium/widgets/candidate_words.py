"""What is said of a candidate: what it is taken for and why, and its numbers beside what is asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.cell_choice import CellChoice
from napari_calcium.recording import Recording
from napari_calcium.rois import Rois

__all__ = ["candidate_words", "quality_of"]

_NUMBERS = {
    "focus_sd": ("focus", "SD", "focus"),
    "focus_share": ("focus share", "", "focus_share"),
    "disc_share": ("shape", "", "disc_share"),
    "skewness": ("skewness", "", "skewness"),
    "snr": ("SNR", "", ""),
    "radius_px": ("radius", "px", ""),
    "area_px": ("area", "px", ""),
    "contrast_sd": ("contrast", "SD", "contrast"),
}
"""Quality column: what it is called, its unit, and the setting that is its threshold."""


def quality_of(found: Rois) -> NDArray[np.float64]:
    """Return the quality of candidates, NaN for drawn ones."""
    return found.quality.get("quality", np.full(len(found), np.nan))


def candidate_words(recording: Recording, found: Rois, row: int, choice: CellChoice) -> str:
    """Say of a candidate what it is taken for, why, and its numbers beside what is asked for."""
    candidate = int(found.ids[row])
    cell = bool(choice.accepts(found)[row])
    by = " by hand" if candidate in choice.own else ""
    by = " by the classifier" if candidate in choice.by_classifier else by
    quality = quality_of(found)[row]
    entry = next((e for e in recording.log if e.stage == "segmentation"), None)
    asked = dict(entry.settings) if entry is not None else {}
    parts = []
    for name, (words, unit, setting) in _NUMBERS.items():
        value = found.quality[name][row] if name in found.quality else np.nan
        if np.isfinite(value):
            least = f" (asked: {asked[setting]:g})" if setting in asked else ""
            parts.append(f"{words} {value:.3g}{f' {unit}' if unit else ''}{least}")
    judged = f"quality {quality:.2f}" if np.isfinite(quality) else "drawn by hand"
    what = f"<b>Candidate {candidate}: {'cell' if cell else 'rejected'}</b>{by}"
    return f"{what} · {judged}<br>{' · '.join(parts)}"
