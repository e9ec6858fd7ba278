"""Events as the user judged them: what detection found, less what was rejected, plus what was added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from napari_calcium.results.event_choices import (
    ACCEPTED,
    ADDED,
    REJECTED,
    STATUS_WORDS,
    EventChoice,
    sorted_choices,
)
from napari_calcium.results.tables import Events, Table
from napari_calcium.settings import Seconds, Settings

__all__ = ["Review", "ValidationSettings", "explain_review", "review", "validate_events"]

# Onsets of one event that two runs of detection found may differ by a frame whatever the setting says.
_LEAST_FRAMES = 1.5

Choices = Annotated[
    tuple[Annotated[EventChoice, BeforeValidator(EventChoice.of), PlainSerializer(str)], ...],
    AfterValidator(sorted_choices),
]


class ValidationSettings(Settings):
    """Decisions on single events, made by hand on the trace."""

    choices: Choices = Field(
        (),
        title="Choices",
        description="One line a decision: accept, reject or add, the cell's id, the onset in seconds.",
        json_schema_extra={"form": False},
    )
    tolerance: Annotated[Seconds, Ge(0), Le(5)] = Field(
        0.25,
        title="Same event within",
        description="When detection runs again, a decision goes with the event of that cell whose onset is "
        "nearest, and no farther than this (or 1.5 frames). An added event that detection now finds itself "
        "counts as accepted.",
    )


@dataclass(frozen=True, eq=False)
class Review(Table):
    """Events that were detected or added, with what was decided about each; by row and onset.

    Attributes
    ----------
    roi_id : (n,) int64
    onset_s : (n,) float64
    status : (n,) int8
        Numbers of :mod:`napari_calcium.results.event_choices`: unreviewed, accepted, rejected, added.
    detected : (n,) int64
        Row among the detected events, −1 for an added one.
    choice : (n,) int64
        Which of the choices decided it, −1 for none.
    lost : tuple of EventChoice
        Choices for which there is no event (any more), no cell, or no such moment.
    """

    roi_id: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    onset_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    status: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    detected: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    choice: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    lost: tuple[EventChoice, ...] = ()


def review(
    detected: Events,
    choices: Iterable[EventChoice],
    roi_ids: NDArray[np.int64],
    frame_rate: float,
    n_frames: int,
    tolerance_s: float = 0.25,
) -> Review:
    """Say of every event what was decided about it.

    Parameters
    ----------
    detected : Events
        What detection found, sorted by row and onset.
    choices : iterable of EventChoice
        Each goes with at most one event, and no two with the same one: those that are nearest to each other
        first; acceptances and rejections before additions.
    roi_ids : (n_rois,) int64
        The recording's cells, in the order of its rows.
    frame_rate : float
        Hz.
    n_frames : int
    tolerance_s : float
        Farthest that onsets of one event may lie apart; at least 1.5 frames.

    Returns
    -------
    Review

    Notes
    -----
    Cost: events + choices · log(events). Events of cells that are not in `roi_ids` are reviewed like others.
    """
    made = tuple(choices)
    reach = max(tolerance_s, _LEAST_FRAMES / frame_rate)
    blocks = _Blocks(detected, roi_ids) if made else None
    partner = _partners(detected.onset_s, made, blocks, reach) if blocks is not None else []
    status, choice = np.zeros(len(detected), np.int8), np.full(len(detected), -1, np.int64)
    added, places, lost = [], [], []
    for k, (one, event) in enumerate(zip(made, partner, strict=True)):
        if event >= 0:
            status[event] = REJECTED if one.choice == "reject" else ACCEPTED
            choice[event] = k
        elif blocks is not None and one.choice == "add" and _is_within(one, blocks, n_frames / frame_rate):
            added.append(k)
            places.append(blocks.place(one))
        else:
            lost.append(one)
    if blocks is not None:
        # Several cells without a detected event have the same place: in the order of their rows.
        keys = [
            (place, blocks.row_of[made[k].roi_id], made[k].onset_s, k)
            for place, k in zip(places, added, strict=True)
        ]
        places, added = [key[0] for key in sorted(keys)], [key[3] for key in sorted(keys)]
    return Review(
        roi_id=_with(detected.roi_id, places, [made[k].roi_id for k in added]),
        onset_s=_with(detected.onset_s, places, [made[k].onset_s for k in added]),
        status=_with(status, places, [ADDED] * len(added)),
        detected=_with(np.arange(len(detected)), places, [-1] * len(added)),
        choice=_with(choice, places, added),
        lost=tuple(lost),
    )


class _Blocks:
    """Where the events of each cell stand in a table that is sorted by row and onset."""

    def __init__(self, events: Events, roi_ids: NDArray[np.int64]) -> None:
        new = np.ones(len(events), bool)
        new[1:] = events.roi_id[1:] != events.roi_id[:-1]
        starts = np.flatnonzero(new)
        stops = np.append(starts, len(events))[1:]
        cells = events.roi_id[starts].tolist()
        self.onset_s = events.onset_s
        self.row_of = dict(zip(roi_ids.tolist(), range(len(roi_ids)), strict=True))
        self.span: dict[int, tuple[int, int]] = dict(
            zip(cells, zip(starts.tolist(), stops.tolist(), strict=True), strict=True)
        )
        self._rows = np.array([self.row_of.get(cell, -1) for cell in cells], np.int64)
        self._starts = np.append(starts, len(events))

    def of(self, cell: int) -> tuple[int, int]:
        """Return where the events of a cell begin and end."""
        if cell in self.span:
            return self.span[cell]
        begin = int(self._starts[np.searchsorted(self._rows, self.row_of[cell])])
        return begin, begin

    def place(self, choice: EventChoice) -> int:
        """Return before which event an added one stands."""
        begin, end = self.of(choice.roi_id)
        return begin + int(np.searchsorted(self.onset_s[begin:end], choice.onset_s))


def _is_within(choice: EventChoice, blocks: _Blocks, duration_s: float) -> bool:
    return choice.roi_id in blocks.row_of and choice.onset_s < duration_s


def _with(column: NDArray[Any], places: list[int], values: list[Any]) -> NDArray[Any]:
    """Return a column with values put in before the rows at some places."""
    return np.insert(column, places, np.array(values, column.dtype)) if places else column


def _partners(
    onset_s: NDArray[np.float64], choices: tuple[EventChoice, ...], blocks: _Blocks, reach: float
) -> list[int]:
    """Return for each choice the event it is about, −1 where there is none."""
    pairs: list[tuple[bool, float, int, int]] = []
    for k, one in enumerate(choices):
        if one.roi_id not in blocks.span:
            continue
        first, last = blocks.span[one.roi_id]
        near = onset_s[first:last]
        for event in range(*np.searchsorted(near, [one.onset_s - reach, one.onset_s + reach + 1e-9])):
            pairs.append((one.choice == "add", abs(float(near[event]) - one.onset_s), k, first + event))
    partner, taken = [-1] * len(choices), set()
    for _, _, k, event in sorted(pairs):
        if partner[k] < 0 and event not in taken:
            partner[k] = event
            taken.add(event)
    return partner


def validate_events(
    detected: Events,
    found: Review,
    traces: NDArray[np.float32],
    frame_rate: float,
    roi_ids: NDArray[np.int64],
) -> Events:
    """Return the events that stand: the detected ones that were not rejected, and the added ones.

    Parameters
    ----------
    detected : Events
    found : Review
        Of these events; see :func:`review`.
    traces : (n_rois, n_frames) float32
        The trace that the events were detected on. Of cells in which an event was rejected or added, all
        events are measured anew on it, as if detection had found just these: the peak of an event reaches to
        the next one.
    frame_rate : float
        Hz.
    roi_ids : (n_rois,) int64

    Returns
    -------
    Events
        `detected` itself where nothing was rejected or added. An added event where the trace does not rise
        has an amplitude of zero or below: what was measured.
    """
    stands = found.status != REJECTED
    touched = np.unique(found.roi_id[(found.status == REJECTED) | (found.status == ADDED)])
    if not len(touched):
        return detected
    own, source = found.roi_id[stands], found.detected[stands]
    columns: dict[str, Any] = {name: _picked(column, source) for name, column in detected.columns().items()}
    columns["roi_id"], columns["onset_s"] = own, found.onset_s[stands]
    again = np.isin(own, touched)
    if again.any():
        _measure_again(columns, again, source, traces, frame_rate, roi_ids)
    return Events(**columns, unit=detected.unit)


def _picked(column: NDArray[Any], source: NDArray[np.int64]) -> NDArray[Any]:
    """Return the values of detected events; those of added ones are still to be measured."""
    values = np.zeros(len(source), column.dtype)
    values[source >= 0] = column[source[source >= 0]]
    return values


def _measure_again(
    columns: dict[str, Any],
    again: NDArray[np.bool_],
    source: NDArray[np.int64],
    traces: NDArray[np.float32],
    frame_rate: float,
    roi_ids: NDArray[np.int64],
) -> None:
    """Fill shapes of the chosen events, with no other ones in their cells."""
    from napari_calcium.events.shape import measure_shapes

    unknown: dict[str, Any] = dict.fromkeys(_SHAPE, np.zeros(int(again.sum())))
    rows = Events(roi_id=columns["roi_id"][again], **unknown).rows(roi_ids)
    cells, place = np.unique(rows, return_inverse=True)
    shape = measure_shapes(traces[cells], frame_rate, place, columns["onset_s"][again])
    # A detected event whose rise the new neighbours hide keeps what was measured first.
    good = (shape.amplitude > 0) | (source[again] < 0)
    target = np.flatnonzero(again)[good]
    for name in _SHAPE[1:]:
        columns[name][target] = getattr(shape, name)[good]


_SHAPE = ("onset_s", "peak_s", "end_s", "amplitude", "fwhm_s")


def explain_review(found: Review) -> tuple[str, ...]:
    """Say in words how many events were accepted, rejected and added, and which choices are lost."""
    counts = np.bincount(found.status, minlength=len(STATUS_WORDS))
    n_choices = int(counts[1:].sum()) + len(found.lost)
    if not n_choices:
        return ("no event was judged by hand",)
    parts = [f"{counts[k]:,} {STATUS_WORDS[k]}" for k in (ACCEPTED, REJECTED, ADDED) if counts[k]]
    lines = [f"by hand: {', '.join(parts)}"] if parts else []
    if found.lost:
        first, more = found.lost[0], len(found.lost) > 1
        what = f"{len(found.lost):,} choices have" if more else "1 choice has"
        which = f"cell {first.roi_id} at {first.onset_s:.2f} s{' is the first' if more else ''}"
        lines.append(f"{what} no event any more ({which})")
    return tuple(lines)
