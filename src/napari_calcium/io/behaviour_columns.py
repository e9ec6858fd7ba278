"""What the columns of a table of behaviour are: clock, signals, labels, pulses; told by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Role",
    "clock_unit",
    "is_binary",
    "is_unit",
    "known_words",
    "name_and_unit",
    "rising_edges",
    "role_of",
    "runs_of_ones",
]

_TIME = re.compile(r"^(time|t|times?[ _-]?stamps?|seconds?|secs?|msecs?|ms|clock|elapsed)$")
_START = re.compile(
    r"^(start|starts|begin|onset|on|t[ _-]?start|start[ _-]?time|time[ _-]?(on|start)|onset[ _-]?time)$"
)
_END = re.compile(
    r"^(end|ends|stop|offset|off|t[ _-]?(end|stop)|(end|stop)[ _-]?time|time[ _-]?(off|end|stop)|"
    r"offset[ _-]?time)$"
)
_DURATION = re.compile(r"^(duration|length|dur)$")
_LABEL = re.compile(
    r"^(label|labels|type|kind|event|events|event[ _-]?(type|name)|epoch|condition|state|name|stimulus|stim|"
    r"trial[ _-]?type)$"
)
_PULSE = re.compile(r"(^|[ _-])(sync|synch|ttl|pulses?|trigger|trig|strobe)([ _-]|$)")
_FRAME = re.compile(r"(^|[ _-])(frames?|frame[ _-]?(clock|number|no|index|ttl|trigger|times?))([ _-]|$)")

_WORDS = re.compile(
    r"(speed|veloc|running|wheel|treadmill|distance|position|pos[ _-]?[xy]|[xy][ _-]?pos|^[xy]$|pupil|lick|"
    r"whisk|heading|angle|accel|reward|stim|trial|epoch|event|onset|tone|odou?r|puff|shock|freez|"
    r"locomotion|behavi)"
)

_UNITS = {
    "cm/s": ("cm/s", "cm_per_s", "cm_s", "cmps", "cms-1", "cm s-1"),
    "m/s": ("m/s", "m_per_s", "mps", "m_s"),
    "mm/s": ("mm/s", "mm_per_s", "mm_s"),
    "deg/s": ("deg/s", "deg_per_s", "°/s"),
    "cm": ("cm",),
    "mm": ("mm",),
    "µm": ("µm", "μm", "um"),
    "m": (),
    "px": ("px", "pixel", "pixels"),
    "°": ("deg", "degree", "degrees", "°"),
    "rad": ("rad",),
    "Hz": ("hz",),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "milliseconds"),
    "µs": ("us", "µs", "μs", "microseconds"),
    "min": ("min", "minutes"),
    "V": ("v", "volt", "volts"),
    "mV": ("mv",),
    "%": ("%", "percent", "pct"),
    "a.u.": ("au", "a.u.", "a.u"),
}
_SPELLED = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings}
_CLOCKS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "min": 60.0}
_SLOWEST = 10.0
"""Samples farther apart than this are not of seconds but of milliseconds."""


@dataclass(frozen=True)
class Role:
    """What a column is.

    Attributes
    ----------
    kind : str
        ``"time"``, ``"start"``, ``"end"``, ``"duration"``, ``"label"``, ``"pulse"``, ``"frame"`` or
        ``"signal"``.
    name, unit : str
    """

    kind: str
    name: str
    unit: str


def role_of(heading: str) -> Role:
    """Tell what a column is from its heading alone; what says nothing else is a signal."""
    name, unit = name_and_unit(heading)
    word = name.lower()
    for kind, pattern in (
        ("time", _TIME),
        ("start", _START),
        ("end", _END),
        ("duration", _DURATION),
        ("label", _LABEL),
    ):
        if pattern.match(word):
            return Role(kind, name, _SPELLED.get(word, "") if kind == "time" and not unit else unit)
    for kind, pattern in (("frame", _FRAME), ("pulse", _PULSE)):
        if pattern.search(word):
            return Role(kind, name, unit)
    return Role("signal", name, unit)


def name_and_unit(heading: str) -> tuple[str, str]:
    """Part a heading into name and unit: ``"speed (cm/s)"``, ``"speed [cm/s]"``, ``"speed_cm_per_s"``.

    Examples
    --------
    >>> name_and_unit("speed (cm/s)"), name_and_unit("pupil_px"), name_and_unit("wheel")
    (('speed', 'cm/s'), ('pupil', 'px'), ('wheel', ''))
    """
    text = " ".join(heading.split())
    found = re.fullmatch(r"(.+?)\s*[(\[]\s*([^()\[\]]*)\s*[)\]]", text)
    if found:
        unit = found[2].strip()
        return found[1].strip(" _-"), _SPELLED.get(unit.lower(), unit)
    for spelling in sorted(_SPELLED, key=len, reverse=True):
        ending = re.fullmatch(rf"(.+?)[ _-]+{re.escape(spelling)}", text, re.I)
        if ending and len(ending[1]) > 1:
            return ending[1].strip(" _-"), _SPELLED[spelling]
    return text, ""


def is_unit(word: str) -> bool:
    """Whether a word is a unit, with or without brackets."""
    return word.strip(" ()[]").lower() in _SPELLED


def known_words(headings: list[str]) -> int:
    """Return how many headings are words of behaviour (speed, lick, onset …), the clock aside."""
    return sum(bool(_WORDS.search(name_and_unit(heading)[0].lower())) for heading in headings)


def clock_unit(unit: str, time: NDArray[np.float64], wanted: str = "auto") -> tuple[float, str]:
    """Return by what to multiply times to get seconds, and in words how that is known.

    Parameters
    ----------
    unit : str
        What the heading says; empty where it says nothing.
    time : (n,) float64
        Ascending.
    wanted : str
        ``"auto"``, or the unit to take.
    """
    if wanted != "auto":
        return _CLOCKS[wanted], f"times are in {wanted}, as set"
    if unit in _CLOCKS:
        return _CLOCKS[unit], f"times are in {unit}"
    step = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    if step > 1000 * _SLOWEST:
        return (
            1e-6,
            f"times are taken as microseconds, since samples {step:.4g} apart are too slow in seconds",
        )
    if step > _SLOWEST:
        return (
            1e-3,
            f"times are taken as milliseconds, since samples {step:.4g} apart are too slow in seconds",
        )
    return 1.0, "times are taken as seconds"


def is_binary(values: NDArray[np.float64]) -> bool:
    """Whether values are 0 and 1, both of them, and nothing else that is known."""
    known = values[np.isfinite(values)]
    return len(known) > 0 and set(np.unique(known).tolist()) == {0.0, 1.0}


def rising_edges(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the samples at which a line goes up through the middle of its range, the first one included.

    What is not known keeps the state before it.
    """
    known = np.isfinite(values)
    if not known.any():
        return np.empty(0, np.int64)
    low, high = float(values[known].min()), float(values[known].max())
    if high <= low:
        return np.empty(0, np.int64)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    up = np.where(known[last], values[last] > 0.5 * (low + high), False)
    edges: NDArray[np.int64] = np.flatnonzero(up & ~np.concatenate([[False], up[:-1]]))
    return edges


def runs_of_ones(on: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first sample of each run of True and the one after its last."""
    padded = np.concatenate([[False], on, [False]]).astype(np.int8)
    change = np.diff(padded)
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)
