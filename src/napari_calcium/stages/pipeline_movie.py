"""The stages from a raw movie to fluorescence, on a recording: registration, cells, extraction."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium import __version__
from napari_calcium.curation.kept_drawings import drawn_again, drawn_of
from napari_calcium.movie.binned_movie import BinnedMovie
from napari_calcium.movie.cellpose_cells import CellposeMissingError
from napari_calcium.movie.chunks import MovieSource, movie_shape
from napari_calcium.movie.extraction import Extraction
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.movie.grid import Grid
from napari_calcium.movie.partial_extraction import KnownTraces, extract_changed, extract_few
from napari_calcium.movie.registered_movie import RegisteredMovie
from napari_calcium.movie.registration import Registration, register
from napari_calcium.movie.registration_quality import residual_motion
from napari_calcium.movie.segmentation import find_cells
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.plurals import count_of
from napari_calcium.progress import Progress, part, silent
from napari_calcium.recording import LogEntry, Recording, Source, Trace
from napari_calcium.results.tables import Motion
from napari_calcium.roi_edits import SetFootprint, apply_edits, changed_ids
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError
from napari_calcium.stages.stage_steps import Apply, Outcome, StageError, rate_of

__all__ = [
    "MOVIE_ADAPTERS",
    "StageError",
    "binned_movie",
    "cells_added",
    "has_drawn_rois",
    "has_raw_movie",
    "lags_behind",
    "read_new_cells",
    "registered_movie",
    "rois_to_read",
]

_TRACES = ("raw", "neuropil", "corrected")
_REBINNING_SHARE = 0.7
_REGISTERED_SHARE = 0.95


class _Scratch:
    """The binned movie of the registration that was made last, for as long as its motion is looked at.

    A stage knows the recording alone, and the binned movie is too large to be part of it; made again, it
    would take as long as the registration.
    """

    def __init__(self) -> None:
        self._held: tuple[weakref.ref[Motion], BinnedMovie] | None = None

    def keep(self, motion: Motion, binned: BinnedMovie) -> None:
        """Keep the binned movie of this motion, and let go of any other."""
        self._held = (weakref.ref(motion, self._forget), binned)

    def of(self, motion: Motion) -> BinnedMovie | None:
        """Return the binned movie that belongs to a motion, None where it is not kept."""
        held = self._held
        return held[1] if held is not None and held[0]() is motion else None

    def _forget(self, reference: weakref.ref[Motion]) -> None:
        held = self._held
        if held is not None and held[0] is reference:
            self._held = None


_scratch = _Scratch()


def has_raw_movie(recording: Recording) -> bool:
    """Whether a recording is a movie from which no fluorescence was read yet."""
    return recording.movie is not None and not recording.traces


def has_drawn_rois(recording: Recording) -> bool:
    """Whether all ROIs were drawn by hand: nothing was detected."""
    found = any(entry.stage == "segmentation" for entry in recording.log)
    return not found and any(e.stage == "rois" and e.settings.get("by") == "drawn" for e in recording.log)


def registered_movie(recording: Recording) -> MovieSource:
    """Return the movie of a recording in registered coordinates, moved when it is read.

    Returns
    -------
    MovieSource
        The movie as it is where it was not registered.

    Raises
    ------
    StageError
        If there is no movie, or another one than was registered.
    """
    movie, motion = _movie_of(recording), recording.motion
    if motion is None:
        return movie
    n_frames = movie_shape(movie)[0]
    if len(motion) != n_frames:
        raise StageError(
            f"the movie has {n_frames:,} frames but {len(motion):,} were registered; run Registration again"
        )
    return RegisteredMovie(movie, motion.fields, _grid_of(motion), line_phase=motion.line_phase_px)


def binned_movie(
    recording: Recording, on_progress: Progress, executor: Executor | None = None
) -> MovieSource:
    """Return what cells are detected in: the binned movie of the registration, or the movie itself.

    The binned movie of the registration that ran last is kept. That of an earlier one, or of a recording that
    was saved, is made again by the same registration, which takes as long as that did.

    Raises
    ------
    StageError
        If there is no movie, or the program cannot repeat the registration.
    """
    motion = recording.motion
    if motion is None:
        return _movie_of(recording)
    kept = _scratch.of(motion)
    if kept is not None:
        return kept
    again = _register_again(recording, on_progress, executor)
    if not np.array_equal(again.fields, motion.fields):
        raise StageError(
            "the registration was made by another version of the program; run Registration again"
        )
    _scratch.keep(motion, again.binned)
    return again.binned


def rois_to_read(recording: Recording) -> Rois | None:
    """Return the ROIs whose fluorescence is wanted: the chosen candidates, else those that are there."""
    if recording.candidates is not None:
        return recording.cell_choice.kept(recording.candidates)
    return recording.rois


def lags_behind(recording: Recording) -> bool:
    """Whether other cells are chosen now than those whose fluorescence was read, or some since added."""
    wanted = rois_to_read(recording)
    if wanted is None or recording.rois is None:
        return False
    if cells_added(recording):
        return True
    same = np.array_equal(wanted.ids, recording.rois.ids)
    return not (same and np.array_equal(wanted.accepted, recording.rois.accepted))


def read_new_cells(
    recording: Recording, settings: ExtractionSettings, on_progress: Progress = silent
) -> Recording:
    """Read at once the fluorescence of chosen cells that have none yet or other pixels, and of no others.

    Parameters
    ----------
    recording : Recording
        Of a movie. Results of later stages are dropped, since they were made of other cells.
    settings : ExtractionSettings
    on_progress : Progress

    Returns
    -------
    Recording
        Whose cells in the neighbourhood of the new ones still have their traces of before, so that the stage
        is out of date until it is run.
    """
    rois = rois_to_read(recording)
    known = _read_before(recording, settings)
    if rois is None or known is None:
        return _with_log(
            recording, "extraction", settings, _extraction(recording, settings, on_progress, None)
        )
    new = changed_ids(known.rois, rois)
    bad = None if recording.motion is None else recording.motion.bad
    movie, rate = registered_movie(recording), rate_of(recording)
    few = extract_few(movie, rois, new, rate, settings, bad=bad, on_progress=on_progress)
    # Of a cell with other pixels, the later of its two rows counts.
    place = {k: row for row, k in enumerate([*known.rois.ids.tolist(), *new.tolist()])}
    order = np.array([place[k] for k in rois.ids.tolist()], np.int64)
    light = Extraction(
        np.concatenate([known.raw, few.raw])[order],
        np.concatenate([known.neuropil, few.neuropil])[order],
        np.concatenate([known.corrected, few.corrected])[order],
        np.concatenate([known.coefficients, few.coefficients])[order],
        few.interpolated if len(new) else _unusable(recording),
    )
    added = tuple(entry for entry in recording.log if entry.stage == "rois")
    others = recording.replace(log=tuple(entry for entry in recording.log if entry.stage != "rois"))
    read = _with_log(others, "extraction", settings, _outcome(rois, light))
    return read.replace(log=(*read.log, *added))


def _unusable(recording: Recording) -> NDArray[np.bool_]:
    """Return the frames that count as missing where no cell is read that could tell more."""
    motion = recording.motion
    return np.zeros(recording.n_frames, np.bool_) if motion is None else np.asarray(motion.bad, np.bool_)


def cells_added(recording: Recording) -> bool:
    """Return whether cells were added since all were read: the neuropil around them is as it was before."""
    stages = [entry.stage for entry in recording.log]
    return "extraction" in stages and "rois" in stages[stages.index("extraction") :]


def _with_log(recording: Recording, stage: str, settings: Any, outcome: Outcome) -> Recording:
    given = settings.model_dump(mode="json")
    entry = LogEntry(stage, given, outcome.reads, outcome.writes, outcome.notes, __version__)
    return recording.with_step(entry, **outcome.changes)


def _outcome(rois: Rois, light: Extraction) -> Outcome:
    changes = {
        "traces": {name: Trace(getattr(light, name), "a.u.") for name in _TRACES},
        "rois": _with_coefficients(rois, light),
        "roi_ids": rois.ids,
    }
    writes = tuple(f"traces/{name}" for name in _TRACES)
    return Outcome(changes, ("motion", "rois"), writes, _trace_notes(light))


def _registration(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    guide = None if rec.movie is None else rec.movie.guide
    found = register(
        _movie_of(rec),
        rate_of(rec),
        settings,
        guide=guide,
        on_progress=part(on_progress, 0.0, _REGISTERED_SHARE),
        executor=executor,
    )
    residual = residual_motion(found.binned, on_progress=part(on_progress, _REGISTERED_SHARE, 1.0))
    motion = _motion(found, residual)
    _scratch.keep(motion, found.binned)
    changes = {"motion": motion, "images": {**rec.images, **found.images}}
    return Outcome(changes, ("movie",), ("motion", "images"), _motion_notes(found))


def _segmentation(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    known = rec.motion is None or _scratch.of(rec.motion) is not None
    start = 0.0 if known else _REBINNING_SHARE
    binned = binned_movie(rec, part(on_progress, 0.0, start), executor)
    try:
        found = find_cells(
            binned,
            rec.images,
            rate_of(rec),
            settings,
            on_progress=part(on_progress, start, 1.0),
            executor=executor,
        )
    except CellposeMissingError as error:
        raise StageError(str(error)) from None
    choice, drawn = rec.cell_choice, _drawn_before(rec)
    if drawn is not None:
        # The ids of candidates that were found before mean others now; what was drawn is where it was.
        choice = choice.without_ids().replace(edits=drawn_again(found, drawn))
    found = apply_edits(found, choice.edits)
    rois = choice.kept(found)
    changes = {"candidates": found, "cell_choice": choice, "rois": rois, "roi_ids": rois.ids}
    notes = (*_cell_notes(choice.accepts(found)), *_kept_notes(rec, drawn))
    return Outcome(changes, ("motion", "images"), ("rois",), notes)


def _drawn_before(rec: Recording) -> Rois | None:
    """Return the cells that were drawn by hand; None where there are no candidates yet."""
    if rec.candidates is None:
        return None
    return drawn_of(rec.candidates, rec.cell_choice, all_of_them=has_drawn_rois(rec))


def _extraction(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    rois = rois_to_read(rec)
    if rois is None:
        raise StageError(
            "there are no ROIs to read the fluorescence of; run Cells, or draw some and use them"
        )
    bad = None if rec.motion is None else rec.motion.bad
    light, _ = extract_changed(
        registered_movie(rec),
        rois,
        rate_of(rec),
        settings,
        known=None if cells_added(rec) else _read_before(rec, settings),
        bad=bad,
        on_progress=on_progress,
        executor=executor,
    )
    return _outcome(rois, light)


MOVIE_ADAPTERS: Mapping[str, Apply] = MappingProxyType(
    {"registration": _registration, "segmentation": _segmentation, "extraction": _extraction}
)
"""Stages from a movie to traces, by name."""


def _movie_of(recording: Recording) -> MovieSource:
    movie = recording.movie
    if movie is None:
        raise StageError("this recording has no movie; open the movie it came from")
    if not getattr(movie.data, "available", True):
        raise StageError(f"{movie.path}: the movie is no longer there; put it beside the recording")
    if movie.path is not None and not hasattr(movie.data, "available"):
        _check_file(Path(movie.path), recording.source)
    data: MovieSource = movie.data
    return data


def _check_file(path: Path, source: Source | None) -> None:
    """Refuse a file that is gone or was cut since it was opened: reading a map of it ends the program."""
    if not path.exists():
        raise StageError(f"{path.name}: the movie is no longer there; put it back into {path.parent}")
    if source is not None and source.name == path.name and path.is_file():
        size = path.stat().st_size
        if size < source.size:
            raise StageError(
                f"{path.name}: the file has {size:,} bytes, but {source.size:,} when it was opened; "
                "copy it again and open it anew"
            )


def _read_before(rec: Recording, settings: Any) -> KnownTraces | None:
    """Return what was read with the same settings; another registration would have taken it away."""
    entry = next((e for e in rec.log if e.stage == "extraction"), None)
    if entry is None or rec.rois is None or entry.settings != settings.model_dump(mode="json"):
        return None
    coefficients = rec.rois.quality.get("neuropil_coefficient")
    if coefficients is None or entry.version != __version__ or not set(_TRACES) <= rec.traces.keys():
        return None
    raw, neuropil, corrected = (rec.traces[name].values for name in _TRACES)
    return KnownTraces(rec.rois, raw, neuropil, corrected, coefficients)


def _register_again(rec: Recording, on_progress: Progress, executor: Executor | None) -> Registration:
    entry: LogEntry | None = next((e for e in rec.log if e.stage == "registration"), None)
    try:
        settings = PipelineSettings.validated(
            {"registration": dict(entry.settings) if entry is not None else None}
        ).registration
    except SettingsError:
        settings = None
    if settings is None:
        raise StageError("how the movie was registered is not known any more; run Registration again")
    guide = None if rec.movie is None else rec.movie.guide
    return register(
        _movie_of(rec), rate_of(rec), settings, guide=guide, on_progress=on_progress, executor=executor
    )


def _grid_of(motion: Motion) -> Grid:
    y, x = motion.node_y_px, motion.node_x_px
    return Grid(len(y), len(x), float(y[0]), float(y[1] - y[0]), float(x[0]), float(x[1] - x[0]))


def _motion(found: Registration, residual: NDArray[np.float64]) -> Motion:
    return Motion(
        found.shifts[:, 0],
        found.shifts[:, 1],
        found.correlation.astype(np.float64),
        found.bad,
        found.fields,
        found.grid.y,
        found.grid.x,
        float(found.line_phase),
        residual,
    )


def _motion_notes(found: Registration) -> tuple[str, ...]:
    largest = np.hypot(*found.shifts.T).max(initial=0.0)
    bad = int(found.bad.sum())
    are = "is" if bad == 1 else "are"
    of = count_of(len(found.bad), "frame")
    return (f"frames moved by up to {largest:.1f} px; {bad:,} of {of} {are} bad",)


def _cell_notes(accepted: Any) -> tuple[str, ...]:
    cells = int(accepted.sum())
    rejected = count_of(len(accepted) - cells, "candidate")
    return (f"{count_of(cells, 'cell')} accepted, {rejected} rejected",)


def _kept_notes(before: Recording, drawn: Rois | None) -> tuple[str, ...]:
    """Say which cells drawn by hand are kept, and what was decided that cannot be taken over to new cells."""
    if drawn is None:
        return ()
    choice, kept = before.cell_choice, len(drawn)
    notes = (f"{count_of(kept, 'cell')} drawn by hand kept",) if kept else ()
    decided = {*choice.accepted, *choice.rejected}.difference(drawn.ids.tolist())
    edits = () if has_drawn_rois(before) else choice.edits
    gone = [e for e in edits if not (isinstance(e, SetFootprint) and e.roi_id in drawn.ids)]
    lost = len(decided) + len(gone)
    if not lost:
        return notes
    return (*notes, f"{count_of(lost, 'decision')} by hand were about other candidates, and are gone")


def _trace_notes(found: Extraction) -> tuple[str, ...]:
    lost = int(found.interpolated.sum())
    return (f"interpolated over {lost:,} bad or missing frames",) if lost else ()


def _with_coefficients(rois: Rois, light: Extraction) -> Rois:
    quality = {**rois.quality, "neuropil_coefficient": np.asarray(light.coefficients, np.float64)}
    return Rois(rois.ids, rois.footprints, rois.shape, rois.labels, rois.accepted, quality)
