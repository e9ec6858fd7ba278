"""Traces and events of some cells with two settings: made and laid over each other. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_calcium.doubt.variants import stages_made
from napari_calcium.pipeline import preview, run_stage, settings_of
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import LogEntry, Recording
from napari_calcium.results.tables import Events
from napari_calcium.settings import Settings
from napari_calcium.stages.pipeline_validation import events_trace
from napari_calcium.widgets.plots.trace_lanes import TraceLanes, make_lanes

__all__ = ["PER_CELL", "compared_lanes", "events_of_cells", "few_with"]

PER_CELL = ("baseline", "background", "denoise", "spikes", "events")
"""Stages that work cell by cell, so that they can be tried on a few."""


def few_with(
    recording: Recording, stage: str, settings: Settings, cells: Sequence[int], on_progress: Progress = silent
) -> Recording:
    """Return a few cells with other settings of a stage, and what that makes of them up to their events.

    Parameters
    ----------
    recording : Recording
    stage : str
        One of :data:`PER_CELL`.
    settings : Settings
    cells : sequence of int
        Ids.
    on_progress
        Called between stages, so that it can be cancelled.

    Notes
    -----
    What a stage measures in all traces (the decay of the indicator, say) is measured in these few; run the
    stage on all cells where that matters.
    """
    made, ran = settings_of(recording), stages_made(recording)
    few = preview(recording, stage, settings, cells)
    later = [s for s in PER_CELL[PER_CELL.index(stage) + 1 :] if s in ran]
    for k, after in enumerate(later):
        on_progress(k + 1, len(later) + 1)
        few = run_stage(few, after, getattr(made, after))
    return few


def events_of_cells(recording: Recording, cells: Any) -> Recording:
    """Return a recording of some cells with their events alone."""
    events = recording.events
    own = None if events is None else events.take(np.isin(events.roi_id, cells))
    return Recording(recording.name, np.asarray(cells, np.int64), recording.frame_rate, events=own)


def compared_lanes(
    a: Recording, b: Recording | None, stage: str, cells: Sequence[int]
) -> tuple[TraceLanes, Events | None, Events | None]:
    """Lay the traces of B over those of A.

    Parameters
    ----------
    a, b : Recording
        B may be of these cells only.
    stage : str
        That differs: the trace it makes is shown, or for later stages that on which events are found.
    cells : sequence of int
        Ids, from top to bottom.

    Returns
    -------
    lanes, events of A, events of B
    """
    made = _written(a, stage)
    names = [made] if made else [events_trace(a)] if a.traces else []
    shown = None
    if b is not None and made:
        # Lanes draw over the others what the last step wrote.
        entry = next(e for e in b.log if e.stage == stage)
        last = LogEntry(entry.stage, entry.settings, entry.reads, (f"traces/{made}",))
        shown = b.replace(log=(*(e for e in b.log if e.stage != stage), last))
    lanes = make_lanes(a, cells, names, preview=shown)
    return lanes, a.events, b.events if b is not None else None


def _written(recording: Recording, stage: str) -> str:
    """Return the last trace that a stage wrote, empty if it wrote none."""
    entry = next((e for e in recording.log if e.stage == stage), None)
    names = [n.removeprefix("traces/") for n in entry.writes if n.startswith("traces/")] if entry else []
    return names[-1] if names and names[-1] in recording.traces else ""
