"""The Similarity dock: which ensemble events are alike, and when they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pyqtgraph as pg
from psygnal import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget
from superqt import QFlowLayout

from napari_calcium.figures.event_company import event_at
from napari_calcium.figures.export import FIGURES
from napari_calcium.figures.raster_pyramid import RasterPyramid
from napari_calcium.figures.similarity_tree import EventOrder, arrange, missing_similarity, similarity_levels
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.widgets.coactivity_dock import pick_event
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.plots.color_scale import scale_picture
from napari_calcium.widgets.plots.similarity_plot import SimilarityPlot, SimilarityView
from napari_calcium.widgets.theme import PlotColors
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.what_changed import Drawn

__all__ = ["SimilarityDock"]

_ORDERS: dict[EventOrder, str] = {"ensemble": "By ensemble", "tree": "By likeness", "time": "In time"}


class SimilarityDock(ViewDock):
    """Jaccard similarity of the ensemble events, ordered by ensemble, by one tree, or in time.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Similarity"
    area = "right"
    wanted = (380, 440)

    cells_picked = Signal(tuple)
    ensemble_picked = Signal(object)
    time_picked = Signal(float)

    def __init__(self, napari_viewer: Any) -> None:
        self._drawn = Drawn()
        super().__init__(napari_viewer)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the choice of order, the plot, and the line about what is under the mouse."""
        self.plot = SimilarityPlot(colors)
        self.plot.setToolTip(
            "Each row is an ensemble event. Click: its moment, its neurons and its ensemble.\n"
            "Wheel: zoom. Drag: move. Double click: all."
        )
        self.orders = QComboBox()
        self.orders.setAccessibleName("Order of the events")
        for order, words in _ORDERS.items():
            self.orders.addItem(words, order)
        self.orders.setToolTip(
            "By ensemble: events of an ensemble together. By likeness: one tree of all, which shows where\n"
            "it disagrees with the ensembles. In time: as they came."
        )
        self.orders.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.orders.activated.connect(self.later)
        self.low, self.bar, self.high = QLabel("0"), QLabel(), QLabel()
        for part in (self.bar, self.high):
            part.setToolTip("Jaccard similarity: shared neurons as a share of all neurons of two events")
        table = pg.colormap.get("viridis").getLookupTable(nPts=256)[:, :3].astype(np.uint8)
        self.bar.setPixmap(scale_picture(table))
        self.readout = QLabel()
        self.readout.setContentsMargins(6, 0, 6, 4)
        self.readout.setWordWrap(True)
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.export_button = ExportButton(self.export, self)
        scale = QWidget()
        parts = QHBoxLayout(scale)
        parts.setContentsMargins(0, 0, 0, 0)
        for part in (self.low, self.bar, self.high):
            parts.addWidget(part)
        choices = QFlowLayout()  # takes a second line where the first is too short for both
        choices.setContentsMargins(6, 2, 6, 0)
        choices.setHorizontalSpacing(8)
        choices.setVerticalSpacing(2)
        choices.addWidget(self.orders)
        choices.addWidget(scale)
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 6, 0)
        bar.addLayout(choices, 1)
        bar.addWidget(self.export_button)
        column.addLayout(bar)
        column.addWidget(self.plot, 100)
        column.addWidget(self.readout)
        column.addStretch(1)
        self.plot.event_clicked.connect(lambda row: pick_event(self, row))
        self.plot.hovered.connect(self._on_hover)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.plot.set_colors(colors)

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Nothing to do: rows are events, not cells."""

    def show_ensemble(self, ensemble_id: int | None) -> None:
        """Frame the events of this ensemble."""
        self.plot.show_chosen(ensemble_id)

    def show_time(self, seconds: float) -> None:
        """Mark the event that is under the cursor."""
        self._find_event()

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        return missing_similarity(recording)

    def draw(self, recording: Recording) -> None:
        """Have the matrix prepared if it is another one."""
        events, ensembles = recording.ensemble_events, recording.ensembles
        assert events is not None and ensembles is not None
        order = cast("EventOrder", self.orders.currentData())
        if not self._drawn.is_other(events, ensembles, order):
            return

        def work(on_progress: Progress) -> SimilarityView:
            arrangement = arrange(ensembles.similarity, events.ensemble_id, order)
            levels, high = similarity_levels(ensembles.similarity, arrangement.order)
            pyramid = RasterPyramid.build(levels, np.arange(len(levels)), on_progress=on_progress)
            return SimilarityView(arrangement, pyramid, high)

        self._job.ask("Similarity", work, self._take)

    def export(self) -> Export | None:
        """Return what can be exported: the figure, and the matrix in the order of the events."""
        recording = self.recording
        if recording is None or missing_similarity(recording):
            return None
        figure = next(kind for kind in FIGURES if kind.stem == "similarity")
        name = f"{recording.name}_similarity"
        return Export(name, recording, figure, lambda path: _write(recording, path), ("ensembles",))

    def _take(self, view: SimilarityView) -> None:
        self.plot.show_view(view)
        self.high.setText(f"{view.high:.2g} Jaccard")
        self._find_event()
        self._on_hover(None)

    def _find_event(self) -> None:
        recording = self.recording
        rate = (recording.frame_rate if recording is not None else None) or 1.0
        events = recording.ensemble_events if recording is not None else None
        self.plot.show_event(event_at(events, self.session.selection.time, 1.01 / rate))

    def _on_hover(self, pair: tuple[int, int] | None) -> None:
        recording = self.recording
        events = recording.ensemble_events if recording is not None else None
        if recording is None or events is None or recording.ensembles is None:
            return
        n = len(events)
        if pair is None or max(pair) >= n:
            self.readout.setText(f"{n} ensemble events; {int((events.ensemble_id < 0).sum())} in no ensemble")
            return
        a, b = pair
        words = " × ".join(f"{events.peak_s[k]:.1f} s ({_name(int(events.ensemble_id[k]))})" for k in pair)
        self.readout.setText(f"{words}: similarity {recording.ensembles.similarity[a, b]:.2f}")


def _name(ensemble: int) -> str:
    return f"ensemble {ensemble}" if ensemble >= 0 else "none"


def _write(recording: Recording, path: Path) -> None:
    import pandas as pd

    assert recording.ensembles is not None and recording.ensemble_events is not None
    ids = recording.ensemble_events.event_id
    table = pd.DataFrame(recording.ensembles.similarity, index=pd.Index(ids, name="event_id"), columns=ids)
    table.to_csv(path)
