"""Cells changed by hand: a change goes into the settings of the choice, and the recording follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_calcium import __version__
from napari_calcium.curation.chosen_cells import (
    NEEDS_MOVIE,
    deleted,
    drawn_cells,
    no_cells,
    with_choice_of_file,
    without_cells,
)
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.pipeline import PipelineSettings, run_stage, shares_of, without_results
from napari_calcium.pipeline_settings import STAGES
from napari_calcium.progress import Progress, part, silent
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.roi_edits import RoiEdit, apply_edits, changed_ids, ids_of, next_id
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError
from napari_calcium.stages.pipeline_movie import cells_added, has_drawn_rois, read_new_cells, rois_to_read

__all__ = [
    "can_read_cells",
    "cells_to_edit",
    "choose_cells",
    "edit_cells",
    "edited_unread",
    "free_id",
    "neighbours_lag",
    "read_edited",
    "read_neighbours",
    "why_not",
]

_SHARE_OF_READING = 0.5


def can_read_cells(recording: Recording) -> bool:
    """Whether the light of other pixels can be read: a movie is there, and the traces are from it."""
    movie = recording.movie
    if movie is None or not getattr(movie.data, "available", True):
        return False
    return not recording.traces or any(entry.stage == "extraction" for entry in recording.log)


def cells_to_edit(recording: Recording) -> Rois | None:
    """Return the cells that can be changed: candidates with those that were drawn, else the ROIs of a file.

    Of a movie on which nothing was found or drawn yet, none; None where there are no places.
    """
    if recording.candidates is not None:
        return recording.candidates
    if recording.rois is not None or recording.movie is None:
        return recording.rois
    height, width = recording.movie.data.shape[-2:]
    return no_cells((int(height), int(width)))


def free_id(recording: Recording) -> int:
    """Return an id that no cell of a recording has, or had before it was merged, split or deleted."""
    known = cells_to_edit(recording)
    used = ids_of(recording.cell_choice.edits)
    return next_id(recording.roi_ids, used, known.ids if known is not None else [])


def edit_cells(recording: Recording, edits: Sequence[RoiEdit]) -> Recording:
    """Change cells by hand.

    Parameters
    ----------
    recording : Recording
        Left as it is.
    edits : sequence of RoiEdit

    Returns
    -------
    Recording
        Its `cell_choice` holds the changes, so that a run with its settings makes them again. With a movie,
        `candidates` are changed, and traces are as they were until :func:`read_edited`. With traces from a
        file, deleted cells are gone, and so are results that were made with them.

    Raises
    ------
    SettingsError
        If a change cannot be made; one line that says why.
    """
    if not can_read_cells(recording):
        return _edited_file(recording, edits)
    choice = recording.cell_choice
    if recording.candidates is None:
        return drawn_cells(recording, choice.without_ids().replace(edits=tuple(edits)))
    after = apply_edits(recording.candidates, edits)
    choice = choice.after_edits(edits, after)
    notes = (f"{len(choice.edits):,} change{'s' if len(choice.edits) != 1 else ''} by hand",)
    entry = LogEntry("rois", {"by": "edited", "number": len(choice.edits)}, ("rois",), (), notes, __version__)
    log = tuple(old for old in recording.log if old.stage != "rois" or old.settings.get("by") != "edited")
    edited = recording.replace(candidates=after, cell_choice=choice, log=(*log, entry))
    if recording.traces:
        return edited
    rois = choice.kept(after)
    return edited.replace(rois=rois, roi_ids=rois.ids)


def _edited_file(recording: Recording, edits: Sequence[RoiEdit]) -> Recording:
    gone = [cell for edit in edits for cell in deleted(recording, edit)]
    choices = recording.event_choices
    left = without_cells(without_results(recording, movie=False).replace(event_choices=choices), gone)
    choice = recording.cell_choice
    choice = choice.among(left.roi_ids.tolist()).replace(edits=(*choice.edits, *edits))
    return left.replace(cell_choice=choice)


def choose_cells(recording: Recording, ids: Iterable[int], *, cells: bool) -> Recording:
    """Accept or reject cells by hand.

    Parameters
    ----------
    recording : Recording
    ids : iterable of int
    cells : bool
        Whether they are cells.

    Returns
    -------
    Recording
        Of a movie's candidates, those rejected leave with the next reading. Of cells from a file, they are
        marked, and stay.

    Raises
    ------
    SettingsError
        If the cells have no places to be marked at.
    """
    wanted = {int(i) for i in ids}
    choice, found = recording.cell_choice, recording.candidates
    if found is not None:
        return recording.replace(cell_choice=choice.decide(found, wanted, cells=cells))
    if recording.rois is None:
        raise SettingsError("these cells have no places to be marked at; delete those you do without")
    return with_choice_of_file(recording, choice.decide(recording.rois, wanted, cells=cells))


def edited_unread(recording: Recording) -> NDArray[np.int64]:
    """Return the ids of cells that were changed by hand and whose traces know nothing of it yet, (n,) int64.

    Of a movie whose fluorescence was not read at all, only where all its cells were drawn: the others are
    read by the stage.
    """
    none: NDArray[np.int64] = np.empty(0, np.int64)
    wanted = rois_to_read(recording)
    if wanted is None or recording.candidates is None or not can_read_cells(recording):
        return none
    if not recording.traces:
        return wanted.ids if has_drawn_rois(recording) else none
    if recording.rois is None:
        return none
    named = ids_of(recording.cell_choice.edits)
    before, after = (r.take(np.flatnonzero(np.isin(r.ids, named))) for r in (recording.rois, wanted))
    gone = np.setdiff1d(before.ids, after.ids)
    return np.sort(np.append(changed_ids(before, after), gone)).astype(np.int64)


def read_edited(
    recording: Recording,
    settings: ExtractionSettings,
    on_progress: Progress = silent,
    *,
    follow: PipelineSettings | None = None,
) -> Recording:
    """Read the traces of cells that were changed by hand, and of no others; make later results anew if asked.

    Parameters
    ----------
    recording : Recording
    settings : ExtractionSettings
    on_progress : Progress
    follow : PipelineSettings, optional
        Its stages after the fluorescence run, too; a skipped one does not. None leaves them to the user.

    Returns
    -------
    Recording
        Neighbours of the cells still have their traces of before, until :func:`read_neighbours` or a run of
        the stage.
    """
    share = 1.0 if follow is None else _SHARE_OF_READING
    if can_read_cells(recording):
        recording = read_new_cells(recording, settings, part(on_progress, 0.0, share))
    return recording if follow is None else _followed(recording, follow, part(on_progress, share, 1.0))


def neighbours_lag(recording: Recording) -> bool:
    """Return whether cells around changed ones still have their traces, and neuropil, of before."""
    return bool(recording.traces) and can_read_cells(recording) and cells_added(recording)


def read_neighbours(
    recording: Recording,
    before: Recording,
    settings: ExtractionSettings,
    on_progress: Progress = silent,
    *,
    follow: PipelineSettings | None = None,
) -> Recording:
    """Read anew whatever a change of cells changed: them, those that overlap them, and rings that avoid them.

    Parameters
    ----------
    recording : Recording
        Whose changed cells were read by :func:`read_edited`.
    before : Recording
        As it was before those changes; the cells that nothing changed for are taken from it.
    settings : ExtractionSettings
    on_progress : Progress
    follow : PipelineSettings, optional
        As for :func:`read_edited`.

    Returns
    -------
    Recording
        With the traces that the stage of the fluorescence gives, to the byte.
    """
    share = 1.0 if follow is None else _SHARE_OF_READING
    log = [entry for entry in recording.log if entry.stage != "extraction"]
    log += [entry for entry in before.log if entry.stage == "extraction"]
    # The stage takes over what was read of the cells that it finds in the recording.
    known = recording.replace(
        rois=before.rois, roi_ids=before.roi_ids, traces=_light(before), cell_names=(), log=tuple(log)
    )
    read = run_stage(known, "extraction", settings, on_progress=part(on_progress, 0.0, share))
    return read if follow is None else _followed(read, follow, part(on_progress, share, 1.0))


def _light(recording: Recording) -> dict[str, Trace]:
    """Return the traces that the fluorescence is made of, without those of later stages."""
    return {name: recording.traces[name] for name in ("raw", "neuropil", "corrected")}


def _followed(recording: Recording, follow: PipelineSettings, on_progress: Progress) -> Recording:
    """Run the stages after the fluorescence that the settings name."""
    given = {"baseline"} if "dff" in recording.traces else set()
    wanted = [stage for stage in STAGES if getattr(follow, stage) is not None and stage not in given]
    for stage, progress in shares_of(wanted, on_progress):
        recording = run_stage(recording, stage, getattr(follow, stage), on_progress=progress)
    return recording


def why_not(recording: Recording) -> str:
    """Return why cells can only be accepted, rejected and deleted; empty where all can be done."""
    return "" if can_read_cells(recording) else NEEDS_MOVIE[0].upper() + NEEDS_MOVIE[1:] + "."
