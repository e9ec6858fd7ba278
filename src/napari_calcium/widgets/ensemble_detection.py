"""Ensembles, on screen."""

from __future__ import annotations

import numpy as np

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["EnsemblesPanel", "EnsemblesWidget"]


class EnsemblesPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "ensembles"
    sentence = "Finds groups of cells that are active together again and again, and when."

    def summary(self, recording: Recording) -> str:
        """Say what came of it."""
        found = recording.ensembles
        if found is None:
            return ""
        members = len(np.unique(found.members.roi_id))
        groups = f"{len(found):,} ensemble{'' if len(found) == 1 else 's'}"
        times = f"{len(found.activations):,} activations"
        return f"{groups}, {times}, {members:,} of {cells(recording.n_rois)} in one"


class EnsemblesWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = EnsemblesPanel
    name = "Stage 7: ensembles"
