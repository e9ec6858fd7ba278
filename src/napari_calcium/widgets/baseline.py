"""Baseline F0 and ΔF/F, on screen."""

from __future__ import annotations

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["BaselinePanel", "BaselineWidget"]


class BaselinePanel(StagePanel):
    """Settings and result of the stage."""

    stage = "baseline"
    sentence = (
        "Finds the resting level F0 of every cell and divides by it: ΔF/F = (F − F0) / F0, the "
        "unit in which cells compare."
    )
    previews = True

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        return f"F0 and ΔF/F of {cells(recording.n_rois)}"


class BaselineWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = BaselinePanel
    name = "Stage 1: baseline and ΔF/F"
