"""The same recording with other settings of some stages: only these and what is made of them runs again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Executor

from napari_calcium.pipeline import run_stage, settings_of, shares_of
from napari_calcium.pipeline_settings import TITLES, PipelineSettings
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording
from napari_calcium.settings import Settings

__all__ = ["complete", "stages_made", "variant"]


def variant(
    recording: Recording,
    changes: Mapping[str, Settings],
    *,
    only: Collection[str] | None = None,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Recording:
    """Return what a recording would be with other settings of some stages.

    Parameters
    ----------
    recording : Recording
        Left as it is.
    changes : mapping of stage to Settings
        A stage that has these settings already is not run again.
    only : collection of str, optional
        Stages after the changed ones that are to run again; by default all that ran before. The results of
        others that were made of what has changed are gone.
    on_progress, executor
        See the stages.

    Returns
    -------
    Recording
        Equal to what a whole run with these settings gives, as far as stages ran. Decisions on events by hand
        are applied again.
    """
    made = settings_of(recording)
    different = [
        stage
        for stage in TITLES
        if stage in changes
        and (stage not in stages_made(recording) or changes[stage] != getattr(made, stage))
    ]
    if not different:
        return recording
    first = list(TITLES).index(different[0])
    due = [
        stage
        for stage in list(TITLES)[first:]
        if stage in different or (stage in stages_made(recording) and (only is None or stage in only))
    ]
    result = recording
    for stage, share in shares_of(due, on_progress):
        share(0, 1)
        if stage in different or stage not in stages_made(result):
            settings = changes.get(stage) or getattr(made, stage)
            result = run_stage(result, stage, settings, on_progress=share, executor=executor)
        share(1, 1)
    return result


def complete(
    result: Recording,
    settings: PipelineSettings,
    stages: Collection[str],
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Recording:
    """Return a result with those of the stages that it lacks, run with these settings, in order."""
    due = [stage for stage in TITLES if stage in stages and stage not in stages_made(result)]
    for stage, share in shares_of(due, on_progress):
        result = run_stage(result, stage, getattr(settings, stage), on_progress=share, executor=executor)
    return result


def stages_made(recording: Recording) -> tuple[str, ...]:
    """Return the stages that have made what the recording holds, from its log."""
    return tuple(entry.stage for entry in recording.log if entry.stage in TITLES)
