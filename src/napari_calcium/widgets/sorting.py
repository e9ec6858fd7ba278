"""An order of the cells, on screen."""

from __future__ import annotations

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["SortingPanel", "SortingWidget"]


class SortingPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "sorting"
    sentence = (
        "Puts the cells in an order that brings out what they have in common, if asked on other time than is "
        "shown. Shown in the Activity dock."
    )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        found = recording.population.sorting if recording.population is not None else None
        if found is None:
            return ""
        if found.block_s:
            return f"Sorted on every other block of {found.block_s:.3g} s; the Activity dock shows the others"
        return f"{cells(len(found))} sorted on the whole recording, which is also what is shown"


class SortingWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = SortingPanel
    name = "Stage 15: sorting"
