"""Fluorescence of the cells of a movie, on screen."""

from __future__ import annotations

import numpy as np

from napari_calcium.recording import Recording
from napari_calcium.stages.pipeline_movie import lags_behind
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["ExtractionPanel", "ExtractionWidget"]


class ExtractionPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "extraction"
    sentence = "Reads the brightness of every cell from the movie, and takes the neuropil's light off it."

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say how many cells were read, and how much neuropil was subtracted."""
        if lags_behind(recording):
            return "⚠ Other cells are chosen since: run it again"
        rois = recording.rois
        shares = rois.quality.get("neuropil_coefficient", np.empty(0)) if rois is not None else np.empty(0)
        told = f"; neuropil coefficient {np.median(shares):.2f} (median)" if len(shares) else ""
        return f"Fluorescence of {cells(recording.n_rois)}{told}"


class ExtractionWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = ExtractionPanel
    name = "Movie 3: fluorescence"
