"""The Activity dock: all neurons in true bins, in the order of the stage Sorting; the population below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QSplitter, QVBoxLayout
from superqt import QFlowLayout

from napari_calcium.figures.activity_figure import ORDER_WORDS, binned, event_rates
from napari_calcium.figures.axis_labels import latest_trace, unit_scale
from napari_calcium.figures.export import FIGURES
from napari_calcium.figures.row_order import display_order
from napari_calcium.figures.time_matrix import TimeMatrix
from napari_calcium.population.population_activity import (
    PopulationActivitySettings,
    population_activity,
    rate_histogram,
)
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.results.population_results import CellOrder, PopulationActivity
from napari_calcium.widgets.exporting import Export, ExportButton, table_writer
from napari_calcium.widgets.joined import joined
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.plots.color_scale import scale_picture
from napari_calcium.widgets.plots.curve_plot import Curve, CurvePlot
from napari_calcium.widgets.plots.population_plot import PopulationPlot
from napari_calcium.widgets.plots.time_matrix_plot import TimeMatrixPlot
from napari_calcium.widgets.stage_view import pick_cell
from napari_calcium.widgets.theme import PlotColors
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.what_changed import Drawn
from napari_calcium.widgets.workbench import workbench_of

__all__ = ["ActivityDock"]

_STAGES = {
    "raw": "Raw",
    "dff": "ΔF/F",
    "background_corrected": "Background-corrected",
    "denoised": "Denoised",
    "spikes": "Spikes",
    "events": "Events",
}
_GAP = (106, 123, 140)
_LEAST_BELOW = 86
_TABLE = pg.colormap.get("magma", source="matplotlib").getLookupTable(nPts=256)[:, :3].astype(np.uint8)

Made = tuple[TimeMatrix, PopulationActivity, tuple[float, float], str]


class ActivityDock(ViewDock):
    """Heatmap of all neurons in bins, the population's activity below, and how event rates differ.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Activity"
    wanted = (600, 320)

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._drawn = Drawn()
        self._chosen: str | None = None
        self._found: PopulationActivity | None = None
        self._bench = workbench_of(napari_viewer)
        super().__init__(napari_viewer)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)
        self.links.join(self._bench.plan.stage_changed, self._on_settings)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the choices and the plots."""
        self.heatmap = TimeMatrixPlot(colors)
        self.heatmap.setToolTip(
            "Mean activity of each neuron in each bin. Click: the neuron and that moment; Shift adds it.\n"
            "Wheel: zoom in time; with Ctrl: in neurons; with Shift: scroll. Double click: all."
        )
        self.below = PopulationPlot(colors)
        self.below.setToolTip(
            "All neurons together: faint the bins, strong the smoothed course.\n"
            "Mean or sum, and the smoothing: stage Population activity."
        )
        self.rates = CurvePlot(colors, "Events/min", "Neurons")
        self.rates.setToolTip("How many neurons have which event rate; dashed: the median")
        self.rates.hide()
        self._choices(column)
        both = QSplitter(Qt.Orientation.Vertical)
        both.addWidget(self.heatmap)
        both.addWidget(self.below)
        # Below some pixels an axis has no room for its numbers.
        self.below.setMinimumHeight(_LEAST_BELOW)
        both.setSizes([200, 110])
        both.setChildrenCollapsible(False)
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(both)
        whole.addWidget(self.rates)
        whole.setStretchFactor(0, 4)
        whole.setStretchFactor(1, 1)
        column.addWidget(whole, 1)
        for plot in (self.heatmap, self.below):
            plot.time_picked.connect(lambda seconds: self.time_picked.emit(seconds))
            plot.span_picked.connect(lambda span: self.span_picked.emit(span))
        self.heatmap.cell_clicked.connect(self._on_cell)
        self.heatmap.hovered.connect(self._on_hover)

    def _choices(self, column: QVBoxLayout) -> None:
        self.stages, self.orders = QComboBox(), QComboBox()
        self.stages.setToolTip("Which activity is shown")
        self.stages.setAccessibleName("Show")
        self.orders.setToolTip("How the neurons stand below each other; more orders: stage Sorting")
        self.orders.setAccessibleName("Sort by")
        self.bin = QDoubleSpinBox()
        self.bin.setRange(0, 60)
        self.bin.setDecimals(2)
        self.bin.setSingleStep(0.1)
        self.bin.setSuffix(" s")
        self.bin.setValue(0.5)
        self.bin.setKeyboardTracking(False)
        self.bin.setToolTip("Width of the bins; 0 is frame by frame")
        self.bin.setAccessibleName("Bin")
        self.show_rates = QCheckBox("Event rates")
        self.show_rates.setToolTip("Show how event rates differ between neurons")
        self.low, self.bar, self.high = QLabel(), QLabel(), QLabel()
        self.bar.setPixmap(scale_picture(_TABLE))
        self.note = QLabel()
        self.note.setToolTip(
            "The order was made on the dimmed time: only what is shown brightly is a test of it."
        )
        self.export_button = ExportButton(self.export, self)
        flow = QFlowLayout()
        flow.setContentsMargins(6, 2, 6, 0)
        flow.setHorizontalSpacing(8)
        flow.setVerticalSpacing(2)
        for part in (
            joined(QLabel("Show"), self.stages),
            joined(QLabel("Bin"), self.bin),
            joined(QLabel("Sort by"), self.orders),
            self.show_rates,
            joined(self.low, self.bar, self.high),
            self.note,
        ):
            flow.addWidget(part)
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 6, 0)
        bar.addLayout(flow, 1)
        bar.addWidget(self.export_button)
        column.addLayout(bar)
        self.stages.activated.connect(self._on_stage)
        self.orders.activated.connect(self.later)
        self.bin.valueChanged.connect(self.later)
        self.show_rates.toggled.connect(self._on_rates)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        for plot in (self.heatmap, self.below, self.rates):
            plot.set_colors(colors)

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Mark the rows of these cells."""
        self.heatmap.show_cells(ids)

    def show_focus(self, cell: int | None) -> None:
        """Scroll to this cell."""
        self.heatmap.show_focus(cell)

    def show_time(self, seconds: float) -> None:
        """Move the cursors."""
        self.heatmap.show_time(seconds)
        self.below.show_time(seconds)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.heatmap.show_span(seconds)
        self.below.show_span(seconds)

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        if not recording.n_rois or not recording.n_frames:
            return f"{recording.name} has no traces yet: find the cells and read their fluorescence first."
        if recording.frame_rate is None:
            return "The frame rate is not known: set it at the top of the Calcium pipeline dock."
        return ""

    def draw(self, recording: Recording) -> None:
        """Have the heatmap prepared if it is another one."""
        stage, order = self._offer(recording)
        settings = self._bench.plan.stage("population_activity")
        bin_s = self.bin.value()
        source = recording.events if stage == "events" else recording.traces[stage]
        if not self._drawn.is_other(source, order, recording.ensembles, settings, bin_s, stage):
            return
        self._shown_order = order
        for plot in (self.heatmap, self.below):
            plot.set_duration(recording.duration_s)
            plot.show_span(self.session.selection.span)
        # One axis of time for both.
        self.heatmap.getPlotItem().hideAxis("bottom")

        def work(on_progress: Progress) -> Made:
            return _prepare(recording, stage, bin_s, order, settings)

        self._job.ask("Activity", work, self._take)
        self._show_rates(recording)

    def export(self) -> Export | None:
        """Return what can be exported: the figure where the stage has run, and the population over time."""
        recording, found = self.recording, self._found
        if recording is None or found is None:
            return None
        kind = next(kind for kind in FIGURES if kind.stem == "activity")
        figure = kind if kind.fits(recording) else None
        return Export(f"{recording.name}_activity", recording, figure, table_writer(found))

    def _take(self, made: Made) -> None:
        matrix, found, limits, label = made
        self._found = found
        self.heatmap.set_scale(_TABLE, limits, _GAP)
        self.heatmap.show_matrix(matrix)
        self.heatmap.show_cells(self.session.selection.cells)
        self.heatmap.show_focus(self.session.selection.focus)
        self.below.show_activity(found, label)
        factor, sign = unit_scale(found.unit)
        self.low.setText(f"{factor * limits[0]:.3g}")
        self.high.setText(f"{factor * limits[1]:.3g} {sign}")
        self.note.setText("held-out time is bright" if len(matrix.dimmed_s) else "")

    def _offer(self, recording: Recording) -> tuple[str, CellOrder | str]:
        """Offer what there is; return what to show, and the order: that of the stage, or its name."""
        there = [name for name in _STAGES if name in recording.traces]
        there += ["events"] if recording.events is not None else []
        stage = self._chosen if self._chosen in there else (latest_trace(recording) or there[0])
        _fill(self.stages, {name: _STAGES[name] for name in there}, stage)
        sorting = recording.population.sorting if recording.population is not None else None
        orders = {"sorting": f"Sorting: {ORDER_WORDS[sorting.method]}"} if sorting is not None else {}
        orders |= {"ensemble": "Ensemble"} if recording.ensembles is not None else {}
        orders |= {"id": "Cell id"}
        before = self.orders.currentData()
        chosen = before if before in orders and self._shown_order is not None else next(iter(orders))
        shown = self._shown_order
        if sorting is not None and shown is not None and shown is not sorting and before != "sorting":
            # A new order was asked for by running the stage: show it.
            chosen = "sorting" if sorting is not self._last_sorting else chosen
        self._last_sorting = sorting
        _fill(self.orders, orders, chosen)
        return stage, sorting if chosen == "sorting" and sorting is not None else chosen

    _last_sorting: CellOrder | None = None
    _shown_order: CellOrder | str | None = None

    def _show_rates(self, recording: Recording) -> None:
        rates = event_rates(recording)
        self.show_rates.setEnabled(bool(np.isfinite(rates).any()))
        found = rate_histogram(rates)
        top = float(found.n_cells.max(initial=1))
        median = Curve(np.full(2, found.median_per_min), np.array([0.0, top]), "#d55e00", dashed=True)
        bars = Curve(found.edges_per_min, found.n_cells.astype(np.float64), "#8c8c8c", steps=True)
        self.rates.show_curves((bars, median) if np.isfinite(found.median_per_min) else ())

    def _on_rates(self, on: bool) -> None:
        self.rates.setVisible(on)

    def _on_stage(self, *_: object) -> None:
        self._chosen = self.stages.currentData()
        self.later()

    def _on_settings(self, stage: str) -> None:
        if stage == "population_activity":
            self.later()

    def _on_cell(self, cell: int, seconds: float, add: bool) -> None:
        self.setFocus()
        pick_cell(self, cell, add=add)
        self.time_picked.emit(seconds)

    def _on_hover(self, place: tuple[int, int] | None) -> None:
        matrix, recording, found = self.heatmap.matrix, self.recording, self._found
        if place is None or matrix is None or recording is None or found is None:
            self._viewer.status = "Ready"
            return
        factor, sign = unit_scale(found.unit)
        value = factor * float(matrix.values[place])
        start = matrix.start_s + place[1] * matrix.step_s
        words = "no data" if value != value else f"{value:.3g} {sign}"
        cell = recording.cell_name(int(matrix.cells[place[0]]))
        self._viewer.status = f"cell {cell} · {start:.2f}–{start + matrix.step_s:.2f} s · {words}"


