"""Detection of cells in a movie, on screen."""

from __future__ import annotations

from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.stages.pipeline_movie import has_drawn_rois
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget, cells

__all__ = ["SegmentationPanel", "SegmentationWidget"]


class SegmentationPanel(StagePanel):
    """Settings and result of the stage, and which candidates are taken for cells."""

    stage = "segmentation"
    sentence = "Finds the somata in the registered movie and judges each: a cell in focus, or not."

    @classmethod
    def result_of(cls, recording: Recording) -> tuple[str, ...]:
        """Return what came of the stage; where cells were only drawn, what it would do with them."""
        if not has_drawn_rois(recording) or recording.candidates is None:
            return super().result_of(recording)
        n = len(recording.candidates)
        it, them = ("it", "It stays") if n == 1 else ("them", "They stay")
        return (
            f"{cells(n)} drawn by hand, none detected yet.",
            f"Run adds what is detected to {it}. {them} as drawn; to use nothing else, untick Cells.",
        )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say how many candidates are cells now."""
        found = recording.candidates
        if found is None:
            return ""
        chosen = int(recording.cell_choice.accepts(found).sum())
        by_hand = len(recording.cell_choice.own)
        told = f", {by_hand:,} of them decided by hand" if by_hand else ""
        return f"{cells(chosen)} chosen of {count_of(len(found), 'candidate')}{told}"


class SegmentationWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = SegmentationPanel
    name = "Movie 2: cells"
