"""What ends a command with one line."""

from __future__ import annotations

__all__ = ["Failure", "Misuse"]


class Failure(Exception):
    """Ends a command with one line on standard error and exit code 1."""

    exit_code = 1


class Misuse(Failure):
    """The same where an option asks for what cannot be: exit code 2, as for an unknown option."""

    exit_code = 2
