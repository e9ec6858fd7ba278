import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QFocusEvent
from qtpy.QtWidgets import QApplication

from napari_calcium.io.csv import CsvSettings, read_csv
from napari_calcium.widgets.recording_line import RecordingLine, describe, with_frame_rate
from napari_calcium.widgets.workbench import NO_RECORDING, Workbench


@pytest.fixture
def recording(few):
    return few


@pytest.fixture
def session(few_session):
    return few_session


@pytest.fixture
def line(qtbot, session):
    made = RecordingLine(Workbench(session))
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_recording_in_a_line(recording):
    assert describe(recording) == "few: 6 cells, 80 frames at 10 Hz, raw fluorescence"
    assert "at an unknown rate" in describe(recording.replace(frame_rate=None))


def test_the_frame_rate_is_asked_for_only_while_it_is_unknown(line, session, recording, qtbot):
    assert not line.frame_rate.isVisible()
    session.open(recording.replace(frame_rate=None))
    assert line.frame_rate.isVisible()
    assert not line.set_rate.isEnabled()
    line.frame_rate.setValue(4.8)
    qtbot.mouseClick(line.set_rate, Qt.MouseButton.LeftButton)
    assert session.recording.frame_rate == 4.8
    assert session.history[-1] == "Frame rate 4.8 Hz"
    assert not line.frame_rate.isVisible()
    session.undo()
    assert line.frame_rate.isVisible()


def test_what_is_missing_is_told_before_the_run(line, session, recording):
    session.open(recording.replace(frame_rate=None))
    assert line.doubt.isVisible()
    assert "frame rate" in line.doubt.text()
    session.open(recording)  # of 8 s
    assert "lasts 8 s" in line.doubt.text()
    session.open(recording.replace(frame_rate=1.0))
    assert not line.doubt.isVisible()


def test_return_sets_the_frame_rate_once(line, session, recording, qtbot):
    session.open(recording.replace(frame_rate=None))
    steps = len(session.history)
    line.frame_rate.setValue(4.8)
    qtbot.keyClick(line.frame_rate.lineEdit(), Qt.Key.Key_Return)
    line.frame_rate.lineEdit().returnPressed.emit()
    assert len(session.history) == steps + 1


def test_a_frame_rate_set_later_is_part_of_how_the_file_was_read(recording):
    unknown = recording.replace(frame_rate=None)
    known = with_frame_rate(unknown, 7.5)
    assert known.log[0].settings["frame_rate"] == 7.5
    assert known.log[0].notes == recording.log[0].notes
    assert len(known.log) == len(recording.log)
    assert unknown.log[0].settings["frame_rate"] == 10.0


def test_a_frame_rate_set_later_is_the_same_as_one_told_to_the_reader(simulation, tmp_path):
    path = simulation.write_csv(tmp_path / "cells.csv")
    assert with_frame_rate(read_csv(path), 12.5) == read_csv(path, CsvSettings(frame_rate=12.5))


def test_without_a_recording_it_says_how_to_open_one(line, session):
    session.close()
    assert line._text.text() == NO_RECORDING


def test_the_frame_rate_can_be_typed_over_the_word_unknown(line, session, recording, qtbot):
    session.open(recording.replace(frame_rate=None))
    edit = line.frame_rate.lineEdit()
    # Sent by hand: there is no window manager that would give the focus.
    QApplication.sendEvent(line.frame_rate, QFocusEvent(QEvent.Type.FocusIn))
    qtbot.mouseClick(edit, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: edit.selectedText() == "unknown: type it here")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert session.recording.frame_rate is None
    QApplication.sendEvent(line.frame_rate, QFocusEvent(QEvent.Type.FocusIn))
    qtbot.waitUntil(lambda: edit.selectedText() == "unknown: type it here")
    qtbot.keyClicks(edit, "4,8")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert session.recording.frame_rate == 4.8
