"""The table of what differs between two results."""

from __future__ import annotations

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem

from napari_calcium.doubt.comparison import Comparison, EnsemblePair, pair_name

__all__ = ["ChangesTable"]

_HEADINGS = {
    "": "What is counted. Ensembles are matched so that their members overlap most.",
    "A": "In the current result",
    "B": "With the other settings",
    "both": "The same in both: events within 0.25 s",
    "−": "Lost: in A only",
    "+": "Gained: in B only",
}


class ChangesTable(QTableWidget):
    """A row for each count, then one for each ensemble, with its members.

    Attributes
    ----------
    ensemble_picked : signal of int
        Id in A of the ensemble whose row was clicked.
    """

    ensemble_picked = Signal(int)

    def __init__(self) -> None:
        super().__init__(0, len(_HEADINGS))
        self._ensembles: dict[int, int] = {}
        self.setHorizontalHeaderLabels(list(_HEADINGS))
        for k, tip in enumerate(_HEADINGS.values()):
            item = self.horizontalHeaderItem(k)
            if item is not None:
                item.setToolTip(tip)
        self.setAccessibleName("What differs between A and B")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(120)
        self.setShowGrid(False)
        rows, heads = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None and heads is not None
        rows.setVisible(False)
        rows.setDefaultSectionSize(20)
        heads.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        heads.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.cellClicked.connect(self._on_click)

    def show_comparison(self, found: Comparison | None) -> None:
        """Show what differs; None shows nothing."""
        self.setRowCount(0)
        self._ensembles = {}
        if found is None:
            return
        for row in found.rows:
            self._add(row.what, (row.a, row.b, row.both, row.only_a, row.only_b))
        for pair in found.ensembles or ():
            self._add_pair(pair)
        self.resizeRowsToContents()  # long names take a second line where the table is narrow

    def _add_pair(self, pair: EnsemblePair) -> None:
        both, only_a, only_b = len(pair.both), len(pair.only_a), len(pair.only_b)
        if pair.a is not None:
            self._ensembles[self.rowCount()] = pair.a
        counts = (
            both + only_a if pair.a is not None else None,
            both + only_b if pair.b is not None else None,
        )
        tip = f"Similarity of members {pair.similarity:.2f} (Jaccard)"
        for words, ids in (("only in A", pair.only_a), ("only in B", pair.only_b)):
            if ids:
                tip += f"\n{words}: {', '.join(map(str, ids[:40]))}{' …' if len(ids) > 40 else ''}"
        self._add(pair_name(pair), (*counts, both, only_a, only_b), tip)

    def _add(self, what: str, counts: tuple[int | None, ...], tip: str = "") -> None:
        row = self.rowCount()
        self.insertRow(row)
        self.setItem(row, 0, QTableWidgetItem(what))
        for k, count in enumerate(counts, 1):
            changed = k >= 4 and count
            item = QTableWidgetItem("–" if count is None else f"{'+' if k == 5 and changed else ''}"
                                    f"{'−' if k == 4 and changed else ''}{count:,}")  # fmt: skip
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, k, item)
        for k in range(self.columnCount()):
            item_ = self.item(row, k)
            if item_ is not None and tip:
                item_.setToolTip(tip)

    def _on_click(self, row: int, column: int) -> None:
        if row in self._ensembles:
            self.ensemble_picked.emit(self._ensembles[row])
