"""Activity of the population, on screen."""

from __future__ import annotations

from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget

__all__ = ["PopulationActivityPanel", "PopulationActivityWidget"]


class PopulationActivityPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "population_activity"
    sentence = (
        "Averages (or sums) all cells over time, bin by bin, and smooths it. Shown in the Activity dock."
    )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        found = recording.population.activity if recording.population is not None else None
        if found is None:
            return ""
        return f"{count_of(len(found), 'bin')} of {found.bin_s:.3g} s"


class PopulationActivityWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = PopulationActivityPanel
    name = "Stage 9: population activity"
