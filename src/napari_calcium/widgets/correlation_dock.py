"""The Correlation dock: which neurons go together, how that falls with distance, and their network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_calcium.figures.correlation_figure import (
    MatrixOrder,
    matrix_groups,
    matrix_order,
    off_diagonal,
)
from napari_calcium.figures.diverging import diverging_colors, symmetric_limit
from napari_calcium.figures.export import FIGURES
from napari_calcium.plurals import count_of
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.results.population_results import Correlations
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.joined import joined
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.network_layer import NetworkLayer, links_to_show
from napari_calcium.widgets.plots.color_scale import scale_picture
from napari_calcium.widgets.plots.curve_plot import Curve, CurvePlot
from napari_calcium.widgets.plots.pair_matrix_plot import PairMatrix, PairMatrixPlot
from napari_calcium.widgets.stage_view import StageView, told
from napari_calcium.widgets.theme import PlotColors
from napari_calcium.widgets.what_changed import Drawn

__all__ = ["CorrelationDock"]

_ORDERS: dict[MatrixOrder, str] = {
    "likeness": "By likeness",
    "module": "By module",
    "ensemble": "By ensemble",
    "sorting": "As in Sorting",
    "id": "By cell id",
}
_LINES = 500


class CorrelationDock(StageView):
    """Correlation matrix, correlation against distance, and the functional network as a layer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Correlation"
    area = "right"
    wanted = (380, 460)
    stage = "correlation"
    part = "correlation"
    what = (
        "Shows how alike the activity of any two neurons is, which pairs chance does not explain, and the "
        "network they make on the image."
    )

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._drawn = Drawn()
        self.network = NetworkLayer(napari_viewer)
        super().__init__(napari_viewer)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the tabs: matrix and distance; and the line about what is under the mouse."""
        self.plot = PairMatrixPlot(colors)
        self.plot.setToolTip(
            "Drag: select the neurons of these rows and columns. Click: the pair. With Shift: add.\n"
            "Wheel: zoom. Middle button: move. Double click: all. White: not defined."
        )
        self.distance = CurvePlot(colors, "Distance of somata (µm)", "Mean correlation")
        self.distance.setToolTip(
            "Mean correlation of all pairs at a distance. Grey: 95 % of what circular shifts give."
        )
        self.orders = QComboBox()
        for order, words in _ORDERS.items():
            self.orders.addItem(words, order)
        self.orders.setToolTip("How the neurons stand; an order that has not been made yet cannot be chosen")
        self.orders.setAccessibleName("Order")
        self.orders.setMinimumContentsLength(11)
        self.orders.activated.connect(self.later)
        self.low, self.bar, self.high = QLabel(), QLabel(), QLabel()
        self.export_button = ExportButton(self.export, self)
        top = QHBoxLayout()
        top.setContentsMargins(6, 2, 6, 0)
        top.setSpacing(6)
        top.addWidget(self.orders, 1)
        for part in (self.low, self.bar, self.high):
            top.addWidget(part)
        matrix = QWidget()
        inside = QVBoxLayout(matrix)
        inside.setContentsMargins(0, 2, 0, 0)
        inside.setSpacing(2)
        inside.addLayout(top)
        inside.addWidget(self.plot, 100)
        inside.addStretch(1)
        self.tabs = QTabWidget()
        self.tabs.addTab(matrix, "Matrix")
        self.tabs.addTab(self.distance, "Distance")
        self.tabs.setCornerWidget(self.export_button)
        column.addWidget(self.tabs, 100)
        column.addLayout(self._build_network())
        self.readout = told()
        column.addWidget(self.readout)
        self.plot.brushed.connect(self._on_brushed)
        self.plot.pair_clicked.connect(self._on_pair)
        self.plot.hovered.connect(self._on_hover)

    def _build_network(self) -> QHBoxLayout:
        self.show_network = QCheckBox("Network on the image")
        self.show_network.setToolTip(
            "Draw a line between the somata of pairs that are correlated beyond chance: all, or those of\n"
            "the selected neurons. Yellow to red: stronger; blue: negative."
        )
        self.show_network.toggled.connect(lambda *_: self._draw_network())
        self.most = QSpinBox()
        self.most.setRange(10, 20_000)
        self.most.setSingleStep(100)
        self.most.setValue(_LINES)
        self.most.setPrefix("strongest ")
        self.most.setKeyboardTracking(False)
        self.most.setToolTip("No more lines than this are drawn, the strongest first")
        self.most.setAccessibleName("Most lines")
        self.most.valueChanged.connect(lambda *_: self._draw_network())
        row = QHBoxLayout()
        row.setContentsMargins(6, 0, 6, 0)
        row.addWidget(joined(self.show_network, self.most))
        row.addStretch(1)
        return row

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.plot.set_colors(colors)
        self.distance.set_colors(colors)
        self._paint()

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Mark the rows of these cells, and draw their links."""
        self.later()

    def show_focus(self, cell: int | None) -> None:
        """Nothing to do: all neurons are in sight."""

    def show_recording(self, recording: Recording | None) -> None:
        """Show another recording; the network of another one goes."""
        if recording is None or self.found(recording) is None:
            self.network.clear()
        super().show_recording(recording)

    @property
    def draws_on_canvas(self) -> bool:
        """Whether the network is on the image."""
        return bool(self.show_network.isChecked())

    def empty_for(self, recording: Recording) -> str:
        """Say that one neuron makes no pair."""
        return "" if recording.n_rois > 1 else "A correlation needs two neurons at least."

    def draw(self, recording: Recording) -> None:
        """Have the matrix put in order if it is another one; mark what is selected."""
        found = self.found(recording)
        assert found is not None
        self._offer(recording)
        order = cast("MatrixOrder", self.orders.currentData())
        sorting = recording.population.sorting if recording.population is not None else None
        if self._drawn.is_other(found, order, recording.ensembles, sorting):
            self._ask(recording, found, order)
            self._show_distance(found)
        self.plot.show_rows(recording.rows(self.session.selection.cells))
        self._draw_network()
        self._on_hover(None)

    def export(self) -> Export | None:
        """Return what can be exported: the figure, and the matrix in the order of the recording."""
        recording, found = self.recording, self.found(self.recording)
        if recording is None or found is None:
            return None
        figure = next(kind for kind in FIGURES if kind.stem == "correlation")
        ids = recording.roi_ids
        return Export(
            f"{recording.name}_correlation", recording, figure, lambda path: _write(found, ids, path)
        )

    def _ask(self, recording: Recording, found: Correlations, order: MatrixOrder) -> None:
        def work(on_progress: Progress) -> PairMatrix:
            rows = matrix_order(recording, found, order)
            limit = symmetric_limit(off_diagonal(found.matrix), least=0.1)
            return PairMatrix.build(found.matrix, rows, matrix_groups(recording, found, order), limit)

        self._job.ask("Correlation", work, self._take)

    def _take(self, matrix: PairMatrix) -> None:
        self.plot.show_matrix(matrix)
        self._paint()
        if self.recording is not None:
            self.plot.show_rows(self.recording.rows(self.session.selection.cells))

    def _paint(self) -> None:
        table = diverging_colors(on_dark=self.colors.is_dark)
        self.plot.set_table(table)
        self.bar.setPixmap(scale_picture(table))
        matrix = self.plot.matrix
        if matrix is not None:
            self.low.setText(f"−{matrix.limit:.2g}")
            self.high.setText(f"{matrix.limit:.2g} r")

    def _show_distance(self, found: Correlations) -> None:
        profile = found.distance
        self.tabs.setTabEnabled(1, len(profile) > 0)
        self.tabs.setTabToolTip(1, "" if len(profile) else "The cells have no positions")
        middle = (profile.distance_from + profile.distance_to) / 2
        self.distance.set_labels(f"Distance of somata ({profile.unit})", "Mean correlation")
        curve = Curve(middle, profile.correlation, "#56b4e9", "mean of pairs", dots=True)
        band = (middle, profile.chance_low, profile.chance_high)
        self.distance.show_curves(
            (curve,) if len(profile) else (), band if len(profile) else None, "95 % of shifts"
        )

    def _draw_network(self) -> None:
        recording, found = self.recording, self.found(self.recording)
        there = recording is not None and found is not None and recording.has_positions
        self.show_network.setEnabled(bool(there))
        self.most.setEnabled(bool(there) and self.show_network.isChecked())
        if recording is None or found is None or not there or not self.show_network.isChecked():
            self.network.clear()
            return
        self.network.show(
            recording, found, links_to_show(found, self.session.selection.cells, self.most.value())
        )

    def _offer(self, recording: Recording) -> None:
        population = recording.population
        lacking = {
            "ensemble": recording.ensembles is None,
            "sorting": population is None or population.sorting is None,
        }
        for place, key in enumerate(_ORDERS):
            self.orders.model().item(place).setEnabled(not lacking.get(key, False))
        if lacking.get(self.orders.currentData(), False):
            self.orders.setCurrentIndex(0)

    def _on_brushed(self, rows: NDArray[np.int64], add: bool) -> None:
        recording = self.recording
        if recording is None:
            return
        self.setFocus()
        cells = tuple(recording.roi_ids[rows].tolist())
        before = self.session.selection.cells if add else ()
        self.cells_picked.emit(tuple(dict.fromkeys((*before, *cells))))

    def _on_pair(self, a: int, b: int, add: bool) -> None:
        self._on_brushed(np.array(list(dict.fromkeys((a, b))), np.int64), add)
        if self.recording is not None and not add:
            self.focus_picked.emit(int(self.recording.roi_ids[a]))

    def _on_hover(self, pair: tuple[int, int] | None) -> None:
        recording, found = self.recording, self.found(self.recording)
        if recording is None or found is None:
            return
        n = recording.n_rois
        if pair is None or max(pair) >= n:
            pairs = n * (n - 1) // 2
            modules = int(found.cells.module.max(initial=0))
            words = f"{found.n_pairs:,} of {pairs:,} pairs beyond chance (FDR {100 * found.alpha:.3g} %)"
            trace = found.input.replace("_", "-")
            unknown = int(np.isnan(np.diag(found.matrix)).sum())
            white = f"; white: not defined, {count_of(unknown, 'cell')} without activity" if unknown else ""
            self.readout.setText(f"{words}; {count_of(modules, 'module')}. Trace: {trace}{white}")
            return
        a, b = pair
        names = " × ".join(recording.cell_name(int(recording.roi_ids[k])) for k in pair)
        self.readout.setText(f"cells {names}: r = {found.matrix[a, b]:.2f}{_beyond(recording, found, a, b)}")


def _beyond(recording: Recording, found: Correlations, a: int, b: int) -> str:
    """Say whether a pair is significant, and at which lag it is most alike."""
    low, high = sorted((a, b))
    ids = recording.roi_ids
    pairs = found.pairs
    row = np.flatnonzero((pairs.roi_id_a == ids[low]) & (pairs.roi_id_b == ids[high]))
    if not len(row) or a == b:
        return "" if a == b else ", not beyond chance"
    at = int(row[0])
    lag = pairs.peak_lag_s[at]
    words = f", q = {pairs.q_value[at]:.2g}"
    if lag == 0:
        return f"{words}, most alike at no lag"
    first, last = (low, high) if lag > 0 else (high, low)
    order = f"{recording.cell_name(int(ids[first]))} before {recording.cell_name(int(ids[last]))}"
    return f"{words}, most alike (r = {pairs.peak_correlation[at]:.2f}) with {order} by {abs(lag):.2g} s"


def _write(found: Correlations, ids: NDArray[np.int64], path: Path) -> None:
    import pandas as pd

    pd.DataFrame(found.matrix, index=pd.Index(ids, name="roi_id"), columns=ids).to_csv(path)
