"""What the user should know of traces as they come: missing samples, traces that never vary."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["listed", "value_notes"]

_SHOWN = 5
_ROWS = 64


def listed(words: Sequence[str]) -> str:
    """Join words for reading: all of a few, the first five of many."""
    if len(words) > _SHOWN:
        return ", ".join(words[:_SHOWN]) + f" and {len(words) - _SHOWN} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def value_notes(traces: NDArray[np.float32], called: Sequence[str]) -> list[str]:
    """Describe what is missing and what never varies.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
    called : sequence of str
        What to call each neuron.

    Returns
    -------
    list of str
        Sentences, none where all is well: empty neurons, constant neurons, frames without any value, other
        gaps.
    """
    n_rois, n_frames = traces.shape
    missing_of, constant = np.zeros(n_rois, np.int64), np.zeros(n_rois, bool)
    frame_known = np.zeros(n_frames, bool)
    for start in range(0, n_rois, _ROWS):
        rows = slice(start, start + _ROWS)
        missing = np.isnan(traces[rows])
        missing_of[rows] = missing.sum(axis=1)
        frame_known |= ~missing.all(axis=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            constant[rows] = np.nanmin(traces[rows], axis=1) == np.nanmax(traces[rows], axis=1)
    empty = np.flatnonzero(missing_of == n_frames)
    flat = np.flatnonzero(constant & (missing_of < n_frames)) if n_frames > 1 else empty[:0]
    lost = np.flatnonzero(~frame_known) if len(empty) < n_rois else empty[:0]
    notes = []
    if len(empty):
        notes.append(
            f"no values in {listed([called[int(k)] for k in empty])}; kept, and silent in every stage"
        )
    if len(flat):
        notes.append(
            f"never varying: {listed([called[int(k)] for k in flat])}; kept, and silent in every stage"
        )
    if len(lost):
        notes.append(f"no values in frame{'s' * (len(lost) > 1)} {listed([str(k + 1) for k in lost])}")
    gaps = int(missing_of.sum()) - len(empty) * n_frames - len(lost) * (n_rois - len(empty))
    if gaps > 0:
        worst = int(np.argmax(np.where(missing_of < n_frames, missing_of, -1)))
        notes.append(f"{gaps} other values are missing, most of them in {called[worst]}")
    return notes
