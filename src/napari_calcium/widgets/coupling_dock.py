"""The Coupling dock: how each neuron goes with all the others, over the recording and moment by moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout
from superqt import QFlowLayout

from napari_calcium.figures.coupling_figure import CHORISTER, SOLOIST
from napari_calcium.figures.diverging import UNKNOWN, diverging_colors, symmetric_limit
from napari_calcium.figures.export import FIGURES
from napari_calcium.figures.row_order import display_order
from napari_calcium.figures.time_matrix import TimeMatrix
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.results.population_results import Coupling
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.joined import joined
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.plots.color_scale import scale_picture
from napari_calcium.widgets.plots.row_bars import RowBars
from napari_calcium.widgets.plots.time_matrix_plot import TimeMatrixPlot
from napari_calcium.widgets.stage_view import StageView, pick_cell
from napari_calcium.widgets.theme import PlotColors, readable
from napari_calcium.widgets.what_changed import Drawn

__all__ = ["CouplingDock"]

_ORDERS = {"coupling": "Coupling", "id": "Cell id", "ensemble": "Ensemble", "sorting": "Sorting"}


class CouplingDock(StageView):
    """Coupling of every neuron as bars, and the sliding coupling beside them.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Coupling"
    stage = "coupling"
    part = "coupling"
    what = (
        "Shows how each neuron goes with the activity of all the others, over the whole recording and moment "
        "by moment: who sings in the choir, and who is a soloist."
    )

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._drawn = Drawn()
        self._rows: NDArray[np.int64] = np.empty(0, np.int64)
        super().__init__(napari_viewer)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the choices, the bars and the plot."""
        self.plot = TimeMatrixPlot(colors)
        self.plot.setToolTip(
            "Correlation of each neuron with the mean of all others in a sliding window. Red: together;\n"
            "blue: apart; grey: neither; white: not defined (nothing happened in the window, or no data).\n"
            "Click: the neuron and the moment.\n"
            "Wheel: zoom in time; with Ctrl: in neurons; with Shift: scroll. Double click: all."
        )
        self.bars = RowBars(self.plot, colors, "Coupling (r)")
        self.bars.setToolTip(
            "Correlation with the mean of all others over the recording.\n"
            "Orange: significant (a chorister); grey: not (a soloist)."
        )
        self.orders = QComboBox()
        for key, words in _ORDERS.items():
            self.orders.addItem(words, key)
        self.orders.setToolTip("How the neurons stand below each other")
        self.orders.setAccessibleName("Sort by")
        self.orders.activated.connect(self.later)
        self.only = QCheckBox("Choristers only")
        self.only.setToolTip("Leave out neurons that are not significantly coupled")
        self.only.toggled.connect(self.later)
        self.low, self.bar, self.high = QLabel(), QLabel(), QLabel()
        self.bar.setToolTip("Correlation within the window (r)")
        undefined = QLabel(
            "<span style='background-color:#ffffff'>&nbsp;&nbsp;&nbsp;&nbsp;</span> not defined"
        )
        undefined.setToolTip(
            "Neither the neuron nor the others did anything in the window, or there is no data"
        )
        self.export_button = ExportButton(self.export, self)
        self.note = QLabel()
        flow = QFlowLayout()
        flow.setContentsMargins(6, 2, 6, 0)
        flow.setHorizontalSpacing(8)
        flow.setVerticalSpacing(2)
        scale = joined(self.low, self.bar, self.high, undefined)
        for part in (joined(QLabel("Sort by"), self.orders), self.only, scale, self.note):
            flow.addWidget(part)
        top = QHBoxLayout()
        top.setContentsMargins(0, 0, 6, 0)
        top.addLayout(flow, 1)
        top.addWidget(self.export_button)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.bars)
        row.addWidget(self.plot, 1)
        column.addLayout(top)
        column.addLayout(row, 1)
        self.plot.cell_clicked.connect(self._on_cell)
        self.plot.time_picked.connect(lambda seconds: self.time_picked.emit(seconds))
        self.plot.span_picked.connect(lambda span: self.span_picked.emit(span))
        self.plot.hovered.connect(self._on_hover)
        self.plot.box.sigResized.connect(lambda *_: self._show_bars())

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.plot.set_colors(colors)
        self.bars.set_colors(colors)
        found = self.found(self.recording)
        if found is not None:
            self._scale(found)
            self._show_bars()

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Mark the rows of these cells."""
        self.plot.show_cells(ids)

    def show_focus(self, cell: int | None) -> None:
        """Scroll to this cell."""
        self.plot.show_focus(cell)

    def show_time(self, seconds: float) -> None:
        """Move the cursor."""
        self.plot.show_time(seconds)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.plot.show_span(seconds)

    def empty_for(self, recording: Recording) -> str:
        """Say that one neuron has no others."""
        return "" if recording.n_rois > 1 else "Coupling needs two neurons at least."

    def draw(self, recording: Recording) -> None:
        """Have the matrix put in order if it is another one."""
        found = self.found(recording)
        assert found is not None
        self._offer(recording)
        by, only = self.orders.currentData(), self.only.isChecked()
        if not self._drawn.is_other(found, recording.ensembles, recording.population, by, only):
            return
        self.plot.set_duration(recording.duration_s)
        self.plot.show_span(self.session.selection.span)
        rows = _ordered(recording, found, by)
        if only:
            rows = rows[found.cells.chorister[rows]]
        step = float(found.time_s[1] - found.time_s[0]) if len(found.time_s) > 1 else found.window_s
        start = float(found.time_s[0] - step / 2) if len(found.time_s) else 0.0

        def work(on_progress: Progress) -> TimeMatrix:
            return TimeMatrix.build(found.sliding, rows, recording.roi_ids, start, step)

        self._job.ask("Coupling", work, lambda matrix: self._take(matrix, rows, found))

    def export(self) -> Export | None:
        """Return what can be exported: the figure, and each neuron's coupling with the sliding one."""
        recording, found = self.recording, self.found(self.recording)
        if recording is None or found is None:
            return None
        figure = next(kind for kind in FIGURES if kind.stem == "coupling")
        return Export(f"{recording.name}_coupling", recording, figure, lambda path: _write(found, path))

    def _take(self, matrix: TimeMatrix, rows: NDArray[np.int64], found: Coupling) -> None:
        self._rows = rows
        self.plot.show_matrix(matrix)
        self.plot.show_cells(self.session.selection.cells)
        self._scale(found)
        self._show_bars()
        known = int(np.isfinite(found.cells.coupling).sum())
        singing = int(found.cells.chorister.sum())
        words = f"{singing:,} choristers, {known - singing:,} soloists"
        self.note.setText(f"{words} · windows of {found.window_s:.3g} s · {found.input.replace('_', '-')}")

    def _scale(self, found: Coupling) -> None:
        limit = symmetric_limit(found.sliding, least=0.2)
        # White is what is not defined in every theme, so zero is grey in every theme.
        table = diverging_colors()
        self.plot.set_scale(table, (-limit, limit), UNKNOWN)
        self.bar.setPixmap(scale_picture(table))
        self.low.setText(f"−{limit:.2g}")
        self.high.setText(f"{limit:.2g} r")

    def _show_bars(self) -> None:
        found = self.found(self.recording)
        if found is None or not len(self._rows) or self._rows.max() >= len(found.cells):
            return
        ground = self.colors.background
        chorister = found.cells.chorister[self._rows]
        groups = {readable(CHORISTER, ground): chorister, readable(SOLOIST, ground): ~chorister}
        self.bars.show_bars(found.cells.coupling[self._rows], groups)

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

    def _on_cell(self, cell: int, seconds: float, add: bool) -> None:
        self.setFocus()
        pick_cell(self, cell, add=add)
        self.time_picked.emit(seconds)

    def _on_hover(self, place: tuple[int, int] | None) -> None:
        matrix, recording = self.plot.matrix, self.recording
        if place is None or matrix is None or recording is None:
            self._viewer.status = "Ready"
            return
        value = float(matrix.values[place])
        words = "not defined" if value != value else f"r = {value:.2f}"
        when = matrix.start_s + (place[1] + 0.5) * matrix.step_s
        self._viewer.status = (
            f"cell {recording.cell_name(int(matrix.cells[place[0]]))} · {when:.1f} s · {words}"
        )


def _ordered(recording: Recording, found: Coupling, by: str) -> NDArray[np.int64]:
    population = recording.population
    if by == "id":
        return np.argsort(recording.roi_ids, kind="stable").astype(np.int64)
    if by == "ensemble":
        return display_order(recording)[0]
    if by == "sorting" and population is not None and population.sorting is not None:
        return recording.rows(population.sorting.roi_id)
    return np.argsort(-np.nan_to_num(found.cells.coupling, nan=-np.inf), kind="stable").astype(np.int64)


def _write(found: Coupling, path: Path) -> None:
    import pandas as pd

    table = pd.DataFrame(found.cells.columns())
    windows = pd.DataFrame(found.sliding, columns=[f"coupling_at_{t:.3f}_s" for t in found.time_s])
    pd.concat([table, windows], axis=1).to_csv(path, index=False)
