from __future__ import annotations

import time
from unittest.mock import Mock

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_calcium.figures.cell_numbers import CellColumn
from napari_calcium.widgets.plots.cells_table import CellsTable

SNR = np.array([3.0, np.nan, 9.0, 5.0])


def columns(n: int = 4) -> tuple[CellColumn, ...]:
    snr = SNR if n == 4 else np.random.default_rng(0).random(n)
    return (
        CellColumn("cell", "Cell", "Name.", np.array([str(10 * k) for k in range(n)])),
        CellColumn("snr", "SNR", "Signal to noise.", snr),
    )


@pytest.fixture
def table(qtbot):
    shown = CellsTable()
    qtbot.addWidget(shown)
    shown.resize(300, 200)
    shown.show()
    qtbot.waitExposed(shown)
    shown.show_columns(columns(), np.arange(4))
    return shown


def texts(table) -> list[list[str]]:
    model = table.model()
    return [
        [model.data(model.index(r, c)) for c in range(model.columnCount())] for r in range(model.rowCount())
    ]


def heading(qtbot, table, section: int) -> None:
    header = table.horizontalHeader()
    place = header.viewport().rect().center()
    place.setX(header.sectionViewportPosition(section) + 5)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)


def click(qtbot, table, row: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    place = table.visualRect(table.model().index(row, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def chosen(table) -> list[int]:
    return sorted(int(table.rows[i.row()]) for i in table.selectionModel().selectedRows())


def test_it_shows_texts_and_explains_its_headings(table):
    assert texts(table) == [["0", "3"], ["10", ""], ["20", "9"], ["30", "5"]]
    model = table.model()
    across = Qt.Orientation.Horizontal
    assert model.headerData(1, across) == "SNR"
    assert model.headerData(1, across, Qt.ItemDataRole.ToolTipRole) == "Signal to noise."


def test_a_click_on_a_heading_sorts_the_highest_first_then_the_lowest(qtbot, table):
    heading(qtbot, table, 1)
    assert table.rows.tolist() == [2, 3, 0, 1]
    heading(qtbot, table, 1)
    assert table.rows.tolist() == [0, 3, 2, 1]


def test_the_user_picks_rows_of_the_recording_whatever_the_order(qtbot, table):
    picked = Mock()
    table.picked.connect(picked)
    table.sort_by("snr", descending=True)
    click(qtbot, table, 0)
    picked.assert_called_with((2,))
    click(qtbot, table, 2, Qt.KeyboardModifier.ShiftModifier)
    picked.assert_called_with((2, 3, 0))
    click(qtbot, table, 1, Qt.KeyboardModifier.ControlModifier)
    picked.assert_called_with((2, 0))


def test_what_is_selected_elsewhere_is_shown_and_not_sent_back(table):
    picked = Mock()
    table.picked.connect(picked)
    table.show_selected((3, 0, 1))
    assert chosen(table) == [0, 1, 3]
    table.sort_by("snr", descending=True)
    assert chosen(table) == [0, 1, 3]
    table.show_selected(())
    assert chosen(table) == []
    picked.assert_not_called()


def test_filtered_rows_are_gone_and_still_selected_when_they_come_back(table):
    table.show_selected((0, 2))
    table.show_columns(columns(), np.array([1, 2]))
    assert [row[0] for row in texts(table)] == ["10", "20"] and chosen(table) == [2]
    table.show_columns(columns(), np.arange(4))
    assert chosen(table) == [0, 2]


def test_new_numbers_keep_the_sorting(table):
    table.sort_by("snr", descending=True)
    table.show_columns(columns(), np.array([0, 2]))
    assert table.rows.tolist() == [2, 0]


def test_a_row_can_be_brought_into_sight_without_selecting_it(qtbot, table):
    picked = Mock()
    table.picked.connect(picked)
    table.show_columns(columns(500), np.arange(500))
    table.show_row(480)
    assert table.viewport().rect().intersects(table.visualRect(table.model().index(480, 0)))
    assert chosen(table) == []
    table.show_row(-1)
    table.show_row(10_000)
    picked.assert_not_called()


def test_many_thousand_rows_are_sorted_and_selected_at_once(table):
    table.show_columns(columns(20_000), np.arange(20_000))
    started = time.perf_counter()
    table.sort_by("snr", descending=True)
    table.show_selected(tuple(range(0, 20_000, 500)))
    assert time.perf_counter() - started < 1.0
    assert len(chosen(table)) == 40


def test_nothing_is_a_table_too(table):
    table.show_columns((), np.empty(0, np.int64))
    assert texts(table) == []
    table.show_selected((0,))
