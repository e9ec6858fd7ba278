"""Denoising, on screen."""

from __future__ import annotations

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["DenoisePanel", "DenoiseWidget"]


class DenoisePanel(StagePanel):
    """Settings and result of the stage."""

    stage = "denoise"
    sentence = (
        "Takes noise away and keeps the height of the transients. Each later stage has its own "
        "setting for whether it reads the denoised trace."
    )
    previews = True

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        return f"Denoised traces of {cells(recording.n_rois)}"


class DenoiseWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = DenoisePanel
    name = "Stage 3: denoise"
