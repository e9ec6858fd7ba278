"""Progress is a callback, and cancelling is an exception raised from it."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Cancelled", "Progress", "part", "silent"]

Progress = Callable[[int, int], None]
"""``on_progress(done, total)``; it may raise :class:`Cancelled` to stop the work."""

_STEPS = 1000


class Cancelled(Exception):
    """Raised from a progress callback when the user wants to stop; stages let it pass."""


def silent(done: int, total: int) -> None:
    """Report to nobody: the default of every ``on_progress``."""


def part(on_progress: Progress, start: float, stop: float) -> Progress:
    """Return a callback that fills only the share from `start` to `stop` (0 to 1) of another one.

    Examples
    --------
    >>> seen = []
    >>> half = part(lambda done, total: seen.append(done / total), 0.5, 1.0)
    >>> half(1, 2)
    >>> seen
    [0.75]
    """

    def report(done: int, total: int) -> None:
        share = done / total if total else 1.0
        on_progress(round(_STEPS * (start + share * (stop - start))), _STEPS)

    return report
