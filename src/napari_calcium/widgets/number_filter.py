"""Cells chosen by one of their numbers: a slider with live counts, and what to do with those it finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from napari_calcium.cells.cell_measures import known_measures, measure_cells
from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.cell_numbers import CellColumn, cell_columns
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.widgets.latest_job import LatestJob

__all__ = ["NumberFilter"]

_STEPS = 400
_ENDS = (0.5, 99.5)
"""Percentiles that the slider reaches: a few cells far out would take all of its way."""


class NumberFilter(QWidget):
    """Any number of the table of cells, a threshold to pull, and how many cells lie beyond it.

    Attributes
    ----------
    chosen : signal of (str, tuple of int, str)
        What to do (``"select"``, ``"accept"`` or ``"reject"``), ids of the cells, and why, in words.
    """

    chosen = Signal(str, tuple, str)

    def __init__(self) -> None:
        super().__init__()
        self._recording: Recording | None = None
        self._columns: tuple[CellColumn, ...] = ()
        self.job = LatestJob(self)
        self.number = QComboBox()
        self.number.setAccessibleName("Number to choose cells by")
        self.number.setMinimumContentsLength(10)
        self.sign = QComboBox()
        self.sign.addItems(["<", "≥"])
        self.sign.setAccessibleName("Below or above")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setValue(_STEPS // 10)
        self.slider.setAccessibleName("Threshold")
        self.value, self.counts = QLabel(), QLabel()
        self.counts.setWordWrap(True)
        self.buttons = {
            "select": QPushButton("Select these"),
            "accept": QPushButton("✓ Cells"),
            "reject": QPushButton("✗ No cells"),
        }
        for what, button in self.buttons.items():
            button.setToolTip(f"{what.capitalize()} the cells that the line above counts; Undo takes it back")
            button.clicked.connect(lambda _=False, what=what: self._on_button(what))
        self._build()
        self.number.currentIndexChanged.connect(self._count)
        self.sign.currentIndexChanged.connect(self._count)
        self.slider.valueChanged.connect(self._count)

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 0)
        grid.setVerticalSpacing(3)
        grid.addWidget(QLabel("<b>By a number</b>"), 0, 0, 1, 3)
        grid.addWidget(self.number, 1, 0)
        grid.addWidget(self.sign, 1, 1)
        grid.addWidget(self.value, 1, 2)
        grid.addWidget(self.slider, 2, 0, 1, 3)
        grid.addWidget(self.counts, 3, 0, 1, 3)
        row = QHBoxLayout()
        for button in self.buttons.values():
            row.addWidget(button)
        grid.addLayout(row, 4, 0, 1, 3)
        grid.setColumnStretch(0, 1)
        self.value.setMinimumWidth(self.value.fontMetrics().horizontalAdvance("−0.000123"))

    def show_recording(self, recording: Recording) -> None:
        """Offer the numbers of a recording; those that take time come when they are known."""
        if recording is self._recording:
            return
        self._recording = recording
        self._fill(recording)
        if known_measures(recording) is None and recording.n_rois:

            def work(on_progress: Progress) -> Any:
                return measure_cells(recording, on_progress=on_progress)

            def done(_: object) -> None:
                if self._recording is recording:
                    self._fill(recording)

            self.job.ask("Quality of the cells", work, done)

    @property
    def threshold(self) -> float:
        """Where the slider stands, in the unit of the number."""
        column = self._column()
        if column is None:
            return 0.0
        known = column.values[np.isfinite(column.values)]
        if not len(known):
            return 0.0
        low, high = np.percentile(known, _ENDS)
        return float(f"{low + (high - low) * self.slider.value() / _STEPS:.4g}")

    def found(self) -> NDArray[np.int64]:
        """Return the ids of the cells beyond the threshold; one whose number is not known is none of them."""
        column = self._column()
        if column is None or self._recording is None:
            return np.empty(0, np.int64)
        values, threshold = column.values, self.threshold
        with np.errstate(invalid="ignore"):
            beyond = values < threshold if self.sign.currentIndex() == 0 else values >= threshold
        return self._recording.roi_ids[beyond]

    def _fill(self, recording: Recording) -> None:
        chosen = self.number.currentData()
        self._columns = tuple(c for c in cell_columns(recording) if c.is_number)
        self.number.blockSignals(True)
        self.number.clear()
        for column in self._columns:
            self.number.addItem(column.title, column.key)
            self.number.setItemData(self.number.count() - 1, column.about, Qt.ItemDataRole.ToolTipRole)
        wanted = [chosen, "trace_snr", "snr"]
        place = next((k for k in map(self.number.findData, wanted) if k >= 0), 0)
        self.number.setCurrentIndex(place)
        self.number.blockSignals(False)
        self._count()

    def _column(self) -> CellColumn | None:
        key = self.number.currentData()
        return next((c for c in self._columns if c.key == key), None)

    def _count(self, *_: object) -> None:
        column, recording = self._column(), self._recording
        there = column is not None and recording is not None
        n = len(self.found())
        for button in self.buttons.values():
            button.setEnabled(n > 0)
        self.value.setText(f"{self.threshold:.4g}" if there else "")
        total = recording.n_rois if recording is not None else 0
        self.counts.setText(f"<b>{n:,}</b> of {counted(total, 'cell')}" if there else "No numbers yet.")

    def _on_button(self, what: str) -> None:
        column = self._column()
        if column is not None:
            why = f" with {column.title} {self.sign.currentText()} {self.threshold:.4g}"
            self.chosen.emit(what, tuple(self.found().tolist()), why)
