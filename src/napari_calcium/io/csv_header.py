"""Lines above the numbers of a table: titles, names, units, remarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.csv_dialect import number, split

__all__ = ["Line", "count_header", "evenly_spaced", "numbered"]

_MAX_HEADER = 60
_MANY = 2000
_FEW = 200
_FEWEST_TIMES = 5
_SAME_STEP = 0.05


@dataclass(frozen=True)
class Line:
    """A line of the file that is neither blank nor a remark; split only as far as it is asked for.

    Attributes
    ----------
    place : int
        Which line of the file, from 0.
    text, separator : str
        What it says, and what stands between its cells.
    """

    place: int
    text: str
    separator: str

    @cached_property
    def cells(self) -> list[str]:
        """All cells, without quotes and surrounding spaces."""
        return split(self.text, self.separator)

    @cached_property
    def start(self) -> list[str]:
        """The first 2,000 cells at most."""
        return split(self.text, self.separator, _MANY)

    @cached_property
    def n_cells(self) -> int:
        """How many cells there are."""
        if self.separator == " " or '"' in self.text:
            return len(self.cells)
        return self.text.count(self.separator) + 1

    @cached_property
    def end(self) -> list[str]:
        """The last 200 cells at most."""
        if '"' in self.text:
            return self.cells[-_FEW:]
        separator = None if self.separator == " " else self.separator
        return [cell.strip() for cell in self.text.rsplit(separator, _FEW)[-_FEW:]]

    def cell(self, field: int) -> str:
        """Return one cell."""
        return self.start[field] if field < len(self.start) else self.cells[field]


def numbered(cells: list[float] | NDArray[np.float64]) -> bool:
    """Whether numbers count up by one from 0 or 1."""
    values = np.asarray(cells, np.float64)
    return bool(
        len(values) and values[0] in (0, 1) and np.array_equal(values, values[0] + np.arange(len(values)))
    )


def evenly_spaced(cells: list[float] | NDArray[np.float64]) -> bool:
    """Whether at least five numbers rise in steps that are equal to within rounding (5 %), as times do."""
    values = np.asarray(cells, np.float64)
    if len(values) < _FEWEST_TIMES or not np.isfinite(values).all():
        return False
    steps = np.diff(values)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(steps.mean())
        return bool(steps.min() > 0 and np.isfinite(mean) and steps.std() <= _SAME_STEP * mean)


def count_header(lines: list[Line], decimal: str) -> int:
    """Return how many of the first lines are a heading.

    A line is one if most of its cells beside the first are words; and so is a first line of numbers that only
    number or time the columns. A word among numbers does not make a heading: it is a mistake to report.
    """
    for count, line in enumerate(lines[:_MAX_HEADER]):
        if not _is_heading(line.start, decimal):
            return count or int(_numbers_columns(lines, decimal))
    return len(lines)


def _is_heading(cells: list[str], decimal: str) -> bool:
    beside = [cell for cell in cells[1:] if cell] or cells[:1]
    words = sum(number(cell, decimal) is None for cell in beside)
    return words * 2 > len(beside)


def _numbers_columns(lines: list[Line], decimal: str) -> bool:
    """Whether the first line, all numbers but perhaps its first cell, is a heading of numbers or times."""
    if len(lines) < 2 or len(lines[0].start) < 2:
        return False
    first, second = lines[0].start, lines[1].start
    corner, below = (
        number(first[0], decimal),
        [number(line.start[0], decimal) for line in lines[1:] if line.start],
    )
    apart = not first[0] or (corner is None and all(value is not None for value in below))
    values = _values(first[1:] if apart else first, decimal)
    others = _values(second[1:] if apart else second, decimal)
    fewest = 1 if apart and (corner is None or _counts(below)) else 3
    if values is None or others is None or len(values) < fewest:
        return False
    if numbered(values):
        return not numbered(others)
    if evenly_spaced(values):
        return not evenly_spaced(others)
    ids = len(set(values)) == len(values) and all(
        value == int(value) >= 0 for value in values if np.isfinite(value)
    )
    return bool(apart and ids and np.isfinite(values).all() and _counts(below))


def _values(cells: list[str], decimal: str) -> list[float] | None:
    values = [number(cell, decimal) for cell in cells]
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None


def _counts(below: list[float | None]) -> bool:
    return len(below) >= 3 and numbered([np.nan if value is None else value for value in below])
