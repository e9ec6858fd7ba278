"""Events judged by hand, in the results folder: what detection found, what was decided, what stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_calcium.io.errors import ReadError
from napari_calcium.io.folder_files import table_of, typed
from napari_calcium.recording import Recording
from napari_calcium.results.event_choices import (
    ADDED,
    STATUS_WORDS,
    EventChoice,
    JudgedEvents,
    sorted_choices,
    status_of_standing,
)

__all__ = ["event_tables", "read_event_choices", "read_judged_events"]

_CHOICES, _DETECTED = "event_choices.csv", "events_detected.csv"


def event_tables(recording: Recording) -> dict[str, dict[str, Any]]:
    """Return the files about single events, by name, as columns.

    ``events.csv`` has the events that stand; where some were judged also `source` (detected or added) and
    `status` (unreviewed or accepted). Then ``events_detected.csv`` has what detection found, rejected ones
    included, and ``event_choices.csv`` every decision, applied or not.
    """
    tables: dict[str, dict[str, Any]] = {}
    events, judged = recording.events, recording.detected_events
    if events is not None:
        tables["events.csv"] = dict(events.columns())
    if events is not None and judged is not None:
        status = status_of_standing(events, judged)
        source = np.where(status == ADDED, "added", "detected")
        words = np.array([*STATUS_WORDS[:ADDED], "accepted"])  # whoever adds an event accepts it
        tables["events.csv"] |= {"source": source, "status": words[status]}
        found: dict[str, Any] = dict(judged.columns())
        tables[_DETECTED] = found | {"status": np.array(STATUS_WORDS)[judged.status]}
    if recording.event_choices:
        roi_id, onset_s, choice = zip(*recording.event_choices, strict=True)
        tables[_CHOICES] = {
            "roi_id": np.array(roi_id, np.int64),
            "onset_s": np.array(onset_s, np.float64),
            "choice": np.array(choice),
        }
    return tables


def read_event_choices(folder: Path) -> tuple[EventChoice, ...]:
    """Read the decisions; none where there is no file.

    Raises
    ------
    ReadError
        If a row is no decision, or two are about one event.
    """
    path = folder / _CHOICES
    if not path.exists():
        return ()
    frame = table_of(path)
    if missing := {"roi_id", "onset_s", "choice"} - set(frame.columns):
        raise ReadError(f"{path.name}: column {sorted(missing)[0]} is missing")
    rows = frame[["roi_id", "onset_s", "choice"]].itertuples(index=False, name=None)
    try:
        return sorted_choices(EventChoice.of(row) for row in rows)
    except ValueError as error:
        raise ReadError(f"{path.name}: {error}") from None


def read_judged_events(folder: Path, unit: str) -> JudgedEvents | None:
    """Read what detection found, with what was decided; None where nothing was judged.

    Raises
    ------
    ReadError
        If a column is missing, or a status is none.
    """
    path = folder / _DETECTED
    if not path.exists():
        return None
    frame = table_of(path)
    empty = JudgedEvents().columns()
    if missing := empty.keys() - set(frame.columns):
        raise ReadError(f"{path.name}: column {sorted(missing)[0]} is missing")
    numbers = {word: k for k, word in enumerate(STATUS_WORDS[:ADDED])}
    if unknown := set(frame["status"]) - numbers.keys():
        raise ReadError(f"{path.name}: there is no status {sorted(map(str, unknown))[0]!r}")
    frame["status"] = [numbers[word] for word in frame["status"]]
    columns: dict[str, Any] = {k: typed(frame[k], column.dtype, path) for k, column in empty.items()}
    return JudgedEvents(**columns, unit=unit)
