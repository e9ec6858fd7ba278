"""What happened here: the steps behind a result, in plain words, from the recording's log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from napari_calcium.guidance.setting_help import kind_of_settings, setting_words
from napari_calcium.pipeline_settings import TITLES
from napari_calcium.recording import LogEntry, Recording

__all__ = ["entry_words", "steps_behind", "story"]

_READING = {
    "read": "Reading the file",
    "positions": "Positions of the cells",
    "rois": "Positions of the cells",
    "behaviour_file": "Files of the behaviour",
}


def steps_behind(recording: Recording, results: Iterable[str] = ()) -> tuple[LogEntry, ...]:
    """Return the steps that made some results, and those that made what they were made of, in order.

    Parameters
    ----------
    recording : Recording
    results : iterable of str
        As the log names them: ``"traces/dff"``, ``"events"`` … None given: every step of the log.
    """
    wanted = set(results)
    if not wanted:
        return recording.log
    found: list[LogEntry] = []
    for entry in reversed(recording.log):
        # What is read stands under everything, and steps that name nothing cannot be told to be idle.
        if wanted & set(entry.writes) or not entry.writes:
            found.append(entry)
            wanted |= set(entry.reads)
    return tuple(reversed(found))


def entry_words(entry: LogEntry) -> str:
    """Return a step in plain words: what it is, its settings as the forms call them, what it noted.

    Returns
    -------
    str
        Lines; the first is the title, the others begin with two spaces.
    """
    title = TITLES.get(entry.stage) or _READING.get(entry.stage) or entry.stage.replace("_", " ").capitalize()
    if entry.seconds >= 0.05:
        title += f" ({entry.seconds:.2g} s)"
    lines = [title, *(f"  {line}" for line in _settings_lines(entry))]
    return "\n".join([*lines, *(f"  → {note}" for note in entry.notes)])


def story(recording: Recording, results: Iterable[str] = ()) -> str:
    """Return what happened to a recording until the results were there, step by step, in plain words."""
    steps = steps_behind(recording, results)
    if not steps:
        return f"{recording.name} is as it was opened: no step was taken yet."
    source = recording.source
    begin = f"From {source.name} ({source.size:,} bytes)" if source is not None else f"From {recording.name}"
    return "\n\n".join([begin, *(f"{k}. {entry_words(entry)}" for k, entry in enumerate(steps, 1))])


def _settings_lines(entry: LogEntry) -> list[str]:
    kind = kind_of_settings(entry.stage, entry.settings)
    if kind is None:
        return [
            f"{name.replace('_', ' ')}: {value}" for name, value in entry.settings.items() if _told(value)
        ]
    return [
        f"{title}: {words}"
        for name, value in entry.settings.items()
        if name in kind.model_fields and _told(value)
        for title, words in (setting_words(kind, name, value),)
    ]


def _told(value: Any) -> bool:
    return value is not None and value != "" and not isinstance(value, Mapping) and value != []
