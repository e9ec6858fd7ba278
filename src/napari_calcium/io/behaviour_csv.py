"""Behaviour from tables: signals with a clock of their own, epochs, synchronisation pulses, frame times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium import __version__
from napari_calcium.io.behaviour_columns import (
    Role,
    clock_unit,
    is_binary,
    known_words,
    rising_edges,
    role_of,
    runs_of_ones,
)
from napari_calcium.io.behaviour_table import BehaviourTable, headings_of, read_behaviour_table
from napari_calcium.io.errors import ReadError
from napari_calcium.recording import LogEntry, Recording
from napari_calcium.results.behaviour_results import BehaviourFile, Epochs, Signal
from napari_calcium.settings import Choice, Settings

__all__ = [
    "BehaviourFileSettings",
    "add_behaviour",
    "is_list_of_events",
    "looks_like_behaviour",
    "read_behaviour",
]

_MANY_LABELS = 20
_FEW_REPEATS = 1.5

_Kind = Literal["signals", "epochs"]


class BehaviourFileSettings(Settings):
    """Files that tell of the behaviour; relative paths start at the folder of the recording's file."""

    file: str | None = Field(
        None,
        title="Behaviour",
        description="CSV of signals over time (speed, position, pupil, lick …) or of events with their "
        "start, end and label.",
    )
    epochs: str | None = Field(
        None, title="Epochs", description="CSV of events if they are in another file: start, end, label."
    )
    frame_times: str | None = Field(
        None,
        title="Frame times",
        description="CSV with the start of each frame on the clock of the behaviour, one a row.",
    )
    pulses: str | None = Field(
        None,
        title="Pulses",
        description="CSV with the synchronisation pulses on the clock of the behaviour, one a row.",
    )
    recording_pulses: str | None = Field(
        None,
        title="Pulses of the microscope",
        description="CSV with the same pulses in seconds from the start of the first frame, one a row.",
    )
    time_unit: Annotated[
        Literal["auto", "s", "ms", "µs", "min"],
        Choice((("auto", "find out"), ("s", "s"), ("ms", "ms"), ("µs", "µs"), ("min", "min"))),
    ] = Field("auto", title="Unit of the times", description="Of all times in these files.")


@dataclass
class _Found:
    """What was found so far, on the clock of the files."""

    signals: list[Signal] = field(default_factory=list)
    epochs: list[tuple[float, float, str]] = field(default_factory=list)
    pulse_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    frame_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    notes: list[str] = field(default_factory=list)


def looks_like_behaviour(path: str | Path) -> bool:
    """Whether the headings of a table are those of behaviour.

    That is a clock and a word such as speed or lick; or a start with an end, a duration or a label.
    """
    try:
        headings = headings_of(Path(path))
    except (ReadError, OSError):
        return False
    kinds = [role_of(heading).kind for heading in headings if heading]
    events = "start" in kinds and bool({"end", "duration", "label"}.intersection(kinds))
    return events or ("time" in kinds and known_words(headings) > 0)


def is_list_of_events(path: str | Path) -> bool:
    """Whether the headings of a table are those of events: a start, or a time and a label and no more."""
    try:
        kinds = [role_of(heading).kind for heading in headings_of(Path(path)) if heading]
    except (ReadError, OSError):
        return False
    return "start" in kinds or sorted(kinds) == ["label", "time"]


def read_behaviour(
    settings: BehaviourFileSettings, folder: str | Path = "."
) -> tuple[BehaviourFile, tuple[str, ...]]:
    """Read what the files in `settings` tell of the behaviour.

    A table of signals has a column of times (named time, t, timestamp …, else the first column that rises)
    and a column a signal; units stand in the headings (``speed (cm/s)``, ``pupil_px``). Columns of 0 and 1
    are epochs too, and columns of words are: each run of a word is one. Columns named sync, ttl, pulse or
    trigger hold pulses (rising edges); a column named frame counts the microscope's frames, or pulses at
    each. A table of events has a column named start or onset, and may have an end or a duration and a label.

    Parameters
    ----------
    settings : BehaviourFileSettings
    folder : path
        Where relative paths start.

    Returns
    -------
    file : BehaviourFile
        All times in seconds: dates and times of day count from 1970.
    notes : tuple of str
        What was found and guessed.

    Raises
    ------
    ReadError
        In one line that names the file and the row: no such file, no clock, a clock that runs back, a word
        among numbers, a row that is too long or short, an end before its start.
    """
    found = _Found()
    for kind, name in (("signals", settings.file), ("epochs", settings.epochs)):
        if name is not None:
            _take(found, _table(folder, name), "epochs" if kind == "epochs" else None, settings.time_unit)
    moments = {
        key: _moments(_table(folder, name), settings.time_unit)
        for key in ("frame_times", "pulses", "recording_pulses")
        if (name := getattr(settings, key)) is not None
    }
    found.epochs.sort()
    epochs = Epochs(
        np.array([label for _, _, label in found.epochs], np.str_),
        np.array([start for start, _, _ in found.epochs], np.float64),
        np.array([end for _, end, _ in found.epochs], np.float64),
    )
    file = BehaviourFile(
        tuple(found.signals),
        epochs,
        moments.get("pulses", found.pulse_s),
        moments.get("recording_pulses", np.empty(0)),
        moments.get("frame_times", found.frame_s),
    )
    counts = (
        ("signals", len(file.signals)),
        ("epochs", len(epochs)),
        ("pulses", len(file.pulse_s)),
        ("frame times", len(file.frame_s)),
    )
    told = ", ".join(f"{count:,} {what}" for what, count in counts if count)
    return file, (told or "nothing was found", *found.notes)


