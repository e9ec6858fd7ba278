"""Cells chosen by one of their numbers: a slider with live counts, and what to do with those it finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from napari_calcium.cells.cell_measures import known_measures, measure_cells
from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.cell_numbers import cell_columns
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.number_slider import NumberSlider

__all__ = ["NumberFilter"]


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
        self.job = LatestJob(self)
        self.condition = NumberSlider()
        self.counts = QLabel()
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
        self.condition.changed.connect(self._count)

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 0)
        grid.setVerticalSpacing(3)
        grid.addWidget(QLabel("<b>By a number</b>"), 0, 0, 1, 3)
        grid.addWidget(self.condition.number, 1, 0)
        grid.addWidget(self.condition.sign, 1, 1)
        grid.addWidget(self.condition.value, 1, 2)
        grid.addWidget(self.condition.slider, 2, 0, 1, 3)
        grid.addWidget(self.counts, 3, 0, 1, 3)
        row = QHBoxLayout()
        for button in self.buttons.values():
            row.addWidget(button)
        grid.addLayout(row, 4, 0, 1, 3)
        grid.setColumnStretch(0, 1)

    def show_recording(self, recording: Recording) -> None:
        """Offer the numbers of a recording; those that take time come when they are known."""
        if recording is self._recording:
            return
        self._recording = recording
        self.condition.offer(cell_columns(recording))
        if known_measures(recording) is None and recording.n_rois:

            def work(on_progress: Progress) -> Any:
                return measure_cells(recording, on_progress=on_progress)

            def done(_: object) -> None:
                if self._recording is recording:
                    self.condition.offer(cell_columns(recording))

            self.job.ask("Quality of the cells", work, done)

    def found(self) -> NDArray[np.int64]:
        """Return the ids of the cells beyond the threshold; one whose number is not known is none of them."""
        if self.condition.column is None or self._recording is None:
            return np.empty(0, np.int64)
        return self._recording.roi_ids[self.condition.fits()]

    def _count(self) -> None:
        recording = self._recording
        there = self.condition.column is not None and recording is not None
        n = len(self.found())
        for button in self.buttons.values():
            button.setEnabled(n > 0)
        total = recording.n_rois if recording is not None else 0
        self.counts.setText(f"<b>{n:,}</b> of {counted(total, 'cell')}" if there else "No numbers yet.")

    def _on_button(self, what: str) -> None:
        if self.condition.column is not None:
            self.chosen.emit(what, tuple(self.found().tolist()), f" with {self.condition.words}")
