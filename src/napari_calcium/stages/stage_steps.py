"""What the adapters from a recording to the stages share: inputs found, results handed back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from napari_calcium.pipeline_settings import TITLES
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording, Trace

__all__ = ["Apply", "Outcome", "StageError", "input_of", "needed", "rate_of", "stages_behind"]


class StageError(ValueError):
    """A stage that cannot run on this recording; the message is one line that says what to do."""


@dataclass(frozen=True)
class Outcome:
    """What a stage made: changes of the recording, what it read and wrote, and what the user should know.

    `confirms` says that it made again what was there, so that all that was made of it stands.
    """

    changes: Mapping[str, Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())
    confirms: bool = False


Apply = Callable[[Recording, Any, Progress, Executor | None], Outcome]
"""A stage as the pipeline calls it: recording, settings, progress, executor."""

_FALLBACKS = ("denoised", "background_corrected", "dff")


def input_of(recording: Recording, wanted: str, stage: str) -> tuple[str, Trace, tuple[str, ...]]:
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


def stages_behind(recording: Recording, trace: str) -> tuple[str, ...]:
    """Return the stages that a trace went through, from the provenance, first to last; empty if unknown."""
    made_by = {name: entry for entry in recording.log for name in entry.writes}
    stages: list[str] = []
    wanted = [f"traces/{trace}"]
    while wanted:
        entry = made_by.get(wanted.pop())
        if entry is not None and entry.stage not in stages:
            stages.insert(0, entry.stage)
            wanted += entry.reads
    return tuple(stages)


def needed(recording: Recording, name: str, stage: str) -> Any:
    """Return a result that a stage needs, or say which stage makes it."""
    value = getattr(recording, name)
    if value is None:
        made_by = {"ensemble_events": "significance"}.get(name, name)
        raise StageError(f"{TITLES[stage]} needs the results of {TITLES[made_by]}; run that stage first")
    return value


def rate_of(recording: Recording) -> float:
    """Return the frame rate of a recording on which stages may run."""
    assert recording.frame_rate is not None  # run_stage has checked it
    return recording.frame_rate
