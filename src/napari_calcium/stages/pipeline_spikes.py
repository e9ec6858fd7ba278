"""The stage from ΔF/F to spikes, on a recording."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from types import MappingProxyType
from typing import Any

from napari_calcium.progress import Progress
from napari_calcium.recording import Recording, Trace
from napari_calcium.spikes.discrete import discrete_spikes
from napari_calcium.spikes.inference import infer_spike_rate
from napari_calcium.spikes.nonnegative import DeconvolvedSpikes, deconvolved_activity
from napari_calcium.stages.stage_steps import Apply, Outcome, input_of, rate_of

__all__ = ["SPIKE_STAGES"]


def _spikes(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    name, trace, notes = input_of(rec, settings.input, "spikes")
    rate = rate_of(rec)
    if isinstance(settings, DeconvolvedSpikes):
        activity = deconvolved_activity(
            trace.values, rate, settings, on_progress=on_progress, executor=executor
        )
        notes += (f"activity is the height of the transients that begin in a frame, in {trace.unit}",)
        traces = {"spikes": Trace(activity, trace.unit)}
        return Outcome({"traces": traces}, (f"traces/{name}",), ("traces/spikes",), notes)
    values = infer_spike_rate(
        trace.values,
        rate,
        indicator=settings.indicator,
        cell_type=settings.cell_type,
        on_progress=on_progress,
        executor=executor,
    )
    traces = {"spikes": Trace(values, "spikes/s")}
    changes: dict[str, Any] = {"traces": traces}
    writes: tuple[str, ...] = ("traces/spikes",)
    if settings.single_spikes:
        window, least = settings.single_window, settings.single_least
        single = discrete_spikes(values, rate, rec.roi_ids, window_s=window, least=least)
        changes["spike_times"] = single
        writes += ("spike_times",)
        notes += (f"{len(single):,} single spikes",)
    return Outcome(changes, (f"traces/{name}",), writes, notes)


SPIKE_STAGES: Mapping[str, Apply] = MappingProxyType({"spikes": _spikes})
"""The stage by name."""
