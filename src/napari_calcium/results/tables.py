"""What the stages find: immutable tables of equally long columns, named as the results folder names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Activations",
    "Coactivity",
    "EnsembleEvents",
    "Ensembles",
    "Events",
    "Members",
    "Motion",
    "SpikeTimes",
    "Table",
    "empty_column",
    "freeze",
    "same_array",
]


def freeze(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view, so that whoever shares an array cannot change it."""
    view = array.view()
    view.flags.writeable = False
    return view


def same_array(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two arrays agree in shape, dtype and value, where NaN equals NaN."""
    if a is b:
        return True
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


@dataclass(frozen=True, eq=False)
class Table:
    """Base of the result tables; array fields are columns, other fields describe the whole table."""

    def __post_init__(self) -> None:
        lengths = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, item.name, freeze(value))
                if item.metadata.get("column", True):
                    lengths[item.name] = len(value)
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of {type(self).__name__} differ in length: {lengths}")

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name, in the order of the results folder."""
        return {
            item.name: value
            for item in fields(self)
            if isinstance(value := getattr(self, item.name), np.ndarray) and item.metadata.get("column", True)
        }

    def __len__(self) -> int:
        # Asked often: without the other columns.
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray) and item.metadata.get("column", True):
                return len(value)
        raise TypeError(f"{type(self).__name__} has no columns")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            same_array(a, b) if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) else a == b
            for a, b in ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        )

    __hash__ = None  # type: ignore[assignment]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return a table of the chosen rows only."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return type(self)(**(values | {name: column[rows] for name, column in self.columns().items()}))

    def to_dataframe(self) -> pd.DataFrame:
        """Return the columns as a pandas data frame."""
        import pandas as pd

        return pd.DataFrame(self.columns())


def empty_column(dtype: type) -> Any:
    """Return the field of a column that is empty by default."""
    return field(default_factory=lambda: np.empty(0, dtype))


