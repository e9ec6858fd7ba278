"""Warnings where a choice of settings looks wrong for the data at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.numerics.indicators import INDICATORS
from napari_calcium.numerics.last_result import last_result_kept
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.recording import Recording, Trace
from napari_calcium.stages.stage_steps import stages_behind

__all__ = ["Advice", "advise", "advise_stage", "transient_s"]

_TRANSIENTS_IN_BASELINE = 10
_TRANSIENTS_IN_BACKGROUND = 4
_PERIODS = 2
"""Of the slowest fluctuation that is to go, as many as a recording must last to have any."""
_SLOW_RATES = 10
"""Stretches over which the population's rate is averaged, as many as tell it from ensembles."""
_QUIET_SHARE = 0.8
_MANY = 0.1
_SAMPLED_ROWS, _SAMPLED_FRAMES = 200, 500
_GUARDED_ROWS, _GUARDED_FRAMES = 200, 2500
_FALSE_PER_MINUTE = 1.0
_FEW_CELLS = 10
_CROWD = 0.5


@dataclass(frozen=True)
class Advice:
    """Why a setting looks wrong, and what to do.

    Attributes
    ----------
    stage, field : str
        Names in the pipeline's settings.
    text : str
        One or two sentences.
    """

    stage: str
    field: str
    text: str


def advise(recording: Recording, settings: PipelineSettings) -> tuple[Advice, ...]:
    """Look at all stages that take part.

    Parameters
    ----------
    recording : Recording
        Without a frame rate there is nothing to say.
    settings : PipelineSettings

    Returns
    -------
    tuple of Advice
        In run order; empty where nothing looks wrong. No error: nothing keeps the stage from running.

    Notes
    -----
    At most 200 cells and 500 frames of a trace are looked at (for spikes, the middle 2,500
    frames), so it takes milliseconds at any size.
    """
    found = (
        item
        for stage in _LOOK
        if (chosen := getattr(settings, stage, None)) is not None
        for item in advise_stage(recording, stage, chosen)
    )
    return tuple(found)


def advise_stage(recording: Recording, stage: str, chosen: Any) -> tuple[Advice, ...]:
    """Look at the settings of one stage; see :func:`advise`."""
    look = _LOOK.get(stage)
    if look is None or recording.frame_rate is None:
        return ()
    return tuple(Advice(stage, field, text) for field, text in look(recording, chosen).items())


def transient_s(recording: Recording) -> float | None:
    """Return how long a transient of this recording lasts, in seconds; None where that is not known.

    The median length of the events that were found, from onset to end; before there are any (ten at least),
    three times the decay of the indicator that the log names.
    """
    events = recording.events
    if events is not None and len(events) >= 10:
        lengths = events.end_s - events.onset_s
        known = lengths[np.isfinite(lengths)]
        if len(known):
            return float(np.median(known))
    named = (str(entry.settings.get("indicator", "")) for entry in reversed(recording.log))
    decay = next((INDICATORS[name].decay_s for name in named if name in INDICATORS), None)
    return None if decay is None else 3 * decay


_Said = dict[str, str]
"""What looks wrong, by the name of the field."""


def _baseline(recording: Recording, chosen: Any) -> _Said:
    said: _Said = {}
    trace = recording.traces.get(chosen.input)
    if trace is not None and (trace.unit == "ΔF/F" or _around_zero(trace)):
        said["input"] = (
            "These traces look like ΔF/F already: they lie around zero, so dividing by their baseline "
            "makes no sense. Skip this stage."
        )
    length, window = transient_s(recording), getattr(chosen, "window", None)
    if length is not None and window is not None and window < _TRANSIENTS_IN_BASELINE * length:
        said["window"] = (
            f"A window of {window:g} s holds few transients of {length:.2g} s: F0 will follow them, and "
            f"ΔF/F becomes too small. Take {_TRANSIENTS_IN_BASELINE * length:.0f} s or more."
        )
    percentile = getattr(chosen, "percentile", None)
    busy = _busy(recording)
    if percentile is not None and busy is not None:
        share = float(np.mean(percentile / 100 > _QUIET_SHARE * (1 - busy)))
        if share > _MANY:
            fit = 100 * _QUIET_SHARE * (1 - float(np.quantile(busy, 1 - _MANY)))
            said["percentile"] = (
                f"In {100 * share:.0f} % of the cells activity fills so much of the time that this "
                "percentile lies within transients, and ΔF/F becomes too small. Take "
                f"{max(1.0, fit / 2):.0f} % or less."
            )
    return said