def _prepare(recording: Recording, stage: str, bin_s: float, order: CellOrder | str, settings: Any) -> Made:
    activity = binned(recording, stage, bin_s)
    rows: NDArray[np.int64] = np.argsort(recording.roi_ids, kind="stable").astype(np.int64)
    dimmed = np.empty((0, 2))
    if isinstance(order, CellOrder):
        rows = recording.rows(order.roi_id)
        held_out = order.held_out_s()
        if len(held_out):
            dimmed = np.concatenate([[0.0], held_out.ravel(), [recording.duration_s]]).reshape(-1, 2)
    elif order == "ensemble":
        rows = display_order(recording)[0]
    matrix = TimeMatrix.build(activity.values, rows, recording.roi_ids, 0.0, activity.bin_s, dimmed)
    chosen = settings if isinstance(settings, PopulationActivitySettings) else PopulationActivitySettings()
    found = population_activity(activity, chosen)
    label = f"{found.statistic.capitalize()} ({unit_scale(activity.unit)[1]})"
    return matrix, found, _limits(activity.values, from_zero=activity.unit != "a.u."), label


def _limits(values: NDArray[np.float32], *, from_zero: bool) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low = 0.0 if from_zero else float(np.percentile(known, 1))
    high = float(np.percentile(known, 99.7))
    high = high if high > low else float(known.max())
    return low, high if high > low else low + 1.0


def _fill(box: QComboBox, items: dict[str, str], chosen: str) -> None:
    if {box.itemData(k): box.itemText(k) for k in range(box.count())} != items:
        box.clear()
        for value, words in items.items():
            box.addItem(words, value)
    box.setCurrentIndex(list(items).index(chosen))
