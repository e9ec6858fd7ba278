"""A file is read beside the window while the program runs, and at once in a script."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QMainWindow
from tests.widgets.settling import settle

from napari_calcium.widgets import reading


class Viewer(SimpleNamespace):
    """What is asked of a viewer: its window."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


@pytest.fixture
def viewer(qtbot, monkeypatch):
    monkeypatch.setattr(reading, "_NEXT", ())
    main = QMainWindow()
    qtbot.addWidget(main)
    return Viewer(window=SimpleNamespace(_qt_window=main))


def in_a_loop(action):
    """Do something as the running program does, until `done` is called."""
    loop = QEventLoop()
    QTimer.singleShot(0, lambda: action(loop.quit))
    QTimer.singleShot(20_000, loop.quit)
    loop.exec()


def test_in_a_script_the_caller_reads(viewer):
    assert not reading.read_beside(viewer, "Reading", lambda _: 1, lambda _: None)


def test_without_a_window_the_caller_reads(qtbot):
    answers = []
    in_a_loop(lambda done: (answers.append(reading.read_beside(Viewer(), "R", id, id)), done()))
    assert answers == [False]


def test_in_the_running_program_it_is_read_in_a_thread_and_shown_in_the_main_one(viewer):
    seen = []

    def go(done):
        def then(found):
            seen.append((found, threading.current_thread()))
            done()

        assert reading.read_beside(viewer, "Reading", lambda _: threading.current_thread(), then)
        assert not reading.read_beside(viewer, "Reading", lambda _: 2, then), "one file at a time"

    in_a_loop(go)
    ((reader, shower),) = seen
    assert reader is not threading.main_thread() and shower is threading.main_thread()


def test_what_goes_wrong_is_said_in_one_line(viewer, monkeypatch):
    said = []

    def fails(_):
        raise ValueError("log.json: the file is damaged")

    def go(done):
        monkeypatch.setattr(reading, "show_warning", lambda words: (said.append(words), done()))
        reading.read_beside(viewer, "Reading", fails, lambda _: None)

    in_a_loop(go)
    assert said == ["log.json: the file is damaged"]


def test_nothing_comes_after_the_window_is_closed(viewer, qtbot):
    gate, shown = threading.Event(), []

    def go(done):
        reading.read_beside(viewer, "Reading", lambda _: gate.wait(20), shown.append)
        done()

    in_a_loop(go)
    viewer.window._qt_window.deleteLater()
    settle()
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "napari-calcium Reading":
            thread.join(10)
    settle()
    assert shown == []