def _background(recording: Recording, chosen: Any) -> _Said:
    said: _Said = {}
    length = transient_s(recording)
    for field in ("cutoff", "window"):
        seconds = getattr(chosen, field, None)
        if length is not None and seconds is not None and seconds < _TRANSIENTS_IN_BACKGROUND * length:
            said[field] = (
                f"{seconds:g} s is little more than a transient ({length:.2g} s): transients lose their "
                f"tails with the background. Take {_TRANSIENTS_IN_BACKGROUND * length:.0f} s or more."
            )
        elif seconds is not None and 0 < recording.duration_s < _PERIODS * seconds:
            said[field] = (
                f"The recording lasts {recording.duration_s:.3g} s, less than {_PERIODS} times {seconds:g} "
                "s: hardly more than a straight line is taken from it. Shorten this, or skip the stage."
            )
    return said


def _denoise(recording: Recording, chosen: Any) -> _Said:
    said: _Said = {}
    window, order = getattr(chosen, "window", None), getattr(chosen, "order", None)
    if window is None or order is None:
        return said
    frames = window * _rate(recording)
    if frames < order + 2:
        said["window"] = (
            f"{window:g} s is {frames:.1f} frames here: a polynomial of order {order} passes through "
            f"all of them, so nothing is smoothed. Take {(order + 3) / _rate(recording):.2g} s or more."
        )
    length = transient_s(recording)
    if length is not None and window > length:
        said["window"] = f"{window:g} s is longer than a transient ({length:.2g} s) and flattens it."
    return said


def _spikes(recording: Recording, chosen: Any) -> _Said:
    said: _Said = {}
    rate, name = _rate(recording), str(getattr(chosen, "indicator", ""))
    decay = INDICATORS[name].decay_s if name in INDICATORS else None
    if decay is not None and decay * rate < 1:
        said["indicator"] = (
            f"{name} decays in {decay:g} s, less than one frame ({1 / rate:.2g} s): hardly more than a "
            "frame is left of each transient, so expect the timing and number of spikes to be uncertain."
        )
    trace = recording.traces.get(chosen.input)
    if trace is None:
        return said
    if chosen.method == "network":
        doubts = _doubts_about_spikes(recording, chosen.input, trace)
        if doubts:
            said["input"] = " ".join(f"{doubt}." for doubt in doubts)
    elif trace.unit == "spikes/s":
        said["input"] = "These are inferred spikes already: deconvolve the ΔF/F they were made of."
    elif trace.unit == "a.u.":
        said["input"] = (
            "This is raw fluorescence: activity comes out in its arbitrary unit, and slow drift is taken "
            "for activity. Run the baseline stage, and read ΔF/F."
        )
    return said


def _doubts_about_spikes(recording: Recording, name: str, trace: Trace) -> tuple[str, ...]:
    return _doubts_about(trace.values, _rate(recording), trace.unit, tuple(stages_behind(recording, name)))


