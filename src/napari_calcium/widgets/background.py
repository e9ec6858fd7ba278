"""Slow background, on screen."""

from __future__ import annotations

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["BackgroundPanel", "BackgroundWidget"]


class BackgroundPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "background"
    sentence = "Takes away what changes slowly (drift, bleaching, neuropil swells) and keeps the transients."
    previews = True

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        return f"Background taken from {cells(recording.n_rois)}"


class BackgroundWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = BackgroundPanel
    name = "Stage 2: slow background"
