"""The Embedding dock: neurons in the plane of components, the population's way, how many dimensions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from napari_calcium.figures.cell_numbers import CellColumn, cell_columns
from napari_calcium.figures.dimensionality_figure import METHOD_WORDS, axis_name
from napari_calcium.figures.export import FIGURES
from napari_calcium.figures.palette import UNASSIGNED_COLOR, rgb
from napari_calcium.figures.row_order import display_order
from napari_calcium.recording import Recording
from napari_calcium.results.population_results import Components
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.joined import joined
from napari_calcium.widgets.plots.cloud_plot import CloudPlot
from napari_calcium.widgets.plots.color_scale import scale_picture
from napari_calcium.widgets.plots.curve_plot import Curve, CurvePlot
from napari_calcium.widgets.plots.trajectory_plot import TrajectoryPlot
from napari_calcium.widgets.soma_paint import PAINT_COLORS, limits_of
from napari_calcium.widgets.stage_view import StageView, pick_cell, told
from napari_calcium.widgets.theme import PlotColors, ensemble_mark, readable
from napari_calcium.widgets.what_changed import Drawn, Seen

__all__ = ["EmbeddingDock", "signals_of"]

_GROUPS = {"cluster": "Cluster", "module": "Module", "ensembles": "Ensemble"}
"""Numbers that are names of groups: each has the colour of that number in the palette."""


class EmbeddingDock(StageView):
    """Loadings of neurons as a cloud to lasso, the trajectory in three components, and the eigenvalues.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Embedding"
    area = "right"
    wanted = (380, 440)
    stage = "dimensionality"
    part = "dimensionality"
    what = (
        "Shows the population in few dimensions: where each neuron stands in them, the way the population "
        "takes through them, and how many are more than chance."
    )

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)
    time_picked = Signal(float)

    def __init__(self, napari_viewer: Any) -> None:
        self._drawn, self._seen = Drawn(), Seen()
        self._found: Components | None = None
        self._columns: dict[str, CellColumn] = {}
        self._signals: dict[str, tuple[NDArray[np.float64], str]] = {}
        super().__init__(napari_viewer)
        self.links.join(self.session.selection.marked_changed, self.way.show_mark)
        self.way.show_mark(self.session.selection.marked)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the three tabs and the line below."""
        self.cloud, self.way = CloudPlot(colors), TrajectoryPlot(colors)
        self.cloud.setToolTip(
            "Each point is a neuron. Drag: lasso neurons. Click: one. With Shift: add.\n"
            "Wheel: zoom. Middle button: move. Double click: all."
        )
        self.way.setToolTip(
            "Each point is a moment of the population. Drag: turn. Click: go to that moment.\n"
            "Wheel: zoom. Double click: the first two components."
        )
        self.spectrum = CurvePlot(colors, "Principal component", "Eigenvalue")
        self.spectrum.setToolTip(
            "Eigenvalues of the correlations: 1 is as much as one neuron.\n"
            "Components above chance are more than each neuron by itself would give."
        )
        self.tabs = QTabWidget()
        self.tabs.addTab(self._neurons_tab(), "Neurons")
        self.tabs.addTab(self._way_tab(), "Trajectory")
        self.tabs.addTab(self.spectrum, "How many")
        self.export_button = ExportButton(self.export, self)
        self.tabs.setCornerWidget(self.export_button)
        self.readout = told()
        column.addWidget(self.tabs, 1)
        column.addWidget(self.readout)
        self.cloud.lassoed.connect(self._on_lassoed)
        self.cloud.point_clicked.connect(self._on_point)
        self.cloud.hovered.connect(self._on_hover)
        self.way.time_picked.connect(lambda seconds: self.time_picked.emit(seconds))

    def _neurons_tab(self) -> QWidget:
        self.across, self.up, self.colour = QComboBox(), QComboBox(), QComboBox()
        for box, words in ((self.across, "Across"), (self.up, "Up"), (self.colour, "Colour by")):
            box.setAccessibleName(words)
            box.activated.connect(self.later)
        self.across.setToolTip("Component from left to right")
        self.up.setToolTip("Component from bottom to top")
        self.colour.setToolTip("Colour the neurons by a group or a number of the table of cells")
        self.colour.setMinimumContentsLength(11)
        choices = joined(self.across, QLabel("×"), self.up, QLabel("coloured by"), self.colour)
        return _tab(choices, self.cloud)

    def _way_tab(self) -> QWidget:
        self.signal = QComboBox()
        self.signal.setToolTip("Colour the moments by time, by the population's activity, or by behaviour")
        self.signal.setAccessibleName("Colour moments by")
        self.signal.setMinimumContentsLength(12)
        self.signal.activated.connect(self.later)
        self.low, self.bar, self.high = QLabel(), QLabel(), QLabel()
        self.bar.setPixmap(scale_picture(PAINT_COLORS))
        return _tab(joined(QLabel("Colour by"), self.signal, self.low, self.bar, self.high), self.way)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        for plot in (self.cloud, self.way, self.spectrum):
            plot.set_colors(colors)
        self._drawn.forget()
        self._found = None
        self.later()

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Ring these neurons."""
        self.later()

    def show_focus(self, cell: int | None) -> None:
        """Nothing to do: all neurons are in sight."""

    def show_time(self, seconds: float) -> None:
        """Ring the moment under the cursor."""
        self.way.show_time(seconds)

    def empty_for(self, recording: Recording) -> str:
        """Say that there is nothing to reduce."""
        found = self.found(recording)
        none = found is None or not found.loadings.shape[1]
        return "There is no neuron with activity to reduce." if none else ""

    def draw(self, recording: Recording) -> None:
        """Show the components of a recording, and ring what is selected."""
        found: Components | None = self.found(recording)
        if found is None:
            return
        # A decision on an event changes none of the numbers that points are coloured by.
        other = self._seen.is_news(recording)
        if other:
            self._offer(recording, found)
        if found is not self._found:
            self._found = found
            self._show_spectrum(found)
        choices = (self.across.currentIndex(), self.up.currentIndex(), self.colour.currentData())
        if self._drawn.is_other(found, *choices, self.signal.currentData()) or other:
            self._show_cloud(recording, found)
            self._show_way(recording, found)
        self.cloud.show_rows(recording.rows(self.session.selection.cells))
        self._on_hover(None)

    def export(self) -> Export | None:
        """Return what can be exported: the figure, and each neuron's weights."""
        recording, found = self.recording, self.found(self.recording)
        if recording is None or found is None:
            return None
        figure = next(kind for kind in FIGURES if kind.stem == "dimensionality")
        return Export(f"{recording.name}_components", recording, figure, lambda path: _write(found, path))

    def _offer(self, recording: Recording, found: Components) -> None:
        n = found.loadings.shape[1]
        names = {str(k): axis_name(found.method, k) for k in range(n)}
        _fill(self.across, names, 0)
        _fill(self.up, names, min(1, n - 1))
        self._columns = {c.key: c for c in cell_columns(recording) if c.is_number or c.key == "ensembles"}
        titles = {"": "nothing"} | {key: c.title for key, c in self._columns.items()}
        usual = next((key for key in ("cluster", "ensembles", "module") if key in titles), "")
        _fill(self.colour, titles, list(titles).index(usual))
        self._signals = signals_of(recording, found.time_s)
        _fill(self.signal, {name: name for name in self._signals}, 0)

    def _show_cloud(self, recording: Recording, found: Components) -> None:
        x, y = self.across.currentIndex(), self.up.currentIndex()
        points = found.loadings[:, [x, y]].astype(np.float64)
        fill = self._neuron_colors(recording, self.colour.currentData() or "")
        self.cloud.show_points(points, fill, axis_name(found.method, x), axis_name(found.method, y))

    def _neuron_colors(self, recording: Recording, key: str) -> NDArray[np.uint8]:
        ground = self.colors.background
        column = self._columns.get(key)
        if column is None:
            return np.tile(np.array(rgb(readable("#56b4e9", ground)), np.uint8), (recording.n_rois, 1))
        if key in _GROUPS:
            return _group_colors(_groups(recording, key, column), ground)
        low, high = limits_of(column.values)
        known = np.isfinite(column.values)
        share = np.clip((np.where(known, column.values, low) - low) / (high - low), 0, 1)
        fill = PAINT_COLORS[np.rint(share * (len(PAINT_COLORS) - 1)).astype(np.int64)].copy()
        fill[~known] = rgb(UNASSIGNED_COLOR)
        return fill

    def _show_way(self, recording: Recording, found: Components) -> None:
        name = self.signal.currentData() or "Time"
        values, unit = self._signals.get(name, (found.time_s, "s"))
        low, high = (float(values[0]), float(values[-1])) if name == "Time" else limits_of(values)
        share = np.clip((np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-12), 0, 1)
        fill = PAINT_COLORS[np.rint(share * (len(PAINT_COLORS) - 1)).astype(np.int64)]
        names = tuple(axis_name(found.method, k) for k in range(min(3, found.scores.shape[1])))
        self.way.show_way(found.scores, found.time_s, fill, names)
        self.way.show_time(self.session.selection.time)
        self.low.setText(f"{low:.3g}")
        self.high.setText(f"{high:.3g} {unit}")

    def _show_spectrum(self, found: Components) -> None:
        table = found.spectrum
        number = table.component.astype(np.float64)
        curves = [Curve(number, table.eigenvalue, "#56b4e9", "data", dots=True)]
        if np.isfinite(table.chance).any():
            curves.append(Curve(number, table.chance, "#d55e00", "chance (95 %)"))
        if np.isfinite(found.marchenko_pastur) and len(number):
            edge = np.full(2, found.marchenko_pastur)
            curves.append(Curve(number[[0, -1]], edge, "#8c8c8c", "Marčenko–Pastur", dashed=True))
        self.spectrum.show_curves(curves)

    def _on_lassoed(self, rows: NDArray[np.int64], add: bool) -> None:
        if self.recording is None:
            return
        self.setFocus()
        before = self.session.selection.cells if add else ()
        self.cells_picked.emit(tuple(dict.fromkeys((*before, *self.recording.roi_ids[rows].tolist()))))

    def _on_point(self, row: int, add: bool) -> None:
        if self.recording is not None:
            self.setFocus()
            pick_cell(self, int(self.recording.roi_ids[row]), add=add)

    def _on_hover(self, row: int | None) -> None:
        recording, found = self.recording, self.found(self.recording)
        if recording is None or found is None:
            return
        if row is None or row >= recording.n_rois:
            beyond = f"{found.n_significant} components beyond chance"
            ratio = f"participation ratio {found.participation_ratio:.3g} of {recording.n_rois:,} neurons"
            trace = found.input.replace("_", "-")
            self.readout.setText(f"{METHOD_WORDS[found.method]}: {beyond}; {ratio}. Trace: {trace}")
            return
        key = self.colour.currentData() or ""
        column = self._columns.get(key)
        more = f" · {column.title} {column.text(row) or '–'}" if column is not None else ""
        self.readout.setText(f"cell {recording.cell_name(int(recording.roi_ids[row]))}{more}")


