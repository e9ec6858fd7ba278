"""Fluorescence from a CSV file, whichever way round and whoever wrote it."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_calcium import __version__
from napari_calcium.io.clock import read_clock
from napari_calcium.io.csv_layout import Layout, find_layout
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.csv_table import NumberTable, read_table
from napari_calcium.io.errors import ReadError
from napari_calcium.io.text_blocks import TextFile
from napari_calcium.io.trace_notes import listed, value_notes
from napari_calcium.io.trace_unit import TraceKind, guess_unit
from napari_calcium.plurals import count_of
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import LogEntry, Recording, Trace

__all__ = ["TRACES_BY_KIND", "CsvDescription", "CsvSettings", "ReadError", "describe_csv", "read_csv"]

TRACES_BY_KIND: dict[TraceKind, tuple[str, str, str]] = {
    "raw": ("raw", "a.u.", "raw intensities"),
    "dff": ("dff", "ΔF/F", "ΔF/F as a fraction, so the baseline stage is skipped"),
    "percent_dff": ("dff", "ΔF/F", "ΔF/F in percent, stored as a fraction; the baseline stage is skipped"),
    "zscore": (
        "dff",
        "z-score",
        "z-scores, so the baseline stage is skipped and amplitudes are in SD, not ΔF/F",
    ),
    "spikes": ("spikes", "spikes/frame", "inferred spikes per frame, not fluorescence"),
}
"""What each kind of values is called in a recording: trace, unit, and in words."""


def read_csv(
    path: str | Path, settings: CsvSettings = CsvSettings(), *, on_progress: Progress = silent
) -> Recording:
    """Read a table of fluorescence: neurons × frames or frames × neurons.

    Separator, decimal sign, heading, columns of names and of times, orientation, unit and frame rate are
    found out where `settings` leave them open. UTF-8, UTF-16, Latin-1, any line end, and gzip are understood.

    Parameters
    ----------
    path : str or Path
        It is never written to.
    settings : CsvSettings
    on_progress
        Called with the bytes read and the bytes of the file; an exception from it ends the reading.

    Returns
    -------
    Recording
        With one trace: ``"raw"`` (a.u.), ``"dff"`` (ΔF/F as a fraction, or z-scores, as its unit says) or
        ``"spikes"``. NaN where a cell was empty, marked as missing, or infinite. Ids are 0, 1, 2 … in the
        order of the file, or the file's own numbers where it numbers its neurons. The frame rate is None
        where neither the file nor the settings tell one. Its log entry ``"read"`` has settings without any
        "auto", which read the file again in exactly the same way, and notes on what was guessed or is odd.

    Raises
    ------
    ReadError
        In one line that names the file and the place: no file, no numbers, rows of unequal length, words
        among the numbers, a setting that does not fit.

    Notes
    -----
    Linear in the size of the file and faster than pandas' C parser; memory is the result and a few blocks.
    """
    started = time.perf_counter()
    with TextFile(Path(path)) as text:
        layout = find_layout(text, settings)
        table = read_table(text, layout, on_progress)
        source = text.source
    unit, why = guess_unit(table.traces, layout.heading)
    unit, why = ("spikes", "CASCADE writes them") if layout.settings.layout == "cascade" else (unit, why)
    kind: TraceKind = unit if settings.unit == "auto" else settings.unit
    name, symbol, what = TRACES_BY_KIND[kind]
    rate, rate_notes = _frame_rate(Path(path), layout, table, settings.frame_rate)
    ids, cell_names, name_notes = _cells(layout, table)
    keep = _kept(layout, len(ids))
    notes = [
        *layout.notes,
        f"the values are {what}: {why if kind == unit else 'as set'}",
        *rate_notes,
        *name_notes,
        *_rejected_note(layout, cell_names),
        *_infinite_note(table),
        *value_notes(table.traces[keep], [_called(layout, ids, cell_names, int(k)) for k in keep]),
    ]
    values = table.traces if len(keep) == len(ids) else table.traces[keep]
    rejected = "leave_out" if layout.settings.rejected_cells == "leave_out" else "keep"
    resolved = layout.settings.replace(unit=kind, frame_rate=rate, rejected_cells=rejected)
    return Recording(
        name=_stem(Path(path)),
        roi_ids=ids[keep],
        frame_rate=rate,
        traces={name: Trace(values / np.float32(100) if kind == "percent_dff" else values, symbol)},
        cell_names=tuple(cell_names[k] for k in keep) if cell_names else (),
        source=source,
        log=(
            LogEntry(
                stage="read",
                settings=resolved.model_dump(mode="json"),
                writes=(f"traces/{name}",),
                notes=tuple(notes),
                version=__version__,
                seconds=time.perf_counter() - started,
            ),
        ),
    )


@dataclass(frozen=True)
class CsvDescription:
    """What a table of fluorescence is, and what was guessed.

    Attributes
    ----------
    name : str
        Of the file.
    n_rois, n_frames : int
    trace, unit : str
        Name and unit of the trace.
    frame_rate : float or None
        In Hz.
    settings : CsvSettings
        All settled.
    notes : tuple of str
        In plain words.
    """

    name: str
    n_rois: int
    n_frames: int
    trace: str
    unit: str
    frame_rate: float | None
    settings: CsvSettings
    notes: tuple[str, ...]

    def __str__(self) -> str:
        rate = "frame rate unknown" if self.frame_rate is None else f"{self.frame_rate:g} Hz"
        lines = [
            f"{self.name}: {self.n_rois} neurons × {self.n_frames} frames, {rate}, "
            f"{self.trace} in {self.unit}"
        ]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def describe_csv(path: str | Path, settings: CsvSettings = CsvSettings()) -> CsvDescription:
    """Say what a table of fluorescence is, by reading it whole, so that the answer is what a run will do.

    Raises
    ------
    ReadError
        As :func:`read_csv`.
    """
    recording = read_csv(path, settings)
    ((name, trace),) = recording.traces.items()
    entry = recording.log[0]
    return CsvDescription(
        Path(path).name,
        recording.n_rois,
        recording.n_frames,
        name,
        trace.unit,
        recording.frame_rate,
        CsvSettings.validated(dict(entry.settings)),
        entry.notes,
    )


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def _frame_rate(
    path: Path, layout: Layout, table: NumberTable, wanted: float | None
) -> tuple[float | None, list[str]]:
    """Return the frame rate, and where it comes from."""
    times = table.times if layout.time_field is not None else layout.column_times
    if times is not None:
        clock = read_clock(times, layout.time_name)
        found, notes = clock.frame_rate, list(clock.notes)
    elif layout.stated_rate is not None:
        found, notes = layout.stated_rate, [f"a remark above the numbers states {layout.stated_rate:g} Hz"]
    else:
        found, notes = None, []
    if wanted is not None and wanted != found:
        notes.append(f"the frame rate is {wanted:g} Hz, as set")
    if wanted is None and found is None:
        named = re.search(r"(\d+(?:\.\d+)?)[ _-]?hz", path.name, re.I)
        hint = f" (its name says {named.group(1)} Hz)" if named else ""
        notes.append(f"the file does not tell the frame rate{hint}; set it")
    return (found if wanted is None else wanted), notes


def _cells(layout: Layout, table: NumberTable) -> tuple[NDArray[np.int64], tuple[str, ...], list[str]]:
    """Return ids, names (none where they are mere numbers) and notes on the names."""
    n_rois = len(table.traces)
    names = tuple(table.row_names) if layout.neurons_in_rows else layout.column_names
    in_order = np.arange(n_rois, dtype=np.int64)
    if not any(names):
        return in_order, (), []
    numbered = [re.fullmatch(r"(\d{1,15})(\.0*)?", name) for name in names]
    if all(numbered):
        ids = np.array([int(match.group(1)) for match in numbered if match], np.int64)
        if len(np.unique(ids)) == n_rois:
            return (
                ids,
                (),
                [] if np.array_equal(ids, in_order) else ["the neurons keep the file's own numbers as ids"],
            )
    places = Counter(names)
    twice = [name for name, count in places.items() if count > 1]
    notes = []
    if twice:
        which = [k for k, name in enumerate(names) if name == twice[0]]
        notes.append(
            f"{len(twice)} name{'s' * (len(twice) > 1)} of several neurons, such as {twice[0]!r} of neurons "
            f"{listed([str(k + 1) for k in which])}; they are told apart by their ids, counted from 0"
        )
    return in_order, names, notes


def _kept(layout: Layout, n_rois: int) -> NDArray[np.int64]:
    every = np.arange(n_rois)
    if layout.settings.rejected_cells != "leave_out":
        return every
    return np.setdiff1d(every, layout.rejected)


def _rejected_note(layout: Layout, names: tuple[str, ...]) -> list[str]:
    if not layout.rejected:
        return []
    which = listed([names[k] if names else str(k) for k in layout.rejected])
    kept = layout.settings.rejected_cells != "leave_out"
    fate = "kept; set rejected_cells to leave_out to drop them" if kept else "left out"
    return [f"{count_of(len(layout.rejected), 'neuron')} marked as rejected ({which}): {fate}"]


def _infinite_note(table: NumberTable) -> list[str]:
    if not table.n_infinite:
        return []
    row, column = table.infinite[0]
    return [
        f"{table.n_infinite} infinite or too large values are read as missing, "
        f"first at row {row}, column {column}"
    ]


def _called(layout: Layout, ids: NDArray[np.int64], names: tuple[str, ...], position: int) -> str:
    """Return how to point the user to a neuron: its name or id, as everywhere else, and its column."""
    cell = names[position] if names and names[position] else f"cell {ids[position]}"
    return cell if layout.neurons_in_rows else f"column {layout.value_fields[position] + 1} ({cell})"
