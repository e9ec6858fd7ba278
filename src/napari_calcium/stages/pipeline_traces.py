"""The stages from fluorescence to clean traces, on a recording."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from types import MappingProxyType
from typing import Any

from napari_calcium.progress import Progress
from napari_calcium.recording import Recording, Trace
from napari_calcium.stages.stage_steps import Apply, Outcome, StageError, input_of, rate_of
from napari_calcium.traces.background import remove_background
from napari_calcium.traces.baseline import baseline, dff, explain_baseline
from napari_calcium.traces.denoise import denoise

__all__ = ["TRACE_STAGES"]


def _baseline(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    if "raw" not in rec.traces and "dff" in rec.traces:
        raise StageError("this recording is ΔF/F already; the baseline stage is skipped")
    name, trace, notes = input_of(rec, settings.input, "baseline")
    f0 = baseline(trace.values, rate_of(rec), settings, on_progress=on_progress, executor=executor)
    traces = {"baseline": Trace(f0, trace.unit), "dff": Trace(dff(trace.values, f0), "ΔF/F")}
    notes += explain_baseline(f0, rec.roi_ids)
    return Outcome({"traces": traces}, (f"traces/{name}",), ("traces/baseline", "traces/dff"), notes)


def _background(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    name, trace, notes = input_of(rec, settings.input, "background")
    values = remove_background(
        trace.values, rate_of(rec), settings, on_progress=on_progress, executor=executor
    )
    traces = {"background_corrected": Trace(values, trace.unit)}
    return Outcome({"traces": traces}, (f"traces/{name}",), ("traces/background_corrected",), notes)


def _denoise(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    name, trace, notes = input_of(rec, settings.input, "denoise")
    values = denoise(trace.values, rate_of(rec), settings, on_progress=on_progress, executor=executor)
    traces = {"denoised": Trace(values, trace.unit)}
    return Outcome({"traces": traces}, (f"traces/{name}",), ("traces/denoised",), notes)


TRACE_STAGES: Mapping[str, Apply] = MappingProxyType(
    {"baseline": _baseline, "background": _background, "denoise": _denoise}
)
"""Stages that turn traces into traces, by name."""
