"""From a raw movie to fluorescence: registration, cells, extraction, each with its entry in the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from napari_calcium import __version__
from napari_calcium.memory import peak_memory_mb
from napari_calcium.movie.extraction import Extraction, extract
from napari_calcium.movie.registration import Registration, register
from napari_calcium.movie.segmentation import find_cells
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.progress import Progress, part, silent
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.results import Motion
from napari_calcium.rois import Rois
from napari_calcium.settings import Settings

__all__ = ["has_raw_movie", "run_movie"]

_SHARES = {"registration": (0.0, 0.6), "segmentation": (0.6, 0.85), "extraction": (0.85, 1.0)}


def has_raw_movie(recording: Recording) -> bool:
    """Whether a recording is a movie from which no fluorescence was read yet."""
    return recording.movie is not None and not recording.traces


def run_movie(
    recording: Recording,
    settings: PipelineSettings,
    *,
    on_progress: Progress = silent,
    on_stage: Callable[[str], None] = lambda stage: None,
    executor: Executor | None = None,
) -> Recording:
    """Run registration, segmentation and extraction on the movie of a recording.

    Parameters
    ----------
    recording : Recording
        With a movie and a frame rate; left as it is.
    settings : PipelineSettings
        A skipped registration takes the movie as it is; without segmentation the ROIs must be there already.
    on_progress, on_stage, executor
        As for :func:`napari_calcium.pipeline.run`.

    Returns
    -------
    Recording
        With motion, images, ROIs and the traces ``"raw"``, ``"neuropil"`` and ``"corrected"``. Candidates
        that were rejected are left out unless ``settings.read.rejected_cells`` is ``"keep"``.
    """
    if recording.movie is None or recording.frame_rate is None:
        raise ValueError("run_movie needs a recording with a movie and a frame rate")
    movie, rate = recording.movie.data, recording.frame_rate
    steps = _Steps(list(recording.log), on_progress, on_stage)
    registration: Registration | None = None
    if (chosen := settings.registration) is not None:
        with steps.step("registration", chosen) as step:
            registration = register(movie, rate, chosen, on_progress=step.progress, executor=executor)
            step.notes = _motion_notes(registration)
    images = dict(recording.images) if registration is None else dict(registration.images)
    rois = recording.rois
    if (wanted := settings.segmentation) is not None:
        with steps.step("segmentation", wanted) as step:
            binned = movie if registration is None else registration.binned
            found = find_cells(binned, images, rate, wanted, on_progress=step.progress, executor=executor)
            step.notes = _cell_notes(found)
        rois = found if settings.read.rejected_cells == "keep" else found.take(found.accepted)
    if rois is None:
        raise ValueError("there are no ROIs to read the fluorescence of; switch segmentation on")
    traces: dict[str, Trace] = {}
    if (how := settings.extraction) is not None:
        with steps.step("extraction", how) as step:
            source, bad = (
                (movie, None) if registration is None else (registration.apply(movie), registration.bad)
            )
            light = extract(source, rois, rate, how, bad=bad, on_progress=step.progress, executor=executor)
            step.notes = _trace_notes(light)
        traces = {name: Trace(getattr(light, name), "a.u.") for name in ("raw", "neuropil", "corrected")}
        rois = _with_coefficients(rois, light)
    return Recording(
        recording.name,
        rois.ids,
        rate,
        traces,
        rois=rois,
        images=images,
        movie=recording.movie,
        pixel_size_um=recording.pixel_size_um,
        source=recording.source,
        log=tuple(steps.log),
        motion=None if registration is None else _motion(registration),
    )


@dataclass
class _Step:
    progress: Progress
    notes: tuple[str, ...] = ()


@dataclass
class _Steps:
    """Keeps the log of the steps as they are done."""

    log: list[LogEntry]
    on_progress: Progress
    on_stage: Callable[[str], None]

    @contextmanager
    def step(self, stage: str, settings: Settings) -> Iterator[_Step]:
        self.on_stage(stage)
        begin = time.perf_counter()
        step = _Step(part(self.on_progress, *_SHARES[stage]))
        yield step
        reads, writes = _FLOW[stage]
        given = settings.model_dump(mode="json")
        seconds = time.perf_counter() - begin
        self.log.append(
            LogEntry(stage, given, reads, writes, step.notes, __version__, seconds, peak_memory_mb())
        )


_FLOW: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "registration": (("movie",), ("motion", "images")),
    "segmentation": (("motion", "images"), ("rois",)),
    "extraction": (("motion", "rois"), ("traces/raw", "traces/neuropil", "traces/corrected")),
}


def _motion(found: Registration) -> Motion:
    return Motion(
        found.shifts[:, 0],
        found.shifts[:, 1],
        found.correlation.astype(np.float64),
        found.bad,
        found.fields,
        found.grid.y,
        found.grid.x,
        float(found.line_phase),
    )


def _motion_notes(found: Registration) -> tuple[str, ...]:
    largest = np.hypot(*found.shifts.T).max(initial=0.0)
    bad = int(found.bad.sum())
    return (f"frames moved by up to {largest:.1f} px; {bad:,} of {len(found.bad):,} frames are bad",)


def _cell_notes(found: Rois) -> tuple[str, ...]:
    accepted = int(found.accepted.sum())
    return (f"{accepted:,} cells accepted, {len(found) - accepted:,} candidates rejected",)


def _trace_notes(found: Extraction) -> tuple[str, ...]:
    lost = int(found.interpolated.sum())
    return (f"interpolated over {lost:,} bad or missing frames",) if lost else ()


def _with_coefficients(rois: Rois, light: Extraction) -> Rois:
    quality = {**rois.quality, "neuropil_coefficient": np.asarray(light.coefficients, np.float64)}
    return Rois(rois.ids, rois.footprints, rois.shape, rois.labels, rois.accepted, quality)
