"""Detection of calcium transients, on screen."""

from __future__ import annotations

from napari_calcium.widgets.stage_widget import StagePanel, StageWidget

__all__ = ["EventsPanel", "EventsWidget"]


class EventsPanel(StagePanel):
    """Settings and result of the stage."""

    stage = "events"
    sentence = "Finds the calcium transients of every cell: onset, peak, end, height and width."
    previews = True


class EventsWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = EventsPanel
    name = "Stage 4: events"
