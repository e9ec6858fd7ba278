"""A delimited table whose columns may be numbers, times of day or words, with the line of each row."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.behaviour_columns import is_unit
from napari_calcium.io.csv_dialect import (
    POINTS,
    SEPARATORS,
    decode,
    guess_dialect,
    number,
    split,
)
from napari_calcium.io.errors import ReadError
from napari_calcium.io.text_blocks import TextFile

__all__ = ["BehaviourTable", "headings_of", "read_behaviour_table"]

_SAMPLE = 50
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}:\d{2}")
_WORDS_ALLOWED = 0.5
"""A column with more words than this among its cells is one of words, not of numbers with mistakes."""


@dataclass(frozen=True, eq=False)
class BehaviourTable:
    """Columns of a table.

    Attributes
    ----------
    name : str
        Of the file.
    headings : tuple of str
        Empty strings where the file has no heading.
    columns : tuple of (n_rows,) arrays
        float64 (NaN where a cell is empty or marked as missing), or str.
    lines : (n_rows,) int64
        Line of the file, counted from 1, of each row.
    """

    name: str
    headings: tuple[str, ...]
    columns: tuple[NDArray[Any], ...]
    lines: NDArray[np.int64]


def headings_of(path: Path) -> list[str]:
    """Return the headings of a table by its first lines; empty where it has none.

    Raises
    ------
    ReadError
        If it is no text file.
    """
    with TextFile(path) as text:
        return list(_layout(text)[0])


def read_behaviour_table(path: Path) -> BehaviourTable:
    """Read a table of any dialect: separator, decimal sign and lines above the numbers are found out.

    Raises
    ------
    ReadError
        In one line that names the file and the row: no text, rows of unequal length, words among numbers.
    """
    with TextFile(path) as text:
        headings, first, separator, decimal = _layout(text)
        content = b"".join(text.blocks())
    body = content.split(b"\n")[first:]
    lines = np.array([k for k, line in enumerate(body) if _is_row(line)], np.int64)
    if not len(lines):
        raise ReadError(f"{path.name}: there are no rows below the headings; export the table again")
    n_fields = max(len(headings), 1)
    cells = _parsed(path.name, [body[k] for k in lines], lines + first + 1, n_fields, separator)
    columns = tuple(
        _typed(path.name, headings, k, cells[k], lines + first + 1, decimal) for k in range(n_fields)
    )
    return BehaviourTable(path.name, headings, columns, lines + first + 1)


def _is_row(line: bytes) -> bool:
    return bool(line.strip(b" \t\r,;")) and not line.lstrip().startswith(b"#")


def _layout(text: TextFile) -> tuple[tuple[str, ...], int, str, str]:
    """Return headings, the line after them (from 0), separator and decimal sign."""
    numbered = [
        (place, decode(line).strip("\r\ufeff"))
        for place, line in enumerate(text.head.split(b"\n"))
        if _is_row(line)
    ]
    if not numbered:
        raise ReadError(f"{text.path.name}: the file is empty; export it again")
    lines = [line for _, line in numbered]
    sample = lines[1:][-_SAMPLE:] or lines
    separator, decimal = guess_dialect(sample, list(SEPARATORS), list(POINTS))
    sign, point = SEPARATORS[separator], POINTS[decimal]
    rows = [(place, split(line, sign)) for place, line in numbered]
    n_fields = len(split(sample[-1], sign))
    above = 0
    while above < len(rows) and not any(_is_value(cell, point) for cell in rows[above][1]):
        above += 1
    if above == len(rows):  # words everywhere, as in a list of events: the first line names them
        above = 1
    if above == 0:
        return ("",) * n_fields, rows[0][0], sign, point
    return _headings([cells for _, cells in rows[:above]], n_fields), rows[above - 1][0] + 1, sign, point


def _is_value(cell: str, decimal: str) -> bool:
    known = number(cell, decimal)
    return bool(_DATE.search(cell)) or (known is not None and known == known)


def _headings(lines: list[list[str]], n_fields: int) -> tuple[str, ...]:
    """Return the names in the lines above the numbers; a line of units below them is put behind them."""
    whole = [cells for cells in lines if len(cells) >= n_fields] or [lines[-1]]
    names = whole[-1]
    if len(whole) > 1 and all(is_unit(cell) for cell in whole[-1] if cell):
        names = [f"{a} ({b.strip(' ()[]')})" if b else a for a, b in zip(whole[-2], whole[-1], strict=False)]
    return (*names, *[""] * (n_fields - len(names)))


def _parsed(
    name: str, rows: list[bytes], lines: NDArray[np.int64], n_fields: int, separator: str
) -> list[NDArray[Any]]:
    """Return the cells of each column as text."""
    import pandas as pd

    if separator != " " and any(row.count(separator.encode()) != n_fields - 1 for row in rows):
        return _by_hand(name, rows, lines, n_fields, separator)
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(decode(row).rstrip("\r") for row in rows)),
            sep=r"\s+" if separator == " " else separator,
            header=None,
            names=range(n_fields),
            index_col=False,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,
        )
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError):
        frame = None
    if frame is None or len(frame) != len(rows) or (frame[n_fields - 1].fillna("") == "").all():
        return _by_hand(name, rows, lines, n_fields, separator)
    return [frame[k].fillna("").to_numpy(dtype=object) for k in range(n_fields)]


def _by_hand(
    name: str, rows: list[bytes], lines: NDArray[np.int64], n_fields: int, separator: str
) -> list[NDArray[Any]]:
    """Read row by row, to name the one that is not like the others."""
    table = []
    for row, line in zip(rows, lines.tolist(), strict=True):
        cells = split(decode(row), separator)
        extra = [cell for cell in cells[n_fields:] if cell]
        if len(cells) < n_fields or extra:
            raise ReadError(
                f"{name}: row {line} has {len(cells)} cells, but there are {n_fields} columns; "
                "mend or delete the row"
            )
        table.append(cells[:n_fields])
    return [np.array(column, object) for column in zip(*table, strict=True)]


def _typed(
    name: str,
    headings: tuple[str, ...],
    place: int,
    cells: NDArray[Any],
    lines: NDArray[np.int64],
    decimal: str,
) -> NDArray[Any]:
    """Return a column as numbers, as seconds since 1970 where it holds dates, or as words."""
    import pandas as pd

    text = pd.Series(cells, dtype=object)
    plain = text.str.replace(",", ".", regex=False) if decimal == "," else text
    values = pd.to_numeric(plain.mask(plain == ""), errors="coerce").to_numpy(np.float64, copy=True)
    for row in np.flatnonzero(np.isnan(values) & (text != "").to_numpy()):
        known = number(str(cells[row]).strip(), decimal)
        if known is None:
            break
        values[row] = known
    else:
        return np.where(np.isfinite(values), values, np.nan)
    filled = [str(cell).strip() for cell in cells if str(cell).strip()]
    if all(_DATE.search(cell) for cell in filled[:_SAMPLE]):
        return _seconds(name, headings[place], filled, cells, lines)
    words = [cell for cell in filled if number(cell, decimal) is None]
    if len(words) < _WORDS_ALLOWED * len(filled):
        what = f" of column {headings[place]!r}" if headings[place] else f", column {place + 1}"
        raise ReadError(
            f"{name}: row {lines[row]}{what}: {str(cells[row])[:40]!r} is not a number; "
            "mend it or leave the cell empty"
        )
    return np.array([str(cell).strip() for cell in cells], np.str_)


def _seconds(
    name: str, heading: str, filled: list[str], cells: NDArray[Any], lines: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return dates and times of day as seconds since 1970."""
    import pandas as pd

    times = pd.to_datetime(pd.Series(cells, dtype=object), errors="coerce", format="ISO8601", utc=True)
    if times.isna().all():
        times = pd.to_datetime(pd.Series(cells, dtype=object), errors="coerce", format="mixed", utc=True)
    wrong = np.flatnonzero(times.isna().to_numpy() & np.array([bool(str(c).strip()) for c in cells]))
    if len(wrong):
        raise ReadError(
            f"{name}: row {lines[wrong[0]]} of column {heading!r}: {str(cells[wrong[0]])[:40]!r} is no time; "
            "write times like 2024-05-31 14:02:11.250 or in seconds"
        )
    start = pd.Timestamp(0, tz="UTC")
    seconds = (times - start).dt.total_seconds().to_numpy(np.float64)
    return np.asarray(seconds, np.float64)
