import threading

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox

from napari_calcium.widgets.progress_line import ProgressLine, time_left
from napari_calcium.widgets.worker import Failure, Runner


@pytest.fixture
def line(qtbot):
    made = ProgressLine(Runner())
    made.runner = made._runner
    qtbot.addWidget(made)
    made.show()
    yield made
    made.runner.abandon()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.1, "1 s left"), (59, "59 s left"), (61, "1 min left"), (3599, "60 min left"), (5400, "1.5 h left")],
)
def test_time_left_in_words(seconds, words):
    assert time_left(seconds) == words


def test_nothing_shows_while_nothing_goes_on(line):
    assert not line._bar.isVisible()
    assert not line._cancel.isVisible()
    assert line.message == ""


def test_what_was_said_can_be_taken_away(line, qtbot):
    assert not line._dismiss.isVisible()
    line.say("⚠ no room on the disk", Failure("no room", "trace"))
    assert line._dismiss.isVisible()
    qtbot.mouseClick(line._dismiss, Qt.MouseButton.LeftButton)
    assert line.message == ""
    assert not line._dismiss.isVisible()
    assert not line._details.isVisible()


def test_the_bar_tells_what_is_going_on_and_goes_when_it_is_done(line, qtbot):
    gate = threading.Event()

    def work(on_progress):
        on_progress(1, 2)
        gate.wait(5)

    line.runner.start("Events", work, lambda _: None)
    qtbot.waitUntil(lambda: line._bar.value() == 500)
    assert line._bar.isVisible()
    assert line._bar.format().startswith("Events · %p %")
    with qtbot.waitSignal(line.runner.finished):
        gate.set()
    assert not line._bar.isVisible()


def test_cancel_is_a_click(line, qtbot):
    def work(on_progress):
        while True:
            on_progress(0, 1)

    line.runner.start("Events", work, lambda _: None)
    with qtbot.waitSignal(line.runner.finished):
        qtbot.mouseClick(line._cancel, Qt.MouseButton.LeftButton)
    assert line.message == "Cancelled: Events. What was done before stands."


def test_a_failure_is_a_line_with_its_details_a_click_away(line, qtbot):
    def work(on_progress):
        raise ValueError("the trace has no frames")

    with qtbot.waitSignal(line.runner.finished):
        line.runner.start("Events", work, lambda _: None)
    assert line.message == "⚠ the trace has no frames"
    assert line._details.isVisible()
    qtbot.mouseClick(line._details, Qt.MouseButton.LeftButton)
    box = line.findChild(QMessageBox)
    assert "Traceback" in box.detailedText()
    box.close()
    line.say("fine")
    assert not line._details.isVisible()
