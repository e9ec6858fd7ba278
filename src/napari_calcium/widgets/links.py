"""Connections of a widget to signals that outlive it, ended when the widget goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance
from qtpy.QtCore import QObject

__all__ = ["Links"]


class Links:
    """Connects psygnal signals to methods of a Qt object for as long as the object lives.

    Python may keep a widget's shell after Qt has deleted the widget itself; a signal that reached the shell
    would raise. So the links end when Qt says that the widget is destroyed.

    Parameters
    ----------
    owner : QObject
    """

    def __init__(self, owner: QObject) -> None:
        ends: list[Callable[[], Any]] = []
        self._ends = ends
        owner.destroyed.connect(lambda *_: _end(ends))

    def join(self, signal: SignalInstance, slot: Callable[..., object]) -> None:
        """Connect a signal to a method."""
        signal.connect(slot)
        self._ends.append(lambda: signal.disconnect(slot, missing_ok=True))

    def add(self, end: Callable[[], Any]) -> None:
        """Call `end` when the owner goes: what ``session.link(view)`` returns, for one."""
        self._ends.append(end)


def _end(ends: list[Callable[[], Any]]) -> None:
    while ends:
        ends.pop()()
