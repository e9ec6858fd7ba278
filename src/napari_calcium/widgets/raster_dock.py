"""The Raster dock: all neurons over time, in any order and at any zoom."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pyqtgraph as pg
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
)
from superqt import QFlowLayout

from napari_calcium.figures.axis_labels import latest_trace, unit_scale
from napari_calcium.figures.export import FIGURES
from napari_calcium.figures.palette import rgb
from napari_calcium.figures.raster_levels import (
    MISSING,
    MOST_ENSEMBLES,
    NO_EVENT,
    PLAIN_EVENT,
    TraceLevels,
)
from napari_calcium.figures.raster_view import EVENTS, RasterView, levels_key, prepare_view
from napari_calcium.figures.row_sorting import ORDERS, RowOrder, missing_for
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.widgets.exporting import Export, ExportButton, table_writer, traces_writer
from napari_calcium.widgets.joined import joined
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.plots.color_scale import scale_picture
from napari_calcium.widgets.plots.raster_plot import RasterPlot
from napari_calcium.widgets.theme import PlotColors, ensemble_mark
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.what_changed import Seen

__all__ = ["RasterDock"]

_STAGES = {
    "raw": "Raw",
    "baseline": "F0",
    "dff": "ΔF/F",
    "background_corrected": "Background-corrected",
    "denoised": "Denoised",
    "spikes": "Spikes",
    EVENTS: "Events",
}
_ORDERS: dict[RowOrder, str] = {
    "ensemble": "Ensemble",
    "id": "Cell id",
    "rate": "Event rate",
    "component": "First component",
    "position": "Position",
}
_RANKS: dict[RowOrder, str] = {
    "ensemble": "Rank, by ensemble",
    "id": "Rank, by cell id",
    "rate": "Rank, by event rate",
    "component": "Rank, by component",
    "position": "Rank, top to bottom",
}
"""What the numbers beside the rows are: places in the order, not ids."""
_GAP = "#6a7b8c"


class RasterDock(ViewDock):
    """Heatmap of any stage, or the events, of all neurons, linked to image, traces, slider and ensembles.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Raster"

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)
    ensemble_picked = Signal(object)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._drawn: tuple[object, ...] = ()
        self._seen = Seen()
        self._source: tuple[object, ...] = ()
        self._made: TraceLevels | None = None
        self._stage: str | None = None
        self._order: RowOrder | None = None
        super().__init__(napari_viewer)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)

    # --- frame

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the choices and the plot."""
        self.plot = RasterPlot(colors)
        self.plot.setToolTip(
            "Click a row: the neuron, and that moment. Shift-click adds it.\n"
            "Wheel: zoom in time; with Ctrl: in neurons; with Shift: scroll. Drag: move. Double click: all."
        )
        self.stages, self.orders = QComboBox(), QComboBox()
        for box in (self.stages, self.orders):
            # They are filled later, and with longer words as stages are run.
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.stages.setToolTip("Which traces are shown, or the onsets of the events")
        self.orders.setToolTip("How the neurons stand below each other")
        self.stages.setAccessibleName("Show")
        self.orders.setAccessibleName("Sort by")
        self.scaled = QCheckBox("Scale each neuron")
        self.scaled.setToolTip(
            "Every neuron from its own rest to its own peaks: shows when each is active, not how strongly"
        )
        self.bright = QSlider(Qt.Orientation.Horizontal)
        self.bright.setRange(0, 100)
        self.bright.setFixedWidth(70)
        self.bright.setToolTip("Brighter colours for small values")
        self.bright.setAccessibleName("Brightness")
        self.low, self.bar, self.high = QLabel("0"), QLabel(), QLabel()
        choices = QFlowLayout()
        choices.setContentsMargins(6, 2, 6, 0)
        choices.setHorizontalSpacing(8)
        choices.setVerticalSpacing(2)
        self.scale = joined(QLabel("Bright"), self.bright, self.low, self.bar, self.high)
        stage, order = joined(QLabel("Show"), self.stages), joined(QLabel("Sort by"), self.orders)
        for part in (stage, order, self.scaled, self.scale):
            choices.addWidget(part)
        self.export_button = ExportButton(self.export, self)
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 6, 0)
        bar.addLayout(choices, 1)
        bar.addWidget(self.export_button)
        column.addLayout(bar)
        column.addWidget(self.plot, 1)
        self._connect_choices()

    def _connect_choices(self) -> None:
        self.stages.activated.connect(self._on_stage)
        self.orders.activated.connect(self._on_order)
        self.scaled.toggled.connect(self.later)
        self.bright.valueChanged.connect(lambda *_: self._paint())
        self.plot.cell_clicked.connect(self._on_cell)
        self.plot.time_picked.connect(lambda seconds: self.time_picked.emit(seconds))
        self.plot.span_picked.connect(lambda span: self.span_picked.emit(span))
        self.plot.hovered.connect(self._on_hover)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.plot.set_colors(colors)
        self._paint()

    # --- what the session says

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Mark the rows of these cells."""
        self.later()

    def show_focus(self, cell: int | None) -> None:
        """Scroll to this cell."""
        self.plot.show_focus(cell)

    def show_ensemble(self, ensemble_id: int | None) -> None:
        """Mark the activations of this ensemble, and its members in its colour."""
        self.later()

    def show_time(self, seconds: float) -> None:
        """Move the cursor."""
        self.plot.show_time(seconds)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.plot.show_span(seconds)

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        if not recording.traces or not recording.n_rois:
            return f"{recording.name} has no traces: it holds no cells."
        return "" if recording.n_frames else f"{recording.name} has no frames."

    def draw(self, recording: Recording) -> None:
        """Prepare the raster beside the window if it is another one; mark what is selected."""
        stage, order = self._fill_choices(recording)
        scaled = self.scaled.isChecked()
        wanted = (stage, order, scaled)
        if self._seen.is_news(recording) or wanted != self._drawn:
            self._drawn = wanted
            self.plot.name_rows(_RANKS[order])
            self._set_axis(recording)
            self._ask(recording, stage, order, scaled)
        selection = self.session.selection
        self.plot.show_cells(selection.cells, selection.ensemble)

    def export(self) -> Export | None:
        """Return what can be exported: the heatmap and its traces, or the raster and its events."""
        recording, stage = self.recording, self.stages.currentData()
        if recording is None or stage is None:
            return None
        stem = "raster" if stage == EVENTS else "heatmap"
        figure = next(kind for kind in FIGURES if kind.stem == stem)
        if stage == EVENTS and recording.events is not None:
            write = table_writer(recording.events)
        elif stage in recording.traces:
            write = traces_writer(recording, tuple(recording.roi_ids.tolist()), stage)
        else:
            return None
        results = ("events",) if stage == EVENTS else (f"traces/{stage}",)
        return Export(f"{recording.name}_{stem}", recording, figure, write, results)

    # --- preparing

    def _ask(self, recording: Recording, stage: str, order: RowOrder, scaled: bool) -> None:
        """Have the raster prepared; what was made of the same traces before is used again."""
        key = levels_key(recording, stage, scaled)
        view = self.plot.view
        same = len(key) == len(self._source) and all(a is b for a, b in zip(key, self._source, strict=True))
        before = view.pyramid if same and view is not None else None
        made = self._made if same else None

        def work(on_progress: Progress) -> tuple[RasterView, TraceLevels | None]:
            return prepare_view(recording, stage, order, scaled, before, made, on_progress)

        self._job.ask("Raster", work, lambda result: self._take(result, key))

    def _take(self, result: tuple[RasterView, TraceLevels | None], key: tuple[object, ...]) -> None:
        view, self._made = result
        self._source = key
        self._paint(shown=view)
        self.plot.show_view(view)
        selection = self.session.selection
        self.plot.show_cells(selection.cells, selection.ensemble)
        self.plot.show_focus(selection.focus)

    def _set_axis(self, recording: Recording) -> None:
        known = recording.frame_rate is not None
        self.plot.set_duration(recording.duration_s if known else recording.n_frames, in_frames=not known)
        self.plot.show_span(self.session.selection.span)

    def _fill_choices(self, recording: Recording) -> tuple[str, RowOrder]:
        """Offer what there is; return stage and order to show."""
        there = list(recording.traces)
        there += [EVENTS] if recording.events is not None else []
        stage = self._stage if self._stage in there else (latest_trace(recording) or there[0])
        _fill(self.stages, {name: _STAGES.get(name, name.replace("_", " ")) for name in there}, stage)
        lacking = {by: missing_for(recording, by) for by in ORDERS}
        order = self._order if self._order is not None and not lacking[self._order] else None
        order = order or ("id" if lacking["ensemble"] else "ensemble")
        _fill(self.orders, dict(_ORDERS), order)
        for place, by in enumerate(_ORDERS):
            item = self.orders.model().item(place)
            item.setEnabled(not lacking[by])
            item.setToolTip(f"Not yet: {lacking[by]}" if lacking[by] else "")
        return stage, order

    # --- colours

    def _paint(self, *, shown: RasterView | None = None) -> None:
        events = self.stages.currentData() == EVENTS if shown is None else self._made is None
        self.scaled.setVisible(not events)
        self.scale.setVisible(not events)
        if events:
            self.plot.set_table(self._event_colors())
            return
        gain = 8.0 ** (self.bright.value() / 100)
        table = _trace_colors(gain)
        self.plot.set_table(table)
        self.bar.setPixmap(scale_picture(_trace_colors(1.0)[1:]))
        self._name_scale(gain)

    def _name_scale(self, gain: float) -> None:
        made, recording = self._made, self.recording
        if made is None or recording is None:
            return
        unit = "" if made.scaled else str(recording.traces[self._shown_stage()].unit)
        factor, sign = unit_scale(unit)
        top = made.low + (made.high - made.low) / gain
        words = "peak" if made.scaled and gain == 1 else f"{factor * top:.3g} {sign}".strip()
        # A rate of next to nothing is nothing: digits of it would not be seen in the colours.
        low = made.low if abs(made.low) > 1e-3 * (made.high - made.low) else 0.0
        self.low.setText("rest" if made.scaled else f"{factor * low:.3g}")
        self.high.setText(words)

    def _shown_stage(self) -> str:
        recording, stage = self.recording, self.stages.currentData()
        assert recording is not None
        return stage if stage in recording.traces else next(iter(recording.traces))

    def _event_colors(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        colors = self.colors
        table = np.empty((256, 3), np.uint8)
        table[:] = rgb(colors.text)
        table[NO_EVENT] = rgb(colors.background)
        table[PLAIN_EVENT] = rgb(colors.text)
        known = self.recording.ensembles if self.recording is not None else None
        for place, ensemble in enumerate((known.ids if known is not None else ())[:MOST_ENSEMBLES]):
            table[2 + place] = rgb(ensemble_mark(ensemble, colors.background))
        return table

    # --- the user

    def _on_stage(self, *_: object) -> None:
        self._stage = self.stages.currentData()
        self.later()

    def _on_order(self, *_: object) -> None:
        self._order = cast("RowOrder", self.orders.currentData())
        self.later()

    def _on_cell(self, cell: int, seconds: float, add: bool) -> None:
        self.setFocus()
        cells = self.session.selection.cells
        if not add:
            self.cells_picked.emit((cell,))
            self.focus_picked.emit(cell)
        elif cell in cells:
            self.cells_picked.emit(tuple(c for c in cells if c != cell))
        else:
            self.cells_picked.emit((*cells, cell))
        self.time_picked.emit(seconds)

    def _on_hover(self, place: tuple[int, int] | None) -> None:
        view, recording = self.plot.view, self.recording
        if place is None or view is None or recording is None:
            self._viewer.status = "Ready"
            return
        cell = int(view.cells[place[0]])
        when = f"{place[1] / view.frame_rate:.2f} s" if recording.frame_rate else f"frame {place[1]}"
        text = f"cell {recording.cell_name(cell)} · {when}"
        stage = self.stages.currentData()
        row = recording.rows((cell,))
        if stage in recording.traces and len(row) and place[1] < recording.n_frames:
            trace = recording.traces[stage]
            factor, sign = unit_scale(trace.unit)
            text += f" · {factor * trace.values[row[0], place[1]]:.3g} {sign}"
        # In the status bar, as napari does it for its layers.
        self._viewer.status = text


def _trace_colors(gain: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the colours of levels 0 … 255, brighter by a factor."""
    colors = pg.colormap.get("viridis").getLookupTable(nPts=255)[:, :3].astype(np.uint8)
    level = np.minimum(np.arange(255) * gain, 254).astype(np.int64)
    table = np.empty((256, 3), np.uint8)
    table[MISSING] = rgb(_GAP)
    table[1:] = colors[level]
    return table


def _fill(box: QComboBox, items: dict[Any, str], chosen: str) -> None:
    if [box.itemData(k) for k in range(box.count())] != list(items):
        box.clear()
        for value, words in items.items():
            box.addItem(words, value)
    box.setCurrentIndex(list(items).index(chosen))
