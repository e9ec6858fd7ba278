"""The stages from events to ensembles, on a recording."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from types import MappingProxyType
from typing import Any

import numpy as np

from napari_calcium.ensembles.coactivity import coactivity
from napari_calcium.ensembles.company import company_features
from napari_calcium.ensembles.ensemble_detection import find_ensembles
from napari_calcium.ensembles.significance import significance
from napari_calcium.events.event_detection import detect_events
from napari_calcium.events.spike_bursts import SpikeEvents
from napari_calcium.events.statistics import neuron_features, recording_features
from napari_calcium.plurals import count_of
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.stages.stage_steps import Apply, Outcome, input_of, needed, rate_of

__all__ = ["ENSEMBLE_STAGES"]


def _events(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    name, trace, notes = input_of(rec, settings.input, "events")
    if isinstance(settings, SpikeEvents) and trace.unit != "spikes/s":
        notes += (
            f"{name} is in {trace.unit}, not in spikes/s, so the number of spikes expected means nothing",
        )
    found = detect_events(
        trace.values,
        rate_of(rec),
        settings,
        roi_ids=rec.roi_ids,
        unit=trace.unit,
        on_progress=on_progress,
        executor=executor,
    )
    active = len(np.unique(found.roi_id))
    notes += (f"{count_of(len(found), 'event')} in {active:,} of {count_of(rec.n_rois, 'cell')}",)
    return Outcome({"events": found}, (f"traces/{name}",), ("events",), notes)


def _coactivity(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    events = needed(rec, "events", "coactivity")
    counts = coactivity(events, rec.roi_ids, rec.n_frames, rate_of(rec), settings)
    frames = round(counts.window_s * rate_of(rec))
    note = f"window of {counts.window_s:.4g} s = {frames} frame{'s' if frames != 1 else ''}"
    return Outcome({"coactivity": counts}, ("events",), ("coactivity",), (note,))


def _significance(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    events = needed(rec, "events", "significance")
    counts = needed(rec, "coactivity", "significance")
    tested, found = significance(
        events,
        rec.roi_ids,
        rec.n_frames,
        rate_of(rec),
        counts,
        settings,
        on_progress=on_progress,
        executor=executor,
    )
    plural = "" if len(found) == 1 else "s"
    note = f"{len(found):,} ensemble event{plural}; {found.expected_by_chance:.2g} expected by chance alone"
    changes = {"coactivity": tested, "ensemble_events": found}
    return Outcome(changes, ("events", "coactivity"), ("ensemble_events",), (note,))


def _ensembles(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    found, events = find_ensembles(
        needed(rec, "events", "ensembles"),
        rec.roi_ids,
        rec.n_frames,
        rate_of(rec),
        needed(rec, "coactivity", "ensembles"),
        needed(rec, "ensemble_events", "ensembles"),
        settings,
        on_progress=on_progress,
        executor=executor,
    )
    changes = {"ensembles": found, "ensemble_events": events}
    return Outcome(changes, ("events", "ensemble_events"), ("ensembles",), found.notes)


def _features(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    events = needed(rec, "events", "features")
    name, trace, notes = input_of(rec, settings.input, "features")
    numbers = neuron_features(trace.values, rate_of(rec), events, rec.roi_ids, settings)
    reads: tuple[str, ...] = (f"traces/{name}", "events")
    if rec.ensembles is not None and rec.ensemble_events is not None:
        numbers |= company_features(
            events, rec.roi_ids, rec.n_frames, rate_of(rec), rec.ensemble_events, rec.ensembles
        )
        reads += ("ensemble_events", "ensembles")
    of_all = recording_features(numbers, rec.n_frames, rate_of(rec))
    changes = {"features": numbers, "recording_features": of_all}
    return Outcome(changes, reads, ("features",), notes)


ENSEMBLE_STAGES: Mapping[str, Apply] = MappingProxyType(
    {
        "events": _events,
        "coactivity": _coactivity,
        "significance": _significance,
        "ensembles": _ensembles,
        "features": _features,
    }
)
"""Stages from events on, by name."""