def add_behaviour(
    recording: Recording, settings: BehaviourFileSettings, folder: str | Path = "."
) -> Recording:
    """Return the recording with the behaviour from the files that `settings` name.

    Parameters
    ----------
    recording : Recording
        Without files it comes back as it is.
    settings : BehaviourFileSettings
    folder : path
        Where relative paths start.

    Raises
    ------
    ReadError
        As :func:`read_behaviour`.
    """
    given = settings.model_dump(exclude={"time_unit"})
    if all(path is None for path in given.values()):
        return recording
    file, notes = read_behaviour(settings, folder)
    entry = LogEntry(
        "behaviour_file", settings.model_dump(mode="json"), (), ("behaviour_file",), notes, __version__
    )
    return recording.with_step(entry, behaviour_file=file)


def _table(folder: str | Path, name: str) -> BehaviourTable:
    return read_behaviour_table(Path(folder) / name)


def _take(found: _Found, table: BehaviourTable, kind: _Kind | None, time_unit: str) -> None:
    roles = [role_of(heading) for heading in table.headings]
    kinds = [role.kind for role in roles]
    if "start" in kinds:
        _take_events(found, table, roles, kinds.index("start"), time_unit)
        return
    clock = _clock_column(table, kinds)
    words = [k for k, column in enumerate(table.columns) if column.dtype.kind == "U" and k != clock]
    numbers = [k for k in range(len(roles)) if k != clock and k not in words]
    if (kind == "epochs" or not numbers) and words:
        _take_events(found, table, roles, clock, time_unit)
    else:
        _take_signals(found, table, roles, clock, time_unit)


def _clock_column(table: BehaviourTable, kinds: list[str]) -> int:
    numeric = [k for k, column in enumerate(table.columns) if column.dtype.kind == "f"]
    for k in numeric:
        if kinds[k] == "time":
            return k
    for k in numeric:
        known = table.columns[k][np.isfinite(table.columns[k])]
        if len(known) > 1 and (np.diff(known) > 0).all():
            return k
    named = ", ".join(repr(h) for h in table.headings if h) or "no heading"
    raise ReadError(
        f"{table.name}: there is no column of times ({named}); call one time, and start if it is of events"
    )


def _times(
    table: BehaviourTable, place: int, role: Role, time_unit: str, rows: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float, str]:
    values = table.columns[place]
    if values.dtype.kind != "f":
        raise ReadError(f"{table.name}: column {table.headings[place]!r} holds words, not times")
    scale, told = clock_unit(role.unit, np.sort(values[rows]), time_unit)
    return values * scale, scale, told


def _take_signals(
    found: _Found, table: BehaviourTable, roles: list[Role], clock: int, time_unit: str
) -> None:
    known = np.isfinite(table.columns[clock])
    if not known.any():
        raise ReadError(f"{table.name}: the column of times is empty; export the table again")
    seconds, _, told = _times(table, clock, roles[clock], time_unit, known)
    found.notes.append(f"{table.name}: {told}")
    rows = np.flatnonzero(known)
    back = np.flatnonzero(np.diff(seconds[rows]) < 0)
    if len(back):
        a, b = rows[back[0]], rows[back[0] + 1]
        raise ReadError(
            f"{table.name}: row {table.lines[b]}: the time runs back ({table.columns[clock][b]:.10g} after "
            f"{table.columns[clock][a]:.10g}); sort the rows by time"
        )
    kept = rows[np.concatenate([[True], np.diff(seconds[rows]) > 0])]
    lost = len(table.lines) - len(kept)
    if lost:
        found.notes.append(f"{table.name}: {lost:,} rows without a time of their own are left out")
    time = seconds[kept]
    for place, role in enumerate(roles):
        if place != clock:
            name = role.name or f"column {place + 1}"
            _take_column(found, role, name, time, table.columns[place][kept])


def _take_column(
    found: _Found, role: Role, name: str, time: NDArray[np.float64], values: NDArray[Any]
) -> None:
    if values.dtype.kind == "U":
        for word in dict.fromkeys(values.tolist()):
            if word:
                _take_runs(found, word, time, values == word)
        return
    if role.kind == "frame":
        found.frame_s = time[_frame_starts(values)]
    elif role.kind == "pulse":
        found.pulse_s = time[rising_edges(values)]
    elif np.isfinite(values).any():
        taken = {signal.name for signal in found.signals}
        single = name if name not in taken else f"{name} {len(taken) + 1}"
        found.signals.append(Signal(single, role.unit, time, values))
        if is_binary(values):
            _take_runs(found, single, time, values == 1)


