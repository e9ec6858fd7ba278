"""Recording: one experiment with everything known of it; immutable, so a stage yields a new one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_calcium.cell_choice import CellChoice
from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.results.behaviour_findings import Decoding, Preferences, Relations, Triggered, Tuning
from napari_calcium.results.behaviour_results import Behaviour, BehaviourFile
from napari_calcium.results.event_choices import EventChoice, JudgedEvents
from napari_calcium.results.population_results import Population
from napari_calcium.results.tables import (
    Coactivity,
    EnsembleEvents,
    Ensembles,
    Events,
    Motion,
    SpikeTimes,
    freeze,
    same_array,
)
from napari_calcium.rois import Rois

__all__ = ["RESULTS", "LogEntry", "Movie", "Recording", "Source", "Trace"]


@dataclass(frozen=True, eq=False)
class Trace:
    """One stage of all traces.

    Attributes
    ----------
    values : (n_rois, n_frames) float32
        Read-only and C-contiguous; NaN marks a missing sample.
    unit : str
        ``"a.u."`` for raw intensity, ``"ΔF/F"`` for a fraction, ``"spikes/s"`` …
    """

    values: NDArray[np.float32]
    unit: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", freeze(check_traces(self.values)))

    @classmethod
    def of_checked(cls, values: NDArray[np.float32], unit: str) -> Self:
        """Return a trace of values that are known to be (n_rois, n_frames), float32, C-contiguous and finite.

        Looking at them once more would take as long as reading them.
        """
        trace = object.__new__(cls)
        object.__setattr__(trace, "values", freeze(values))
        object.__setattr__(trace, "unit", unit)
        return trace

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return self.unit == other.unit and same_array(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Movie:
    """A movie that is never read whole.

    Attributes
    ----------
    data
        Anything with ``shape`` (n_frames, height, width), ``dtype`` and slicing along time.
    path : str or None
        Where it came from.
    guide
        Another channel of the same shape, by which the motion is found; None where it is found in `data`.
    """

    data: Any
    path: str | None = None
    guide: Any = None

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.data.shape[0])


@dataclass(frozen=True)
class Source:
    """The file a recording was read from.

    Attributes
    ----------
    name : str
        File name without folder.
    size : int
        Bytes.
    sha256 : str
        Taken within the reading pass; empty where the file is not read whole (movies).
    """

    name: str
    size: int
    sha256: str = ""


@dataclass(frozen=True)
class LogEntry:
    """One step of the provenance.

    Attributes
    ----------
    stage : str
        Name of the stage, as in the pipeline's settings.
    settings : dict
        All its settings, as plain data.
    reads, writes : tuple of str
        Results it used and made: ``"traces/dff"``, ``"events"`` …
    notes : tuple of str
        What the user should know: guesses, skipped cells, warnings.
    version : str
        Version of the program.
    seconds, peak_memory_mb : float
        Wall time and highest memory of the process during the step; not part of equality.
    """

    stage: str
    settings: Mapping[str, Any]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    version: str = ""
    seconds: float = field(default=0.0, compare=False)
    peak_memory_mb: float = field(default=0.0, compare=False)


RESULTS: tuple[str, ...] = (
    "spike_times",
    "events",
    "detected_events",
    "coactivity",
    "ensemble_events",
    "ensembles",
    "features",
    "population",
    "behaviour",
    "relations",
    "tuning",
    "triggered",
    "preferences",
    "decoding",
)
"""Fields of a recording that stages make beside traces; None until they ran, and again when out of date."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One experiment: traces by stage, ROIs, movie, events, ensembles and how each was made.

    Attributes
    ----------
    name : str
        What the user calls it; the file's stem as a rule.
    roi_ids : (n_rois,) int64
        Ids of the rows of every trace; unique, and never changed.
    frame_rate : float or None
        Frames per second; None while it is not known, and then no stage can run.
    traces : mapping of str to Trace
        By stage: ``"raw"``, ``"baseline"`` (F0), ``"dff"``, ``"background_corrected"``, ``"denoised"`` …
        All of one shape.
    cell_names : tuple of str
        How the file called its cells; empty where it did not.
    rois : Rois or None
        Positions. Its ids are among `roi_ids`; cells without a position are allowed.
    images : mapping of str to (height, width) float32
        ``"mean"``, ``"local_correlation"`` …
    movie : Movie or None
    pixel_size_um : float or None
    events, coactivity, ensemble_events, ensembles
        Results of the stages, None until they ran.
    features : mapping of str to (n_rois,) array, or None
        Numbers of each neuron, units in the names.
    recording_features : mapping of str to float
        Numbers of the whole recording.
    source : Source or None
    log : tuple of LogEntry
        The steps that made what is here, in order.
    motion : Motion or None
        How the movie's frames lay on their template.
    detected_events : JudgedEvents or None
        What detection found, where `events` are those that stand after they were judged by hand.
    event_choices : tuple of EventChoice
        What the user decided about single events. Kept through all steps; `events` may lag behind.
    candidates : Rois or None
        All that was found in the movie, with its quality; `rois` are those of them that count as cells.
    cell_choice : CellChoice
        Which candidates count as cells. Until the fluorescence is read again, `rois` may lag behind.
    population : Population or None
        Results of the stages of the population.
    behaviour_file : BehaviourFile or None
        What files say of the behaviour, on their own clock.
    behaviour : Behaviour or None
        The same on the frames of the recording.
    spike_times : SpikeTimes or None
        Single spikes, where they were asked for.
    session_facts : mapping of str to str, float or tuple of str
        What the file said of animal, session and microscope, by NWB's names (``"subject.species"``).
        Nothing is computed from it; it is kept and written again.
    relations, tuning, triggered, preferences, decoding
        How neurons and ensembles relate to it; None until the stages ran.
    """

    name: str
    roi_ids: NDArray[np.int64]
    frame_rate: float | None
    traces: Mapping[str, Trace] = field(default_factory=dict)
    cell_names: tuple[str, ...] = ()
    rois: Rois | None = None
    images: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    movie: Movie | None = None
    pixel_size_um: float | None = None
    events: Events | None = None
    coactivity: Coactivity | None = None
    ensemble_events: EnsembleEvents | None = None
    ensembles: Ensembles | None = None
    features: Mapping[str, NDArray[Any]] | None = None
    recording_features: Mapping[str, float] = field(default_factory=dict)
    source: Source | None = None
    log: tuple[LogEntry, ...] = ()
    motion: Motion | None = None
    detected_events: JudgedEvents | None = None
    event_choices: tuple[EventChoice, ...] = ()
    candidates: Rois | None = None
    cell_choice: CellChoice = field(default_factory=CellChoice)
    population: Population | None = None
    behaviour_file: BehaviourFile | None = None
    behaviour: Behaviour | None = None
    relations: Relations | None = None
    tuning: Tuning | None = None
    triggered: Triggered | None = None
    preferences: Preferences | None = None
    decoding: Decoding | None = None
    spike_times: SpikeTimes | None = None
    session_facts: Mapping[str, str | float | tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = np.asarray(self.roi_ids, np.int64)
        if ids.ndim != 1 or len(np.unique(ids)) != len(ids):
            raise ValueError("roi_ids must be one-dimensional and unique")
        object.__setattr__(self, "roi_ids", freeze(ids))
        for name in ("traces", "images", "recording_features", "session_facts"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        if self.features is not None:
            object.__setattr__(
                self, "features", MappingProxyType({k: freeze(v) for k, v in self.features.items()})
            )
        if self.frame_rate is not None:
            object.__setattr__(self, "frame_rate", check_frame_rate(self.frame_rate))
        shapes = {name: trace.values.shape for name, trace in self.traces.items()}
        if any(shape[0] != len(ids) for shape in shapes.values()) or len(set(shapes.values())) > 1:
            raise ValueError(f"traces must all have {len(ids)} rows and the same frames, got {shapes}")
        if self.cell_names and len(self.cell_names) != len(ids):
            raise ValueError(f"cell_names must be {len(ids)} names, got {len(self.cell_names)}")
        if self.rois is not None and not np.isin(self.rois.ids, ids).all():
            raise ValueError("ROIs name cells that have no trace; link them by id or by order first")

    @property
    def n_rois(self) -> int:
        """Number of cells."""
        return len(self.roi_ids)

    @property
    def n_frames(self) -> int:
        """Number of frames of the traces, else of the movie, else 0."""
        for trace in self.traces.values():
            return int(trace.values.shape[1])
        return self.movie.n_frames if self.movie is not None else 0

    @property
    def duration_s(self) -> float:
        """Length in seconds; 0 while the frame rate is not known."""
        return self.n_frames / self.frame_rate if self.frame_rate else 0.0

    @property
    def has_positions(self) -> bool:
        """Whether there is a place for the cells: ROIs to click on."""
        return self.rois is not None and len(self.rois) > 0

    def rows(self, ids: Any) -> NDArray[np.int64]:
        """Return the row of each id, leaving out ids that are not in the recording."""
        wanted = np.asarray(tuple(ids) if not isinstance(ids, np.ndarray) else ids, np.int64)
        if not len(wanted) or not self.n_rois:
            return np.empty(0, np.int64)
        order = np.argsort(self.roi_ids, kind="stable")
        place = order[np.minimum(np.searchsorted(self.roi_ids, wanted, sorter=order), self.n_rois - 1)]
        found: NDArray[np.int64] = place[self.roi_ids[place] == wanted]
        return found

    def cell_name(self, roi_id: int) -> str:
        """Return what to call a cell on screen: its name in the file, else its id."""
        row = self.rows([roi_id])
        return self.cell_names[row[0]] if self.cell_names and len(row) else str(roi_id)

    def replace(self, **changes: Any) -> Self:
        """Return a recording with some fields changed that shares all the others."""
        return dataclasses.replace(self, **changes)

    def with_step(self, entry: LogEntry, **changes: Any) -> Self:
        """Return a recording after a step: its results are in, and what was made from older ones is gone.

        Parameters
        ----------
        entry : LogEntry
            Its `writes` say what is new. Every result that was made, directly or in several steps, from an
            earlier version of one of them is dropped, with its log entries; so a result and the settings in
            the log always belong together. What was read from the same file as a trace that is now made anew
            stays. What it reads and writes both, it makes a new version of: the step that made the first
            one stays, and only what was made of it since goes.
        **changes
            Fields of the recording; ``traces`` holds only the new traces.
        """
        stale, kept = set(entry.writes), []
        amended = stale.intersection(entry.reads)
        for old in self.log:
            if (
                amended.intersection(old.writes)
                and old.stage != entry.stage
                and not stale.intersection(old.reads)
            ):
                kept.append(old)
                continue
            left = tuple(name for name in old.writes if name not in stale)
            if not old.reads and left and len(left) < len(old.writes) and old.stage != entry.stage:
                # One of several things that were read from a file, which do not depend on each other.
                kept.append(dataclasses.replace(old, writes=left))
            elif stale.intersection(old.reads) or stale.intersection(old.writes) or old.stage == entry.stage:
                stale.update(old.writes)
            else:
                kept.append(old)
        cleared: dict[str, Any] = {name: None for name in RESULTS if name in stale}
        cleared |= self._population_after(stale, changes.pop("population", None))
        if "features" in stale:
            cleared["recording_features"] = {}
        traces = {name: t for name, t in self.traces.items() if f"traces/{name}" not in stale}
        traces.update(changes.pop("traces", {}))
        if "rois" in stale and "rois" not in changes:
            cleared |= {"rois": None, "candidates": None, "cell_choice": self.cell_choice.without_ids()}
            # Without a trace and a place, nothing is left of a cell.
            cleared |= {} if traces else {"roi_ids": np.empty(0, np.int64)}
        return self.replace(**(cleared | changes), traces=traces, log=(*kept, entry))

    def with_confirmed_step(self, entry: LogEntry, **changes: Any) -> Self:
        """Return a recording after a step that made again what was there: all that was made of it stands.

        Parameters
        ----------
        entry : LogEntry
            Takes the place of the stage's last entry; of a stage that had none, the place before the first
            step that reads what it writes.
        **changes
            Fields of the recording.
        """
        readers = (k for k, old in enumerate(self.log) if set(entry.writes).intersection(old.reads))
        place = next((k for k, old in enumerate(self.log) if old.stage == entry.stage), None)
        begin = next(readers, len(self.log)) if place is None else place
        after = self.log[begin if place is None else place + 1 :]
        return self.replace(**changes, log=(*self.log[:begin], entry, *after))

    def _population_after(self, stale: set[str], newer: Population | None) -> dict[str, Any]:
        """Return the field of the population without parts that are out of date, with those just made."""
        left = (self.population or Population()).without(stale).joined(newer or Population())
        return {"population": None if left.is_empty else left}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recording):
            return NotImplemented
        return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return same_array(a, b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b)
    if isinstance(a, Movie) and isinstance(b, Movie):
        return a.data is b.data or (a.path is not None and a.path == b.path)
    return bool(a == b)
