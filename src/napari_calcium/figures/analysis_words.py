"""An analysis in words: what was found, what chance alone would give, and how it was made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.motion_figure import motion_words
from napari_calcium.pipeline_settings import TITLES, PipelineSettings
from napari_calcium.recording import LogEntry, Recording
from napari_calcium.settings import Choice, Settings, SettingsError, Unit

__all__ = ["AnalysisWords", "analysis_words", "members_line", "settings_words"]

_MOST_SETTINGS = 6
"""Stages with more settings are told by those that are not the default."""

_TRACES = {
    "raw": "raw fluorescence",
    "dff": "ΔF/F",
    "background_corrected": "ΔF/F without background",
    "denoised": "denoised ΔF/F",
}


@dataclass(frozen=True)
class AnalysisWords:
    """A recording and its analysis in plain sentences.

    Attributes
    ----------
    title : str
        Name of the recording.
    about : str
        Its size, rate and length.
    findings : tuple of str
        What was found, each with what chance alone would give where that is known.
    members : tuple of (int, str)
        Each ensemble with the names of its members, core first.
    steps : tuple of (str, str)
        Each stage that ran with its method and settings.
    """

    title: str
    about: str
    findings: tuple[str, ...]
    members: tuple[tuple[int, str], ...]
    steps: tuple[tuple[str, str], ...]


def analysis_words(recording: Recording) -> AnalysisWords:
    """Say in words what a recording holds, at any stage of its analysis."""
    findings = (
        *_motion(recording),
        *_events(recording),
        *_ensemble_events(recording),
        *_ensembles(recording),
    )
    found = recording.ensembles
    return AnalysisWords(
        recording.name,
        _about(recording),
        findings or ("Nothing has been analysed yet.",),
        tuple((k, members_line(recording, k)) for k in found.ids) if found is not None else (),
        tuple(_step(entry) for entry in recording.log if entry.stage in TITLES),
    )


def _about(recording: Recording) -> str:
    parts = [counted(recording.n_rois, "cell"), counted(recording.n_frames, "frame")]
    if recording.frame_rate:
        seconds = recording.duration_s
        length = f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.3g} min"
        parts[-1] += f" at {recording.frame_rate:.4g} Hz ({length})"
    else:
        parts.append("frame rate not known")
    if recording.rois is not None:
        parts.append(f"{len(recording.rois):,} with a position")
    if recording.pixel_size_um:
        parts.append(f"{recording.pixel_size_um:.4g} µm a pixel")
    if not recording.traces:
        parts.append("no traces")
    return ", ".join(parts)


def _motion(recording: Recording) -> tuple[str, ...]:
    words = motion_words(recording).replace(" · ", ", ")
    return (f"Movie registered: {words}.",) if words else ()


def _events(recording: Recording) -> tuple[str, ...]:
    events = recording.events
    if events is None:
        return ()
    if not len(events):
        return ("No events were found.",)
    active = len(np.unique(events.roi_id))
    percent, unit = (100.0, "%") if events.unit == "ΔF/F" else (1.0, events.unit)
    words = f"{counted(len(events), 'event')} in {active:,} of {counted(recording.n_rois, 'cell')}"
    if recording.duration_s:
        rate = len(events) / recording.n_rois / recording.duration_s * 60
        words += f", {rate:.2g} a minute and cell"
    amplitudes = events.amplitude[np.isfinite(events.amplitude)]
    if len(amplitudes):
        words += f"; median amplitude {percent * float(np.median(amplitudes)):.3g} {unit}"
    signal = recording.recording_features.get("snr", math.nan)
    return (words + (f", signal to noise {signal:.2g}." if math.isfinite(signal) else "."),)


def _ensemble_events(recording: Recording) -> tuple[str, ...]:
    events = recording.ensemble_events
    if events is None:
        return ()
    words = counted(len(events), "ensemble event")
    if math.isfinite(events.expected_by_chance):
        words += f"; chance alone would give {events.expected_by_chance:.2g}"
    if len(events) and np.isfinite(events.p_value).any():
        words += f"; each p ≤ {np.nanmax(events.p_value):.2g}{_rate_words(recording)}"
    if len(events) and recording.ensembles is not None:
        words += f"; {np.count_nonzero(events.ensemble_id < 0)} in no ensemble"
    return (words[0].upper() + words[1:] + ".",)


def _rate_words(recording: Recording) -> str:
    """Return the false-discovery rate that was asked for, where the method has one."""
    entry = next((e for e in recording.log if e.stage == "significance"), None)
    rate = None if entry is None else entry.settings.get("false_discovery_rate")
    return f" (false-discovery rate {100 * float(rate):g} %)" if rate is not None else ""


def _ensembles(recording: Recording) -> tuple[str, ...]:
    found = recording.ensembles
    if found is None:
        return ()
    members, n = found.members, len(np.unique(found.members.roi_id))
    words = counted(len(found), "ensemble")
    if len(found):
        words += f" with {counted(n, 'cell')} in all, active {counted(len(found.activations), 'time')}"
        known = members.q_value[np.isfinite(members.q_value)]
        words += f"; membership q ≤ {known.max():.2g}" if len(known) else ""
    if math.isfinite(found.expected_by_chance):
        entry = next((e for e in recording.log if e.stage == "ensembles"), None)
        copies = entry.settings.get("surrogates", "") if entry is not None else ""
        copies = f"{copies} copies" if copies else "copies"
        words += f"; the same search on {copies} shifted in time: {found.expected_by_chance:.2g} on average"
    return (words[0].upper() + words[1:] + ".",)


def members_line(recording: Recording, ensemble: int) -> str:
    """Return the names of an ensemble's members, by participation; those that are not core in brackets."""
    assert recording.ensembles is not None
    members = recording.ensembles.members_of(ensemble)
    core = [recording.cell_name(k) for k in members.roi_id[members.core].tolist()]
    others = [recording.cell_name(k) for k in members.roi_id[~members.core].tolist()]
    return " ".join(part for part in (", ".join(core), f"({', '.join(others)})" if others else "") if part)