@dataclass(frozen=True, eq=False)
class Events(Table):
    """Transient calcium events, sorted by cell (in the order of the recording's rows) and onset.

    Attributes
    ----------
    roi_id : (n_events,) int64
        Cell of each event: an id, not a row number.
    onset_s, peak_s, end_s : (n_events,) float64
        Seconds from the start of the first frame; ``onset_s <= peak_s <= end_s``.
    amplitude : (n_events,) float64
        Peak minus the level just before onset, in `unit`.
    fwhm_s : (n_events,) float64
        Full width at half of the amplitude, in seconds; NaN where the trace never falls to half.
    unit : str
        Unit of the amplitude: that of the trace, ``"ΔF/F"`` (a fraction) as a rule.
    """

    roi_id: NDArray[np.int64] = empty_column(np.int64)
    onset_s: NDArray[np.float64] = empty_column(np.float64)
    peak_s: NDArray[np.float64] = empty_column(np.float64)
    end_s: NDArray[np.float64] = empty_column(np.float64)
    amplitude: NDArray[np.float64] = empty_column(np.float64)
    fwhm_s: NDArray[np.float64] = empty_column(np.float64)
    unit: str = "ΔF/F"

    def rows(self, roi_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for each event the position of its cell in `roi_ids`.

        Raises
        ------
        ValueError
            If an event's cell is not among `roi_ids`.
        """
        order = np.argsort(roi_ids, kind="stable")
        place = np.searchsorted(roi_ids, self.roi_id, sorter=order)
        place = order[np.minimum(place, max(len(order) - 1, 0))] if len(order) else place
        if len(self) and (not len(order) or (roi_ids[place] != self.roi_id).any()):
            raise ValueError("events name cells that are not in the recording; detect events anew")
        return place.astype(np.int64)


@dataclass(frozen=True, eq=False)
class SpikeTimes(Table):
    """Single spikes, sorted by cell (in the order of the recording's rows) and time.

    Attributes
    ----------
    roi_id : (n_spikes,) int64
        Cell of each spike: an id, not a row number.
    time_s : (n_spikes,) float64
        Seconds from the start of the first frame.
    """

    roi_id: NDArray[np.int64] = empty_column(np.int64)
    time_s: NDArray[np.float64] = empty_column(np.float64)


@dataclass(frozen=True, eq=False)
class Coactivity(Table):
    """How many neurons are active together, window by window.

    Attributes
    ----------
    time_s : (n_windows,) float64
        Start of each window.
    active_neurons : (n_windows,) int64
        Neurons with at least one event onset in the window.
    expected : (n_windows,) float64
        Mean of the count under the null; NaN before significance was tested.
    p_value : (n_windows,) float64
        Probability under the null of at least as many active neurons; NaN before the test.
    threshold : (n_windows,) float64
        A window with more active neurons than this is significant; NaN before the test.
    significant : (n_windows,) bool
    window_s : float
        Width really used, a whole number of frames.
    step_s : float
        From the start of one window to the next; equal to `window_s` for bins that do not overlap.
    """

    time_s: NDArray[np.float64] = empty_column(np.float64)
    active_neurons: NDArray[np.int64] = empty_column(np.int64)
    expected: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    threshold: NDArray[np.float64] = empty_column(np.float64)
    significant: NDArray[np.bool_] = empty_column(np.bool_)
    window_s: float = 0.5
    step_s: float = 0.5


@dataclass(frozen=True, eq=False)
class EnsembleEvents(Table):
    """Moments at which more neurons were active together than chance explains, in order of time.

    Attributes
    ----------
    event_id : (n,) int64
        0, 1, 2 …
    start_s, end_s, peak_s : (n,) float64
        First window's start, last window's end, centre of the most significant window.
    n_neurons : (n,) int64
        Neurons that contribute.
    p_value : (n,) float64
    ensemble_id : (n,) int64
        Ensemble the event belongs to, −1 where it belongs nowhere.
    member_offsets : (n + 1,) int64
        Contributors of event k are ``member_ids[member_offsets[k]:member_offsets[k + 1]]``.
    member_ids : (n_contributions,) int64
        Ids of the contributing neurons, ascending within each event.
    expected_by_chance : float
        How many such events chance alone would give in this recording under the stage's own null.
    """

    event_id: NDArray[np.int64] = empty_column(np.int64)
    start_s: NDArray[np.float64] = empty_column(np.float64)
    end_s: NDArray[np.float64] = empty_column(np.float64)
    peak_s: NDArray[np.float64] = empty_column(np.float64)
    n_neurons: NDArray[np.int64] = empty_column(np.int64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    ensemble_id: NDArray[np.int64] = empty_column(np.int64)
    member_offsets: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(1, np.int64), metadata={"column": False}
    )
    member_ids: NDArray[np.int64] = field(
        default_factory=lambda: np.empty(0, np.int64), metadata={"column": False}
    )
    expected_by_chance: float = float("nan")

    def members(self, event: int) -> NDArray[np.int64]:
        """Return the ids of the neurons that contribute to the event in row `event`."""
        return self.member_ids[self.member_offsets[event] : self.member_offsets[event + 1]]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return a table of the chosen events only, with their contributors."""
        chosen = np.arange(len(self))[rows]
        parts = [self.members(int(k)) for k in chosen]
        offsets = np.concatenate([[0], np.cumsum([len(p) for p in parts], dtype=np.int64)]).astype(np.int64)
        columns = {name: column[chosen] for name, column in self.columns().items()}
        return type(self)(
            **columns,
            member_offsets=offsets,
            member_ids=np.concatenate(parts) if parts else np.empty(0, np.int64),
            expected_by_chance=self.expected_by_chance,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EnsembleEvents):
            return NotImplemented
        mine, theirs = (np.float64(t.expected_by_chance) for t in (self, other))
        return (
            self.columns().keys() == other.columns().keys()
            and all(same_array(a, other.columns()[name]) for name, a in self.columns().items())
            and same_array(self.member_offsets, other.member_offsets)
            and same_array(self.member_ids, other.member_ids)
            and bool(np.array_equal(mine, theirs, equal_nan=True))
        )

    __hash__ = None


@dataclass(frozen=True, eq=False)
class Motion(Table):
    """How the frames of a movie lay on its template, a row a frame.

    Attributes
    ----------
    shift_y_px, shift_x_px : (n_frames,) float64
        Mean displacement: what to add to a coordinate of the template to find it in the frame.
    correlation : (n_frames,) float64
        Pearson correlation of the registered frame with the template; NaN where unknown.
    bad : (n_frames,) bool
        Frames not to be trusted; traces are interpolated over them.
    fields : (n_frames, ny, nx, 2) float32
        Total displacement (y, x) in pixels at the nodes, rigid part included; linear between them.
    node_y_px, node_x_px : (ny,), (nx,) float64
        Where the nodes are.
    line_phase_px : float
        By how many pixels odd rows were moved.
    residual_px : (n_components,) float64
        How far the registered movie still moves along each of its principal components, that of highest
        variance first; empty where it was not measured.
    """

    shift_y_px: NDArray[np.float64] = empty_column(np.float64)
    shift_x_px: NDArray[np.float64] = empty_column(np.float64)
    correlation: NDArray[np.float64] = empty_column(np.float64)
    bad: NDArray[np.bool_] = empty_column(np.bool_)
    fields: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, 2, 2, 2), np.float32), metadata={"column": False}
    )
    node_y_px: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros(2, np.float64), metadata={"column": False}
    )
    node_x_px: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros(2, np.float64), metadata={"column": False}
    )
    line_phase_px: float = 0.0
    residual_px: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), metadata={"column": False})


