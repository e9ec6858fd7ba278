"""Coactivity of the population, on screen."""

from __future__ import annotations

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["CoactivityPanel", "CoactivityWidget"]


class CoactivityPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "coactivity"
    sentence = "Counts, window by window, how many cells have an event at the same time."

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        counts = recording.coactivity
        if counts is None or not len(counts):
            return ""
        return f"At most {int(counts.active_neurons.max()):,} of {cells(recording.n_rois)} active together"


class CoactivityWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = CoactivityPanel
    name = "Stage 5: coactivity"