def signals_of(
    recording: Recording, time_s: NDArray[np.float64]
) -> dict[str, tuple[NDArray[np.float64], str]]:
    """Return what moments can be coloured by, at these times: time, the population, and behaviour.

    Returns
    -------
    dict of str to (values, unit)
        NaN where a signal is not known.
    """
    signals: dict[str, tuple[NDArray[np.float64], str]] = {"Time": (time_s, "s")}
    population = recording.population
    if population is not None and population.activity is not None and len(population.activity):
        found = population.activity
        values = np.interp(time_s, found.time_s, np.nan_to_num(found.smoothed))
        signals["Population activity"] = (values, found.unit)
    if recording.coactivity is not None and len(recording.coactivity):
        counts = recording.coactivity
        values = np.interp(time_s, counts.time_s + counts.window_s / 2, counts.active_neurons)
        signals["Active neurons"] = (values, "neurons")
    animal = recording.behaviour
    if animal is not None and recording.frame_rate:
        at = np.clip((time_s * recording.frame_rate).astype(np.int64), 0, max(0, animal.values.shape[1] - 1))
        for name, unit, values in zip(animal.names, animal.units, animal.values, strict=True):
            if len(values):
                signals[name] = (values[at], unit)
    return signals


def _groups(recording: Recording, key: str, column: CellColumn) -> NDArray[np.int64]:
    """Return the group of each neuron as a place in the palette, −1 for none."""
    if key == "ensembles":
        rows, homes = display_order(recording)
        groups = np.empty(recording.n_rois, np.int64)
        groups[rows] = homes
        return groups
    return np.nan_to_num(column.values, nan=0).astype(np.int64) - 1


