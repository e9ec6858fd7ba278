from pathlib import Path

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLineEdit, QPushButton

from napari_calcium.widgets.file_row import FileRow


@pytest.fixture
def row(qtbot):
    made = FileRow("Table", "Tables (*.csv)")
    qtbot.addWidget(made)
    made.show()
    return made


def test_an_empty_row_is_none_and_a_path_comes_back(row):
    assert row.path is None
    row.path = Path("/data/a.csv")
    assert row.path == Path("/data/a.csv")


def test_typing_emits_once_it_is_done_and_only_if_something_changed(row, qtbot):
    seen = []
    row.changed.connect(lambda: seen.append(row.path))
    line = row.findChild(QLineEdit)
    qtbot.keyClicks(line, "a.csv")
    assert seen == []
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert seen == [Path("a.csv")]
    line.clear()
    assert seen == [Path("a.csv"), None]


def test_a_pasted_path_may_stand_in_quotes(row):
    row.findChild(QLineEdit).setText(' "/data/my file.csv" ')
    assert row.path == Path("/data/my file.csv")


@pytest.mark.parametrize(("chosen", "expected"), [("/data/b.csv", [Path("/data/b.csv")]), ("", [])])
def test_the_dialog_sets_the_path_unless_it_is_cancelled(row, qtbot, monkeypatch, chosen, expected):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (chosen, ""))
    seen = []
    row.changed.connect(lambda: seen.append(row.path))
    qtbot.mouseClick(row.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert seen == expected
