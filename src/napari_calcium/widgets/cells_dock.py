"""The Cells dock: every number of every neuron, to sort, to filter, and to colour the somata by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout

from napari_calcium.cells.cell_measures import known_measures, measure_cells
from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.cell_numbers import CellColumn, cell_columns, fitting_rows
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.selection import Tool
from napari_calcium.widgets.cell_editor import CellEditor
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.key_list import spelt
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.number_slider import NumberSlider
from napari_calcium.widgets.plots.cells_table import CellsTable
from napari_calcium.widgets.plots.color_scale import scale_picture
from napari_calcium.widgets.soma_paint import PAINT_COLORS, SomaPaint, limits_of
from napari_calcium.widgets.theme import PlotColors
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.what_changed import only_choices_differ
from napari_calcium.widgets.workbench import BUSY, workbench_of

__all__ = ["CellsDock"]

_NOT_FILTERED_MS = 150
"""While one types, conditions are not complete yet."""


class CellsDock(ViewDock):
    """Table of the neurons, linked both ways to image, traces and all other views.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Cells"
    area = "right"
    wanted = (380, 440)

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._bench = workbench_of(napari_viewer)
        self._editor = CellEditor(self._bench.session)
        self._said = self._written = ""
        self._drawn: Recording | None = None
        self._columns: tuple[CellColumn, ...] = ()
        self.paint = SomaPaint(napari_viewer)
        super().__init__(napari_viewer)
        self.links.join(self.session.selection.tool_changed, self._show_tool)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the filter, the table, and the choice of colours."""
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter: snr > 5, events/min >= 2, in ensemble = 1")
        self.filter.setToolTip(
            "Conditions joined by commas, with any heading of the table (it may be shortened), or part of a\n"
            "cell's name. Signs: < <= = != >= >. What is not known fits no condition."
        )
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_NOT_FILTERED_MS)
        self._typing.timeout.connect(self._apply_filter)
        self.filter.textChanged.connect(self._on_typed)
        self.filter.returnPressed.connect(self._to_table)
        self.condition = NumberSlider()
        self.condition.slider.setToolTip("Pull: the table shows the cells beyond the threshold")
        self.condition.moved.connect(self._take_condition)
        self.select_all = QPushButton("Select")
        self.select_all.setToolTip("Select all cells that the table shows now (Ctrl+A in the table)")
        self.select_all.clicked.connect(self._pick_shown)
        self.accept, self.reject = QPushButton("✓ Cells"), QPushButton("✗ No cells")
        for button, cells, key in ((self.accept, True, "Shift+K"), (self.reject, False, "Shift+J")):
            what = "cells" if cells else "no cells"
            button.setToolTip(
                f"All that the table shows are {what}; Undo takes it back.\n"
                f"{spelt(key)} in the table does it to the selected rows."
            )
            button.setAccessibleName(f"Those in the table are {what}")
            button.clicked.connect(lambda _=False, cells=cells: self._decide_shown(cells=cells))
        self.table = CellsTable()
        self.table.setAccessibleName("Numbers of every cell")
        self.table.setToolTip(
            "Click a heading to sort. Click a row: the cell, on the image and in every view;\n"
            "Shift and Ctrl for several, Ctrl+A for all; ↑ ↓ go from cell to cell.\n"
            f"{spelt('Shift+K')}: the selected ones are cells; {spelt('Shift+J')}: they are none."
        )
        self.table.picked.connect(self._on_picked)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.export_button = ExportButton(self.export, self)
        number = _row(self.condition.number, self.condition.sign, self.condition.value)
        number.setStretch(0, 1)
        second = _row(self.select_all, self.accept, self.reject, self.export_button)
        second.insertStretch(3, 1)
        column.addLayout(_row(self.filter))
        column.addLayout(number)
        column.addLayout(_row(self.condition.slider))
        column.addLayout(second)
        column.addLayout(_row(self.note))
        column.addWidget(self.table, 1)
        column.addLayout(self._build_colours())
        column.addLayout(self._build_tools())

    def _build_colours(self) -> QHBoxLayout:
        self.colour_by = QComboBox()
        self.colour_by.setAccessibleName("Colour by")
        self.colour_by.setToolTip("Colour the somata on the image by a number (2nd to 98th percentile)")
        self.colour_by.setMinimumContentsLength(12)
        self.colour_by.activated.connect(self._paint)
        self.low, self.bar, self.high = QLabel(), QLabel(), QLabel()
        self.bar.setPixmap(scale_picture(PAINT_COLORS))
        foot = _row(QLabel("Colour by"), self.colour_by, self.low, self.bar, self.high)
        foot.setStretch(1, 1)
        return foot

    def _build_tools(self) -> QHBoxLayout:
        self.tools: dict[Tool, QPushButton] = {"box": QPushButton("Box"), "lasso": QPushButton("Lasso")}
        for tool, button in self.tools.items():
            what = "a box" if tool == "box" else "a line drawn"
            button.setCheckable(True)
            button.setToolTip(
                f"Select cells in {what} around them: drag on the image; Shift adds (Alt+{tool[0].upper()}). "
                "Press again, or Esc, to go back to clicking."
            )
            button.clicked.connect(lambda on, tool=tool: self._take_tool(tool if on else "click"))
        foot = _row(QLabel("Select on the image"), *self.tools.values())
        foot.addStretch(1)
        return foot

    def _take_tool(self, tool: Tool) -> None:
        self.session.selection.tool = tool

    def _show_tool(self, tool: Tool) -> None:
        for name, button in self.tools.items():
            button.setChecked(name == tool)

    def set_colors(self, colors: PlotColors) -> None:
        """Nothing to do: napari's style sheet follows the theme."""

    def show_recording(self, recording: Recording | None) -> None:
        """Show another recording; the colours of another one's somata go."""
        if recording is None or self.recording is None or recording.rois is not self.recording.rois:
            self.paint.clear()
        super().show_recording(recording)

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Select the rows of these cells."""
        self.later()

    def show_focus(self, cell: int | None) -> None:
        """Scroll to this cell."""
        self.later()

    @property
    def draws_on_canvas(self) -> bool:
        """Whether somata have the colours of a number, which results may change."""
        return bool(self.colour_by.currentData())

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        return "" if recording.n_rois else f"{recording.name} holds no cells."

    def draw(self, recording: Recording) -> None:
        """Show the table of a recording, and what is selected."""
        before, self._drawn = self._drawn, recording
        if before is not recording and not only_choices_differ(before, recording):
            self._fill(recording)
            if known_measures(recording) is None and recording.n_rois:
                self._measure(recording)
        selection = self.session.selection
        rows = tuple(recording.rows(selection.cells).tolist())
        self.table.show_selected(rows)
        focus = selection.focus if selection.focus is not None else (selection.cells or (None,))[-1]
        if focus is not None and not self.table.underMouse():
            self.table.show_row(int(recording.rows((focus,))[0]))

    def _fill(self, recording: Recording) -> None:
        self._columns = cell_columns(recording)
        self.condition.offer(self._columns)
        self._offer_colours(recording)
        self._apply_filter()
        self._paint()

    def _measure(self, recording: Recording) -> None:
        """Compute the quality of every cell beside the window; its columns come when it is known."""

        def work(on_progress: Progress) -> object:
            return measure_cells(recording, on_progress=on_progress)

        def done(_: object) -> None:
            if self._drawn is recording:
                self._fill(recording)

        self._job.ask("Quality of the cells", work, done)

    def export(self) -> Export | None:
        """Return what can be exported: all columns of all cells."""
        if self.recording is None:
            return None
        columns = cell_columns(self.recording)
        ids = self.recording.roi_ids
        results = ("features", "ensembles") if self.recording.features is not None else ()
        return Export(
            f"{self.recording.name}_cells", self.recording, None, lambda p: _write(ids, columns, p), results
        )

    def keyPressEvent(self, event: Any) -> None:
        """Clear the filter on Esc where there is one, else the selection."""
        shift = event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        if shift and event.key() in (Qt.Key.Key_K, Qt.Key.Key_J):
            self._decide(self.session.selection.cells, cells=event.key() == Qt.Key.Key_K)
        elif event.key() == Qt.Key.Key_Escape and self.filter.text():
            self.filter.clear()
            self._apply_filter()
        else:
            super().keyPressEvent(event)

    def _on_typed(self, _: str) -> None:
        self._said = ""
        self._typing.start()

    def _apply_filter(self) -> None:
        self._typing.stop()
        recording = self._drawn
        if recording is None or recording is not self.recording:
            return
        try:
            rows = fitting_rows(self.filter.text(), self._columns)
        except ValueError as error:
            self.note.setText(f"⚠ {error}")
            return
        n = recording.n_rois
        told = counted(n, "cell") if len(rows) == n else f"{len(rows):,} of {counted(n, 'cell')}"
        said = f" · {self._said}" if self._said else ""
        more = "" if said or recording.features is not None else " · more numbers: run Features"
        self.note.setText(told + said + more)
        for button in (self.select_all, self.accept, self.reject):
            button.setEnabled(len(rows) > 0)
        self.table.show_columns(self._columns, rows)

    def _offer_colours(self, recording: Recording) -> None:
        chosen = self.colour_by.currentData()
        self.colour_by.clear()
        self.colour_by.addItem("nothing", "")
        for column in self._columns:
            if column.is_number:
                self.colour_by.addItem(column.title, column.key)
        self.colour_by.setCurrentIndex(max(0, self.colour_by.findData(chosen)))
        self.colour_by.setEnabled(recording.has_positions)

    def _paint(self, *_: object) -> None:
        recording, key = self.recording, self.colour_by.currentData()
        column = next((c for c in self._columns if c.key == key), None)
        there = recording is not None and recording.has_positions and column is not None
        for part in (self.low, self.bar, self.high):
            part.setVisible(there)
        if recording is None or column is None or not there:
            self.paint.clear()
            return
        low, high = limits_of(column.values)
        self.low.setText(f"{low:.3g}")
        self.high.setText(f"{high:.3g}")
        self.paint.show(recording, column.title, column.values)

    def _on_picked(self, rows: tuple[int, ...]) -> None:
        if self.recording is None:
            return
        cells = tuple(self.recording.roi_ids[list(rows)].tolist())
        self.cells_picked.emit(cells)
        if len(cells) == 1:
            self.focus_picked.emit(cells[0])

    def _pick_shown(self) -> None:
        if self.recording is not None:
            self.cells_picked.emit(self._shown())

    def _shown(self) -> tuple[int, ...]:
        there = self.recording is not None and self.recording is self._drawn
        return tuple(self.recording.roi_ids[self.table.rows].tolist()) if there and self.recording else ()

    def _to_table(self) -> None:
        """Show what fits and go there, so that Ctrl+A and a key judge it."""
        self._apply_filter()
        self.table.setFocus()

    def _take_condition(self) -> None:
        """Put the slider's condition in the filter, in place of the one that it wrote before."""
        kept = self.filter.text()
        written = self._written
        self._written = self.condition.condition
        text = kept.replace(written, self._written) if written and written in kept else self._written
        self.filter.setText(text)
        self._apply_filter()

    def _decide_shown(self, *, cells: bool) -> None:
        text = self.filter.text().strip()
        self._decide(self._shown(), cells=cells, why=f" with {text}" if text else "")

    def _decide(self, ids: tuple[int, ...], *, cells: bool, why: str = "") -> None:
        """Accept or reject cells as one step, and say so."""
        if self._bench.runner.busy:
            self._said = f"⚠ {BUSY}"
        else:
            self._said = self._editor.decide(cells=cells, ids=ids, why=why)
        self._apply_filter()


def _row(*parts: Any) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(6, 2, 6, 2)
    row.setSpacing(6)
    for part in parts:
        row.addWidget(part)
    return row


def _write(ids: Any, columns: tuple[CellColumn, ...], path: Path) -> None:
    import pandas as pd

    table = pd.DataFrame({"roi_id": np.asarray(ids)} | {c.title: c.values for c in columns})
    table.to_csv(path, index=False)
