"""The stages of the behaviour, on a recording: aligned first, then compared with neurons and ensembles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_calcium.behaviour.alignment import align_behaviour
from napari_calcium.behaviour.decoding import decode
from napari_calcium.behaviour.epochs import inside_epochs, prefer
from napari_calcium.behaviour.relations import relate
from napari_calcium.behaviour.signals import STAND_INS, moments_as_rate, population_signals
from napari_calcium.behaviour.subjects import Subjects
from napari_calcium.behaviour.triggered import trigger
from napari_calcium.behaviour.tuning import tune
from napari_calcium.numerics.binning import event_frames, frames_in
from napari_calcium.numerics.circular_shift import recurrence
from napari_calcium.plurals import count_of
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.results.behaviour_results import Behaviour, BehaviourFile, Epochs
from napari_calcium.stages.stage_steps import Apply, Outcome, StageError, input_of, needed, rate_of

__all__ = ["BEHAVIOUR_STAGES", "subjects_of"]

_ALPHA = 0.05
_LONG_LAG = 0.05
_APART_S = 10.0
_RECURRENT = 0.01
"""Behaviour that meets itself at more than this share of the shifts (by so much or more) is told of."""

Result = TypeVar("Result")


def subjects_of(
    recording: Recording, wanted: str, smoothing: float, stage: str
) -> tuple[Subjects, tuple[str, ...], tuple[str, ...]]:
    """Return the activity of neurons, ensembles and the population.

    Parameters
    ----------
    recording : Recording
        With a frame rate.
    wanted : str
        Trace of the neurons, or ``"events"``.
    smoothing : float
        Standard deviation in seconds of the Gaussian that turns events and activations into rates.
    stage : str
        Who asks.

    Returns
    -------
    subjects : Subjects
        The neurons in the order of the recording, the ensembles where there are some, and the population
        (mean of the neurons) where there are neurons.
    reads : tuple of str
        Results it was made of.
    notes : tuple of str

    Raises
    ------
    StageError
        If what is wanted was not made yet.
    """
    rate, n_frames = rate_of(recording), recording.n_frames
    notes: tuple[str, ...] = ()
    if wanted == "events":
        events = needed(recording, "events", stage)
        rows = events.rows(recording.roi_ids)
        values = moments_as_rate(rows, events.onset_s, recording.n_rois, n_frames, rate, smoothing)
        name, unit, reads = "events", "events/s", ["events"]
    else:
        name, trace, notes = input_of(recording, wanted, stage)
        values, unit, reads = trace.values, trace.unit, [f"traces/{name}"]
    kinds, ids, parts = ["neuron"] * len(values), [recording.roi_ids], [values]
    known = recording.ensembles
    if known is not None and len(known):
        place = np.searchsorted(np.array(known.ids), known.activations.ensemble_id)
        parts.append(moments_as_rate(place, known.activations.time_s, len(known), n_frames, rate, smoothing))
        kinds += ["ensemble"] * len(known)
        ids.append(np.array(known.ids, np.int64))
    if known is not None:
        reads.append("ensembles")
    if len(values):
        parts.append(_mean_of(values)[None])
        kinds.append("population")
        ids.append(np.array([-1], np.int64))
    subjects = Subjects(tuple(kinds), np.concatenate(ids), np.concatenate(parts), name, unit)
    return subjects, tuple(reads), notes


def _mean_of(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean over the neurons that are known in each frame; NaN where none is."""
    total = values.sum(axis=0, dtype=np.float64)
    if np.isfinite(total).all():
        return np.asarray(total / len(values), np.float32)
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
    mean: NDArray[np.float32] = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return mean


