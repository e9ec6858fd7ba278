"""Ensembles, on screen."""

from __future__ import annotations

from napari_calcium.widgets.stage_widget import StagePanel, StageWidget

__all__ = ["EnsemblesPanel", "EnsemblesWidget"]


class EnsemblesPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "ensembles"
    sentence = "Finds groups of cells that are active together again and again, and when."


class EnsemblesWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = EnsemblesPanel
    name = "Stage 7: ensembles"
