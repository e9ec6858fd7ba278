"""The stages one by one: a dock for each, opened from napari's Layers menu, or one dock to choose in."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import napari
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFormLayout, QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from napari_calcium.pipeline_settings import TITLES
from napari_calcium.widgets.dock_place import DockPlace, dock_of, full_name
from napari_calcium.widgets.rows import ChoiceBox
from napari_calcium.widgets.stage_widget import StageWidget

__all__ = ["STAGE_WIDGETS", "SingleStage", "open_stage", "stage_widget"]

STAGE_WIDGETS: dict[str, str] = {
    "registration": "registration:RegistrationWidget",
    "segmentation": "segmentation:SegmentationWidget",
    "extraction": "extraction:ExtractionWidget",
    "baseline": "baseline:BaselineWidget",
    "background": "background:BackgroundWidget",
    "denoise": "denoise:DenoiseWidget",
    "spikes": "spikes:SpikesWidget",
    "events": "event_detection:EventsWidget",
    "coactivity": "coactivity:CoactivityWidget",
    "significance": "significance:SignificanceWidget",
    "ensembles": "ensemble_detection:EnsemblesWidget",
    "features": "features:FeaturesWidget",
    "population_activity": "population_activity:PopulationActivityWidget",
    "correlation": "correlation:CorrelationWidget",
    "coupling": "coupling:CouplingWidget",
    "dimensionality": "dimensionality:DimensionalityWidget",
    "cell_clusters": "neuron_clusters:CellClustersWidget",
    "behaviour": "behaviour_stages:BehaviourWidget",
    "sorting": "sorting:SortingWidget",
    "relations": "behaviour_stages:RelationsWidget",
    "tuning": "behaviour_stages:TuningWidget",
    "triggered": "behaviour_stages:TriggeredWidget",
    "preferences": "behaviour_stages:PreferencesWidget",
    "decoding": "behaviour_stages:DecodingWidget",
}
"""Module and class of each stage's widget, loaded when it is asked for. Decisions on single events, the stage
*Events by hand*, are made on the traces."""


def stage_widget(stage: str) -> type[StageWidget]:
    """Return the widget of a stage.

    Raises
    ------
    KeyError
        If there is none of that name.
    """
    module, _, name = STAGE_WIDGETS[stage].partition(":")
    kind: type[StageWidget] = getattr(import_module(f"napari_calcium.widgets.{module}"), name)
    return kind


def open_stage(viewer: Any, stage: str) -> StageWidget:
    """Open the dock of a stage, or bring it to the front, and return its widget.

    Parameters
    ----------
    viewer : napari.Viewer
        With a window.
    stage : str
        As the pipeline calls it.
    """
    kind = stage_widget(stage)
    name = full_name(kind.name)
    known = viewer.window.dock_widgets.get(name)
    widget = known if isinstance(known, StageWidget) else kind(viewer)
    if known is None:
        viewer.window.add_dock_widget(widget, name=name)
    dock = dock_of(widget)
    if dock is not None:
        dock.show()
        dock.raise_()
    return widget


def __getattr__(name: str) -> Callable[[], None]:
    """Return ``open_baseline`` and the like, which ``napari.yaml`` names: one for each stage."""
    stage = name.removeprefix("open_")
    if stage == name or stage not in STAGE_WIDGETS:
        raise AttributeError(f"{__name__} has no {name}")

    def open_this() -> None:
        viewer = napari.current_viewer()
        if viewer is not None:
            open_stage(viewer, stage)

    return open_this


class SingleStage(QWidget):
    """One stage by itself, chosen from the list of all: settings, preview, Run and result.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._made: dict[str, StageWidget] = {}
        self.chooser = ChoiceBox()
        self.chooser.setToolTip(
            "All of them, in the order in which they run, are in the Calcium pipeline dock."
        )
        for stage in STAGE_WIDGETS:
            self.chooser.addItem(TITLES[stage], stage)
        label = QLabel("Stage")
        label.setBuddy(self.chooser)
        row = QFormLayout()
        row.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        row.setContentsMargins(6, 6, 6, 0)
        row.addRow(label, self.chooser)
        self._pages = QStackedWidget()
        # Otherwise napari takes half of the height for a stretch below.
        self._pages.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self._pages, 1)
        self._place = DockPlace(self, "Single stage", "right")
        self.chooser.currentIndexChanged.connect(self._choose)
        self.chooser.setCurrentIndex(self.chooser.findData("baseline"))

    @property
    def shown(self) -> StageWidget:
        """The stage that is chosen."""
        return self._made[str(self.chooser.currentData())]

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take a place among the other docks, the first time."""
        super().showEvent(event)
        self._place.on_show()

    def _choose(self, *_: object) -> None:
        stage = str(self.chooser.currentData())
        if stage not in self._made:
            self._made[stage] = stage_widget(stage)(self._viewer)
            self._pages.addWidget(self._made[stage])
        self._pages.setCurrentWidget(self._made[stage])
