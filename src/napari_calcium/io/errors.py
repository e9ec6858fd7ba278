"""The error of every reader."""

from __future__ import annotations

__all__ = ["ReadError"]


class ReadError(ValueError):
    """A file that cannot be read; the message is one line: which file and where, what was got, what to do."""
