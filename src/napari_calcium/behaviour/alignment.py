"""Brings behaviour onto the clock and the frames of a recording, and says how much overlaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.behaviour.pulses import ClockFit, fit_clocks, match_pulses
from napari_calcium.behaviour.resampling import at_frames
from napari_calcium.behaviour.signals import ActivityInput
from napari_calcium.checks import check_frame_rate
from napari_calcium.results.behaviour_results import Behaviour, BehaviourFile, Epochs
from napari_calcium.settings import Choice, Seconds, Settings, Unit

__all__ = [
    "AutomaticAlignment",
    "BehaviourSettings",
    "FrameAlignment",
    "OffsetAlignment",
    "PulseAlignment",
    "align_behaviour",
]


class _Alignment(Settings):
    """What all ways to align have in common."""

    max_gap: Annotated[Seconds, Ge(0), Le(60)] = Field(
        1.0,
        title="Longest gap bridged",
        description="Gaps in a signal up to this long are bridged by a straight line; in longer ones it is "
        "not known, and the frames are left out.",
    )
    stand_ins: Annotated[
        Literal["without_file", "always", "never"],
        Choice((("without_file", "where no file is given"), ("always", "always"), ("never", "never"))),
    ] = Field(
        "without_file",
        title="Population signals",
        description="Whether the population's mean and first component are taken as signals too. They can "
        "stand in for behaviour that was not recorded, but say nothing of the animal.",
    )
    input: ActivityInput = Field(
        "denoised",
        title="Population signals from",
        description="Trace of which the population's mean and first component are made.",
    )


class AutomaticAlignment(_Alignment):
    """Takes the frame times where there are some, else the pulses, else the clocks as they are."""

    method: Literal["automatic"] = Field("automatic", title="Alignment", description="Find out.")


class OffsetAlignment(_Alignment):
    """Both clocks run alike, and the offset is known."""

    method: Literal["offset"] = Field("offset", title="Alignment", description="Given offset.")
    offset: Seconds = Field(
        0.0,
        title="Offset",
        description="Added to the times of the behaviour: above 0 where its clock started after the first "
        "frame, below 0 where it started before.",
    )
    drift: Annotated[float, Unit("ppm"), Ge(-10_000), Le(10_000)] = Field(
        0.0,
        title="Drift",
        description="By how many millionths the recording's clock is faster: 100 is 0.36 s in an hour.",
    )


class PulseAlignment(_Alignment):
    """Offset and drift from synchronisation pulses that both computers recorded."""

    method: Literal["pulses"] = Field("pulses", title="Alignment", description="Synchronisation pulses.")


class FrameAlignment(_Alignment):
    """The computer of the behaviour recorded when each frame was taken."""

    method: Literal["frames"] = Field("frames", title="Alignment", description="Frame times.")


BehaviourSettings = Annotated[
    AutomaticAlignment | OffsetAlignment | PulseAlignment | FrameAlignment, Field(discriminator="method")
]
"""How behaviour is brought onto the recording's clock."""


@dataclass(frozen=True)
class _Clock:
    """How to get from the file's clock to the recording's."""

    to_recording: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    fit: ClockFit
    notes: tuple[str, ...]


def align_behaviour(
    file: BehaviourFile,
    n_frames: int,
    frame_rate: float,
    settings: AutomaticAlignment | OffsetAlignment | PulseAlignment | FrameAlignment = AutomaticAlignment(),
) -> tuple[Behaviour, tuple[str, ...]]:
    """Bring signals and epochs onto the clock and the frames of a recording.

    Parameters
    ----------
    file : BehaviourFile
    n_frames : int
    frame_rate : float
        Hz.
    settings : AutomaticAlignment or OffsetAlignment or PulseAlignment or FrameAlignment

    Returns
    -------
    behaviour : Behaviour
        Signals at the middle of each frame (:func:`~napari_calcium.behaviour.resampling.at_frames`); epochs
        that reach into the recording, cut to it.
    notes : tuple of str
        How the clocks were brought together, how well, and how much of the recording is covered.

    Raises
    ------
    ValueError
        If there is nothing to align by, or behaviour and recording do not overlap; in one line.
    """
    rate = check_frame_rate(frame_rate)
    duration = n_frames / rate
    clock = _clock(file, n_frames, rate, settings)
    signals = [
        at_frames(clock.to_recording(s.time_s), s.values, n_frames, rate, max_gap=settings.max_gap)
        for s in file.signals
    ]
    values = np.array(signals).reshape(len(signals), n_frames)
    epochs, n_outside = _epochs_inside(file.epochs, clock, duration)
    covered = _covered(values, file, clock, duration)
    _check_overlap(file, clock, duration, values, epochs)
    notes = [*clock.notes, f"the file of the behaviour covers {100 * covered:.0f} % of the recording"]
    if n_outside:
        notes.append(f"{n_outside:,} epochs lie outside of the recording and are left out")
    notes += [
        f"{s.name} is known in {100 * np.isfinite(row).mean():.0f} % of the frames"
        for s, row in zip(file.signals, values, strict=True)
        if np.isfinite(row).mean() < covered - 0.005
    ]
    behaviour = Behaviour(
        tuple(s.name for s in file.signals),
        tuple(s.unit for s in file.signals),
        values,
        epochs,
        np.zeros((len(signals), 0)),
        offset_s=clock.fit.offset_s,
        drift_ppm=1e6 * clock.fit.drift,
        residual_s=clock.fit.residual_s,
        covered=covered,
    )
    return behaviour, tuple(notes)