def _take_runs(found: _Found, label: str, time: NDArray[np.float64], on: NDArray[np.bool_]) -> None:
    """Take each run of samples as an epoch: it ends where the next sample says so."""
    first, after = runs_of_ones(on)
    end = np.append(time, time[-1])[after]
    found.epochs += [(float(a), float(b), label) for a, b in zip(time[first], end, strict=True)]


def _frame_starts(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the samples at which a frame starts: where a count goes up, or a line does."""
    known = values[np.isfinite(values)]
    whole = len(known) > 0 and (known == np.round(known)).all() and len(np.unique(known)) > 2
    if not (whole and (np.diff(known) >= 0).all()):
        return rising_edges(values)
    rows = np.flatnonzero(np.isfinite(values))
    starts = rows[np.flatnonzero(np.diff(known) > 0) + 1]
    # The count stands at 0 before the first frame; else the first frame had begun already.
    return starts if known[0] == 0 and len(starts) else np.concatenate([rows[:1], starts])


def _take_events(
    found: _Found, table: BehaviourTable, roles: list[Role], start_at: int, time_unit: str
) -> None:
    kinds = [role.kind for role in roles]
    known = np.isfinite(table.columns[start_at]) if table.columns[start_at].dtype.kind == "f" else None
    if known is None or not known.any():
        raise ReadError(f"{table.name}: column {table.headings[start_at]!r} holds no times")
    unit = roles[start_at].unit or next((r.unit for r in roles if r.kind == "end"), "")
    scale = 1.0 if not unit and time_unit == "auto" else clock_unit(unit, np.empty(0), time_unit)[0]
    start = table.columns[start_at] * scale
    end = start.copy()
    for kind in ("end", "duration"):
        if kind in kinds and table.columns[kinds.index(kind)].dtype.kind == "f":
            values = table.columns[kinds.index(kind)] * scale
            values = values if kind == "end" else start + values
            end = np.where(np.isfinite(values), values, start)
            break
    wrong = np.flatnonzero(known & (end < start))
    if len(wrong):
        row = wrong[0]
        raise ReadError(
            f"{table.name}: row {table.lines[row]}: the end ({end[row]:.10g} s) lies before the start "
            f"({start[row]:.10g} s); mend or delete the row"
        )
    labels, note = _labels(table, roles)
    found.notes += [note] if note else []
    for a, b, label in zip(start[known], end[known], np.array(labels)[known].tolist(), strict=True):
        kind = role_of(label).kind
        if kind == "pulse":
            found.pulse_s = np.append(found.pulse_s, a)
        elif kind == "frame":
            found.frame_s = np.append(found.frame_s, a)
        else:
            found.epochs.append((float(a), float(b), label or "event"))


def _labels(table: BehaviourTable, roles: list[Role]) -> tuple[Sequence[str], str]:
    """Return the label of each row: the column that is called so, else the first of words."""
    place = next((k for k, role in enumerate(roles) if role.kind == "label"), None)
    if place is None:
        place = next((k for k, column in enumerate(table.columns) if column.dtype.kind == "U"), None)
    if place is None:
        word = Path(table.name).stem
        return [word] * len(table.lines), f"{table.name}: the events have no label and are called {word!r}"
    column = table.columns[place]
    words = [f"{v:g}" if column.dtype.kind == "f" else str(v) for v in column.tolist()]
    distinct = len(set(words))
    if distinct > _MANY_LABELS and len(words) < _FEW_REPEATS * distinct:
        word = roles[place].name or "event"
        return [word] * len(
            words
        ), f"{table.name}: nearly every row has its own {word!r}, so all are one label"
    if column.dtype.kind == "f":
        name = roles[place].name
        words = [f"{name} {word}" if name else word for word in words]
    return words, ""


def _moments(table: BehaviourTable, time_unit: str) -> NDArray[np.float64]:
    """Return a list of moments: the column called time, or start, or the first of numbers."""
    roles = [role_of(heading) for heading in table.headings]
    numeric = [k for k, column in enumerate(table.columns) if column.dtype.kind == "f"]
    if not numeric:
        raise ReadError(f"{table.name}: there is no column of numbers; give one moment a row, in seconds")
    named = [k for k in numeric if roles[k].kind in ("time", "start")]
    place = (named or numeric)[0]
    values = table.columns[place]
    known = np.isfinite(values)
    unit = roles[place].unit
    scale = clock_unit(unit, np.empty(0), time_unit)[0]
    back = np.flatnonzero(np.diff(values[known]) < 0)
    if len(back):
        line = table.lines[known][back[0] + 1]
        raise ReadError(f"{table.name}: row {line}: the time runs back; sort the rows by time")
    return np.unique(values[known] * scale)
