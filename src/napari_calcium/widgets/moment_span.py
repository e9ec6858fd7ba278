"""How much of a recording to show around a moment that one steps to."""

from __future__ import annotations

__all__ = ["closer_span"]

_WINDOW_S = 20.0
"""So long that a coactive window of a few tenths of a second, and what is before and after it, are seen."""
_TOO_LONG = 4.0
"""Times that: a longer stretch shows a moment as a hairline."""


def closer_span(
    moment: float, shown: tuple[float, float] | None, duration: float
) -> tuple[float, float] | None:
    """Return a span of twenty seconds around a moment where much more is shown; None where that may stay.

    Parameters
    ----------
    moment : float
        Seconds.
    shown : (float, float) or None
        Seconds in view; None is the whole recording.
    duration : float
        Of the recording, in seconds.

    Returns
    -------
    (float, float) or None
        Within the recording, the moment in its middle but at its ends. None where at most 80 s are in view:
        whoever zoomed in keeps the zoom.
    """
    start, stop = (0.0, duration) if shown is None else shown
    if stop - start <= _TOO_LONG * _WINDOW_S:
        return None
    begin = min(max(0.0, moment - _WINDOW_S / 2), max(0.0, duration - _WINDOW_S))
    return begin, min(begin + _WINDOW_S, duration)
