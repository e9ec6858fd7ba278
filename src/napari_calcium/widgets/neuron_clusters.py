"""Clusters of cells, on screen."""

from __future__ import annotations

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["CellClustersPanel", "CellClustersWidget"]


class CellClustersPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "cell_clusters"
    sentence = (
        "Groups cells with like activity, chooses how many groups, and says how good chance makes them. "
        "Shown in the Embedding dock and the table of cells."
    )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        found = recording.population.clusters if recording.population is not None else None
        if found is None:
            return ""
        inside = int((found.cluster > 0).sum())
        return f"{cells(inside)} in {int(found.cluster.max(initial=0))} clusters"


class CellClustersWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = CellClustersPanel
    name = "Stage 13: clusters of cells"
