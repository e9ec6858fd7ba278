"""The population in few dimensions, on screen."""

from __future__ import annotations

from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget

__all__ = ["DimensionalityPanel", "DimensionalityWidget"]


class DimensionalityPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "dimensionality"
    sentence = (
        "Describes the population by a few time courses, and counts how many are more than chance. Shown in "
        "the Embedding dock."
    )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        found = recording.population.dimensionality if recording.population is not None else None
        if found is None:
            return ""
        kept = found.scores.shape[1]
        return f"{count_of(kept, 'component')} kept"


class DimensionalityWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = DimensionalityPanel
    name = "Stage 12: dimensionality"
