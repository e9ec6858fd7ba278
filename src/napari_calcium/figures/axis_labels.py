"""What stands on the axes: quantity, unit and how it was made."""

from __future__ import annotations

from dataclasses import dataclass

from napari_calcium.plurals import count_of
from napari_calcium.recording import LogEntry, Recording

__all__ = ["TimeScale", "baseline_note", "counted", "latest_trace", "time_scale", "trace_label", "unit_scale"]

_SHOWN = {"ΔF/F": (100.0, "%")}

_QUANTITY = {
    "raw": "F",
    "baseline": "F₀",
    "dff": "ΔF/F",
    "background_corrected": "ΔF/F",
    "denoised": "ΔF/F",
}

_MINUTES_FROM, _HOURS_FROM = 300.0, 4 * 3600.0


@dataclass(frozen=True)
class TimeScale:
    """Unit of a time axis: what to divide seconds by, and what to write beside it."""

    seconds: float
    label: str


def time_scale(duration_s: float) -> TimeScale:
    """Return seconds for up to five minutes of axis, then minutes, beyond four hours hours."""
    if duration_s <= _MINUTES_FROM:
        return TimeScale(1.0, "Time (s)")
    if duration_s <= _HOURS_FROM:
        return TimeScale(60.0, "Time (min)")
    return TimeScale(3600.0, "Time (h)")


def counted(number: int, word: str) -> str:
    """Return ``"1 neuron"``, ``"2,000 neurons"``, ``"no neurons"``."""
    return count_of(number, word) if number else f"no {word}s"


def unit_scale(unit: str) -> tuple[float, str]:
    """Return by what to multiply a stored value for display, and the unit then shown: ΔF/F in percent."""
    return _SHOWN.get(unit, (1.0, unit))


def trace_label(recording: Recording, name: str) -> str:
    """Return the label of a trace's axis with its unit, such as ``"ΔF/F (%)"``."""
    unit = recording.traces[name].unit
    shown = unit_scale(unit)[1]
    quantity = unit if unit in _SHOWN else _QUANTITY.get(name, name.replace("_", " "))
    return f"{quantity} ({shown})"


def latest_trace(recording: Recording, *, before: str | None = None) -> str | None:
    """Return the name of the most processed trace there is, None where there is none.

    Parameters
    ----------
    before : str, optional
        Only stages before this one count: ``"denoised"`` to see the noise.
    """
    names = ["raw", "dff", "background_corrected", "denoised"]
    for name in reversed(names[: names.index(before) if before else None]):
        if name in recording.traces:
            return name
    return None


def baseline_note(recording: Recording) -> str:
    """Return how F0 was taken, from the log, as one short phrase; empty while there is no ΔF/F."""
    entry = next((e for e in recording.log if e.stage == "baseline"), None)
    if entry is not None and entry.settings:
        return f"F₀: {_baseline_method(entry)}"
    return "ΔF/F as in the file" if any(t.unit == "ΔF/F" for t in recording.traces.values()) else ""


def _baseline_method(entry: LogEntry) -> str:
    method = str(entry.settings.get("method", "")).replace("_", " ")
    parts = []
    if "percentile" in entry.settings and "percentile" in method:
        method = method.replace("percentile", f"{_ordinal(float(entry.settings['percentile']))} percentile")
    if "window" in entry.settings:
        parts.append(f"{entry.settings['window']:g} s window")
    return f"{method} ({', '.join(parts)})" if parts else method


def _ordinal(number: float) -> str:
    """Return ``"20th"``, ``"2.5th"``, ``"1st"``."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(int(number) % 10, "th") if number == int(number) else "th"
    return f"{number:g}{'th' if 10 <= number % 100 < 20 else ending}"