def _group_colors(groups: NDArray[np.int64], ground: str) -> NDArray[np.uint8]:
    colors = {k: rgb(ensemble_mark(k, ground)) for k in np.unique(groups).tolist()}
    return np.array([colors[k] for k in groups.tolist()], np.uint8).reshape(-1, 3)


def _tab(choices: QWidget, plot: QWidget) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 2, 0, 0)
    column.setSpacing(2)
    row = QHBoxLayout()
    row.setContentsMargins(6, 0, 6, 0)
    row.addWidget(choices)
    row.addStretch(1)
    column.addLayout(row)
    column.addWidget(plot, 1)
    return page


def _fill(box: QComboBox, items: dict[str, str], usual: int) -> None:
    """Offer items; what was chosen before stays chosen if it is still there."""
    if {box.itemData(k): box.itemText(k) for k in range(box.count())} == items:
        return
    before = box.currentData()
    box.clear()
    for value, words in items.items():
        box.addItem(words, value)
    box.setCurrentIndex(list(items).index(before) if before in items else usual)


def _write(found: Components, path: Path) -> None:
    import pandas as pd

    names = [f"component_{k}" for k in range(1, found.loadings.shape[1] + 1)]
    table = pd.DataFrame(found.loadings, columns=names)
    table.insert(0, "roi_id", found.roi_id)
    table.to_csv(path, index=False)
