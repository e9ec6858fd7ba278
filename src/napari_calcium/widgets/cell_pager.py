"""The line that says which of many selected cells are shown, and turns to others."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

__all__ = ["CellPager"]


class CellPager(QWidget):
    """Cells a page at a time; hidden where one page is enough.

    Parameters
    ----------
    size : int
        Cells on a page.

    Attributes
    ----------
    turned : signal
        The user has turned to another page.
    """

    turned = Signal()

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._page = size, 0
        self._cells: tuple[int, ...] = ()
        self.says = QLabel()
        self.back, self.forth = QPushButton("◀"), QPushButton("▶")
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 6, 0)
        row.addWidget(self.says, 1)
        for button, by, name in ((self.back, -1, "Cells before"), (self.forth, 1, "More cells")):
            button.setFixedWidth(34)
            button.setAccessibleName(name)
            button.setToolTip(name)
            button.clicked.connect(lambda _=False, by=by: self.turn(by))
            row.addWidget(button)
        self.show_cells(())

    @property
    def page(self) -> tuple[int, ...]:
        """The cells on the page that is open."""
        first = self._page * self._size
        return self._cells[first : first + self._size]

    def show_cells(self, cells: tuple[int, ...]) -> None:
        """Begin with the first page of these cells."""
        self._cells, self._page = cells, 0
        self._show()

    def fit(self, size: int) -> bool:
        """Put as many cells on a page; the first that is shown stays. Return whether others are shown now."""
        before = self.page
        first = self._page * self._size
        self._size, self._page = size, first // size
        self._show()
        return self.page != before

    def turn(self, by: int) -> None:
        """Turn some pages, as far as there are any."""
        last = max(0, -(-len(self._cells) // self._size) - 1)
        page = min(max(0, self._page + by), last)
        if page != self._page:
            self._page = page
            self._show()
            self.turned.emit()

    def _show(self) -> None:
        n, first = len(self._cells), self._page * self._size
        self.setVisible(n > self._size)
        self.says.setText(f"Cells {first + 1:,} to {min(n, first + self._size):,} of {n:,} selected")
        self.back.setEnabled(first > 0)
        self.forth.setEnabled(first + self._size < n)
