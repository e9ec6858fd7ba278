"""The error of every reader: one line that says where, what was got and how to mend it."""

from __future__ import annotations

__all__ = ["ReadError"]


class ReadError(ValueError):
    """A file cannot be read; the message is one line that names the file and the place in it."""
