"""Correlation of all pairs of cells, on screen."""

from __future__ import annotations

from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget

__all__ = ["CorrelationPanel", "CorrelationWidget"]


class CorrelationPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "correlation"
    sentence = (
        "Correlates every cell with every other, tests each pair by shifting one against the other in time, "
        "and makes the network of those that pass. Shown in the Correlation dock."
    )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        found = recording.population.correlation if recording.population is not None else None
        if found is None:
            return ""
        modules = int(found.cells.module.max(initial=0))
        return f"{count_of(modules, 'module')} in the network" if found.n_pairs else ""


class CorrelationWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = CorrelationPanel
    name = "Stage 10: correlation"
