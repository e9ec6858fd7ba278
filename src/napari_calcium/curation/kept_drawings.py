"""Cells that were drawn by hand, kept when cells are detected: as new ones, or as outlines of those found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.cell_choice import CellChoice
from napari_calcium.roi_edits import SetFootprint, footprint_runs, next_id
from napari_calcium.rois import Rois

__all__ = ["drawn_again", "drawn_of"]

_LEAST_OVERLAP = 0.3
"""Pixels that two footprints share, over those of either: less is not the same cell."""


def drawn_of(candidates: Rois, choice: CellChoice, *, all_of_them: bool) -> Rois:
    """Return the cells that were drawn by hand and are not rejected.

    Parameters
    ----------
    candidates : Rois
        As they are after the changes by hand.
    choice : CellChoice
        With those changes.
    all_of_them : bool
        Whether nothing was detected, so that all were drawn. Else those are meant whose footprint was drawn,
        not parts of cells that were split, nor cells that were merged.
    """
    drawn = [edit.roi_id for edit in choice.edits if isinstance(edit, SetFootprint)]
    rows = choice.accepts(candidates)
    if not all_of_them:
        rows &= np.isin(candidates.ids, drawn)
    return candidates.take(np.flatnonzero(rows))


def drawn_again(found: Rois, drawn: Rois) -> tuple[SetFootprint, ...]:
    """Return drawn cells as changes of the cells that a detection found.

    Parameters
    ----------
    found : Rois
        Without changes by hand.
    drawn : Rois
        Of the same image. One that shares at least 0.3 of the pixels of either with a cell that was found is
        that cell, and its outline takes the place of the one found; any other is a new cell, with an id of
        its own. Which is told in order, a found cell to one drawn cell at most.

    Returns
    -------
    tuple of SetFootprint
        In the order of `drawn`.
    """
    overlaps = _overlaps(drawn, found)
    free = next_id(found.ids)
    edits = []
    for row in range(len(drawn)):
        best = int(overlaps[row].argmax()) if overlaps.shape[1] else -1
        if best >= 0 and overlaps[row, best] >= _LEAST_OVERLAP:
            cell = int(found.ids[best])
            overlaps[:, best] = 0
        else:
            cell, free = free, free + 1
        edits.append(SetFootprint(roi_id=cell, runs=footprint_runs(drawn, row)))
    return tuple(edits)


def _overlaps(a: Rois, b: Rois) -> NDArray[np.float64]:
    """Return the Jaccard similarity of the pixels of each pair, (n_a, n_b) float64."""
    one, other = ((rois.footprints != 0).astype(np.float64) for rois in (a, b))
    shared = (one @ other.T).toarray()
    n_a, n_b = (np.asarray(pixels.sum(axis=1)).ravel() for pixels in (one, other))
    overlaps: NDArray[np.float64] = shared / np.maximum(n_a[:, None] + n_b - shared, 1)
    return overlaps
