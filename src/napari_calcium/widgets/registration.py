"""Registration of a movie, on screen."""

from __future__ import annotations

import numpy as np

from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget

__all__ = ["RegistrationPanel", "RegistrationWidget"]


class RegistrationPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "registration"
    sentence = "Takes the motion out of the movie. The Motion dock shows how well."
    notes_first = True

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say how alike the registered frames are."""
        motion = recording.motion
        known = motion.correlation[np.isfinite(motion.correlation)] if motion is not None else np.empty(0)
        if not len(known):
            return ""
        return f"Correlation of the frames with the template: {np.median(known):.2f} (median)"


class RegistrationWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = RegistrationPanel
    name = "Movie 1: registration"
