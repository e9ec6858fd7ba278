"""The Tuning dock: how the selected cells, or the chosen ensemble, are tuned and what they answer to."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from napari_calcium.figures.export import FigureKind
from napari_calcium.figures.preferences_figure import prepare_preferences
from napari_calcium.figures.tuning_figure import (
    TuningData,
    best_tuned,
    draw_tuning,
    prepare_tuning,
    tuning_size,
)
from napari_calcium.recording import Recording
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.plots.preferences_plot import PreferencesPlot
from napari_calcium.widgets.plots.tuning_plots import BandsPlot, CurvesPlot, MapPlot, TrialsPlot
from napari_calcium.widgets.theme import PlotColors, readable
from napari_calcium.widgets.view_dock import ViewDock

__all__ = ["TuningDock"]

_NO_BEHAVIOUR = "No behaviour yet: add it in the dock Plugins › napari-calcium › Behaviour."
_NOT_RUN = "Tuning has not been computed yet. Press Analyse in the Behaviour dock, or run the stage Tuning."
_STAND_INS = (
    "There is nothing to be tuned to: signals made of the neurons themselves would be circular, and no "
    "epochs are known. Add measured behaviour in the Behaviour dock."
)
_LEAST_WIDTH = 170
"""Pixels of a plot; where there is less room, fewer are shown."""
_LEAST_HEIGHT = 300
"""Pixels; in a lower dock the plots take the room of the notes, which are the tip of the line above them."""
_NONE_SURE = "No cell is tuned, or responds, beyond chance (q ≤ 0.05)."
_AUTO, _STRONGEST = "the most telling signal", "the event of the surest answer"


class TuningDock(ViewDock):
    """Curves, place map, averages around events and single trials of what is selected.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Tuning"
    wanted = (600, 260)

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)
    ensemble_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._shown: tuple[Any, ...] | None = None
        super().__init__(napari_viewer)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the choices, the plots and the line of what the tests say."""
        self.signals, self.labels = QComboBox(), QComboBox()
        for box, words, tip in (
            (self.signals, "Signal of the tuning curves", "Which signal the curves are over"),
            (self.labels, "Event of the averages", "Around which events to average"),
        ):
            box.setAccessibleName(words)
            box.setToolTip(tip)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            box.activated.connect(self.later)
        self.best = QPushButton("Best tuned")
        self.best.setToolTip(
            "Select the five cells, at most, that are most surely tuned or respond beyond chance"
        )
        self.best.clicked.connect(self._pick_best)
        self.who, self.note = QLabel(), QLabel()
        for text in (self.who, self.note):
            text.setTextFormat(Qt.TextFormat.RichText)
            text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.note.setWordWrap(True)
        self.note.setContentsMargins(6, 0, 6, 4)
        self.export_button = ExportButton(self.export, self)
        self.curves, self.map = CurvesPlot(colors), MapPlot(colors)
        self.bands, self.trials = BandsPlot(colors), TrialsPlot(colors)
        self.epochs = PreferencesPlot(colors)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self._plots: dict[QCheckBox, QWidget] = {}
        for plot, short, words in (
            (self.curves, "Curves", "Tuning curves"),
            (self.map, "Place", "Place map"),
            (self.bands, "Average", "Averages around events"),
            (self.trials, "Trials", "Single trials"),
            (self.epochs, "Epochs", "Preferred epochs"),
        ):
            plot.setAccessibleName(words)
            self.split.addWidget(plot)
            box = QCheckBox(short)
            box.setChecked(True)
            box.setToolTip(f"{words}; where there is no room for all, the first ones with a tick are shown")
            box.toggled.connect(self._fit)
            self._plots[box] = plot
        # As many plots are shown as fit: together they ask for no more room than one.
        self.split.setMinimumWidth(_LEAST_WIDTH)
        self._there: set[QWidget] = set()
        self.bands.setToolTip("Mean over trials with its confidence band at each moment by itself")
        self.trials.setToolTip("One cell, a row an event, from the first above to the last below")
        self.epochs.setToolTip(
            "How much more often each is active inside of the epochs of a label than at all times.\n"
            "Filled: beyond chance (q ≤ 0.05). Grey: 95 % of what epochs shifted in time give."
        )
        self.map.setToolTip("Activity over time spent, both smoothed; empty where the stay was too short")
        bar = QFlowLayout()  # takes a second line where the first is too short for all
        bar.setContentsMargins(6, 2, 6, 0)
        bar.setHorizontalSpacing(8)
        bar.setVerticalSpacing(2)
        named = (_named("Curves over", self.signals), _named("Averages around", self.labels))
        for widget in (*self._plots, *named, self.best, self.export_button):
            bar.addWidget(widget)
        self.who.setContentsMargins(6, 0, 6, 0)
        column.addLayout(bar)
        column.addWidget(self.who)
        column.addWidget(self.split, 1)
        column.addWidget(self.note)

    def resizeEvent(self, event: Any) -> None:
        """Show as many plots as there is room for."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self, *_: object) -> None:
        room = max(1, self.width() // _LEAST_WIDTH)
        self.note.setVisible(self.height() >= _LEAST_HEIGHT)
        shown = [p for box, p in self._plots.items() if box.isChecked() and p in self._there][:room]
        for box, plot in self._plots.items():
            plot.setVisible(plot in shown)
            box.setVisible(plot in self._there)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        for plot in (self.curves, self.map, self.bands, self.trials, self.epochs):
            plot.set_colors(colors)
        self._shown = None
        self.later()

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Show these cells."""
        self.later()

    def show_focus(self, cell: int | None) -> None:
        """Show the map and the trials of this cell."""
        self.later()

    def show_ensemble(self, ensemble_id: int | None) -> None:
        """Show this ensemble."""
        self.later()

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        if recording.behaviour is None:
            return _NO_BEHAVIOUR
        if recording.tuning is None and recording.triggered is None and recording.preferences is None:
            return _NOT_RUN
        curves = recording.tuning is not None and len(recording.tuning.curves) > 0
        labels = recording.triggered is not None and len(recording.triggered.labels) > 0
        preferred = recording.preferences is not None and len(recording.preferences) > 0
        return "" if curves or labels or preferred else _STAND_INS

    def draw(self, recording: Recording) -> None:
        """Show the tuning of what is selected."""
        self._offer(recording)
        selection = self.session.selection
        cells = selection.cells
        if selection.focus is not None and selection.focus in cells:
            # The cell in focus comes last: its map and trials are shown.
            cells = (*tuple(c for c in cells if c != selection.focus)[:7], selection.focus)
        wish = (
            recording,
            cells[:8],
            selection.ensemble,
            self.signals.currentData(),
            self.labels.currentData(),
        )
        if self._shown is not None and self._shown[0] is recording and self._shown[1:] == wish[1:]:
            return
        self._shown = wish
        self._show(self._data(recording), recording)

    def export(self) -> Export | None:
        """Return what can be exported: the figure, and curves and averages of what is shown."""
        recording = self.recording
        if recording is None or self._shown is None or self.hint_for(recording):
            return None
        _, cells, ensemble, signal, label = self._shown

        def prepare(made: Recording) -> TuningData:
            return prepare_tuning(made, cells, ensemble=ensemble, signal=signal, label=label)

        figure = FigureKind("tuning", (), prepare, tuning_size, draw_tuning)
        data = prepare(recording)
        return Export(f"{recording.name}_tuning", recording, figure, lambda path: _write(data, path))

    def _data(self, recording: Recording) -> TuningData:
        assert self._shown is not None
        _, cells, ensemble, signal, label = self._shown
        return prepare_tuning(recording, cells, ensemble=ensemble, signal=signal, label=label)

    def _offer(self, recording: Recording) -> None:
        curves = recording.tuning.curves if recording.tuning is not None else ()
        labels = recording.triggered.labels if recording.triggered is not None else ()
        _fill(self.signals, {None: _AUTO, **{c.signal: c.signal for c in curves}} if curves else {})
        _fill(self.labels, {None: _STRONGEST, **{label: label for label in labels}} if labels else {})

    def _show(self, data: TuningData, recording: Recording) -> None:
        assert self._shown is not None
        preferred = prepare_preferences(recording, self._shown[1], ensemble=self._shown[2])
        there = {
            self.curves: bool(data.curves),
            self.map: data.map is not None,
            self.bands: bool(data.bands),
            self.trials: data.trials is not None and data.trials.values.size > 0,
            self.epochs: bool(preferred.rows),
        }
        self._there = {plot for plot, so in there.items() if so}
        self._fit()
        self.curves.show_curves(data.curves, data.signal, data.activity)
        self.map.show_map(data.map)
        self.bands.show_bands(data.bands, data.label, data.response)
        self.trials.show_trials(data.trials, data.label)
        self.epochs.show_preferences(preferred)
        ground = self.colors.background
        lines = data.curves or data.bands
        parts = [
            f"<span style='color:{readable(line.color, ground)}'>■</span> {escape(line.label)}"
            for line in lines
        ]
        chosen = self._shown[1] or self._shown[2] is not None
        self.who.setText(
            "&nbsp; ".join(parts) + ("" if chosen else " (of the lowest p; select cells to see them)")
        )
        told = "<br>".join(escape(note) for note in data.notes)
        self.note.setText(told)
        self.who.setToolTip(told)

    def _pick_best(self) -> None:
        if self.recording is None:
            return
        cells = best_tuned(self.recording, 5, sure=True)
        if not cells:
            if not self.who.text().startswith(_NONE_SURE):
                self.who.setText(f"{_NONE_SURE}&nbsp; {self.who.text()}")
            return
        self.ensemble_picked.emit(None)
        self.cells_picked.emit(cells)


def _named(words: str, box: QComboBox) -> QWidget:
    """Return a box with its name before it, which stay together where the line is broken."""
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    name = QLabel(words)
    name.setBuddy(box)
    row.addWidget(name)
    row.addWidget(box)
    return both


def _fill(box: QComboBox, items: dict[Any, str]) -> None:
    if [box.itemData(k) for k in range(box.count())] != list(items):
        chosen = box.currentData()
        box.clear()
        for value, words in items.items():
            box.addItem(words, value)
        box.setCurrentIndex(max(0, box.findData(chosen) if chosen is not None else 0))
    parent = box.parentWidget()
    if parent is not None:
        parent.setVisible(bool(items))


def _write(data: TuningData, path: Path) -> None:
    """Write curves and averages as a long table, a row a point."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for curve in data.curves:
        rows += [
            {"what": "tuning", "of": curve.label, "over": data.signal, "at": x, "activity": y}
            for x, y in zip(curve.x.tolist(), curve.y.tolist(), strict=True)
        ]
    over = f"time from {data.label} (s)"
    for band in data.bands:
        columns = zip(band.time_s, band.mean, band.low, band.high, strict=True)
        rows += [
            {"what": "average", "of": band.label, "over": over, "at": t, "activity": m, "low": a, "high": b}
            for t, m, a, b in columns
        ]
    pd.DataFrame(rows).to_csv(path, index=False)