def _step(entry: LogEntry) -> tuple[str, str]:
    return TITLES[entry.stage], settings_words(entry.stage, entry.settings)


def settings_words(stage: str, settings: Mapping[str, Any]) -> str:
    """Return the settings of a stage as one phrase: method, what it reads, and each setting with its unit.

    Parameters
    ----------
    stage : str
        Name of a stage of the pipeline.
    settings : mapping
        As in the log. What this version of the program does not know is told as it stands there.
    """
    try:
        known = getattr(PipelineSettings.validated({stage: dict(settings)}), stage)
    except SettingsError:
        return ", ".join(f"{key} {value}" for key, value in settings.items())
    if known is None:
        return "skipped"
    return _words(known)


def _words(settings: Settings) -> str:
    head = [str(getattr(settings, "method", "")).replace("_", " ")]
    if hasattr(settings, "input"):
        trace = _TRACES.get(settings.input, str(settings.input).replace("_", " "))
        head.append(f"of {trace}" if head[0] else f"reads {trace}")
    names = [name for name in type(settings).model_fields if name not in ("method", "input")]
    if len(names) > _MOST_SETTINGS:
        changed = [n for n in names if getattr(settings, n) != type(settings).model_fields[n].get_default()]
        rest = "otherwise the defaults" if changed else "all defaults"
        names = changed
    else:
        rest = ""
    parts = [part for part in (_field(settings, name) for name in names) if part]
    tail = ", ".join([*parts, *([rest] if rest else [])])
    return "; ".join(part for part in (" ".join(filter(None, head)), tail) if part)


def _field(settings: Settings, name: str) -> str:
    """Return a setting as ``"title value unit"``; a switch by its title alone, nothing if it is off."""
    field, value = type(settings).model_fields[name], getattr(settings, name)
    title = (field.title or name.replace("_", " ")).lower()
    if isinstance(value, bool):
        return title if value else ""
    if isinstance(value, Settings):
        return f"{title}: {_words(value)}"
    marks = field.metadata
    unit = next((m.symbol for m in marks if isinstance(m, Unit)), "")
    labels = dict(next((m.labels for m in marks if isinstance(m, Choice)), ()))
    shown = f"{value:g}" if isinstance(value, float) else labels.get(str(value), str(value))
    return f"{title} {shown} {unit}".rstrip()
