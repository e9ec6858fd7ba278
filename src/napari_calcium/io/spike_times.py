"""Read spike times that were recorded electrically: a row a spike, or a column a cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.io.csv_dialect import POINTS, SEPARATORS, decode, guess_dialect, number, split
from napari_calcium.io.errors import ReadError
from napari_calcium.results.tables import SpikeTimes

__all__ = ["read_spike_times"]

_CELL_WORDS = {"roi_id", "roi", "cell", "cell_id", "neuron", "neuron_id", "unit", "id", "label"}
_TIME_WORDS = {"time", "t", "spike", "spikes", "spike_time", "spike_times", "seconds", "sec", "onset"}
_IN_SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0}
_MOST_BYTES = 2**30


def read_spike_times(
    path: str | Path, roi_ids: ArrayLike, cell_names: Sequence[str] = (), *, cell: int | None = None
) -> SpikeTimes:
    """Read a table of spike times.

    Parameters
    ----------
    path : path
        CSV (comma, semicolon, tab or blank; decimal point or comma), in one of three layouts: a row a spike
        with a column for the cell and one for the time; a column of times for each cell, whose heading names
        it; or one column of times of a single cell. Times are in seconds from the start of the first frame
        unless the heading says ms, µs or min (``time_ms``, ``time (ms)``).
    roi_ids : (n_rois,) int
        Cells of the recording.
    cell_names : sequence of str
        What the recording's file calls them; names in the table are looked up here first, then as ids.
    cell : int, optional
        Whose spikes a single column holds; needed where the recording has several cells.

    Returns
    -------
    SpikeTimes
        Sorted by cell, in the order of `roi_ids`, and time.

    Raises
    ------
    ReadError
        Naming file and row: for what is no number, a cell that is not in the recording, no times at all.
    """
    file = Path(path)
    headings, rows = _cells_of(file)
    ids = np.asarray(roi_ids, np.int64)
    lookup = {str(int(roi)): int(roi) for roi in ids} | dict(zip(cell_names, ids.tolist(), strict=False))
    words = [_plain(heading) for heading in headings]
    who = next((k for k, word in enumerate(words) if word in _CELL_WORDS), None)
    if who is not None:
        found = _long(file, headings, rows, who, lookup)
    elif len(words) == 1:
        found = _single(file, headings, rows, ids, cell)
    else:
        found = _wide(file, headings, rows, lookup)
    order = {int(roi): k for k, roi in enumerate(ids)}
    pairs = sorted(found, key=lambda pair: (order[pair[0]], pair[1]))
    return SpikeTimes(np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.float64))


def _cells_of(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return headings (invented where there are none) and the rows below, with their numbers in the file."""
    if file.stat().st_size > _MOST_BYTES:
        raise ReadError(f"{file.name}: larger than 1 GB; this is no table of spike times")
    lines = [
        (k, line)
        for k, line in enumerate(decode(file.read_bytes().removeprefix(b"\xef\xbb\xbf")).splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise ReadError(f"{file.name}: there is nothing in it; expected times of spikes in seconds")
    sample = [line for _, line in lines[1:50]] or [lines[0][1]]
    separator, decimal = guess_dialect(sample, list(SEPARATORS), list(POINTS))
    point = POINTS[decimal]
    rows = [(k, split(line, SEPARATORS[separator])) for k, line in lines]
    first = rows[0][1]
    # Several columns need names, which may be numbers: those of the cells.
    headed = len(first) > 1 or any(number(text, point) is None for text in first)
    headings = first if headed else ["time"]
    body = rows[1:] if headed else rows
    tidy = [(k, [text.replace(",", ".") if point == "," else text for text in cells]) for k, cells in body]
    return headings, tidy


def _plain(heading: str) -> str:
    """Return a heading in small letters without its unit: ``Time (ms)`` and ``time_ms`` are ``time``."""
    word = re.sub(r"[\s\-]+", "_", heading.strip().lower())
    word = re.sub(r"_*[\(\[].*?[\)\]]$", "", word)
    base, _, last = word.rpartition("_")
    return base if base and last in _IN_SECONDS else word


def _unit(heading: str) -> float:
    """Return how many seconds a heading's unit is; 1 if it names none."""
    found = re.search(r"(?:_|\(|\[|\s)(s|sec|seconds|ms|us|µs|min)[\)\]]?$", heading.strip().lower())
    return _IN_SECONDS[found[1]] if found else 1.0


def _time(file: Path, row: int, text: str, unit: float) -> float | None:
    """Return a time in seconds, None for an empty cell."""
    value = number(text)
    if value is None or np.isinf(value):
        raise ReadError(f"{file.name}: row {row}: {text[:40]!r} is no time; expected seconds")
    return None if np.isnan(value) else value * unit


def _roi(file: Path, row: int, name: str, lookup: dict[str, int]) -> int:
    whole = re.sub(r"\.0+$", "", name)
    for known in (name, whole):
        if known in lookup:
            return lookup[known]
    raise ReadError(
        f"{file.name}: row {row}: the recording has no cell {name[:40]!r}; use its ids or names, "
        f"such as {', '.join(list(lookup)[:3])}"
    )


def _long(
    file: Path, headings: list[str], rows: list[tuple[int, list[str]]], who: int, lookup: dict[str, int]
) -> list[tuple[int, float]]:
    others = [k for k in range(len(headings)) if k != who]
    when = next((k for k in others if _plain(headings[k]) in _TIME_WORDS), others[0] if others else None)
    if when is None:
        raise ReadError(f"{file.name}: there is a column of cells, {headings[who]!r}, but none of times")
    unit, found = _unit(headings[when]), []
    for k, cells in rows:
        if len(cells) <= max(who, when):
            raise ReadError(f"{file.name}: row {k} has {len(cells)} cells instead of {len(headings)}")
        if (time := _time(file, k, cells[when], unit)) is not None:
            found.append((_roi(file, k, cells[who], lookup), time))
    return found


def _single(
    file: Path,
    headings: list[str],
    rows: list[tuple[int, list[str]]],
    ids: NDArray[np.int64],
    cell: int | None,
) -> list[tuple[int, float]]:
    if cell is None and len(ids) != 1:
        raise ReadError(
            f"{file.name}: one column of times, but the recording has {len(ids)} cells; say whose spikes "
            "they are, or add a column roi_id"
        )
    roi = int(ids[0]) if cell is None else cell
    if roi not in ids:
        raise ReadError(f"{file.name}: the recording has no cell {roi}")
    times = (_time(file, k, cells[0], _unit(headings[0])) for k, cells in rows)
    return [(roi, time) for time in times if time is not None]


def _wide(
    file: Path, headings: list[str], rows: list[tuple[int, list[str]]], lookup: dict[str, int]
) -> list[tuple[int, float]]:
    rois = [_roi(file, 1, heading, lookup) for heading in headings]
    found = []
    for k, cells in rows:
        if len(cells) > len(rois):
            raise ReadError(f"{file.name}: row {k} has {len(cells)} cells instead of {len(rois)}")
        for roi, text in zip(rois, cells, strict=False):
            if (time := _time(file, k, text or "nan", 1.0)) is not None:
                found.append((roi, time))
    return found
