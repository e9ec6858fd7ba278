"""Spike inference, on screen."""

from __future__ import annotations

import numpy as np

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["SpikesPanel", "SpikesWidget"]


class SpikesPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "spikes"
    sentence = (
        "Infers how many spikes per second lie behind ΔF/F, at any frame rate, or deconvolves it. Tell it "
        "the indicator and the cell type if you know them. The Traces dock draws the result under the traces."
    )
    previews = True

    def summary(self, recording: Recording) -> str:
        """Say what came of it."""
        trace = recording.traces.get("spikes")
        if trace is None or not np.isfinite(trace.values).any():
            return f"Spike rates of {cells(recording.n_rois)}"
        if trace.unit != "spikes/s":
            return f"Activity of {cells(recording.n_rois)}, in heights of transients ({trace.unit})"
        return f"Spike rates of {cells(recording.n_rois)}: {np.nanmean(trace.values):.2g} spikes/s on average"

    @property
    def result(self) -> tuple[str, ...]:
        """What came of the stage, warnings first: a folded section shows the first line alone."""
        lines = super().result
        warnings = tuple(line for line in lines if line.startswith("⚠"))
        return warnings + tuple(line for line in lines if line not in warnings)


class SpikesWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = SpikesPanel
    name = "Stage 3b: spikes"
