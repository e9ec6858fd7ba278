"""Spike inference, on screen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.numerics.last_result import last_result_kept
from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["SpikesPanel", "SpikesWidget"]

_MOST_SAMPLES = 20_000_000


class SpikesPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "spikes"
    sentence = (
        "Infers how many spikes per second lie behind ΔF/F, at any frame rate, or deconvolves it. Tell it "
        "the indicator and the cell type if you know them. The Traces dock draws the result under the traces."
    )
    previews = True

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        trace = recording.traces.get("spikes")
        told = f"Spike rates of {cells(recording.n_rois)}"
        if trace is None:
            return told
        if trace.unit != "spikes/s":
            return f"Activity of {cells(recording.n_rois)}, in heights of transients ({trace.unit})"
        # Of more samples the window would wait for the mean.
        average = _average(trace.values) if trace.values.size <= _MOST_SAMPLES else np.nan
        return f"{told}: {average:.2g} spikes/s on average" if np.isfinite(average) else told

    @classmethod
    def result_of(cls, recording: Recording) -> tuple[str, ...]:
        """Return what came of the stage, warnings first: a folded section shows the first line alone."""
        lines = super().result_of(recording)
        warnings = tuple(line for line in lines if line.startswith("⚠"))
        return warnings + tuple(line for line in lines if line not in warnings)


class SpikesWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = SpikesPanel
    name = "Stage 3b: spikes"


@last_result_kept
def _average(rates: NDArray[np.float32]) -> float:
    known = rates[np.isfinite(rates)]
    return float(known.mean()) if len(known) else float("nan")
