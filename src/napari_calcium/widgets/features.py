"""Features of cells and recording, on screen."""

from __future__ import annotations

from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["FeaturesPanel", "FeaturesWidget"]


class FeaturesPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "features"
    sentence = (
        "Puts numbers on every cell and on the recording: rates, heights, rise and decay, noise, company."
    )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        count = len(recording.features or {})
        return f"{count_of(count, 'number')} for each of {cells(recording.n_rois)}"


class FeaturesWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = FeaturesPanel
    name = "Stage 8: features"
