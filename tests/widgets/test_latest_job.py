from __future__ import annotations

import threading

import pytest
from qtpy.QtCore import QObject

from napari_calcium.widgets.latest_job import LatestJob


@pytest.fixture
def job(qtbot):
    owner = QObject()
    made = LatestJob(owner)
    made.owner = owner  # lives as long as the job
    yield made
    made.abandon()


def test_the_result_comes_in_the_main_thread(qtbot, job):
    got = []
    job.ask(
        "sum", lambda _: threading.current_thread(), lambda r: got.append((r, threading.current_thread()))
    )
    qtbot.waitUntil(lambda: len(got) == 1)
    assert got[0][0] is not threading.main_thread() and got[0][1] is threading.main_thread()
    assert not job.busy


def test_only_the_latest_wish_is_answered_and_those_between_are_not_begun(qtbot, job):
    gate, begun, got = threading.Event(), [], []

    def work(name):
        def run(on_progress):
            begun.append(name)
            gate.wait(5)
            on_progress(0, 1)
            return name

        return run

    for name in "abc":
        job.ask(name, work(name), got.append)
    gate.set()
    qtbot.waitUntil(lambda: bool(got))
    assert got == ["c"]
    assert begun == ["a", "c"]


def test_a_failure_is_told_in_a_line_and_the_next_wish_is_worked_on(qtbot, job, caplog, monkeypatch):
    got, told = [], []
    monkeypatch.setattr("napari_calcium.widgets.latest_job.show_warning", told.append)

    def fail(on_progress):
        raise RuntimeError("no")

    job.ask("fails", fail, got.append)
    qtbot.waitUntil(lambda: not job.busy)
    job.ask("works", lambda _: 7, got.append)
    qtbot.waitUntil(lambda: got == [7])
    assert told == ["fails failed: RuntimeError: no"]
    assert "Traceback" in caplog.text


def test_abandoned_work_is_forgotten(qtbot, job):
    gate, got = threading.Event(), []
    job.ask("slow", lambda _: gate.wait(5), got.append)
    job.abandon()
    gate.set()
    qtbot.wait(40)
    assert got == [] and not job.busy
