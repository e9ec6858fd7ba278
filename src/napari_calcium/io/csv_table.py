"""Read all numbers of a table whose layout is known: in blocks, on all cores, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.csv_dialect import decode, number, split
from napari_calcium.io.csv_layout import Layout
from napari_calcium.io.errors import ReadError
from napari_calcium.io.text_blocks import TextFile
from napari_calcium.progress import Progress, silent

__all__ = ["NumberTable", "read_table"]

_ODD = 1024


@dataclass
class NumberTable:
    """The numbers of a file.

    Attributes
    ----------
    traces : (n_rois, n_frames) float32
        NaN where a cell is empty, says so, or is infinite.
    times : (n_rows,) float64
        Of the rows, if the layout has a column of times.
    row_names : list of str
        Of the rows, if the layout has a column of names and a row is a neuron.
    infinite : list of (row, column)
        Cells, counted from 1 as a spreadsheet does, that were infinite or too large; at most a few.
    n_infinite : int
        How many there were.
    """

    traces: NDArray[np.float32]
    times: NDArray[np.float64]
    row_names: list[str] = field(default_factory=list)
    infinite: list[tuple[int, int]] = field(default_factory=list)
    n_infinite: int = 0


@dataclass
class _Block:
    """One parsed block of lines."""

    values: NDArray[np.float32]
    """A row a neuron, as in the recording."""
    times: NDArray[np.float64]
    names: list[str]
    lines: NDArray[np.int64]
    infinite: NDArray[np.int64]
    """(n, 2): row within the block and position among the measurements."""


def read_table(text: TextFile, layout: Layout, on_progress: Progress = silent) -> NumberTable:
    """Read the numbers of a table.

    Parameters
    ----------
    text : TextFile
        Opened; its blocks are used up.
    layout : Layout
    on_progress
        Called with the bytes read and the bytes of the file.

    Raises
    ------
    ReadError
        Naming row and column: if a cell is no number, or a row has more or fewer cells than others.

    Notes
    -----
    Linear in the size of the file. Memory is the result and a few blocks of 4 MiB. The result does not depend
    on the number of cores.
    """
    targets = _targets(layout)
    filler = _Filler(text, layout)
    workers = os.cpu_count() or 1
    waiting: deque[tuple[int, Future[_Block]]] = deque()
    line, done = layout.first_line, layout.data_start
    on_progress(0, text.size)
    with ThreadPoolExecutor(workers) as pool:
        try:
            for block in text.blocks(layout.data_start):
                waiting.append(
                    (len(block), pool.submit(_parse, block, line, targets, layout, text.path.name))
                )
                line += block.count(b"\n")
                while len(waiting) > workers:
                    done += filler.add(waiting)
                    on_progress(done, text.size)
            while waiting:
                done += filler.add(waiting)
                on_progress(done, text.size)
        finally:
            for _, future in waiting:
                future.cancel()
    return filler.table()


class _Filler:
    """Puts parsed blocks, in order, where they belong."""

    def __init__(self, text: TextFile, layout: Layout) -> None:
        self._name, self._in_rows = text.path.name, layout.neurons_in_rows
        self._fields = layout.value_fields
        n_values = len(self._fields)
        # A cell takes a byte at least, so a short file of long rows cannot ask for much memory.
        self._capacity = min(text.n_lines - layout.first_line, text.size // layout.n_fields + 1)
        shape = (self._capacity, n_values) if self._in_rows else (n_values, self._capacity)
        try:
            self._values = np.empty(shape, np.float32)
        except MemoryError:
            need = 4 * self._capacity * n_values / 2**30
            raise ReadError(f"{self._name}: not enough memory, its numbers take {need:.1f} GB") from None
        self._times: list[NDArray[np.float64]] = []
        self._names: list[str] = []
        self._infinite: list[tuple[int, int]] = []
        self._n_infinite = self._n_rows = 0

    def add(self, waiting: deque[tuple[int, Future[_Block]]]) -> int:
        """Take the first block that waits; return its size in bytes."""
        size, future = waiting.popleft()
        block = future.result()
        first, last = self._n_rows, self._n_rows + len(block.lines)
        if last > self._capacity:
            raise ReadError(f"{self._name}: it grew while it was read; wait until it is complete")
        if self._in_rows:
            self._values[first:last] = block.values
        else:
            self._values[:, first:last] = block.values
        self._times.append(block.times)
        self._names += block.names
        self._n_infinite += len(block.infinite)
        for row, column in block.infinite[: max(0, 3 - len(self._infinite))]:
            self._infinite.append((int(block.lines[row]) + 1, self._fields[column] + 1))
        self._n_rows = last
        return size

    def table(self) -> NumberTable:
        """Return all that was added."""
        if not self._n_rows:
            raise ReadError(f"{self._name}: there is no row of numbers in it")
        values = self._values[: self._n_rows] if self._in_rows else self._values[:, : self._n_rows]
        return NumberTable(
            np.ascontiguousarray(values),
            np.concatenate(self._times),
            self._names,
            self._infinite,
            self._n_infinite,
        )


def _targets(layout: Layout) -> NDArray[np.int32]:
    from napari_calcium.io.csv_numbers import NAMES, SIDE, SKIP

    targets = np.full(layout.n_fields, SKIP, np.int32)
    targets[list(layout.value_fields)] = np.arange(len(layout.value_fields))
    if layout.index_field is not None and layout.neurons_in_rows:
        targets[layout.index_field] = NAMES
    if layout.time_field is not None:
        targets[layout.time_field] = SIDE
    return targets


def _parse(block: bytes, first_line: int, targets: NDArray[np.int32], layout: Layout, name: str) -> _Block:
    """Read one block; runs in a worker."""
    from napari_calcium.io.csv_numbers import NAMES, parse_rows

    # A cell takes a byte at least, so a few long rows among many empty lines ask for little memory.
    most = min(block.count(b"\n"), len(block) // layout.n_fields) + 1
    codes = ord(layout.separator), ord(layout.decimal)
    buffer = np.frombuffer(block, np.uint8)
    values = np.empty((most, len(layout.value_fields)), np.float32)
    times, names = np.empty(most), np.zeros((most, 2), np.int64)
    lines, odd = np.zeros(most + 1, np.int64), np.empty((_ODD, 4), np.int64)
    n_rows, n_odd, fits = parse_rows(buffer, *codes, targets, values, times, names, lines, odd)
    if n_odd > len(odd):
        odd = np.empty((n_odd, 4), np.int64)
        parse_rows(buffer, *codes, targets, values, times, names, lines, odd)
    lines += first_line
    for start, stop, row, column in odd[:n_odd]:
        cell = decode(block[start:stop])
        value = number(cell, layout.decimal)
        if value is None:
            raise ReadError(_not_a_number(name, int(lines[row]) + 1, int(column) + 1, cell, layout.decimal))
        if targets[column] >= 0:
            values[row, targets[column]] = value
        else:
            times[row] = value
    if not fits:
        line = decode(block.split(b"\n")[int(lines[n_rows]) - first_line])
        raise ReadError(_ragged(name, int(lines[n_rows]) + 1, len(split(line, layout.separator)), layout))
    values = values[:n_rows]
    infinite = np.argwhere(np.isinf(values))
    values[tuple(infinite.T)] = np.nan
    wanted = names[:n_rows] if (targets == NAMES).any() else names[:0]
    times = times[: n_rows if layout.time_field is not None else 0]
    if not layout.neurons_in_rows:
        # Turned here, where all cores share the work.
        values = np.ascontiguousarray(values.T)
    return _Block(values, times, [decode(block[a:b]) for a, b in wanted], lines[:n_rows], infinite)


def _not_a_number(name: str, row: int, column: int, cell: str, decimal: str) -> str:
    shown = repr(cell if len(cell) <= 30 else cell[:27] + "...")
    other = "," if decimal == "." else "."
    hint = "write a number, or leave the cell empty if it is missing"
    if number(cell.replace(other, decimal), decimal) is not None:
        hint = (
            f"numbers are written with {decimal!r} here; if that is wrong, set the decimal sign to {other!r}"
        )
    return f"{name}: row {row}, column {column}: {shown} is not a number; {hint}"


def _ragged(name: str, row: int, got: int, layout: Layout) -> str:
    end = "; is the file cut off?" if got < layout.n_fields else "; is there a separator too many?"
    return f"{name}: row {row} has {got} columns where the others have {layout.n_fields}{end}"
