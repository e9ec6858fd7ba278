"""The whole analysis: runs the stages on a recording, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from napari_calcium import __version__
from napari_calcium.ensembles.coactivity import coactivity
from napari_calcium.ensembles.company import company_features
from napari_calcium.ensembles.ensemble_detection import find_ensembles
from napari_calcium.ensembles.significance import significance
from napari_calcium.events.event_detection import detect_events
from napari_calcium.events.statistics import neuron_features, recording_features
from napari_calcium.memory import peak_memory_mb
from napari_calcium.pipeline_movie import has_raw_movie, run_movie
from napari_calcium.pipeline_settings import MOVIE_STAGES, STAGES, TITLES, PipelineSettings
from napari_calcium.progress import Progress, part, silent
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.traces.background import remove_background
from napari_calcium.traces.baseline import baseline, dff, explain_baseline
from napari_calcium.traces.denoise import denoise

__all__ = ["STAGES", "TITLES", "PipelineSettings", "StageError", "preview", "run", "run_stage", "settings_of"]

_MOVIE_SHARE = 0.8  # of the time of a run that starts from a movie
_POPULATION = ("coactivity", "significance", "ensembles", "features")


class StageError(ValueError):
    """A stage that cannot run on this recording; the message is one line that says what to do."""


@dataclass(frozen=True)
class _Outcome:
    """What a stage made: changes of the recording, what it read and wrote, and what the user should know."""

    changes: Mapping[str, Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())


def run_stage(
    recording: Recording,
    stage: str,
    settings: Any,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Recording:
    """Run one stage.

    Parameters
    ----------
    recording : Recording
        Left as it is.
    stage : str
        One of :data:`STAGES`.
    settings : Settings
        Of that stage.
    on_progress, executor
        See the stages.

    Returns
    -------
    Recording
        With the stage's results and log entry; whatever was made from an earlier version of them is gone.

    Raises
    ------
    StageError
        If the frame rate is not known, or a result that the stage needs is not there.
    Cancelled
        Raised by `on_progress`; nothing has changed then.
    """
    _known_rate(recording)
    start = time.perf_counter()
    outcome = _APPLY[stage](recording, settings, on_progress, executor)
    entry = LogEntry(
        stage,
        settings.model_dump(mode="json"),
        outcome.reads,
        outcome.writes,
        outcome.notes,
        __version__,
        time.perf_counter() - start,
        peak_memory_mb(),
    )
    return recording.with_step(entry, **outcome.changes)


def run(
    recording: Recording,
    settings: PipelineSettings = PipelineSettings(),
    *,
    on_progress: Progress = silent,
    on_stage: Callable[[str], None] = lambda stage: None,
    executor: Executor | None = None,
) -> Recording:
    """Run every stage that is not skipped, in order.

    Parameters
    ----------
    recording : Recording
        Left as it is. A movie without traces is registered, segmented and extracted first.
    settings : PipelineSettings
    on_progress
        Of the whole run.
    on_stage
        Called with the name of each stage as it begins.
    executor
        See the stages.

    Returns
    -------
    Recording
        A recording whose file holds ΔF/F already skips the baseline. A skipped stage leaves nothing of an
        earlier run behind.
    """
    recording = _without_results(recording)
    if has_raw_movie(recording):
        _known_rate(recording)
        movie_share = part(on_progress, 0.0, _MOVIE_SHARE)
        recording = run_movie(
            recording, settings, on_progress=movie_share, on_stage=on_stage, executor=executor
        )
        on_progress = part(on_progress, _MOVIE_SHARE, 1.0)
    wanted = [stage for stage in STAGES if _applies(recording, stage, settings)]
    for k, stage in enumerate(wanted):
        on_stage(stage)
        share = part(on_progress, k / len(wanted), (k + 1) / len(wanted))
        share(0, 1)
        recording = run_stage(
            recording, stage, getattr(settings, stage), on_progress=share, executor=executor
        )
    on_progress(1, 1)
    return recording


def preview(recording: Recording, stage: str, settings: Any, roi_ids: Any) -> Recording:
    """Run one stage on a few cells only, to look at.

    Parameters
    ----------
    recording : Recording
    stage : str
    settings : Settings
    roi_ids : sequence of int
        The cells. Stages that are about the population (coactivity and after) run on all cells all the same.

    Returns
    -------
    Recording
        Of the chosen cells, or of all for a population stage; not part of any history.
    """
    if stage in _POPULATION:
        return run_stage(recording, stage, settings)
    rows = recording.rows(roi_ids)
    few = Recording(
        recording.name,
        recording.roi_ids[rows],
        recording.frame_rate,
        {name: Trace(trace.values[rows], trace.unit) for name, trace in recording.traces.items()},
        log=recording.log,
    )
    return run_stage(few, stage, settings)


def settings_of(recording: Recording, otherwise: PipelineSettings = PipelineSettings()) -> PipelineSettings:
    """Return the settings that made a recording, from its log; stages that did not run as in `otherwise`."""
    made = {e.stage: dict(e.settings) for e in recording.log if e.stage in PipelineSettings.model_fields}
    return PipelineSettings.validated(otherwise.model_dump() | made)


def _known_rate(recording: Recording) -> None:
    if recording.frame_rate is None:
        raise StageError(
            "the frame rate is not known: give it when reading (--frame-rate, or in the import form)"
        )


def _applies(recording: Recording, stage: str, settings: PipelineSettings) -> bool:
    if getattr(settings, stage) is None:
        return False
    # Called before any stage ran, so that ΔF/F is what the file holds.
    return stage != "baseline" or "dff" not in recording.traces


def _without_results(recording: Recording) -> Recording:
    """Return what was read, without what stages made of it."""
    if recording.movie is not None and any(entry.stage in MOVIE_STAGES for entry in recording.log):
        read = tuple(entry for entry in recording.log if entry.stage not in (*MOVIE_STAGES, *STAGES))
        return Recording(
            recording.name,
            np.empty(0, np.int64),
            recording.frame_rate,
            movie=recording.movie,
            pixel_size_um=recording.pixel_size_um,
            source=recording.source,
            log=read,
        )
    made = {name for entry in recording.log if entry.stage in STAGES for name in entry.writes}
    return recording.replace(
        traces={name: t for name, t in recording.traces.items() if f"traces/{name}" not in made},
        log=tuple(entry for entry in recording.log if entry.stage not in STAGES),
        events=None,
        coactivity=None,
        ensemble_events=None,
        ensembles=None,
        features=None,
        recording_features={},
    )


_FALLBACKS = ("denoised", "background_corrected", "dff")


def _input(recording: Recording, wanted: str, stage: str) -> tuple[str, Trace, tuple[str, ...]]:
    """Return the trace that a stage reads: the one it names, else the nearest one made before it.

    Raw fluorescence is read without its neuropil where the file has a corrected trace.
    """
    if wanted == "raw" and "corrected" in recording.traces:
        note = f"{TITLES[stage]} reads corrected, which is raw without its neuropil"
        return "corrected", recording.traces["corrected"], (note,)
    if wanted in recording.traces:
        return wanted, recording.traces[wanted], ()
    if wanted in _FALLBACKS:
        for name in _FALLBACKS[_FALLBACKS.index(wanted) + 1 :]:
            if name in recording.traces:
                note = f"{TITLES[stage]} reads {name}, since {wanted} was not made"
                return name, recording.traces[name], (note,)
    if recording.traces.keys() == {"spikes"}:
        raise StageError(
            f"{TITLES[stage]} reads {wanted}, but this recording holds inferred spikes only; "
            "open the fluorescence or ΔF/F they were inferred from"
        )
    there = ", ".join(recording.traces) or "no trace"
    raise StageError(
        f"{TITLES[stage]} reads {wanted}, but there is {there}; run the stage that makes it first"
    )


def _needed(recording: Recording, name: str, stage: str) -> Any:
    value = getattr(recording, name)
    if value is None:
        made_by = {"ensemble_events": "significance"}.get(name, name)
        raise StageError(f"{TITLES[stage]} needs the results of {TITLES[made_by]}; run that stage first")
    return value


def _baseline(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> _Outcome:
    if "raw" not in rec.traces and "dff" in rec.traces:
        raise StageError("this recording is ΔF/F already; the baseline stage is skipped")
    name, trace, notes = _input(rec, settings.input, "baseline")
    f0 = baseline(trace.values, _rate(rec), settings, on_progress=on_progress, executor=executor)
    traces = {"baseline": Trace(f0, trace.unit), "dff": Trace(dff(trace.values, f0), "ΔF/F")}
    notes += explain_baseline(f0, rec.roi_ids)
    return _Outcome({"traces": traces}, (f"traces/{name}",), ("traces/baseline", "traces/dff"), notes)


def _background(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> _Outcome:
    name, trace, notes = _input(rec, settings.input, "background")
    values = remove_background(trace.values, _rate(rec), settings, on_progress=on_progress, executor=executor)
    traces = {"background_corrected": Trace(values, trace.unit)}
    return _Outcome({"traces": traces}, (f"traces/{name}",), ("traces/background_corrected",), notes)


def _denoise(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> _Outcome:
    name, trace, notes = _input(rec, settings.input, "denoise")
    values = denoise(trace.values, _rate(rec), settings, on_progress=on_progress, executor=executor)
    traces = {"denoised": Trace(values, trace.unit)}
    return _Outcome({"traces": traces}, (f"traces/{name}",), ("traces/denoised",), notes)


def _events(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> _Outcome:
    name, trace, notes = _input(rec, settings.input, "events")
    found = detect_events(
        trace.values,
        _rate(rec),
        settings,
        roi_ids=rec.roi_ids,
        unit=trace.unit,
        on_progress=on_progress,
        executor=executor,
    )
    active = len(np.unique(found.roi_id))
    notes += (f"{len(found):,} events in {active:,} of {rec.n_rois:,} cells",)
    return _Outcome({"events": found}, (f"traces/{name}",), ("events",), notes)


def _coactivity(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> _Outcome:
    events = _needed(rec, "events", "coactivity")
    counts = coactivity(events, rec.roi_ids, rec.n_frames, _rate(rec), settings)
    frames = round(counts.window_s * _rate(rec))
    note = f"window of {counts.window_s:.4g} s = {frames} frame{'s' if frames != 1 else ''}"
    return _Outcome({"coactivity": counts}, ("events",), ("coactivity",), (note,))


def _significance(
    rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None
) -> _Outcome:
    events = _needed(rec, "events", "significance")
    counts = _needed(rec, "coactivity", "significance")
    tested, found = significance(
        events,
        rec.roi_ids,
        rec.n_frames,
        _rate(rec),
        counts,
        settings,
        on_progress=on_progress,
        executor=executor,
    )
    plural = "" if len(found) == 1 else "s"
    note = f"{len(found):,} ensemble event{plural}; {found.expected_by_chance:.2g} expected by chance alone"
    changes = {"coactivity": tested, "ensemble_events": found}
    return _Outcome(changes, ("events", "coactivity"), ("ensemble_events",), (note,))


def _ensembles(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> _Outcome:
    found, events = find_ensembles(
        _needed(rec, "events", "ensembles"),
        rec.roi_ids,
        rec.n_frames,
        _rate(rec),
        _needed(rec, "coactivity", "ensembles"),
        _needed(rec, "ensemble_events", "ensembles"),
        settings,
        on_progress=on_progress,
        executor=executor,
    )
    changes = {"ensembles": found, "ensemble_events": events}
    return _Outcome(changes, ("events", "ensemble_events"), ("ensembles",), found.notes)


def _features(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> _Outcome:
    events = _needed(rec, "events", "features")
    name, trace, notes = _input(rec, settings.input, "features")
    numbers = neuron_features(trace.values, _rate(rec), events, rec.roi_ids, settings)
    reads: tuple[str, ...] = (f"traces/{name}", "events")
    if rec.ensembles is not None and rec.ensemble_events is not None:
        numbers |= company_features(
            events, rec.roi_ids, rec.n_frames, _rate(rec), rec.ensemble_events, rec.ensembles
        )
        reads += ("ensemble_events", "ensembles")
    of_all = recording_features(numbers, rec.n_frames, _rate(rec))
    changes = {"features": numbers, "recording_features": of_all}
    return _Outcome(changes, reads, ("features",), notes)


def _rate(recording: Recording) -> float:
    assert recording.frame_rate is not None  # run_stage has checked it
    return recording.frame_rate


_Apply = Callable[[Recording, Any, Progress, Executor | None], _Outcome]

_APPLY: Mapping[str, _Apply] = MappingProxyType(
    {
        "baseline": _baseline,
        "background": _background,
        "denoise": _denoise,
        "events": _events,
        "coactivity": _coactivity,
        "significance": _significance,
        "ensembles": _ensembles,
        "features": _features,
    }
)
