"""Test of coactivity against chance, on screen."""

from __future__ import annotations

import numpy as np

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget

__all__ = ["SignificancePanel", "SignificanceWidget"]


class SignificancePanel(StagePanel):
    """Settings and result of the stage."""

    stage = "significance"
    notes_first = True
    sentence = (
        "Finds the moments at which more cells are active together than chance explains: the ensemble events."
    )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        counts = recording.coactivity
        limits = counts.threshold[np.isfinite(counts.threshold)] if counts is not None else np.empty(0)
        if not len(limits):
            return ""
        low, high = limits.min(), limits.max()
        if low == high:
            return f"Threshold: more than {low:g} neurons"
        return f"Threshold: more than {low:g} to {high:g} neurons, following the slow rate"


class SignificanceWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = SignificancePanel
    name = "Stage 6: ensemble events"
