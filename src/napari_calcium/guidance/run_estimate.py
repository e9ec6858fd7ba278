"""About how long a run will take and how much memory it needs, before it begins."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_calcium.movie.binned_movie import frames_per_bin
from napari_calcium.pipeline_settings import MOVIE_STAGES, PipelineSettings
from napari_calcium.recording import Recording

__all__ = ["Estimate", "estimate_run", "free_memory_mb"]

_MEGABYTE = 2**20
_PIXELS_PER_SECOND = {"registration": 45e6, "segmentation": 10e6, "extraction": 130e6}
"""Of one core, measured on two-photon movies: pixels of frames, of bins for the detection.

Registration by its CPU time, template included (57 million at 512², 3,000 frames, 29 million at 1,000); the
other two as `benchmarks/compare_movie.py` found them on two idle cores.
"""
_RIGID = 2.0
"""How much quicker one shift for the whole frame is."""
_SAMPLES_PER_SECOND = {
    "baseline": 15e6,
    "background": 9e6,
    "denoise": 1.2e6,
    "spikes": 0.5e6,
    "events": 3e6,
    "coactivity": 100e6,
    "significance": 100e6,
    "ensembles": 3.5e6,
    "features": 13e6,
}
"""Of one core, with default settings, measured at 324 × 15,000 on two idle cores."""
_OTHER_SAMPLES_PER_SECOND = 0.4e6
"""Of a stage of the population or the behaviour, which may take much more or less."""
_TRACES_MADE = {"extraction": 3, "baseline": 2, "background": 1, "denoise": 1, "spikes": 1}
_PIXELS_PER_CELL = 900
_BASE_MB, _TEMPLATE_MB, _CHUNK_MB = 350.0, 300.0, 48.0
_DETECTION = 1.6
"""Memory of the detection, beside what its settings give to the movie alone."""


@dataclass(frozen=True)
class Estimate:
    """What a run will need, within a factor of two or so.

    Attributes
    ----------
    seconds : float
    memory_mb : float
        At the peak, of the whole program.
    scratch_mb : float
        Of the temporary file.
    """

    seconds: float = 0.0
    memory_mb: float = 0.0
    scratch_mb: float = 0.0

    @property
    def words(self) -> str:
        """Say it in a line: ``"about 3 min, 1.2 GB of memory"``."""
        parts = [f"about {_duration(self.seconds)}", f"{_size(self.memory_mb)} of memory"]
        if self.scratch_mb:
            parts.append(f"a temporary file of {_size(self.scratch_mb)}")
        return ", ".join(parts)

    def shortage(self) -> str:
        """Return what this computer has too little of, in one line; empty if it has enough or cannot tell."""
        free = free_memory_mb()
        if free is not None and self.memory_mb > free:
            return (
                f"this needs {_size(self.memory_mb)} of memory, {_size(free)} are free: close other programs"
            )
        disk = shutil.disk_usage(tempfile.gettempdir()).free / _MEGABYTE
        if self.scratch_mb > disk:
            return (
                f"the temporary file needs {_size(self.scratch_mb)}, {_size(disk)} are free in "
                f"{tempfile.gettempdir()}: set TMPDIR to a larger place"
            )
        return ""


def estimate_run(
    recording: Recording, settings: PipelineSettings, stages: Sequence[str], *, cores: int | None = None
) -> Estimate:
    """Estimate a run of some stages.

    Parameters
    ----------
    recording : Recording
        With its frame rate.
    settings : PipelineSettings
    stages : sequence of str
        That will run, in order.
    cores : int, optional
        Those of this computer by default.

    Returns
    -------
    Estimate
        A stage that ran on this recording before is taken to last as long as then. Time depends on the
        computer and on what else it does; memory does not.
    """
    cores = cores or os.cpu_count() or 1
    took = {entry.stage: entry.seconds for entry in recording.log if entry.seconds > 0}
    height, width = _frame(recording)
    cells = recording.n_rois or height * width / _PIXELS_PER_CELL
    samples = cells * recording.n_frames
    seconds = 0.0
    for stage in stages:
        if stage in MOVIE_STAGES:
            work = _pixels(recording, settings, stage) / _PIXELS_PER_SECOND[stage] / cores
        else:
            work = samples / _SAMPLES_PER_SECOND.get(stage, _OTHER_SAMPLES_PER_SECOND) / cores
        seconds += took.get(stage) or work
    made = sum(_TRACES_MADE.get(stage, 0) for stage in stages)
    traces = samples * 4 * (len(recording.traces) + made) / _MEGABYTE
    if not set(stages).intersection(MOVIE_STAGES):
        return Estimate(seconds, _BASE_MB + traces)
    binned, in_memory = _binned(recording, settings)
    detection = 0.0
    if "segmentation" in stages:
        given = getattr(settings.segmentation, "memory", 0.0)
        detection = _DETECTION * min(given, 1.5 * binned)
    working = max(_TEMPLATE_MB, detection) + (cores + 2) * _CHUNK_MB
    return Estimate(
        seconds,
        _BASE_MB + working + traces + (binned if in_memory else 0.0),
        0.0 if in_memory or "registration" not in stages else binned,
    )


def free_memory_mb() -> float | None:
    """Return the memory in MiB that programs can still take; None where the system does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("MemAvailable"))
        return float(line.split()[1]) / 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _frame(recording: Recording) -> tuple[int, int]:
    if recording.movie is None:
        return 0, 0
    shape = recording.movie.data.shape
    return int(shape[-2]), int(shape[-1])


def _pixels(recording: Recording, settings: PipelineSettings, stage: str) -> float:
    whole = float(np.prod((recording.n_frames, *_frame(recording)), dtype=np.float64))
    if stage == "segmentation":
        return whole / _bin_frames(recording, settings)
    rigid = getattr(settings.registration, "method", "") == "rigid"
    return whole / _RIGID if stage == "registration" and rigid else whole


def _bin_frames(recording: Recording, settings: PipelineSettings) -> int:
    how = settings.registration
    if how is None or not recording.frame_rate:
        return 1
    shape = (recording.n_frames, *_frame(recording))
    return frames_per_bin(shape, recording.frame_rate, how.bin_duration, limit_mb=how.binned_limit)


def _binned(recording: Recording, settings: PipelineSettings) -> tuple[float, bool]:
    """Return the size of the binned movie, and whether it stays in memory."""
    if settings.registration is None:
        return 0.0, True
    height, width = _frame(recording)
    bins = -(-recording.n_frames // _bin_frames(recording, settings))
    size = 2.0 * bins * height * width / _MEGABYTE
    return size, size <= settings.registration.binned_memory


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _size(megabytes: float) -> str:
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1000 else f"{round(megabytes, -1):.0f} MB"
