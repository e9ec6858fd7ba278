from types import SimpleNamespace

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from napari_calcium.widgets import close_guard
from napari_calcium.widgets.close_guard import CloseGuard, ask
from napari_calcium.widgets.preferences import Preferences
from napari_calcium.widgets.workbench import Workbench


class Viewer:
    def __init__(self):
        self.layers = ["Mean image"]


@pytest.fixture
def bench(qapp, few_session, fake_stages):
    made = Workbench(few_session)
    yield made
    made.let_go()


@pytest.fixture
def room(bench, qtbot):
    """A window with a guarded dock, and what the guard was answered."""
    window, dock, widget = QMainWindow(), QDockWidget(), QWidget()
    qtbot.addWidget(window)
    dock.setWidget(widget)
    viewer, saves = Viewer(), []
    saver = SimpleNamespace(save_results=lambda then: saves.append(then))
    guard = CloseGuard(widget, bench, viewer, saver)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    window.show()
    asked = []
    room = SimpleNamespace(window=window, viewer=viewer, asked=asked, saves=saves, answer="stay", dock=dock)
    guard.ask = lambda *_: asked.append(1) or room.answer
    return room


def run(bench, qtbot):
    with qtbot.waitSignal(bench.runner.finished):
        bench.run_stage("baseline")


def test_without_results_it_closes_unasked(room):
    assert room.window.close()
    assert room.asked == []


def test_unsaved_results_are_asked_about_and_staying_keeps_the_window(room, bench, qtbot):
    run(bench, qtbot)
    assert not room.window.close()
    assert room.window.isVisible()
    assert room.asked == [1]


def test_closing_without_saving_is_a_choice(room, bench, qtbot):
    run(bench, qtbot)
    room.answer = "discard"
    assert room.window.close()


def test_saving_comes_first_and_the_window_closes_after_it(room, bench, qtbot):
    run(bench, qtbot)
    room.answer = "save"
    assert not room.window.close()
    bench.saved = bench.session.recording
    room.saves[0]()
    assert not room.window.isVisible()
    assert room.asked == [1]


def test_a_program_that_closes_the_viewer_is_not_asked(room, bench, qtbot):
    run(bench, qtbot)
    room.viewer.layers.clear()
    assert room.window.close()
    assert room.asked == []


def test_a_floating_dock_still_guards_the_main_window(room, bench, qtbot):
    run(bench, qtbot)
    room.dock.setFloating(True)
    assert not room.window.close()
    assert room.asked == [1]


def test_closing_during_a_run_stops_it(room, bench, fake_stages, few, qtbot):
    fake_stages.gate.clear()
    bench.run_stage("baseline")
    assert room.window.close()
    assert not bench.runner.busy
    fake_stages.gate.set()
    qtbot.wait(100)
    assert bench.session.recording is few


@pytest.mark.parametrize(("button", "answer"), [("Save…", "save"), ("Go on", "discard"), ("Cancel", "stay")])
def test_the_question_has_three_answers(room, qtbot, button, answer):
    def choose():
        box = QApplication.activeModalWidget()
        assert "before closing" in box.informativeText()
        next(b for b in box.buttons() if button in b.text()).click()

    QTimer.singleShot(50, choose)
    assert ask(room.window, "closing") == answer


def opening(bench, monkeypatch, answer: str) -> tuple[list[str], list[str]]:
    """Open another recording; return before what was asked, and what was opened or saved."""
    asked, done = [], []
    monkeypatch.setattr(close_guard, "workbench_of", lambda viewer: bench)
    monkeypatch.setattr(close_guard, "ask", lambda window, before: asked.append(before) or answer)
    monkeypatch.setattr(
        close_guard,
        "Saver",
        lambda *_: SimpleNamespace(save_results=lambda then: (done.append("saved"), then())),
    )
    viewer = SimpleNamespace(window=SimpleNamespace(_qt_window=None))
    close_guard.before_opening(viewer, lambda: done.append("opened"))
    return asked, done


def test_nothing_is_asked_where_nothing_would_go_out_of_sight(bench, monkeypatch):
    assert opening(bench, monkeypatch, "stay") == ([], ["opened"])


@pytest.mark.parametrize(
    ("answer", "done"), [("stay", []), ("discard", ["opened"]), ("save", ["saved", "opened"])]
)
def test_a_recording_dropped_on_unsaved_results_offers_to_save(bench, qtbot, monkeypatch, answer, done):
    run(bench, qtbot)
    assert opening(bench, monkeypatch, answer) == (["opening another recording"], done)


def test_who_does_not_want_to_be_asked_is_not(bench, qtbot, monkeypatch):
    run(bench, qtbot)
    monkeypatch.setattr(close_guard, "preferences", lambda: Preferences(ask_to_save=False))
    assert opening(bench, monkeypatch, "stay") == ([], ["opened"])
