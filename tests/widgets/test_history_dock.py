from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_calcium.widgets.history_dock import HistoryDock
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of


@pytest.fixture
def dock(qtbot, viewer):
    made = HistoryDock(viewer)
    qtbot.addWidget(made)
    made.show()
    return made


def labels(dock: HistoryDock) -> list[str]:
    return [dock.steps.item(k).text() for k in range(dock.steps.count())]


def click(qtbot, dock: HistoryDock, row: int) -> None:
    place = dock.steps.visualItemRect(dock.steps.item(row)).center()
    qtbot.mouseClick(dock.steps.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_before_anything_it_says_so(dock):
    assert dock.note.isVisible()
    assert not dock.steps.isVisible()


def test_every_step_is_there_and_a_click_goes_to_it(dock, viewer, few, qtbot):
    session = session_of(viewer)
    session.open(few, "Open few")
    later = few.replace(name="later")
    session.apply(later, "Rename")
    assert labels(dock) == ["Open few", "Rename"]
    click(qtbot, dock, 0)
    assert session.recording is few
    assert dock.steps.currentRow() == 0
    assert "Undone" in dock.steps.item(1).toolTip()
    click(qtbot, dock, 1)
    assert session.recording is later


def test_buttons_go_one_step_and_end_with_the_list(dock, viewer, few):
    session = session_of(viewer)
    session.open(few)
    assert not dock.undo.isEnabled()
    session.apply(few.replace(name="b"), "b")
    dock.undo.click()
    assert session.recording is few
    assert not dock.undo.isEnabled()
    dock.redo.click()
    assert session.recording.name == "b"
    assert not dock.redo.isEnabled()


def test_a_new_step_forgets_the_undone_ones(dock, viewer, few):
    session = session_of(viewer)
    session.open(few, "Open")
    session.apply(few.replace(name="b"), "b")
    session.undo()
    session.apply(few.replace(name="c"), "c")
    assert labels(dock) == ["Open", "c"]


def test_during_a_run_nothing_moves(dock, viewer, few, fake_stages, qtbot):
    session, bench = session_of(viewer), workbench_of(viewer)
    session.open(few)
    session.apply(few.replace(name="b"), "b")
    fake_stages.gate.clear()
    bench.run_stage("baseline")
    assert not dock.steps.isEnabled()
    click(qtbot, dock, 0)
    assert session.recording.name == "b"
    fake_stages.gate.set()
    qtbot.waitUntil(lambda: not bench.runner.busy)
    assert dock.steps.isEnabled()
