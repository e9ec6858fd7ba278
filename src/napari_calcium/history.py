"""Undo and redo of recordings, within a memory budget."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_calcium.recording import Recording, Trace

__all__ = ["History", "Step"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """A recording and what led to it, in words for the user."""

    label: str
    recording: Recording | None
    opening: bool = False
    """Whether the recording was opened here, and not made from the one before."""


class History:
    """A line of steps with a cursor.

    Parameters
    ----------
    budget_bytes : int
        Traces that only past or undone steps hold may take this much memory. Beyond it the steps furthest
        from the cursor are moved to a scratch file, which is deleted with the history; they come back as
        memory maps and look the same. Where there is no room for the file they stay in memory.
    """

    def __init__(self, budget_bytes: int = 2 * 2**30) -> None:
        self._steps = [Step("Start", None)]
        self._cursor = 0
        self._budget = budget_bytes
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, the undone ones too."""
        return tuple(self._steps)

    @property
    def cursor(self) -> int:
        """Position of the current step."""
        return self._cursor

    @property
    def current(self) -> Recording | None:
        """The recording at the cursor."""
        return self._steps[self._cursor].recording

    def push(self, label: str, recording: Recording | None, *, opening: bool = False) -> None:
        """Add a step after the cursor; what was undone before it is forgotten."""
        del self._steps[self._cursor + 1 :]
        self._steps.append(Step(label, recording, opening))
        self._cursor += 1
        self._trim()

    def replace(self, recording: Recording) -> None:
        """Put another recording in the place of the current one; no step is added or forgotten."""
        self._steps[self._cursor] = replace(self._steps[self._cursor], recording=recording)
        self._trim()

    def move(self, position: int) -> None:
        """Put the cursor on another step.

        Raises
        ------
        IndexError
            If there is no such step.
        """
        if not 0 <= position < len(self._steps):
            raise IndexError(f"there is no step {position}; the history has {len(self._steps)}")
        self._cursor = position

    def close(self) -> None:
        """Forget everything and delete the scratch file."""
        self._steps, self._cursor = [Step("Start", None)], 0
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def _trim(self) -> None:
        live = {id(t) for t in self.current.traces.values()} if self.current else set()
        held = {
            id(trace): trace
            for step in self._steps
            if step.recording is not None
            for trace in step.recording.traces.values()
            if id(trace) not in live and not _on_disk(trace)
        }
        excess = sum(trace.values.nbytes for trace in held.values()) - self._budget
        far_first = sorted(range(len(self._steps)), key=lambda k: -abs(k - self._cursor))
        for position in far_first:
            if excess <= 0:
                return
            recording = self._steps[position].recording
            for trace in recording.traces.values() if recording is not None else ():
                if held.pop(id(trace), None) is None:
                    continue
                try:
                    spilled = self._spill(trace)
                except OSError as error:
                    _log.warning("Past steps stay in memory: %s", error)
                    return
                excess -= trace.values.nbytes
                self._swap(trace, spilled)

    def _spill(self, trace: Trace) -> Trace:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="napari-calcium-", ignore_cleanup_errors=True)
        self._files += 1
        path = Path(self._scratch.name) / f"{self._files}.npy"
        try:
            np.save(path, trace.values)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return Trace(np.load(path, mmap_mode="r"), trace.unit)

    def _swap(self, old: Trace, new: Trace) -> None:
        """Put `new` wherever the history holds `old`, so that its memory is given back."""
        for position, step in enumerate(self._steps):
            if step.recording is not None and any(t is old for t in step.recording.traces.values()):
                traces = {name: new if t is old else t for name, t in step.recording.traces.items()}
                self._steps[position] = replace(step, recording=step.recording.replace(traces=traces))


def _on_disk(trace: Trace) -> bool:
    array: object = trace.values
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False
