"""Which columns of a table name or time its rows, and which are measurements."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.csv_dialect import number
from napari_calcium.io.csv_header import evenly_spaced, numbered

__all__ = ["Role", "field_of", "imagej_measurement", "is_frame_name", "is_time_name", "role_of"]

Role = Literal["time", "index"]

_TIME = re.compile(
    r"(time|t|secs?|seconds?|s|msecs?|milliseconds?|ms|minutes?|min|timestamps?)\b.{0,30}$", re.I
)
_INDEX = re.compile(
    r"(frames?|slices?|samples?|index|idx|no\.?|nr\.?|#"
    r"|(roi|cell|neuron|unit)s?([ _]?(ids?|names?|no\.?|numbers?))?"
    r"|ids?|labels?|names?|unnamed: 0)$",
    re.I,
)
_FRAME = re.compile(r"(frames?|slices?|t|f|time|samples?)[ _#-]?\d+(\.\d+)?$", re.I)
_IMAGEJ = re.compile(
    r"(%?Area|Mean|StdDev|Mode|Min|Max|XM?|YM?|Perim\.|BX|BY|Width|Height|Major|Minor|Angle|Circ\.|MinFeret|"
    r"Feret(X|Y|Angle)?|IntDen|RawIntDen|Median|Skew|Kurt|Slice|Ch|Frame|AR|Round|Solidity)(\d+|\(.+\))$"
)
_FEWEST_NUMBERED = 3
_FEWEST_RISING = 20


def is_time_name(name: str) -> bool:
    """Whether a heading says that what is below are times."""
    return _TIME.match(name.strip()) is not None


def is_frame_name(name: str) -> bool:
    """Whether a heading names a frame (``frame 12``, ``t0.5``), not a cell."""
    return _FRAME.match(name.strip()) is not None


def imagej_measurement(name: str) -> str | None:
    """Return which of ImageJ's measurements a heading of Multi Measure names (``Mean`` of ``Mean12``)."""
    match = _IMAGEJ.match(name.strip())
    return match.group(1) if match else None


def role_of(name: str | None, cells: list[str], beside: list[str], decimal: str) -> Role | None:
    """Return what a first column is for, None for a measurement.

    Parameters
    ----------
    name : str or None
        Its heading; None without a heading line.
    cells : list of str
        Its cells in the first rows of numbers.
    beside : list of str
        The cells of the next column.
    """
    values = [number(cell, decimal) for cell in cells]
    words = sum(value is None for value in values)
    if words * 2 > len(values):
        return "index"
    if words:
        return None
    numbers = np.array(values, np.float64)
    title = (name or "").strip()
    if is_time_name(title):
        return "time" if len(numbers) < 2 or _rising(numbers) else "index"
    if _INDEX.match(title):
        return "index" if _ids(numbers) else None
    if len(numbers) >= _FEWEST_NUMBERED and numbered(numbers):
        return "index"
    if name is not None and not title and _ids(numbers):
        return "index"
    neighbours = np.array([np.nan if (v := number(c, decimal)) is None else v for c in beside], np.float64)
    clock = evenly_spaced(numbers) or (len(numbers) >= _FEWEST_RISING and _rising(numbers))
    return "time" if clock and not _rising(neighbours) else None


def field_of(choice: str, n_fields: int) -> int:
    """Return the field that a setting means by its words."""
    return {"first": 0, "second": 1, "last": n_fields - 1}[choice]


def _rising(values: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(values).all() and (np.diff(values) > 0).all())


def _ids(values: NDArray[np.float64]) -> bool:
    whole = np.isfinite(values).all() and (values >= 0).all() and (values == np.floor(values)).all()
    return bool(whole and len(np.unique(values)) == len(values))
