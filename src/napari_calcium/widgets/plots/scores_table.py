"""The table of how well inferred spikes agree with recorded ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

import numpy as np
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_calcium.widgets.checked_spikes import Checked

__all__ = ["ScoresTable"]

_HEADINGS = {
    "Cell": "The median over cells comes first. Click a row to see the cell.",
    "Inferred by": "The trace that is judged",
    "σ (ms)": "Both rates are smoothed by a Gaussian of this SD before they are compared",
    "Spikes": "Recorded spikes in the part that is judged: not the first and last second",
    "r": "Correlation of the rates: 1 is the same course",
    "Error": "Sum of the differences, divided by the number of spikes: 0 is no error. Of spikes/s only.",
    "Bias": "Inferred minus recorded number, divided by the recorded one: −0.5 is half, +1 twice as many",
    "Lag (ms)": "Shift of the best agreement; above 0 what is inferred comes late",
    "Extra (Hz)": "Spikes per second inferred in a cell that had none",
}


class ScoresTable(QTableWidget):
    """A row for each cell, method and width of smoothing, below a row with the median.

    Attributes
    ----------
    cell_picked : signal of int
        Id of the cell whose row was clicked.
    """

    cell_picked = Signal(int)

    def __init__(self) -> None:
        super().__init__(0, len(_HEADINGS))
        self._cells: dict[int, int] = {}
        self.setHorizontalHeaderLabels(list(_HEADINGS))
        for k, tip in enumerate(_HEADINGS.values()):
            item = self.horizontalHeaderItem(k)
            if item is not None:
                item.setToolTip(tip)
        self.setAccessibleName("Agreement with recorded spikes")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setMinimumWidth(120)
        rows, heads = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None and heads is not None
        rows.setVisible(False)
        rows.setDefaultSectionSize(20)
        heads.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.cellClicked.connect(self._on_click)

    def show_scores(self, checked: Sequence[Checked]) -> None:
        """Show these scores."""
        self.setRowCount(0)
        self._cells = {}
        for one in checked:
            for width in dict.fromkeys(one.scores.smoothing_s.tolist()):
                self._add_median(one, width)
        for one in checked:
            for values in zip(*one.scores.columns().values(), strict=True):
                self._cells[self.rowCount()] = int(values[0])
                self._add(one.recording.cell_name(int(values[0])), one.label, *map(float, values[1:]))
        extra = any(np.isfinite(one.scores.extra_hz).any() for one in checked)
        self.setColumnHidden(len(_HEADINGS) - 1, not extra)

    def _add_median(self, one: Checked, width: float) -> None:
        scores = one.scores
        own = (scores.smoothing_s == width) & np.isfinite(scores.correlation)
        if own.any():
            columns = (scores.correlation, scores.error, scores.bias, scores.lag_s)
            middle = [float(np.median(column[own])) for column in columns]
            self._add("median", one.label, width, float(scores.n_spikes[own].sum()), *middle, float("nan"))

    def _add(self, who: str, label: str, width: float, n: float, *numbers: float) -> None:
        r, error, bias, lag, extra = numbers
        texts = [
            who,
            label,
            f"{1000 * width:g}",
            f"{n:,.0f}",
            _text(r, ".2f"),
            _text(error, ".2f"),
            _text(bias, "+.2f"),
            _text(1000 * lag, "+.0f"),
            _text(extra, ".3f"),
        ]
        row = self.rowCount()
        self.insertRow(row)
        for k, text in enumerate(texts):
            item = QTableWidgetItem(text)
            if k > 1:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, k, item)

    def _on_click(self, row: int, _: int) -> None:
        if row in self._cells:
            self.cell_picked.emit(self._cells[row])


def _text(value: float, form: str) -> str:
    """Return a number, or a dash where it is not known: an empty place looks forgotten."""
    return "–" if isnan(value) else format(value, form).replace("-", "−")
