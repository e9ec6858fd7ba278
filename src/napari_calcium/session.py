"""Session: what the GUI talks to. The current recording, its history and the selection; no Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from psygnal import Signal, SignalInstance

from napari_calcium.history import History
from napari_calcium.recording import Recording
from napari_calcium.results.event_choices import Decision, decide
from napari_calcium.selection import Selection
from napari_calcium.stages.pipeline_validation import with_choices

__all__ = [
    "CellView",
    "EnsembleView",
    "FocusView",
    "PreviewView",
    "RecordingView",
    "Session",
    "SpanView",
    "TimeView",
]


@runtime_checkable
class CellView(Protocol):
    """A view that shows selected cells and lets the user pick some."""

    cells_picked: SignalInstance

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Show these cells as selected."""


@runtime_checkable
class FocusView(Protocol):
    """A view that brings one of the selected cells into sight, and lets the user point at one."""

    focus_picked: SignalInstance

    def show_focus(self, cell: int | None) -> None:
        """Bring this cell into sight; None is no cell in particular."""


@runtime_checkable
class EnsembleView(Protocol):
    """A view that shows a chosen ensemble and lets the user choose one."""

    ensemble_picked: SignalInstance

    def show_ensemble(self, ensemble_id: int | None) -> None:
        """Show this ensemble as chosen."""


@runtime_checkable
class TimeView(Protocol):
    """A view with a cursor on the time axis."""

    time_picked: SignalInstance

    def show_time(self, seconds: float) -> None:
        """Move the cursor there."""


