"""Judging events one by one: which one is at hand, what was decided, and where to go next. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_calcium.events.placing import onset_near, onset_within
from napari_calcium.events.validation import Review
from napari_calcium.recording import Recording
from napari_calcium.results.event_choices import (
    ACCEPTED,
    ADDED,
    REJECTED,
    STATUS_WORDS,
    UNREVIEWED,
    Decision,
    EventChoice,
    decide,
)
from napari_calcium.session import Session
from napari_calcium.stages.pipeline_validation import events_trace, review_of, with_choices

__all__ = ["EventJudge", "EventPlace", "Verdict"]

Verdict = Literal["accept", "reject", "delete", "clear"]
"""``delete`` takes an added event away and rejects a detected one; ``clear`` takes back what was decided."""

_LEAST_FRAMES = 1.5


@dataclass(frozen=True)
class EventPlace:
    """The event at hand: its cell and its onset in seconds, which is what a decision is about."""

    roi_id: int
    onset_s: float


class EventJudge:
    """What the user decides about the events of a session, one at a time.

    Parameters
    ----------
    session : Session
        Every decision is a step of its history.
    tolerance : callable
        Returns within how many seconds two onsets are one event.

    Attributes
    ----------
    changed : signal
        Another event is at hand, or something else is known of the events.
    """

    changed = Signal()

    def __init__(self, session: Session, tolerance: Callable[[], float]) -> None:
        self._session, self._tolerance = session, tolerance
        self._current: EventPlace | None = None
        self._recording: Recording | None = None
        self._review = Review()
        self._found: tuple[Review, EventPlace | None, int | None] | None = None

    @property
    def review(self) -> Review:
        """Every event of the current recording with its status, also where results do not know it yet."""
        recording = self._session.recording
        if recording is not self._recording:
            self._recording = recording
            self._review = review_of(recording, self._tolerance()) if recording is not None else Review()
        return self._review

    @property
    def current(self) -> EventPlace | None:
        """The event at hand, or None."""
        return self._current if self.row is not None else None

    @property
    def row(self) -> int | None:
        """Row of the event at hand in the review, or None."""
        review, place = self.review, self._current
        if self._found is None or self._found[0] is not review or self._found[1] != place:
            self._found = review, place, None if place is None else _row_of(review, place)
        return self._found[2]

    def choose(self, row: int | None) -> None:
        """Take an event to hand."""
        review = self.review
        place = None if row is None else EventPlace(int(review.roi_id[row]), float(review.onset_s[row]))
        if place != self._current:
            self._current = place
            self.changed.emit()

    def nearest(self, cell: int, seconds: float, within_s: float) -> int | None:
        """Return the row of a cell's event with the onset nearest to a moment, None if it is farther off."""
        review = self.review
        rows = np.flatnonzero(review.roi_id == cell)
        if not len(rows):
            return None
        away = np.abs(review.onset_s[rows] - seconds)
        best = int(np.argmin(away))
        return int(rows[best]) if away[best] <= within_s else None

    def step(self, by: int, cells: Sequence[int], seconds: float) -> bool:
        """Go to an event before or after: that of the cell at hand, then those of the next cell.

        Parameters
        ----------
        by : int
            1 or −1.
        cells : sequence of int
            Ids of the cells on screen, from top to bottom.
        seconds : float
            Where to begin in the first cell while no event is at hand.

        Returns
        -------
        bool
            False where there is none left in that direction.
        """
        review = self.review
        order = {cell: k for k, cell in enumerate(cells)}
        shown = np.flatnonzero(np.isin(review.roi_id, np.array(list(order), np.int64)))
        places = zip(review.roi_id[shown].tolist(), review.onset_s[shown].tolist(), strict=True)
        keys = [(order[cell], onset, row) for (cell, onset), row in zip(places, shown.tolist(), strict=True)]
        keys.sort()
        at = self.current
        here = (order[at.roi_id], at.onset_s) if at is not None and at.roi_id in order else (0, seconds)
        if by > 0:
            ahead = [row for k, onset, row in keys if (k, onset) > here]
        else:
            ahead = [row for k, onset, row in reversed(keys) if (k, onset) < here]
        if ahead:
            self.choose(ahead[0])
        return bool(ahead)

    def decide(self, verdict: Verdict) -> str:
        """Decide about the event at hand; the same verdict twice takes it back.

        Returns
        -------
        str
            Why nothing was decided; empty where something was.
        """
        recording, row = self._session.recording, self.row
        if recording is None or row is None:
            return "Choose an event first: click its mark, or press N."
        status = int(self.review.status[row])
        choice: Decision | None
        if verdict == "clear" or (verdict == "delete" and status == ADDED):
            choice = None
        elif status == ADDED:
            if verdict == "accept":
                return "You added this event: it counts already."
            choice = None  # to reject what one added is to take it away
        elif verdict == "accept":
            choice = None if status == ACCEPTED else "accept"
        else:
            choice = None if status == REJECTED and verdict == "reject" else "reject"
        if choice is None and status == UNREVIEWED:
            return "Nothing was decided about this event."
        self._apply(recording, row, choice)
        return ""

    def add(self, cell: int, seconds: float) -> str:
        """Add an event whose rise is near a moment; a rejected one that is there is accepted instead.

        Returns
        -------
        str
            What was done, or why not.
        """
        return self._add(cell, lambda trace, rate: onset_near(trace, rate, seconds))

    def add_within(self, cell: int, start_s: float, stop_s: float) -> str:
        """Add the event whose peak is the highest point of a span; else as :meth:`add`."""
        return self._add(cell, lambda trace, rate: onset_within(trace, rate, start_s, stop_s))

    def _add(self, cell: int, place: Callable[[NDArray[np.float32], float], float]) -> str:
        recording = self._session.recording
        if recording is None or recording.frame_rate is None or recording.events is None:
            return "Detect events first; then you can add what was missed."
        rows = recording.rows([cell])
        if not len(rows):
            return ""
        trace = recording.traces[events_trace(recording)].values[rows[0]]
        onset = place(trace, recording.frame_rate)
        reach = max(self._tolerance(), _LEAST_FRAMES / recording.frame_rate)
        there = self.nearest(cell, onset, reach)
        if there is not None:
            rejected = self.review.status[there] == REJECTED
            self.choose(there)
            if rejected:
                self._apply(recording, there, "accept")
            what = "is accepted" if rejected else "is there already"
            return f"The event at {self.review.onset_s[there]:.2f} s {what}."
        self._current = EventPlace(cell, onset)
        self._session.judge_event(cell, onset, "add")
        self.changed.emit()
        return f"Added an event at {onset:.2f} s."

    def counts(self) -> dict[str, int]:
        """Return how many events there are of each status, by its word."""
        numbers = np.bincount(self.review.status, minlength=len(STATUS_WORDS))
        return dict(zip(STATUS_WORDS, numbers.tolist(), strict=True))

    def _apply(self, recording: Recording, row: int, choice: Decision | None) -> None:
        review = self.review
        cell, onset = int(review.roi_id[row]), float(review.onset_s[row])
        choices: tuple[EventChoice, ...] = recording.event_choices
        if review.choice[row] >= 0:
            # What was decided on an event that an earlier detection found a little beside.
            old = choices[review.choice[row]]
            choices = decide(choices, old.roi_id, old.onset_s, None)
        if choice is not None:
            choices = decide(choices, cell, onset, choice)
        words = {"accept": "Accept", "reject": "Reject", None: "Take back decision on"}[choice]
        label = f"{words} event of cell {recording.cell_name(cell)} at {onset:.2f} s"
        self._session.apply(with_choices(recording, choices), label)
        self.changed.emit()


def _row_of(review: Review, place: EventPlace) -> int | None:
    found = np.flatnonzero((review.roi_id == place.roi_id) & (review.onset_s == place.onset_s))
    return int(found[0]) if len(found) else None