@dataclass(frozen=True, eq=False)
class Members(Table):
    """Which neuron belongs to which ensemble, sorted by ensemble and participation (highest first).

    Attributes
    ----------
    ensemble_id, roi_id : (n,) int64
    participation : (n,) float64
        Share of the ensemble's activations in which the neuron is active, 0 to 1.
    lift : (n,) float64
        Participation divided by what the neuron's own rate lets expect.
    q_value : (n,) float64
        False-discovery rate at which the membership is significant.
    core : (n,) bool
        Whether the neuron is a core member.
    """

    ensemble_id: NDArray[np.int64] = empty_column(np.int64)
    roi_id: NDArray[np.int64] = empty_column(np.int64)
    participation: NDArray[np.float64] = empty_column(np.float64)
    lift: NDArray[np.float64] = empty_column(np.float64)
    q_value: NDArray[np.float64] = empty_column(np.float64)
    core: NDArray[np.bool_] = empty_column(np.bool_)


@dataclass(frozen=True, eq=False)
class Activations(Table):
    """When each ensemble was active, sorted by ensemble and time.

    Attributes
    ----------
    ensemble_id : (n,) int64
    time_s : (n,) float64
        Centre of the window in which it was active.
    p_value : (n,) float64
    n_members_active : (n,) int64
    """

    ensemble_id: NDArray[np.int64] = empty_column(np.int64)
    time_s: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    n_members_active: NDArray[np.int64] = empty_column(np.int64)


@dataclass(frozen=True, eq=False)
class Ensembles:
    """Groups of neurons that are active together again and again.

    Attributes
    ----------
    members : Members
    activations : Activations
    similarity : (n_events, n_events) float32
        Jaccard similarity of the ensemble events' contributors, in the order of the ensemble events.
    notes : tuple of str
        Plain sentences for the user: what was found, what chance alone would give.
    expected_by_chance : float
        Mean number of ensembles the same method finds on shifted copies; NaN where not asked for.
    """

    members: Members = field(default_factory=Members)
    activations: Activations = field(default_factory=Activations)
    similarity: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    notes: tuple[str, ...] = ()
    expected_by_chance: float = float("nan")

    def __post_init__(self) -> None:
        object.__setattr__(self, "similarity", freeze(self.similarity))

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the ensembles, ascending."""
        return tuple(int(k) for k in np.unique(self.members.ensemble_id))

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids)

    def members_of(self, ensemble_id: int) -> Members:
        """Return the members of one ensemble."""
        return self.members.take(self.members.ensemble_id == ensemble_id)

    def activations_of(self, ensemble_id: int) -> Activations:
        """Return the activations of one ensemble."""
        return self.activations.take(self.activations.ensemble_id == ensemble_id)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ensembles):
            return NotImplemented
        mine, theirs = (np.float64(e.expected_by_chance) for e in (self, other))
        return (
            self.members == other.members
            and self.activations == other.activations
            and same_array(self.similarity, other.similarity)
            and self.notes == other.notes
            and bool(np.array_equal(mine, theirs, equal_nan=True))
        )

    __hash__ = None  # type: ignore[assignment]
