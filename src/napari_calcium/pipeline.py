"""The whole analysis: runs the stages on a recording, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from types import MappingProxyType
from typing import Any

import numpy as np

from napari_calcium import __version__
from napari_calcium.curation.chosen_cells import drawn_cells, with_choice_of_file
from napari_calcium.guidance.advice import advise_stage
from napari_calcium.memory import peak_memory_mb
from napari_calcium.pipeline_settings import MOVIE_STAGES, STAGES, TITLES, PipelineSettings
from napari_calcium.progress import Progress, part, silent
from napari_calcium.recording import RESULTS, LogEntry, Recording, Trace
from napari_calcium.stages.pipeline_behaviour import BEHAVIOUR_STAGES
from napari_calcium.stages.pipeline_ensembles import ENSEMBLE_STAGES
from napari_calcium.stages.pipeline_movie import MOVIE_ADAPTERS, has_drawn_rois, has_raw_movie
from napari_calcium.stages.pipeline_population import POPULATION_STAGES
from napari_calcium.stages.pipeline_spikes import SPIKE_STAGES
from napari_calcium.stages.pipeline_traces import TRACE_STAGES
from napari_calcium.stages.pipeline_validation import VALIDATION_STAGES
from napari_calcium.stages.stage_steps import Apply, StageError

__all__ = [
    "STAGES",
    "TITLES",
    "PipelineSettings",
    "StageError",
    "preview",
    "run",
    "run_stage",
    "settings_of",
    "shares_of",
    "without_results",
]

_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"registration": 20.0, "segmentation": 8.0, "extraction": 5.0}
)
"""How long a stage takes, beside 1 for one that works on traces."""
_POPULATION = ("coactivity", "significance", "ensembles", "features", *POPULATION_STAGES, *BEHAVIOUR_STAGES)


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
        outcome.notes + _warnings(recording, stage, settings),
        __version__,
        time.perf_counter() - start,
        peak_memory_mb(),
    )
    step = recording.with_confirmed_step if outcome.confirms else recording.with_step
    return step(entry, **outcome.changes)


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
    recording = without_results(recording)
    if recording.candidates is None:
        keep = settings.cell_choice.keep_rejected or settings.read.rejected_cells == "keep"
        choice = settings.cell_choice.replace(keep_rejected=keep)
        if not has_raw_movie(recording):
            recording = with_choice_of_file(recording, choice)
        elif settings.segmentation is None and choice.edits:
            recording = drawn_cells(recording, choice)
        else:
            recording = recording.replace(cell_choice=choice)
    wanted = [stage for stage in TITLES if _applies(recording, stage, settings)]
    if has_raw_movie(recording):
        _known_rate(recording)
        if recording.rois is None and settings.segmentation is None:
            raise StageError("there are no ROIs to read the fluorescence of; switch segmentation on")
    for stage, share in shares_of(wanted, on_progress):
        on_stage(stage)
        share(0, 1)
        recording = run_stage(
            recording, stage, getattr(settings, stage), on_progress=share, executor=executor
        )
    on_progress(1, 1)
    return recording


def shares_of(stages: Sequence[str], on_progress: Progress) -> Iterator[tuple[str, Progress]]:
    """Yield stages, each with a callback that fills its share of the whole progress."""
    total = sum(_WEIGHTS.get(stage, 1.0) for stage in stages)
    start = 0.0
    for stage in stages:
        stop = start + _WEIGHTS.get(stage, 1.0) / total
        yield stage, part(on_progress, start, stop)
        start = stop


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
    made: dict[str, Any] = {
        e.stage: dict(e.settings) for e in recording.log if e.stage in PipelineSettings.model_fields
    }
    if recording.candidates is not None or recording.cell_choice.by_hand:
        made["cell_choice"] = recording.cell_choice.model_dump()
    return PipelineSettings.validated(otherwise.model_dump() | made)


def _warnings(recording: Recording, stage: str, settings: Any) -> tuple[str, ...]:
    """Return what looks wrong, judged by what stands before the stage: the same in every order of work."""
    before = STAGES[: STAGES.index(stage)] if stage in STAGES else ()
    log = tuple(entry for entry in recording.log if entry.stage in before or entry.stage not in STAGES)
    known = recording.replace(log=log, events=recording.events if "events" in before else None)
    return tuple(f"⚠ {advice.text}" for advice in advise_stage(known, stage, settings))


def _known_rate(recording: Recording) -> None:
    if recording.frame_rate is None:
        raise StageError(
            "the frame rate is not known: give it when reading (--frame-rate, or in the import form)"
        )


def _applies(recording: Recording, stage: str, settings: PipelineSettings) -> bool:
    if getattr(settings, stage) is None:
        return False
    # Called before any stage ran, so that ΔF/F is what the file holds.
    if stage in MOVIE_STAGES:
        return has_raw_movie(recording)
    return stage != "baseline" or "dff" not in recording.traces


def without_results(recording: Recording, *, movie: bool = True) -> Recording:
    """Return what was read, without what stages made of it.

    Parameters
    ----------
    recording : Recording
    movie : bool
        Whether what was made of its movie goes, too: motion, cells that were detected, and their traces.
    """
    if movie and recording.movie is not None and any(e.stage in MOVIE_STAGES for e in recording.log):
        drawn = recording.candidates if has_drawn_rois(recording) else None
        return recording.replace(
            roi_ids=np.empty(0, np.int64) if drawn is None else drawn.ids,
            traces={},
            rois=drawn,
            images={},
            motion=None,
            candidates=drawn,
            log=tuple(entry for entry in recording.log if entry.stage not in TITLES),
            event_choices=(),
            recording_features={},
            **dict.fromkeys(RESULTS),
        )
    made = {name for entry in recording.log if entry.stage in STAGES for name in entry.writes}
    return recording.replace(
        traces={name: t for name, t in recording.traces.items() if f"traces/{name}" not in made},
        log=tuple(entry for entry in recording.log if entry.stage not in STAGES),
        recording_features={},
        event_choices=(),
        **dict.fromkeys(RESULTS),
    )


_APPLY: Mapping[str, Apply] = MappingProxyType(
    {
        **MOVIE_ADAPTERS,
        **TRACE_STAGES,
        **SPIKE_STAGES,
        **ENSEMBLE_STAGES,
        **VALIDATION_STAGES,
        **POPULATION_STAGES,
        **BEHAVIOUR_STAGES,
    }
)