@last_result_kept
def _doubts_about(
    values: NDArray[np.float32], rate: float, unit: str, stages: tuple[str, ...]
) -> tuple[str, ...]:
    from napari_calcium.spikes.guards import find_doubts

    step = max(1, -(-len(values) // _GUARDED_ROWS))
    start = max(0, (values.shape[1] - _GUARDED_FRAMES) // 2)
    return find_doubts(values[::step, start : start + _GUARDED_FRAMES], rate, unit=unit, stages=stages)


def _events(recording: Recording, chosen: Any) -> _Said:
    said: _Said = {}
    rate, name = _rate(recording), str(getattr(chosen, "indicator", ""))
    decay = INDICATORS[name].decay_s if name in INDICATORS else None
    if decay is not None and decay * rate < 1:
        said["indicator"] = (
            f"{name} decays in {decay:g} s, less than one frame ({1 / rate:.2g} s): most transients are "
            "over before the next frame, and many will be missed whatever the threshold."
        )
    if chosen.input == "denoised" and chosen.method in ("deconvolved", "template"):
        said["input"] = (
            "This method averages noise itself and judges events by the noise it sees; in denoised "
            "traces there is too little of it, so that false events pass. Read ΔF/F instead."
        )
    if chosen.method == "threshold":
        false = _false_per_minute(rate, chosen.n_sd)
        if false > _FALSE_PER_MINUTE and chosen.input != "denoised":
            said["n_sd"] = (
                f"Noise alone passes {chosen.n_sd:g} SD about {false:.0f} times a minute in every cell "
                f"at {rate:.3g} Hz. Raise the threshold, or read the denoised trace."
            )
    shortest = getattr(chosen, "shortest", None)
    if shortest is not None and shortest * rate < 2:
        said["shortest"] = f"{shortest:g} s is less than two frames here ({2 / rate:.2g} s): that is noise."
    return said


def _coactivity(recording: Recording, chosen: Any) -> _Said:
    said: _Said = {}
    rate = _rate(recording)
    if chosen.window * rate < 1:
        said["window"] = (
            f"{chosen.window:g} s is shorter than a frame ({1 / rate:.2g} s); windows of one frame are "
            "used. Neurons that fire together often fall into neighbouring frames: widen it."
        )
    events = recording.events
    if events is not None and recording.n_rois and recording.duration_s > 0:
        active = len(events) / recording.n_rois / recording.duration_s * chosen.window
        if active > _CROWD:
            said["window"] = (
                f"At this event rate a cell is active in about {100 * (1 - np.exp(-active)):.0f} % of "
                "the windows: hardly any coactivity can stand out. Take a shorter window."
            )
    return said


def _significance(recording: Recording, chosen: Any) -> _Said:
    said: _Said = {}
    shuffles, percentile = getattr(chosen, "shuffles", None), getattr(chosen, "percentile", None)
    if shuffles and percentile is not None and shuffles * (1 - percentile / 100) < 1:
        said["shuffles"] = (
            f"The {percentile:g}th percentile of {shuffles} shuffles is their highest value, which "
            f"changes with the seed. Take {10 / (1 - percentile / 100):.0f} or more."
        )
    smoothing, left_out = getattr(chosen, "smoothing", None), getattr(chosen, "left_out", None)
    if smoothing is not None and left_out is not None and left_out > 2 * smoothing:
        said["left_out"] = (
            f"{left_out:g} s before and after is left out of a rate averaged over {smoothing:g} s: "
            "hardly anything of it remains. Leave out less, or average for longer."
        )
    elif smoothing is not None and 0 < recording.duration_s < _SLOW_RATES * smoothing:
        said["smoothing"] = (
            f"The recording lasts {recording.duration_s:.3g} s, so that a rate averaged over {smoothing:g} s "
            "and ensembles can hardly be told apart: most events are missed."
        )
    return said


def _ensembles(recording: Recording, chosen: Any) -> _Said:
    said: _Said = {}
    least = getattr(chosen, "least_members", None)
    if least is not None and recording.n_rois < max(_FEW_CELLS, 2 * least):
        said["least_members"] = (
            f"With {recording.n_rois} cells there is little room for ensembles of {least} and more: "
            "what is found says little about the tissue."
        )
    return said


_LOOK: Mapping[str, Callable[[Recording, Any], _Said]] = MappingProxyType(
    {
        "baseline": _baseline,
        "background": _background,
        "denoise": _denoise,
        "spikes": _spikes,
        "events": _events,
        "coactivity": _coactivity,
        "significance": _significance,
        "ensembles": _ensembles,
    }
)


def _rate(recording: Recording) -> float:
    assert recording.frame_rate is not None  # advise_stage has asked
    return recording.frame_rate


def _sample(trace: Trace) -> np.ndarray[Any, np.dtype[np.float32]]:
    n_rows, n_frames = trace.values.shape
    return trace.values[:: max(1, n_rows // _SAMPLED_ROWS), :: max(1, n_frames // _SAMPLED_FRAMES)]


def _around_zero(trace: Trace) -> bool:
    """Whether the lower half of most traces reaches as far below zero as above it: fluorescence does not."""
    values = _sample(trace)
    values = values[np.isfinite(values).all(axis=1)]
    if not values.size:
        return False
    return bool(np.mean(np.quantile(values, 0.25, axis=1) <= 0) > 0.5)


def _busy(recording: Recording) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Return the share of the time that the events of each cell fill; None before events were found."""
    events = recording.events
    if events is None or not recording.n_rois or recording.duration_s <= 0:
        return None
    rows = recording.rows(events.roi_id)
    filled = np.bincount(rows, np.nan_to_num(events.end_s - events.onset_s), minlength=recording.n_rois)
    return np.minimum(1.0, filled / recording.duration_s)


def _false_per_minute(rate: float, n_sd: float) -> float:
    """Return how often white noise rises above a threshold, per minute."""
    from scipy.stats import norm

    above = float(norm.sf(n_sd))
    return 60 * rate * above * (1 - above)
