"""One number of the cells, below or above, and a slider for the threshold: a condition to choose cells by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QLabel, QSlider, QWidget

from napari_calcium.figures.cell_numbers import CellColumn

__all__ = ["NumberSlider"]

_STEPS = 400
_ENDS = (0.5, 99.5)
"""Percentiles that the slider reaches: a few cells far out would take all of its way."""
_FIRST = ("trace_snr", "snr")
"""Offered first where they are there."""


class NumberSlider(QWidget):
    """The parts of a condition; whoever uses them lays them out.

    Attributes
    ----------
    changed : signal
        Another number, sign or threshold.
    moved : signal
        The same, by the user's hand.
    number, sign : QComboBox
    slider : QSlider
    value : QLabel
        The threshold in the unit of the number.
    """

    changed = Signal()
    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._columns: tuple[CellColumn, ...] = ()
        self.number, self.sign = QComboBox(), QComboBox()
        self.number.setAccessibleName("Number to choose cells by")
        self.number.setMinimumContentsLength(10)
        self.sign.addItems(["<", "≥"])
        self.sign.setAccessibleName("Below or above")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setValue(_STEPS // 10)
        self.slider.setAccessibleName("Threshold")
        self.value = QLabel()
        self.value.setMinimumWidth(self.value.fontMetrics().horizontalAdvance("−0.000123"))
        for box in (self.number, self.sign):
            box.currentIndexChanged.connect(self._tell)
            box.activated.connect(lambda _: self.moved.emit())
        self.slider.valueChanged.connect(self._on_slider)

    def offer(self, columns: tuple[CellColumn, ...]) -> None:
        """Offer the numbers among these columns; the chosen one stays chosen."""
        chosen = self.number.currentData()
        self._columns = tuple(c for c in columns if c.is_number)
        self.number.blockSignals(True)
        self.number.clear()
        for column in self._columns:
            self.number.addItem(column.title, column.key)
            self.number.setItemData(self.number.count() - 1, column.about, Qt.ItemDataRole.ToolTipRole)
        place = next((k for k in map(self.number.findData, (chosen, *_FIRST)) if k >= 0), 0)
        self.number.setCurrentIndex(place)
        self.number.blockSignals(False)
        self._tell()

    @property
    def column(self) -> CellColumn | None:
        """The chosen number, None where there is none."""
        key = self.number.currentData()
        return next((c for c in self._columns if c.key == key), None)

    @property
    def below(self) -> bool:
        """Whether cells below the threshold are meant, else those at or above it."""
        return self.sign.currentIndex() == 0

    @property
    def threshold(self) -> float:
        """Where the slider stands, in the unit of the number."""
        column = self.column
        known = column.values[np.isfinite(column.values)] if column is not None else np.empty(0)
        if not len(known):
            return 0.0
        low, high = np.percentile(known, _ENDS)
        return float(f"{low + (high - low) * self.slider.value() / _STEPS:.4g}")

    @property
    def words(self) -> str:
        """The condition as one writes it, such as ``"SNR < 3"``; empty where there is no number."""
        column = self.column
        return "" if column is None else f"{column.title} {self.sign.currentText()} {self.threshold:.4g}"

    @property
    def condition(self) -> str:
        """The same in the signs that a filter reads."""
        return self.words.replace("≥", ">=")

    def fits(self) -> NDArray[np.bool_]:
        """Return which rows fit, (n_rois,) bool; one whose number is not known does not."""
        column, threshold = self.column, self.threshold
        if column is None:
            return np.empty(0, bool)
        with np.errstate(invalid="ignore"):
            return np.asarray(column.values < threshold if self.below else column.values >= threshold)

    def _on_slider(self, _: int) -> None:
        self._tell()
        self.moved.emit()

    def _tell(self, *_: Any) -> None:
        self.value.setText(f"{self.threshold:.4g}" if self.column is not None else "")
        self.changed.emit()