def _behaviour(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    file = rec.behaviour_file
    made = settings.stand_ins == "always" or (settings.stand_ins == "without_file" and file is None)
    if file is None and not made:
        raise StageError("there is no file of the behaviour; give one, or let population signals stand in")
    reads: tuple[str, ...] = () if file is None else ("behaviour_file",)
    found, notes = _told(
        lambda: align_behaviour(file or BehaviourFile(), rec.n_frames, rate_of(rec), settings)
    )
    notes = notes if file is not None else ()
    if made:
        name, trace, more = input_of(rec, settings.input, "behaviour")
        signals, weights = population_signals(trace.values)
        found = _with_stand_ins(found, signals, weights, name, trace.unit)
        reads += (f"traces/{name}",)
        notes += (
            *more,
            f"{' and '.join(STAND_INS)} of {name} are signals too, made of the neurons themselves",
        )
    if not any(found.stand_ins) and found.weights.shape[1] == 0:
        found = _with_weights(found, np.zeros((len(found.names), rec.n_rois)))
    return Outcome({"behaviour": found}, reads, ("behaviour",), notes)


def _with_stand_ins(
    found: Behaviour,
    signals: NDArray[np.float64],
    weights: NDArray[np.float64],
    name: str,
    unit: str,
) -> Behaviour:
    measured = np.zeros((len(found.names), weights.shape[1]))
    return Behaviour(
        (*found.names, *STAND_INS),
        (*found.units, unit, "SD"),
        np.concatenate([found.values.reshape(-1, signals.shape[1]), signals]),
        found.epochs,
        np.concatenate([measured, weights]),
        name,
        found.offset_s,
        found.drift_ppm,
        found.residual_s,
        found.covered,
    )


def _with_weights(found: Behaviour, weights: NDArray[np.float64]) -> Behaviour:
    return Behaviour(
        found.names,
        found.units,
        found.values,
        found.epochs,
        weights,
        "",
        found.offset_s,
        found.drift_ppm,
        found.residual_s,
        found.covered,
    )


def _relations(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    behaviour: Behaviour = needed(rec, "behaviour", "relations")
    subjects, reads, notes = subjects_of(rec, settings.input, settings.smoothing, "relations")
    made_of = rec.traces[behaviour.made_of].values if behaviour.made_of in rec.traces else None
    if made_of is not None:
        reads += (f"traces/{behaviour.made_of}",)
    found = relate(
        subjects,
        behaviour,
        rate_of(rec),
        settings,
        made_of=made_of,
        on_progress=on_progress,
        executor=executor,
    )
    if 2 * settings.max_lag > _LONG_LAG * rec.duration_s:
        notes += ("⚠ the longest lag is long for this recording, so the test is weak",)
    for signal, values in zip(behaviour.names, behaviour.values, strict=True):
        notes += _periodic(signal, values, rate_of(rec))
        own = (found.signal == signal) & (found.kind == "neuron")
        notes += (_share(f"{signal}:", found.q_value[own], rec.n_rois, "go with it beyond chance"),)
    return Outcome({"relations": found}, _once("behaviour", *reads), ("relations",), notes)


def _tuning(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    behaviour: Behaviour = needed(rec, "behaviour", "tuning")
    subjects, reads, notes = subjects_of(rec, settings.input, settings.smoothing, "tuning")
    if not behaviour.measured:
        notes += ("no signal was measured, and tuning to signals made of the neurons would be circular",)
    states = _two_valued(rec)
    found = _told(
        lambda: tune(
            subjects,
            behaviour,
            rate_of(rec),
            settings,
            two_valued=states,
            on_progress=on_progress,
            executor=executor,
        )
    )
    if subjects.values.size and np.nanmin(subjects.values, initial=0.0) < 0:
        notes += (f"{subjects.input} falls below 0, which counts as 0 in the information",)
    names = [curve.signal for curve in found.curves]
    for signal in [*names, *([found.map.signal] if found.map is not None else [])]:
        own = (found.tuned.signal == signal) & (found.tuned.kind == "neuron")
        notes += (_share(f"{signal}:", found.tuned.q_value[own], rec.n_rois, "are tuned beyond chance"),)
    return Outcome({"tuning": found}, _once("behaviour", *reads), ("tuning",), notes)


def _two_valued(rec: Recording) -> frozenset[str]:
    """Return the names of signals whose file knows two values only."""
    signals = rec.behaviour_file.signals if rec.behaviour_file is not None else ()
    return frozenset(s.name for s in signals if len(np.unique(s.values[np.isfinite(s.values)])) == 2)


def _triggered(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    behaviour: Behaviour = needed(rec, "behaviour", "triggered")
    subjects, reads, notes = subjects_of(rec, settings.input, settings.smoothing, "triggered")
    found = trigger(
        subjects, behaviour.epochs, rate_of(rec), settings, on_progress=on_progress, executor=executor
    )
    notes += _without_epochs(behaviour.epochs)
    rate = rate_of(rec)
    for label in found.labels:
        if settings.test.method == "shift":
            answered = _answered(behaviour.epochs.of(label).start_s, settings.response, rate, rec.n_frames)
            notes += _periodic(label, answered, rate, "; test with events moved one by one")
        own = (found.responses.label == label) & (found.responses.kind == "neuron")
        trials = int(found.responses.n_trials[own].max(initial=0))
        head = f"{label} ({count_of(trials, 'trial')}):"
        notes += (_share(head, found.responses.q_value[own], rec.n_rois, "respond beyond chance"),)
    return Outcome({"triggered": found}, _once("behaviour", *reads), ("triggered",), notes)


def _preferences(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    behaviour: Behaviour = needed(rec, "behaviour", "preferences")
    events = needed(rec, "events", "preferences")
    rows, times = events.rows(rec.roi_ids), events.onset_s
    kinds, ids = ["neuron"] * rec.n_rois, [rec.roi_ids]
    reads: tuple[str, ...] = ("behaviour", "events")
    if (known := rec.ensembles) is not None:
        place = np.searchsorted(np.array(known.ids, np.int64), known.activations.ensemble_id)
        rows = np.concatenate([rows, rec.n_rois + place])
        times = np.concatenate([times, known.activations.time_s])
        kinds += ["ensemble"] * len(known)
        ids.append(np.array(known.ids, np.int64))
        reads += ("ensembles",)
    found = prefer(
        tuple(kinds),
        np.concatenate(ids),
        rows,
        times,
        behaviour.epochs,
        rec.n_frames,
        rate_of(rec),
        settings,
        on_progress=on_progress,
        executor=executor,
    )
    notes = _without_epochs(behaviour.epochs)
    for label in behaviour.epochs.labels:
        inside = inside_epochs(behaviour.epochs, label, rec.n_frames, rate_of(rec), settings.widen)
        notes += _periodic(label, inside.astype(np.float64), rate_of(rec))
    n_ensembles = len(known) if known is not None else 0
    for label in behaviour.epochs.labels if n_ensembles else ():
        own = (found.label == label) & (found.kind == "ensemble")
        more = found.q_value[own & (found.enrichment > 1)]
        notes += (_share(f"{label}:", more, n_ensembles, "prefer it beyond chance", "ensembles"),)
    return Outcome({"preferences": found}, reads, ("preferences",), notes)


def _decoding(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    behaviour: Behaviour = needed(rec, "behaviour", "decoding")
    subjects, reads, notes = subjects_of(rec, settings.input, settings.smoothing, "decoding")
    found = decode(subjects, behaviour, rate_of(rec), settings, on_progress=on_progress, executor=executor)
    if not len(found.scores):
        notes += ("there is nothing to decode: no measured signal and no epochs",)
    fold = rec.duration_s / settings.n_folds
    if frames_in(settings.gap, rate_of(rec), at_least=0) and settings.gap > fold / 3:
        notes += (f"the gap is cut to a third of a block ({fold / 3:.3g} s)",)
    scores = found.scores
    for k in range(len(scores)):
        word = "R²" if scores.measure[k] == "r2" else "balanced accuracy"
        notes += (
            f"{scores.target[k]} from {scores.source[k]}: {word} {scores.score[k]:.2f}, "
            f"chance {scores.chance[k]:.2f}, p = {scores.p_value[k]:.2g}",
        )
    return Outcome({"decoding": found}, _once("behaviour", *reads), ("decoding",), notes)


def _answered(
    onset_s: NDArray[np.float64], response: float, rate: float, n_frames: int
) -> NDArray[np.float64]:
    """Return what a cell would do that answers every event, (n_frames,)."""
    frames = event_frames(onset_s[(onset_s >= 0) & (onset_s < n_frames / rate)], rate, max(1, n_frames))
    after = (frames[:, None] + np.arange(frames_in(response, rate))) % max(1, n_frames)
    return np.bincount(after.ravel(), minlength=n_frames).astype(np.float64)


def _periodic(name: str, course: NDArray[np.float64], rate: float, instead: str = "") -> tuple[str, ...]:
    """Say so where behaviour comes at equal intervals, which no circular shift can tell from itself."""
    share = recurrence(course, frames_in(_APART_S, rate))
    if share < _RECURRENT:
        return ()
    return (
        f"⚠ {name} repeats itself: {100 * share:.0f} % of the shifts in time make it the same again, so no "
        f"p-value below {min(1.0, 2 * share):.2g} can be expected however strong the relation{instead}",
    )


def _told(work: Callable[[], Result]) -> Result:
    """Turn what the user can mend into one line."""
    try:
        return work()
    except StageError:
        raise
    except ValueError as error:
        raise StageError(str(error)) from None


def _once(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _share(head: str, q: NDArray[np.float64], total: int, tail: str, what: str = "cells") -> str:
    return f"{head} {int((q <= _ALPHA).sum()):,} of {total:,} {what} {tail}"


def _without_epochs(epochs: Epochs) -> tuple[str, ...]:
    return () if len(epochs) else ("there are no epochs",)


BEHAVIOUR_STAGES: Mapping[str, Apply] = MappingProxyType(
    {
        "behaviour": _behaviour,
        "relations": _relations,
        "tuning": _tuning,
        "triggered": _triggered,
        "preferences": _preferences,
        "decoding": _decoding,
    }
)
"""What applies each stage to a recording."""
