"""Events judged by hand, as a stage between detection and what is made of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from types import MappingProxyType
from typing import Any

import numpy as np

from napari_calcium.events.validation import (
    Review,
    ValidationSettings,
    explain_review,
    review,
    validate_events,
)
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.results.event_choices import EventChoice, JudgedEvents
from napari_calcium.results.tables import Events
from napari_calcium.stages.stage_steps import Apply, Outcome, StageError, needed, rate_of

__all__ = ["VALIDATION_STAGES", "detected_events", "events_trace", "review_of", "with_choices"]


def detected_events(recording: Recording) -> Events | None:
    """Return the events as detection found them, whether or not they were judged since."""
    judged = recording.detected_events
    return recording.events if judged is None else judged.plain()


def review_of(recording: Recording, tolerance_s: float | None = None) -> Review:
    """Return every event of a recording with what was decided about it, also where it is not yet applied.

    Parameters
    ----------
    recording : Recording
    tolerance_s : float, optional
        As in :class:`~napari_calcium.events.validation.ValidationSettings`; its default where not given.

    Returns
    -------
    Review
        Empty before events were detected.
    """
    detected = detected_events(recording)
    if detected is None or recording.frame_rate is None:
        return Review()
    tolerance = ValidationSettings().tolerance if tolerance_s is None else tolerance_s
    return review(
        detected,
        recording.event_choices,
        recording.roi_ids,
        recording.frame_rate,
        recording.n_frames,
        tolerance,
    )


def with_choices(recording: Recording, choices: Iterable[EventChoice]) -> Recording:
    """Return a recording with other choices, of which its events and what was made of them know nothing yet.

    The stage ``validation`` applies them; until then its log entry, with the older choices, stands for what
    is there.
    """
    return recording.replace(event_choices=tuple(choices))


def _validation(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    needed(rec, "events", "validation")
    detected = detected_events(rec)
    assert detected is not None
    name = events_trace(rec)
    found = review(detected, settings.choices, rec.roi_ids, rate_of(rec), rec.n_frames, settings.tolerance)
    events = validate_events(detected, found, rec.traces[name].values, rate_of(rec), rec.roi_ids)
    own = found.detected >= 0
    status = np.zeros(len(detected), np.int8)
    status[found.detected[own]] = found.status[own]
    judged = JudgedEvents(**detected.columns(), unit=detected.unit, status=status)
    changes = {"events": events, "detected_events": judged, "event_choices": settings.choices}
    reads, writes = (f"traces/{name}", "events"), ("events", "detected_events")
    confirms = rec.events is not None and events == rec.events
    return Outcome(changes, reads, writes, explain_review(found), confirms)


def events_trace(recording: Recording) -> str:
    """Return the trace that the events were detected on; for events that came with a file, ΔF/F."""
    entry = next((entry for entry in recording.log if entry.stage == "events"), None)
    read = [made.removeprefix("traces/") for made in entry.reads] if entry is not None else []
    for name in (*read, "dff", *recording.traces):
        if name in recording.traces:
            return name
    raise StageError("events are measured on a trace, and this recording has none")


VALIDATION_STAGES: Mapping[str, Apply] = MappingProxyType({"validation": _validation})
"""The stage by name."""