@runtime_checkable
class SpanView(Protocol):
    """A view whose time axis goes with the others."""

    span_picked: SignalInstance

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time; None is all of it."""


@runtime_checkable
class PreviewView(Protocol):
    """A view that can show what a stage would make of a few cells, before it is run on all."""

    def show_preview(self, preview: Recording | None) -> None:
        """Show this preview over the recording; None takes it away."""


@runtime_checkable
class RecordingView(Protocol):
    """A view of the recording itself."""

    def show_recording(self, recording: Recording | None) -> None:
        """Show this recording instead of the last."""


class Session:
    """The current recording, what can be undone, and what the user looks at.

    Views never talk to each other: each is linked once (:meth:`link`), and values compare, so an echo of what
    is already so goes no further.
    """

    recording_changed = Signal(object)
    history_changed = Signal()
    preview_changed = Signal(object)

    def __init__(self, *, history_budget_bytes: int = 2 * 2**30) -> None:
        self.selection = Selection()
        self._preview: Recording | None = None
        self._history = History(history_budget_bytes)

    @property
    def recording(self) -> Recording | None:
        """The current recording, or None before one was opened."""
        return self._history.current

    @property
    def history(self) -> tuple[str, ...]:
        """What was done, oldest first, the undone steps included."""
        return tuple(step.label for step in self._history.steps)

    @property
    def position(self) -> int:
        """Where in the history the current recording stands."""
        return self._history.cursor

    @property
    def as_opened(self) -> bool:
        """Whether nothing was made of the current recording since it was opened."""
        return self._history.steps[self._history.cursor].opening

    @property
    def can_undo(self) -> bool:
        """Whether there is a recording to go back to."""
        return self._history.cursor > 1

    @property
    def can_redo(self) -> bool:
        """Whether something was undone."""
        return self._history.cursor < len(self._history.steps) - 1

    @property
    def preview(self) -> Recording | None:
        """What a stage under adjustment would make of a few cells (a recording of those cells), or None."""
        return self._preview

    @preview.setter
    def preview(self, preview: Recording | None) -> None:
        if preview is not self._preview:
            self._preview = preview
            self.preview_changed.emit(preview)

    def open(self, recording: Recording, label: str | None = None) -> None:
        """Begin with a recording; undo brings the one before back, with all that was made of it."""
        self.selection.clear()
        self.selection.time = 0.0
        self.selection.span = None
        self._history.push(label or f"Open {recording.name}", recording, opening=True)
        self._announce()

    def close(self) -> None:
        """Let go of the recording and its history."""
        self._history.close()
        self.selection.clear()
        self._announce()

    def release(self) -> None:
        """Delete the scratch files and tell nobody: for when the views are gone already."""
        self._history.close()

    def apply(self, recording: Recording, label: str) -> None:
        """Make a new recording the current one, as a step that can be undone."""
        self._history.push(label, recording)
        self._announce()

    def amend(self, recording: Recording) -> None:
        """Put a recording in the place of the current one without a step: what completes the last step."""
        self._history.replace(recording)
        self._announce()

    def judge_event(self, roi_id: int, onset_s: float, choice: Decision | None) -> None:
        """Accept, reject or add an event, as a step that can be undone; None takes a decision back.

        Events and what was made of them stay as they are until the stage ``validation`` runs.

        Parameters
        ----------
        roi_id : int
        onset_s : float
            Of a detected event or of an earlier decision exactly as it stands there.
        choice : str or None
        """
        recording = self.recording
        if recording is None:
            return
        choices = decide(recording.event_choices, roi_id, onset_s, choice)
        if choices != recording.event_choices:
            words = {"accept": "Accept", "reject": "Reject", "add": "Add", None: "Take back decision on"}[
                choice
            ]
            name = recording.cell_name(roi_id)
            self.apply(with_choices(recording, choices), f"{words} event of cell {name} at {onset_s:.2f} s")

    def undo(self) -> None:
        """Go back one step; nothing happens where there is none."""
        if self.can_undo:
            self.go_to(self._history.cursor - 1)

    def redo(self) -> None:
        """Go forward one step; nothing happens where there is none."""
        if self.can_redo:
            self.go_to(self._history.cursor + 1)

    def go_to(self, position: int) -> None:
        """Make the recording at a position of the history the current one."""
        self._history.move(position)
        self._announce()

    def choose_ensemble(self, ensemble_id: int | None) -> None:
        """Choose an ensemble and select its members, those that take part most first; None chooses none.

        The cells stay selected when the ensemble is let go.
        """
        recording = self.recording
        known = recording.ensembles if recording is not None else None
        if ensemble_id is not None and known is not None:
            members = known.members_of(ensemble_id)
            order = np.argsort(-members.participation, kind="stable")
            self.selection.cells = members.roi_id[order].tolist()
        self.selection.ensemble = ensemble_id

    def link(self, view: object) -> Callable[[], None]:
        """Keep a view in step, whichever of the view protocols it has.

        Returns
        -------
        callable
            Ends the link; call it when the view goes away.
        """
        selection = self.selection
        ends: list[Callable[[], None]] = []

        def join(signal: SignalInstance, slot: Callable[..., object]) -> None:
            signal.connect(slot)
            ends.append(lambda: signal.disconnect(slot, missing_ok=True))

        if isinstance(view, RecordingView):
            join(self.recording_changed, view.show_recording)
            view.show_recording(self.recording)
        if isinstance(view, PreviewView):
            join(self.preview_changed, view.show_preview)
            view.show_preview(self.preview)
        if isinstance(view, CellView):
            join(view.cells_picked, lambda ids: setattr(selection, "cells", ids))
            join(selection.cells_changed, view.show_cells)
            view.show_cells(selection.cells)
        if isinstance(view, FocusView):
            join(view.focus_picked, lambda cell: setattr(selection, "focus", cell))
            join(selection.focus_changed, view.show_focus)
            view.show_focus(selection.focus)
        if isinstance(view, EnsembleView):
            join(view.ensemble_picked, self.choose_ensemble)
            join(selection.ensemble_changed, view.show_ensemble)
            view.show_ensemble(selection.ensemble)
        if isinstance(view, TimeView):
            join(view.time_picked, lambda seconds: setattr(selection, "time", seconds))
            join(selection.time_changed, view.show_time)
            view.show_time(selection.time)
        if isinstance(view, SpanView):
            join(view.span_picked, lambda span: setattr(selection, "span", span))
            join(selection.span_changed, view.show_span)
            view.show_span(selection.span)

        def unlink() -> None:
            while ends:
                ends.pop()()

        return unlink

    def _announce(self) -> None:
        self.preview = None
        recording = self.recording
        if recording is None:
            self.selection.clear()
        else:
            known = set(recording.roi_ids.tolist())
            self.selection.cells = (c for c in self.selection.cells if c in known)
            ensembles = recording.ensembles
            if ensembles is None or self.selection.ensemble not in ensembles.ids:
                self.selection.ensemble = None
        self.recording_changed.emit(recording)
        self.history_changed.emit()
