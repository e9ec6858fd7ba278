"""What the settings say of cells by hand, made so on a recording: of a file, or drawn on a movie."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium import __version__
from napari_calcium.cell_choice import CellChoice
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.roi_edits import DeleteRois, RoiEdit, apply_edits
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError

__all__ = ["NEEDS_MOVIE", "deleted", "drawn_cells", "no_cells", "with_choice_of_file", "without_cells"]

NEEDS_MOVIE = (
    "the traces came from a file, so the light of other pixels cannot be read: "
    "cells can be accepted, rejected and deleted"
)


def no_cells(shape: tuple[int, int]) -> Rois:
    """Return ROIs of an image without any."""
    return Rois(np.empty(0, np.int64), sparse.csr_array((0, shape[0] * shape[1]), dtype=np.float32), shape)


def drawn_cells(recording: Recording, choice: CellChoice) -> Recording:
    """Give a movie the cells that were drawn by hand and no others.

    Parameters
    ----------
    recording : Recording
        With a movie and no ROIs.
    choice : CellChoice
        Its changes begin with an empty image.

    Raises
    ------
    SettingsError
        If a change names a cell that was not drawn.
    """
    assert recording.movie is not None
    height, width = recording.movie.data.shape[-2:]
    found = apply_edits(no_cells((int(height), int(width))), choice.edits)
    n = len(found)
    notes = (f"{n:,} ROI{'s' if n != 1 else ''} drawn by hand",)
    entry = LogEntry("rois", {"by": "drawn", "number": n}, (), ("rois",), notes, __version__)
    rois = choice.kept(found)
    return recording.with_step(entry, rois=rois, candidates=found, roi_ids=rois.ids, cell_choice=choice)


def with_choice_of_file(recording: Recording, choice: CellChoice) -> Recording:
    """Return a recording whose traces came from a file with the cells that were chosen by hand.

    Parameters
    ----------
    recording : Recording
        Without results of stages.
    choice : CellChoice
        Cells that it deletes go, unless they went before; accepted and rejected ones are marked so. Where it
        says nothing of any cell, what was done to them before stands.

    Raises
    ------
    SettingsError
        If a change takes a movie, or names a cell that is not there.
    """
    own = recording.cell_choice
    before = own.edits
    if not choice.by_hand and own.by_hand:
        # Settings that say nothing of these cells: what was done to them stands.
        choice = own.replace(threshold=choice.threshold, keep_rejected=choice.keep_rejected)
    if choice.edits[: len(before)] != before:
        raise SettingsError("cell_choice.edits: other cells than these were changed by hand before")
    for edit in choice.edits[len(before) :]:
        recording = without_cells(recording, deleted(recording, edit))
    rois = recording.rois
    if rois is not None and (choice.accepted or choice.rejected):
        flags = rois.accepted | np.isin(rois.ids, choice.accepted)
        flags &= ~np.isin(rois.ids, choice.rejected)
        rois = Rois(rois.ids, rois.footprints, rois.shape, rois.labels, flags, rois.quality)
    return recording.replace(rois=rois, cell_choice=choice)


def deleted(recording: Recording, edit: RoiEdit) -> tuple[int, ...]:
    """Return the cells that a change deletes; refuse any other change."""
    if not isinstance(edit, DeleteRois):
        raise SettingsError(NEEDS_MOVIE)
    unknown = np.setdiff1d(edit.roi_ids, recording.roi_ids)
    if len(unknown):
        raise SettingsError(f"there is no cell {unknown[0]} to delete")
    return edit.roi_ids


def without_cells(recording: Recording, ids: Iterable[int]) -> Recording:
    """Return a recording without some cells: no trace, name, place, candidate or decision of them is left.

    Parameters
    ----------
    recording : Recording
        Without results of stages that are about all cells.
    ids : iterable of int
    """
    kept: NDArray[np.bool_] = ~np.isin(recording.roi_ids, list(ids))
    left = recording.roi_ids[kept]
    names = tuple(name for name, keep in zip(recording.cell_names, kept.tolist(), strict=False) if keep)

    def of(rois: Rois | None) -> Rois | None:
        return (
            None if rois is None else rois.take(np.flatnonzero(~np.isin(rois.ids, recording.roi_ids[~kept])))
        )

    return recording.replace(
        roi_ids=left,
        traces={name: Trace(t.values[kept], t.unit) for name, t in recording.traces.items()},
        cell_names=names,
        rois=of(recording.rois),
        candidates=of(recording.candidates),
        event_choices=tuple(c for c in recording.event_choices if c.roi_id in set(left.tolist())),
    )
