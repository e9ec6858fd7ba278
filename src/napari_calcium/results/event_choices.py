"""What the user decided about single events, and what became of it. Plain values, kept with the recording."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray

from napari_calcium.results.tables import Events

__all__ = [
    "ACCEPTED",
    "ADDED",
    "REJECTED",
    "STATUS_WORDS",
    "UNREVIEWED",
    "Decision",
    "EventChoice",
    "JudgedEvents",
    "decide",
    "sorted_choices",
    "status_of_standing",
]

Decision = Literal["accept", "reject", "add"]
"""``"accept"``: seen and found right; ``"reject"``: no event; ``"add"``: an event that detection missed."""


UNREVIEWED, ACCEPTED, REJECTED, ADDED = 0, 1, 2, 3
STATUS_WORDS = ("unreviewed", "accepted", "rejected", "added")
"""What each status is called in files and on screen, in the order of its number."""


class EventChoice(NamedTuple):
    """A decision about one event.

    Attributes
    ----------
    roi_id : int
        Cell: an id, not a row number.
    onset_s : float
        Onset of the event in seconds from the start of the first frame: as detection found it, or, for one
        that was added, where the user put it.
    choice : str
        ``"accept"``, ``"reject"`` or ``"add"``.
    """

    roi_id: int
    onset_s: float
    choice: Decision

    def __str__(self) -> str:
        """Write it in one short line, from which :meth:`of` makes the same choice again."""
        return f"{self.choice} {self.roi_id} {self.onset_s!r}"

    @classmethod
    def of(cls, value: Any) -> EventChoice:
        """Make a choice of a line as :meth:`__str__` writes it, or of three values; check it.

        Raises
        ------
        ValueError
            If it is no choice.
        """
        parts = value.split() if isinstance(value, str) else tuple(value)
        try:
            choice, roi_id, onset = parts if isinstance(value, str) else (parts[2], parts[0], parts[1])
            made = cls(int(roi_id), float(onset), cast("Decision", str(choice)))
        except (ValueError, TypeError, IndexError):
            raise ValueError(
                "an event choice is written like 'reject 12 34.5' (choice, cell, onset)"
            ) from None
        if made.choice not in get_args(Decision):
            raise ValueError(f"an event is marked accept, reject or add, not {made.choice!r}")
        if not math.isfinite(made.onset_s) or made.onset_s < 0:
            raise ValueError(f"the onset of an event is a time in seconds from 0 on, got {onset}")
        return made


def decide(
    choices: Iterable[EventChoice], roi_id: int, onset_s: float, choice: Decision | None
) -> tuple[EventChoice, ...]:
    """Return the choices with one more; None takes back what was decided about this event.

    Parameters
    ----------
    choices : iterable of EventChoice
        At most one for each cell and onset.
    roi_id : int
    onset_s : float
        Exactly as it stands in the choice that is to be replaced.
    choice : str or None

    Returns
    -------
    tuple of EventChoice
        By cell and onset, whatever the order of decisions: what was decided and taken back leaves no trace.
    """
    others = [c for c in choices if (c.roi_id, c.onset_s) != (roi_id, onset_s)]
    new = [] if choice is None else [EventChoice(int(roi_id), float(onset_s), choice)]
    return sorted_choices([*others, *new])


def sorted_choices(choices: Iterable[EventChoice]) -> tuple[EventChoice, ...]:
    """Return choices by cell and onset.

    Raises
    ------
    ValueError
        If two are about the same event.
    """
    ordered = tuple(sorted(choices))
    for one, other in pairwise(ordered):
        if one[:2] == other[:2]:
            raise ValueError(f"two choices for one event of cell {one.roi_id}: '{one}' and '{other}'")
    return ordered


@dataclass(frozen=True, eq=False)
class JudgedEvents(Events):
    """Events as detection found them, with what was decided about each.

    Attributes
    ----------
    status : (n_events,) int8
        :data:`UNREVIEWED`, :data:`ACCEPTED` or :data:`REJECTED`.
    """

    status: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))

    def plain(self) -> Events:
        """Return the events as they were found, without the decisions."""
        columns: dict[str, Any] = self.columns()
        del columns["status"]
        return Events(**columns, unit=self.unit)


def status_of_standing(events: Events, judged: JudgedEvents) -> NDArray[np.int8]:
    """Return the status of each event that stands: unreviewed, accepted or added.

    Parameters
    ----------
    events : Events
        Those of `judged` that were not rejected, and those that were added.
    judged : JudgedEvents
    """
    places = zip(judged.roi_id.tolist(), judged.onset_s.tolist(), strict=True)
    known = dict(zip(places, judged.status.tolist(), strict=True))
    own = zip(events.roi_id.tolist(), events.onset_s.tolist(), strict=True)
    return np.array([known.get(place, ADDED) for place in own], np.int8)
