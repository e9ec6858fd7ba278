"""Population coupling, on screen."""

from __future__ import annotations

from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget

__all__ = ["CouplingPanel", "CouplingWidget"]


class CouplingPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "coupling"
    sentence = (
        "Correlates every cell with all the others together, over the recording and in sliding windows. "
        "Shown in the Coupling dock."
    )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        found = recording.population.coupling if recording.population is not None else None
        if found is None:
            return ""
        return f"{count_of(len(found.time_s), 'window')} of {found.window_s:.3g} s"


class CouplingWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = CouplingPanel
    name = "Stage 11: population coupling"