def _clock(file: BehaviourFile, n_frames: int, rate: float, settings: _Alignment) -> _Clock:
    if isinstance(settings, OffsetAlignment):
        fit = ClockFit(0.0, settings.offset, settings.drift / 1e6)
        told = f"offset of {settings.offset:g} s and drift of {settings.drift:g} ppm, as set"
        return _Clock(fit, fit, (told,))
    automatic = isinstance(settings, AutomaticAlignment)
    if isinstance(settings, FrameAlignment) or (automatic and len(file.frame_s) > 1):
        return _by_frames(file.frame_s, n_frames, rate)
    both = len(file.pulse_s) > 0 and len(file.recording_pulse_s) > 0
    if isinstance(settings, PulseAlignment) or (automatic and both):
        return _by_pulses(file.pulse_s, file.recording_pulse_s)
    return _as_they_are(file, n_frames / rate)


def _by_frames(frame_s: NDArray[np.float64], n_frames: int, rate: float) -> _Clock:
    if len(frame_s) < 2:
        raise ValueError(
            "there are no frame times to align by; name a column or file of them, or choose another alignment"
        )
    recorded = np.arange(len(frame_s)) / rate
    fit = fit_clocks(frame_s, recorded)
    notes = [_told("frame times", fit, len(frame_s))]
    if len(frame_s) != n_frames:
        notes.append(
            f"⚠ {len(frame_s):,} frame times for {n_frames:,} frames; they are counted from the first frame"
        )
    if abs(fit.drift) > 0.01:
        notes.append(
            f"⚠ the frames come at {rate * (1 + fit.drift):.4g} Hz by these times, "
            f"not at {rate:g} Hz; check the frame rate"
        )

    def to_recording(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.interp(time_s, frame_s, recorded)
        step_before, step_after = time_s - frame_s[0], time_s - frame_s[-1]
        speed = 1 + fit.drift
        after = recorded[-1] + speed * step_after
        outside = np.where(step_before < 0, recorded[0] + speed * step_before, after)
        return np.where((step_before < 0) | (step_after > 0), outside, inside)

    return _Clock(to_recording, fit, tuple(notes))


def _by_pulses(pulse_s: NDArray[np.float64], recorded_s: NDArray[np.float64]) -> _Clock:
    if not len(pulse_s) or not len(recorded_s):
        which = "behaviour's" if not len(pulse_s) else "recording's"
        raise ValueError(f"there are no pulses on the {which} clock to align by; choose another alignment")
    match = match_pulses(pulse_s, recorded_s)
    n = len(match.first)
    notes = [_told(f"{n:,} of {len(pulse_s):,} and {len(recorded_s):,} pulses", match.fit, n)]
    if match.ambiguous:
        notes.append(
            "⚠ the pulses come at equal intervals and fit under another offset nearly as well; check it"
        )
    if n < 0.5 * min(len(pulse_s), len(recorded_s)):
        notes.append("⚠ fewer than half of the pulses fit together; the alignment may be wrong")
    return _Clock(match.fit, match.fit, tuple(notes))


def _told(what: str, fit: ClockFit, n: int) -> str:
    miss = f", off by {1000 * fit.residual_s:.2g} ms" if np.isfinite(fit.residual_s) else ""
    drift = f", drift {1e6 * fit.drift:.3g} ppm" if n > 2 else ""
    return f"aligned by {what}: offset {fit.offset_s:.4f} s{drift}{miss}"


def _as_they_are(file: BehaviourFile, duration: float) -> _Clock:
    """Take both clocks as one, or as started together where they would not overlap at all."""
    start, stop = file.span_s
    if np.isnan(start) or (start < duration and stop > 0):
        fit = ClockFit(0.0, 0.0)
        return _Clock(fit, fit, ("the behaviour's time 0 is taken as the start of the first frame",))
    fit = ClockFit(start, 0.0)
    note = (
        f"⚠ the behaviour's clock starts at {start:,.10g} s, so its first sample is taken as the start of "
        "the first frame; set the offset if that is wrong"
    )
    return _Clock(fit, fit, (note,))


def _epochs_inside(epochs: Epochs, clock: _Clock, duration: float) -> tuple[Epochs, int]:
    start, end = clock.to_recording(epochs.start_s), clock.to_recording(epochs.end_s)
    inside = (end >= 0) & (start < duration)
    order = np.lexsort((end[inside], start[inside]))
    cut = Epochs(
        epochs.label[inside][order],
        np.maximum(start[inside], 0.0)[order],
        np.minimum(end[inside], duration)[order],
    )
    return cut, int((~inside).sum())


def _covered(values: NDArray[np.float64], file: BehaviourFile, clock: _Clock, duration: float) -> float:
    """Return the share of the recording of which a signal is known, or for which epochs were noted."""
    if len(values):
        return float(np.isfinite(values).any(axis=0).mean())
    start, stop = clock.to_recording(np.array(file.span_s))
    overlap = min(stop, duration) - max(start, 0.0)
    return float(np.clip(overlap / duration, 0, 1)) if np.isfinite(overlap) and duration > 0 else 0.0


def _check_overlap(
    file: BehaviourFile, clock: _Clock, duration: float, values: NDArray[np.float64], epochs: Epochs
) -> None:
    if np.isfinite(values).any() or len(epochs) or np.isnan(file.span_s[0]):
        return
    start, stop = clock.to_recording(np.array(file.span_s))
    raise ValueError(
        f"behaviour ({start:,.1f} to {stop:,.1f} s) and recording (0 to {duration:,.1f} s) do not overlap; "
        "set the offset"
    )
