"""The frame rate that a column of times tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Clock", "read_clock"]

_UNITS = (
    (re.compile(r"(?<![a-z])(ms|msecs?|milli-?seconds?)(?![a-z])", re.I), 1e-3, "milliseconds"),
    (re.compile(r"(?<![a-z])(min|minutes?)(?![a-z])", re.I), 60.0, "minutes"),
    (re.compile(r"(?<![a-z])(s|secs?|seconds?)(?![a-z])", re.I), 1.0, "seconds"),
)
_NO_SECONDS = 10.0
_GAP = 1.5
_IRREGULAR = 0.1
_ROUNDING, _MOST_ROUNDING = 0.02, 0.2


@dataclass(frozen=True)
class Clock:
    """What the times say.

    Attributes
    ----------
    frame_rate : float or None
        In Hz; None where the times tell none.
    notes : tuple of str
        How it was read, and where the clock is irregular.
    """

    frame_rate: float | None
    notes: tuple[str, ...]


def read_clock(times: NDArray[np.float64], name: str = "") -> Clock:
    """Find the frame rate of a series of times.

    The rate is one over the mean step between frames, gaps left out, and as round as the times allow: over
    the whole recording it is off by less than single steps are, at most a fifth of a frame.

    Parameters
    ----------
    times : (n_frames,) float64
        In the unit that `name` tells; else in seconds, or in milliseconds where steps of 10 or more make no
        sense as seconds. NaN is left out.
    name : str
        What the file calls them.

    Notes
    -----
    Everything later takes frames as equally spaced: dropped frames shift what comes after them. They are
    told in the notes, and not repaired.
    """
    frames = np.flatnonzero(np.isfinite(times))
    known = times[frames]
    if len(known) < 2:
        return Clock(None, ("the times are too few for a frame rate",))
    with np.errstate(all="ignore"):
        steps = np.diff(known) / np.diff(frames)
    typical = float(np.median(steps))
    if not (np.isfinite(typical) and typical > 0):
        return Clock(None, ("the times do not rise, so they tell no frame rate",))
    scale, unit, said = _unit(name, typical)
    even = steps[(steps > 0) & (steps <= _GAP * typical)]
    step = float(even.mean()) * scale if len(even) else 0.0
    rate = _round_rate(1 / step, even) if step > 0 else float("inf")
    if not (np.isfinite(rate) and rate > 0):
        return Clock(None, ("the times tell no usable frame rate",))
    notes = [f"the times are in {unit}{said} and give {rate:.6g} Hz"]
    notes += _irregularities(steps, even, frames, typical, scale)
    return Clock(rate, tuple(notes))


def _unit(name: str, step: float) -> tuple[float, str, str]:
    for pattern, scale, unit in _UNITS:
        if pattern.search(name.replace("_", " ")):
            return scale, unit, ""
    if step >= _NO_SECONDS:
        return 1e-3, "milliseconds", f" (taken so, because frames {step:.4g} apart are too slow in seconds)"
    return 1.0, "seconds", " (taken so)" if not name else ""


def _round_rate(rate: float, steps: NDArray[np.float64]) -> float:
    """Return the roundest rate that keeps the last frame as close to its time as the others are."""
    jitter = float(np.abs(steps / steps.mean() - 1).max())
    tolerance = min(max(jitter, _ROUNDING), _MOST_ROUNDING)
    for digits in range(1, 16):
        rounded = float(f"{rate:.{digits}g}")
        if rounded > 0 and abs(rate / rounded - 1) * len(steps) < tolerance:
            return rounded
    return rate


def _irregularities(
    steps: NDArray[np.float64],
    even: NDArray[np.float64],
    frames: NDArray[np.int64],
    typical: float,
    scale: float,
) -> list[str]:
    notes = []
    gaps = np.flatnonzero(steps > _GAP * typical)
    if len(gaps):
        longest = gaps[np.argmax(steps[gaps])]
        notes.append(
            f"the clock has {len(gaps)} gap{'s' * (len(gaps) > 1)}, the longest of "
            f"{steps[longest] * scale:.4g} s after frame {frames[longest] + 1}; "
            f"frames are taken as equally spaced all the same"
        )
    back = np.flatnonzero(steps <= 0)
    if len(back):
        notes.append(
            f"the clock stands still or runs back {len(back)} times, first after frame {frames[back[0]] + 1}"
        )
    if float(np.std(even)) > _IRREGULAR * typical:
        notes.append(
            f"the clock is irregular: steps from {even.min() * scale:.4g} to {even.max() * scale:.4g} s; "
            f"their mean is taken"
        )
    return notes
