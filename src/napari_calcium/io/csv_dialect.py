"""Cells of a delimited line: which characters separate them and stand for the decimal point."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import product

__all__ = ["POINTS", "SEPARATORS", "decode", "guess_dialect", "number", "split"]

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}
POINTS = {"point": ".", "comma": ","}

_MISSING = {"", "nan", "+nan", "-nan", "na", "n/a", "#n/a", "null", "none", "-", "--", "nd", "n.d.", "<na>"}
_INFINITE = {"inf", "infinity", "#div/0!", "1.#inf"}
_MAX_FIELDS = 300
_LONGEST = 1000


def decode(text: bytes) -> str:
    """Return text that is UTF-8, or else Latin-1 as Windows writes it; never fails."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("cp1252", errors="replace")


def number(cell: str, decimal: str = ".") -> float | None:
    """Return the number in a cell: NaN where it is marked as missing, None where it is something else."""
    if len(cell) > _LONGEST:
        # A whole line without the separator that is being tried.
        return None
    try:
        value = float(cell.replace(",", ".", 1) if decimal == "," and "." not in cell else cell)
    except ValueError:
        return _word_value(cell, decimal)
    # Python takes more for a number than people do: 1_000, Arabic digits, and a point where a comma is due.
    plain = cell.isascii() and "_" not in cell and not (decimal == "," and "." in cell)
    return value if plain else None


def _word_value(cell: str, decimal: str) -> float | None:
    word = cell.strip().strip('"').strip().lower()
    if word in _MISSING:
        return float("nan")
    if word.lstrip("+-") in _INFINITE:
        return float("-inf") if word.startswith("-") else float("inf")
    tidy = word.replace("\u2212", "-")
    return number(tidy, decimal) if tidy != cell else None


def split(line: str, separator: str, limit: int = -1) -> list[str]:
    """Return the cells of a line without surrounding spaces and quotes; at most `limit`, unless it is −1."""
    if separator == " ":
        cells = line.split(None, limit)
    elif '"' in line:
        try:
            cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
        except csv.Error:
            cells = line.split(separator, limit)
    else:
        cells = line.split(separator, limit)
    return [cell.strip().strip('"').strip() for cell in (cells[:limit] if limit >= 0 else cells)]


def guess_dialect(lines: list[str], separators: list[str], decimals: list[str]) -> tuple[str, str]:
    """Choose the separator and the decimal sign that make most cells numbers and all lines equally long.

    Parameters
    ----------
    lines : list of str
        A sample of lines from the body of the table.
    separators, decimals : list of str
        What to choose from, by name; the first wins a tie.
    """
    best, chosen = (-1.0, False), (separators[0], decimals[0])
    for separator, decimal in product(separators, decimals):
        if SEPARATORS[separator] == POINTS[decimal] and not any('"' in line for line in lines):
            continue
        quality = _quality(lines, SEPARATORS[separator], POINTS[decimal])
        if quality > best:
            best, chosen = quality, (separator, decimal)
    return chosen


def _quality(lines: list[str], separator: str, decimal: str) -> tuple[float, bool]:
    if separator != " " and not any(separator in line for line in lines):
        rows = [[line.strip().strip('"')] for line in lines]
    else:
        rows = [split(line, separator, _MAX_FIELDS) for line in lines]
    cells = [cell for row in rows for cell in row if cell]
    if not cells:
        return 0.0, False
    numeric = sum(number(cell, decimal) is not None for cell in cells) / len(cells)
    lengths = Counter(len(row) for row in rows)
    length, lines_alike = lengths.most_common(1)[0]
    return round(numeric * lines_alike / len(rows), 2), length > 1
