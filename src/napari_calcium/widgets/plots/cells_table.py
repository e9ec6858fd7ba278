"""The table of cells: sorted and filtered by numpy, so that it stays quick with many thousands."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QAbstractTableModel, QItemSelection, QItemSelectionModel, QModelIndex, Qt
from qtpy.QtWidgets import QAbstractItemView, QTableView

from napari_calcium.figures.cell_numbers import CellColumn, sorted_rows

__all__ = ["CellsTable"]

_Flag = QItemSelectionModel.SelectionFlag


class _Model(QAbstractTableModel):
    """Columns of numbers and texts, and which of their rows are shown in which order."""

    def __init__(self) -> None:
        super().__init__()
        self.columns: tuple[CellColumn, ...] = ()
        self.rows: NDArray[np.int64] = np.empty(0, np.int64)

    def fill(self, columns: tuple[CellColumn, ...], rows: NDArray[np.int64]) -> None:
        self.beginResetModel()
        self.columns, self.rows = columns, rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = self.columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(int(self.rows[index.row()]))
        if role == Qt.ItemDataRole.TextAlignmentRole and column.is_number:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        return self.columns[section].about if role == Qt.ItemDataRole.ToolTipRole else None


class CellsTable(QTableView):
    """Rows are cells; a click on a heading sorts, a second one the other way round.

    Attributes
    ----------
    picked : signal of tuple of int
        Rows of the recording that the user selected, from top to bottom.
    """

    picked = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self._model = _Model()
        self._fitting: NDArray[np.int64] = np.empty(0, np.int64)
        self._place: NDArray[np.int64] = np.empty(0, np.int64)
        self._selected: tuple[int, ...] = ()
        self._sort: tuple[str, bool] = ("", False)
        self._quiet = False
        self.setModel(self._model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setResizeContentsPrecision(30)
        header.sectionClicked.connect(self._on_heading)
        self.selectionModel().selectionChanged.connect(self._on_selected)

    @property
    def columns(self) -> tuple[CellColumn, ...]:
        """The columns that are shown."""
        return self._model.columns

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the recording from top to bottom."""
        return self._model.rows

    def show_columns(self, columns: tuple[CellColumn, ...], rows: NDArray[np.int64]) -> None:
        """Show these rows of these columns, sorted as before as far as there is such a column."""
        new = [c.title for c in columns] != [c.title for c in self._model.columns]
        self._fitting = rows
        self._fill(columns)
        if new:
            self.resizeColumnsToContents()

    def show_selected(self, rows: tuple[int, ...]) -> None:
        """Select these rows of the recording; those that are filtered away stay selected unseen."""
        self._selected = rows
        places = np.sort(self._place[list(rows)]) if rows and len(self._place) else np.empty(0, np.int64)
        places = places[places >= 0]
        selection = QItemSelection()
        last = len(self._model.columns) - 1
        starts = [0, *(np.flatnonzero(np.diff(places) > 1) + 1).tolist(), len(places)]
        for first, stop in pairwise(starts) if len(places) else ():
            top, bottom = int(places[first]), int(places[stop - 1])
            selection.select(self._model.index(top, 0), self._model.index(bottom, last))
        self._quiet = True
        self.selectionModel().select(selection, _Flag.ClearAndSelect)
        self._quiet = False

    def show_row(self, row: int) -> None:
        """Scroll to a row of the recording and make it the one from which the keys go on."""
        if not 0 <= row < len(self._place) or self._place[row] < 0:
            return
        index = self._model.index(int(self._place[row]), 0)
        self._quiet = True
        self.selectionModel().setCurrentIndex(index, _Flag.NoUpdate)
        self._quiet = False
        self.scrollTo(index)

    def sort_by(self, key: str, *, descending: bool) -> None:
        """Sort by a column."""
        self._sort = (key, descending)
        self._fill(self._model.columns)

    def keyPressEvent(self, event: Any) -> None:
        """Leave letters with Shift to the dock, whose keys they are; Qt would look for such a cell."""
        if event.modifiers() == Qt.KeyboardModifier.ShiftModifier and event.text().isalpha():
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _fill(self, columns: tuple[CellColumn, ...]) -> None:
        key, descending = self._sort
        by = next((k for k, column in enumerate(columns) if column.key == key), None)
        rows = self._fitting if by is None else sorted_rows(columns[by], self._fitting, descending=descending)
        self._place = np.full(len(columns[0].values) if columns else 0, -1)
        self._place[rows] = np.arange(len(rows))
        self._quiet = True
        self._model.fill(columns, rows)
        self._quiet = False
        header = self.horizontalHeader()
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        header.setSortIndicator(-1 if by is None else by, order)
        self.show_selected(tuple(r for r in self._selected if r < len(self._place)))

    def _on_heading(self, section: int) -> None:
        column = self._model.columns[section]
        key, descending = self._sort
        # What is large is what one looks for: numbers begin with the highest.
        self.sort_by(column.key, descending=not descending if key == column.key else column.is_number)

    def _on_selected(self, *_: object) -> None:
        if self._quiet:
            return
        ranges = self.selectionModel().selection()
        parts = [np.arange(r.top(), r.bottom() + 1) for r in ranges]
        places = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)
        self._selected = tuple(self._model.rows[places].tolist())
        self.picked.emit(self._selected)
