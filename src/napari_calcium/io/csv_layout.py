"""Find out how a table of fluorescence is laid out, from its first lines."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.csv_columns import (
    field_of,
    imagej_measurement,
    is_frame_name,
    is_time_name,
    role_of,
)
from napari_calcium.io.csv_dialect import POINTS, SEPARATORS, decode, guess_dialect, number, split
from napari_calcium.io.csv_header import Line, count_header, evenly_spaced
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.orientation import guess_orientation
from napari_calcium.io.text_blocks import TextFile

__all__ = ["Layout", "find_layout"]

_SAMPLE_LINES = 16
_SAMPLE_FIELDS = 500
_FEWEST_PADDED = 4
_STATUS = {"accepted", "undecided", "rejected"}
_IMAGEJ_WANTED = ("Mean", "IntDen", "RawIntDen", "Median")
_RATE = re.compile(
    r"(?:frame[ _-]?rate|sampling[ _-]?rate|\bfps\b)(?:[ _]?\(?hz\)?)?\s*[:=,;]?\s*(\d+(?:[.,]\d+)?)", re.I
)


@dataclass(frozen=True)
class Layout:
    """How a table is laid out; every guess is settled.

    Attributes
    ----------
    settings : CsvSettings
        Without any "auto", except for what the numbers themselves decide: unit and frame rate.
    first_line : int
        Line of the first row of numbers, from 0.
    data_start : int
        Byte at which it begins.
    n_fields : int
        Fields of a row.
    value_fields : tuple of int
        The fields that are measurements.
    index_field, time_field : int or None
        The fields that name or time the rows.
    column_names : tuple of str
        Heading of each of `value_fields`; empty without headings.
    column_times : (n_values,) float64 or None
        Times above the columns, where a row is a neuron.
    time_name : str
        What the file calls its times, with their unit.
    rejected : tuple of int
        Positions among `value_fields` of cells that the user had marked as rejected.
    heading : str
        All that stands above the numbers.
    notes : tuple of str
        What was found and why, in plain words.
    """

    settings: CsvSettings
    first_line: int
    data_start: int
    n_fields: int
    value_fields: tuple[int, ...]
    index_field: int | None
    time_field: int | None
    column_names: tuple[str, ...]
    column_times: NDArray[np.float64] | None
    time_name: str
    rejected: tuple[int, ...]
    heading: str
    notes: tuple[str, ...]

    @property
    def separator(self) -> str:
        """Character between the fields."""
        return SEPARATORS[self.settings.separator]

    @property
    def decimal(self) -> str:
        """Decimal sign."""
        return POINTS[self.settings.decimal]

    @property
    def neurons_in_rows(self) -> bool:
        """Whether a row of the file is a neuron."""
        return self.settings.orientation == "neurons_in_rows"

    @property
    def stated_rate(self) -> float | None:
        """Frame rate that a remark above the numbers states, in Hz."""
        match = _RATE.search(self.heading)
        rate = float(match.group(1).replace(",", ".")) if match else 0.0
        return rate if rate > 0 else None


def find_layout(text: TextFile, settings: CsvSettings) -> Layout:
    """Settle everything about the layout that `settings` leave open.

    Each guess builds on those before it, as the settings overruled them, and its note depends on what was
    settled only; so a rerun with the settled settings gives the same notes.

    Raises
    ------
    ReadError
        If there are no numbers, or a setting does not fit the file.
    """
    return _Table(text, settings).layout()


class _Table:
    """The first lines of a file, with what has been settled about them so far."""

    def __init__(self, text: TextFile, settings: CsvSettings) -> None:
        self.name, self.n_lines = text.path.name, text.n_lines
        self.notes: list[str] = []
        self.raw = text.head.split(b"\n")
        written = [decode(line.rstrip(b"\r")).removeprefix("\ufeff") for line in self.raw]
        said = next((w[4] for w in written[:1] if re.fullmatch(r'"?sep=.?"?', w, re.I) and len(w) > 4), None)
        self.written = written
        self.remarks = [k for k, line in enumerate(written) if _is_remark(line)]
        places = [k for k, line in enumerate(written) if line.strip() and not _is_remark(line)]
        if not places:
            raise ReadError(f"{self.name}: there are no numbers in it; export the traces again")
        self._settle_dialect(settings, places, said)
        self.lines = [Line(k, written[k], self.separator) for k in places]
        self._settle_header(settings.header_rows)
        self._settle_fields()

    def _settle_dialect(self, settings: CsvSettings, places: list[int], said: str | None) -> None:
        body = [k for k in places if settings.header_rows is None or k >= settings.header_rows] or places
        named = next((word for word, sign in SEPARATORS.items() if sign == said), settings.separator)
        wanted = settings.separator if settings.separator != "auto" else named
        separator, decimal = guess_dialect(
            [self.written[k] for k in body[-_SAMPLE_LINES:]],
            list(SEPARATORS) if wanted == "auto" else [wanted],
            list(POINTS) if settings.decimal == "auto" else [settings.decimal],
        )
        self.settings = settings.replace(separator=separator, decimal=decimal)
        self.separator, self.decimal = SEPARATORS[separator], POINTS[decimal]

    def _settle_header(self, wanted: int | None) -> None:
        """Divide the lines into heading and rows of numbers."""
        if wanted is None:
            count = count_header(self.lines, self.decimal)
        else:
            count = sum(line.place < wanted for line in self.lines)
        self.header, self.rows = self.lines[:count], self.lines[count:]
        if not self.rows:
            shown = " ".join(self.written[self.lines[0].place].split())[:40]
            raise ReadError(
                f"{self.name}: there is no row of numbers in its first {self.lines[-1].place + 1} lines, "
                f"which begin with {shown!r}; check the separator and the lines above the numbers"
            )
        first = self.rows[0].place
        self.settings = self.settings.replace(header_rows=first)
        heads = [self.written[k] for k in range(first)]
        self.heading = "\n".join(line[:4000] for line in heads)
        if self.header:
            shown = ", ".join(cell for cell in self.header[-1].start if cell)[:40]
            self.notes.append(
                f"{first} line{'s' * (first > 1)} above the numbers, the last of them {shown!r}"
            )

    def _settle_fields(self) -> None:
        """Count the fields of a row, and leave out an empty one after a separator at the end of each line."""
        lengths = Counter(row.n_cells for row in self.rows)
        self.n_fields = max(lengths, key=lambda n: (lengths[n], n))
        names = self._heading_cells()
        ends = [row.end[-1] for row in self.rows if row.n_cells == self.n_fields and row.end]
        if self.n_fields > 1 and not any(ends) and not any(names[self.n_fields - 1 :]):
            self.n_fields -= 1
        self.names: tuple[str, ...] | None = (
            tuple(names[: self.n_fields]) if len(names) >= self.n_fields else None
        )
        self.sample = [row for row in self.rows if row.n_cells >= self.n_fields]

    def _heading_cells(self) -> list[str]:
        """Return the names above the columns; a remark may hold them, as numpy.savetxt writes it."""
        candidates = [line.cells for line in reversed(self.header)]
        if self.n_fields > 1:
            above = [self.written[k] for k in self.remarks if k < self.rows[0].place]
            candidates += [split(remark.lstrip("#% \t"), self.separator) for remark in reversed(above)]
        first = [row.start[0] for row in self.rows if row.start]
        for cells in candidates:
            if len(cells) >= self.n_fields:
                return cells
            # R's write.table leaves out the heading of the row names.
            if len(cells) == self.n_fields - 1 > 1 and role_of("", first, [], self.decimal) == "index":
                return ["", *cells]
        return []

    def layout(self) -> Layout:
        """Settle the columns and the orientation."""
        self._settle_program()
        index, time = self._settle_roles()
        fields = self._value_fields(index, time)
        rejected = self._rejected(fields)
        names = tuple(self.names[k] for k in fields) if self.names else ()
        times = self._header_times(self.n_fields - len(fields))
        rows, why = self._orientation(fields, names, index, time, times)
        self.settings = self.settings.replace(
            orientation=self.settings.orientation
            if self.settings.orientation != "auto"
            else ("neurons_in_rows" if rows else "neurons_in_columns")
        )
        in_rows = self.settings.orientation == "neurons_in_rows"
        one = "row" if in_rows else "column"
        self.notes.append(
            f"each {one} is a neuron: {why}" if rows == in_rows else f"each {one} is a neuron, as set"
        )
        place = self.rows[0].place
        return Layout(
            settings=self.settings,
            first_line=place,
            data_start=sum(len(line) + 1 for line in self.raw[:place]),
            n_fields=self.n_fields,
            value_fields=fields,
            index_field=index,
            time_field=time if not in_rows else None,
            column_names=names,
            column_times=times if in_rows else None,
            time_name=(self.names[time] if self.names and time is not None else self._corner(in_rows)),
            rejected=() if in_rows else rejected,
            heading=self.heading,
            notes=tuple(self.notes),
        )

    def _settle_program(self) -> None:
        """Recognise the program that wrote the table."""
        found = "plain"
        status = self.header[-1].start if len(self.header) > 1 else ()
        marked = sum(cell.lower() in _STATUS for cell in status)
        measured = sum(imagej_measurement(name) is not None for name in self.names or ())
        if marked and marked * 2 >= len(status) - 1:
            found = "inscopix"
        elif measured and measured * 2 >= self.n_fields - 1:
            found = "imagej"
        elif self._padded():
            found = "cascade"
        wanted = self.settings.layout if self.settings.layout != "auto" else found
        if wanted in ("inscopix", "imagej") and wanted != found:
            needs = {
                "inscopix": "two lines of names and accepted/rejected",
                "imagej": "columns Mean1, Mean2 …",
            }
            raise ReadError(
                f"{self.name}: not the layout of {wanted}, which has {needs[wanted]}; set layout to plain"
            )
        if wanted == "inscopix":
            cells = self.header[-2].cells[: self.n_fields]
            self.names = (*cells, *[""] * (self.n_fields - len(cells)))
        titles = {"inscopix": "Inscopix", "imagej": "ImageJ Multi Measure", "cascade": "CASCADE predictions"}
        if wanted in titles:
            self.notes.append(f"the layout is that of {titles[wanted]}")
        self.settings = self.settings.replace(layout=wanted)

    def _padded(self) -> bool:
        """Whether all rows lack the same frames at both ends and are never negative, as CASCADE has it."""
        ends = set()
        for line in self.sample[:_SAMPLE_LINES]:
            before, after = (_lacking(cells, self.decimal) for cells in (line.start, line.end[::-1]))
            if min(before, after) < _FEWEST_PADDED:
                return False
            ends.add((before, after))
        values = self._numbers(tuple(range(self.n_fields)))
        return bool(len(ends) == 1 and np.isfinite(values).any() and not (values < 0).any())

    def _role(self, column: int) -> str | None:
        below = [row.cell(column) for row in self.sample]
        beside = [row.cell(column + 1) for row in self.sample]
        name = self.names[column] if self.names is not None else None
        if column == 0 and name and is_time_name(name) and self._header_times(1) is not None:
            name = ""
        return role_of(name, below, beside, self.decimal)

    def _settle_roles(self) -> tuple[int | None, int | None]:
        """Find the columns of names and of times."""
        found: dict[str, int | None] = {"index": None, "time": None}
        first = self._role(0) if self.n_fields > 1 else None
        if first is not None:
            found[first] = 0
            second = self._role(1) if self.n_fields > 2 else None
            if second is not None and found[second] is None and (second == "time" or self.names):
                found[second] = 1
        for role, choice in (("index", self.settings.index_column), ("time", self.settings.time_column)):
            if choice != "auto":
                found[role] = None if choice == "none" else field_of(choice, self.n_fields)
        index, time = found["index"], found["time"]
        if max(index or 0, time or 0) >= self.n_fields:
            raise ReadError(
                f"{self.name}: there is no second column; check the separator and the columns set"
            )
        if index is not None and index == time:
            if self.settings.index_column != "auto" and self.settings.time_column != "auto":
                raise ReadError(f"{self.name}: column {index + 1} cannot hold both the names and the times")
            index, time = (None, time) if self.settings.index_column == "auto" else (index, None)
        for title, column in (("names or numbers the rows", index), ("holds the times", time)):
            if column is not None:
                heading = self.names[column] if self.names else ""
                self.notes.append(
                    f"column {column + 1} {title}" + (f" ({heading[:30]!r})" if heading else "")
                )
        self.settings = self.settings.replace(index_column=_word(index), time_column=_word(time))
        return index, time

    def _value_fields(self, index: int | None, time: int | None) -> tuple[int, ...]:
        fields = [k for k in range(self.n_fields) if k not in (index, time)]
        if self.settings.layout == "imagej" and self.names:
            kinds = {k: imagej_measurement(self.names[k]) for k in fields}
            wanted = next((kind for kind in _IMAGEJ_WANTED if kind in kinds.values()), None)
            if wanted is None:
                raise ReadError(
                    f"{self.name}: ImageJ measured {', '.join(sorted({str(k) for k in kinds.values()}))} "
                    f"but no brightness; tick 'Mean gray value' in Set Measurements"
                )
            others = sorted({kind for kind in kinds.values() if kind not in (wanted, None)})
            if others:
                self.notes.append(f"the {wanted} columns are read, not {', '.join(map(str, others))}")
            fields = [k for k in fields if kinds[k] == wanted]
        if not fields:
            raise ReadError(f"{self.name}: there is no column of measurements beside the names and times")
        return tuple(fields)

    def _rejected(self, fields: tuple[int, ...]) -> tuple[int, ...]:
        if self.settings.layout != "inscopix":
            return ()
        status = self.header[-1].cells
        return tuple(n for n, k in enumerate(fields) if k < len(status) and status[k].lower() == "rejected")

    def _header_times(self, start: int) -> NDArray[np.float64] | None:
        """Return the times above the columns from `start` on, None if they are names or mere numbers."""
        values = [number(cell, self.decimal) for cell in (self.names or ())[start:]]
        known = np.array([value for value in values if value is not None], np.float64)
        if len(known) != len(values) or not evenly_spaced(known):
            return None
        whole = bool((known == np.round(known)).all())
        return None if whole and not is_time_name((self.names or ("",))[0]) else known

    def _orientation(
        self,
        fields: tuple[int, ...],
        names: tuple[str, ...],
        index: int | None,
        time: int | None,
        times: NDArray[np.float64] | None,
    ) -> tuple[bool, str]:
        """Return whether a row is a neuron, and why."""
        if self.settings.layout in ("imagej", "inscopix"):
            return False, "that is how this program writes them"
        if self.settings.layout == "cascade":
            return True, "that is how this program writes them"
        if time is not None:
            return False, "a column holds the time of each row"
        if times is not None:
            return True, "the heading holds the time of each column"
        named = self._names_speak(names, index)
        if named is not None:
            return named
        shape = self.n_lines - self.rows[0].place, len(fields)
        return guess_orientation(self._numbers(fields), *shape)

    def _names_speak(self, names: tuple[str, ...], index: int | None) -> tuple[bool, str] | None:
        """Return what names of rows or columns say of the orientation."""
        title = self.names[index] if self.names and index is not None else ""
        if re.match(r"(frame|slice|sample|time)", title, re.I):
            return False, f"the rows are numbered as {title!r}"
        if re.match(r"(roi|cell|neuron|unit|label|name)", title, re.I):
            return True, f"the rows are named as {title!r}"
        words = [name for name in names if name and number(name, self.decimal) is None]
        if len(words) * 2 > len(names) and all(is_frame_name(word) for word in words):
            return True, "the heading names frames"
        rows_named = index is not None and any(
            number(row.cell(index), self.decimal) is None and ":" not in row.cell(index)
            for row in self.sample
        )
        columns_named = len(words) * 2 > len(names)
        if columns_named != rows_named:
            return rows_named, f"the {'rows' if rows_named else 'columns'} have names"
        return None

    def _numbers(self, fields: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the first numbers of the table, NaN where there are none."""
        chosen = fields[:_SAMPLE_FIELDS]
        rows = [[number(row.cell(k), self.decimal) for k in chosen] for row in self.sample]
        values = np.array(rows, np.float64)
        values[~(np.abs(values) <= np.finfo(np.float32).max)] = np.nan
        return values

    def _corner(self, in_rows: bool) -> str:
        return self.names[0] if in_rows and self.names else ""


def _is_remark(line: str) -> bool:
    return re.match(r'\s*(#(?!N/A|DIV/0!|NUM!|VALUE!|REF!)|%|"?sep=)', line, re.I) is not None


def _lacking(cells: list[str], decimal: str) -> int:
    """Return how many cells from the first one on hold no number."""
    values = (number(cell, decimal) for cell in cells)
    return next((k for k, value in enumerate(values) if value is not None and np.isfinite(value)), len(cells))


def _word(column: int | None) -> str:
    return "none" if column is None else {0: "first", 1: "second"}.get(column, "last")
