"""Which parts of a recording are other ones than before: views draw anew only what they show. No Qt."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np

from napari_calcium.recording import Recording
from napari_calcium.settings import Settings

__all__ = ["Drawn", "Seen", "changed_parts", "only_choices_differ"]

_PLAIN = (str, int, float, tuple, Settings)
"""Small enough to be compared by value."""
_NAMES = frozenset(field.name for field in fields(Recording))


def changed_parts(before: Recording | None, after: Recording | None) -> frozenset[str]:
    """Return the names of the fields in which two recordings do not share what they hold.

    Parameters
    ----------
    before, after : Recording or None
        None differs from a recording in every field.

    Returns
    -------
    frozenset of str
        Arrays and tables are told apart by identity, as a stage yields new ones for what it changes and
        shares the rest: nothing is read, so it takes microseconds at any size. What was made anew and came
        out equal counts as changed.
    """
    if before is after:
        return frozenset()
    if before is None or after is None:
        return _NAMES
    return _told_apart(_Pair(before, after))


def only_choices_differ(before: Recording | None, after: Recording | None) -> bool:
    """Whether a decision on an event is all that has happened, of which no result knows yet."""
    return changed_parts(before, after) == {"event_choices"}


class Seen:
    """What a view has drawn of a recording.

    Parameters
    ----------
    *parts : str
        Names of the fields that it draws; none means all but the decisions on events.
    """

    def __init__(self, *parts: str) -> None:
        self._parts = frozenset(parts)
        self._last: Recording | None = None

    def is_news(self, recording: Recording) -> bool:
        """Take note of a recording; return whether what is drawn of it differs from the last one."""
        before, self._last = self._last, recording
        changed = changed_parts(before, recording)
        return bool(changed & self._parts if self._parts else changed - {"event_choices"})

    def forget(self) -> None:
        """Take the next recording for news whatever it holds."""
        self._last = None


class Drawn:
    """What a view was drawn of the last time: results by identity, since equality would read all of them.

    Words, numbers, tuples of them and settings are compared by value: Qt hands out a new string each time.
    """

    def __init__(self) -> None:
        self._of: tuple[object, ...] | None = None

    def is_other(self, *of: object) -> bool:
        """Take note of what is to be drawn; return whether it differs from the last time."""
        before, self._of = self._of, of
        return before is None or len(before) != len(of) or not all(map(_same, before, of))

    def forget(self) -> None:
        """Take whatever comes next for something else."""
        self._of = None


class _Pair:
    """Two recordings, by identity: equality would read all their traces."""

    def __init__(self, before: Recording, after: Recording) -> None:
        self.both = weakref.ref(before), weakref.ref(after)

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.both)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Pair) and all(a is b for a, b in zip(self.both, other.both, strict=True))


@lru_cache(maxsize=8)  # every view asks about the same two
def _told_apart(pair: _Pair) -> frozenset[str]:
    before, after = (known() for known in pair.both)
    return frozenset(name for name in _NAMES if not _shared(getattr(before, name), getattr(after, name)))


def _shared(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        # A recording holds read-only views, a new one each: of the same memory.
        return one.dtype == other.dtype and _place(one) == _place(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_shared(one[key], other[key]) for key in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(a is b or a == b for a, b in zip(one, other, strict=True))
    return isinstance(one, (str, int, float)) and bool(one == other)


def _same(one: object, other: object) -> bool:
    return one is other or (isinstance(one, _PLAIN) and one == other)


def _place(array: np.ndarray[Any, Any]) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    return int(array.__array_interface__["data"][0]), array.shape, array.strides
