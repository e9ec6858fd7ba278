import threading
import time

import pytest

from napari_calcium.progress import Cancelled
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.worker import Job, Runner, explain


@pytest.fixture
def runner(qapp):
    made = Runner()
    yield made
    made.abandon()


def finished(runner, qtbot):
    return qtbot.waitSignal(runner.finished)


def test_work_runs_in_another_thread_and_its_result_arrives_in_this_one(runner, qtbot):
    where = {}

    def work(on_progress):
        where["work"] = threading.current_thread()
        return 42

    def take(result):
        where["result"] = (result, threading.current_thread())

    with finished(runner, qtbot) as signal:
        assert runner.start("Count", work, take)
    assert signal.args == ["Count", None]
    assert where["work"] is not threading.main_thread()
    assert where["result"] == (42, threading.main_thread())
    assert not runner.busy


def test_a_second_run_is_refused_while_one_is_going_on(runner, qtbot):
    gate = threading.Event()
    taken = []
    assert runner.start("First", lambda p: gate.wait(5), taken.append)
    assert runner.busy
    assert not runner.start("Second", lambda p: None, taken.append)
    with finished(runner, qtbot):
        gate.set()
    assert taken == [True]
    with finished(runner, qtbot):
        assert runner.start("Third", lambda p: 3, taken.append)
    assert taken == [True, 3]


def test_progress_arrives_as_a_share(runner, qtbot):
    gate = threading.Event()

    def work(on_progress):
        on_progress(1, 4)
        gate.wait(5)

    with qtbot.waitSignal(runner.progressed, check_params_cb=lambda share, left: share == 0.25):
        runner.start("Count", work, lambda _: None)
    with finished(runner, qtbot):
        gate.set()


def test_cancelling_stops_at_the_next_report_and_takes_no_result(runner, qtbot):
    begun, reports, taken = threading.Event(), [], []

    def work(on_progress):
        for k in range(10_000):
            on_progress(k, 10_000)
            reports.append(k)
            begun.set()
            threading.Event().wait(0.002)
        return "all"

    runner.start("Count", work, taken.append)
    begun.wait(5)
    with finished(runner, qtbot) as signal:
        runner.cancel()
    assert signal.args == ["Count", None]
    assert taken == []
    assert len(reports) < 10_000


@pytest.mark.parametrize(("stop", "said"), [("cancel", "Cancelled: Count"), ("supersede", "")])
def test_only_what_the_user_cancels_is_called_cancelled(runner, qtbot, stop, said):
    line = ProgressLine(runner)
    qtbot.addWidget(line)
    gate, taken = threading.Event(), []
    runner.start("Count", lambda p: gate.wait(5), taken.append)
    getattr(runner, stop)()
    with finished(runner, qtbot):
        gate.set()
    assert taken == [] and runner.was_cancelled == bool(said)
    assert line.message.startswith(said) and bool(line.message) == bool(said)
    # It is forgotten with the next job.
    with finished(runner, qtbot):
        runner.start("Count", lambda p: 1, taken.append)
    assert taken == [1] and not runner.was_cancelled


def test_a_job_that_the_user_cancelled_stays_so_when_it_is_superseded(runner, qtbot):
    gate = threading.Event()
    runner.start("Count", lambda p: gate.wait(5), lambda _: None)
    runner.cancel()
    runner.supersede()
    with finished(runner, qtbot):
        gate.set()
    assert runner.was_cancelled


def test_work_that_never_reports_is_not_taken_after_cancel(runner, qtbot):
    gate, taken = threading.Event(), []
    runner.start("Count", lambda p: gate.wait(5), taken.append)
    runner.cancel()
    with finished(runner, qtbot):
        gate.set()
    assert taken == []


def test_an_error_is_one_line_with_the_traceback_behind_it(runner, qtbot, caplog):
    def work(on_progress):
        raise ValueError("traces must be finite,\n got inf")

    with finished(runner, qtbot) as signal:
        runner.start("Count", work, lambda _: None)
    failure = signal.args[1]
    assert failure.message == "traces must be finite, got inf"
    assert "Traceback" in failure.details
    assert "ValueError" in failure.details
    assert "traces must be finite" in caplog.text


def test_a_bug_says_which_run_it_was(caplog):
    assert explain(KeyError("x"), "Events").message == "Events failed: KeyError: 'x'"
    assert explain(ValueError(), "Events").message == "Events failed: ValueError"
    assert "memory" in explain(MemoryError(), "Events").message


def test_an_error_while_taking_the_result_is_told_and_leaves_the_runner_free(runner, qtbot):
    def take(result):
        raise ValueError("the recording was changed")

    with finished(runner, qtbot) as signal:
        runner.start("Count", lambda p: 1, take)
    assert signal.args[1].message == "the recording was changed"
    assert not runner.busy


def test_parts_arrive_in_order_before_the_end(runner, qtbot):
    seen = []

    def work(on_progress):
        for k in range(3):
            on_progress.hand_over(k)
        return "end"

    with finished(runner, qtbot):
        runner.start("Count", work, seen.append, seen.append)
    assert seen == [0, 1, 2, "end"]


def test_parts_handed_over_before_an_error_stay(runner, qtbot):
    seen = []

    def work(on_progress):
        on_progress.hand_over("first")
        raise ValueError("second failed")

    with finished(runner, qtbot) as signal:
        runner.start("Count", work, seen.append, seen.append)
    assert seen == ["first"]
    assert signal.args[1].message == "second failed"


def test_a_part_that_cannot_be_taken_stops_the_run(runner, qtbot):
    gate = threading.Event()

    def work(on_progress):
        on_progress.hand_over(1)
        gate.wait(5)
        on_progress(0, 1)

    def refuse(part):
        raise ValueError("not mine")

    with finished(runner, qtbot) as signal:
        runner.start("Count", work, lambda _: None, refuse)
        qtbot.wait(100)
        assert not runner.start("Next", lambda p: 1, lambda _: None)  # the thread is still at work
        gate.set()
    assert signal.args[1].message == "not mine"


def test_parts_of_a_run_that_was_left_never_reach_the_next(runner, qtbot):
    begun, gate, seen = threading.Event(), threading.Event(), []

    def left(job):
        begun.set()
        gate.wait(5)
        job.hand_over("of the first")
        job.retitle("First")

    runner.start("First", left, seen.append, seen.append)
    begun.wait(5)
    runner.abandon()
    with finished(runner, qtbot) as signal:
        runner.start("Second", lambda job: gate.set() or time.sleep(0.1) or "end", seen.append, seen.append)
    assert seen == ["end"]
    assert signal.args[0] == "Second"


def test_what_is_superseded_after_its_thread_has_ended_is_not_taken(runner, qtbot):
    seen = []
    runner.start("Count", lambda p: 1, seen.append)
    assert runner._job.wait(5)
    with finished(runner, qtbot):
        runner.supersede()
    assert seen == []
    assert not runner.was_cancelled


def test_after_abandon_nothing_arrives_and_the_thread_ends(runner, qtbot):
    begun, ended, taken = threading.Event(), threading.Event(), []

    def work(on_progress):
        begun.set()
        try:
            while True:
                on_progress(0, 1)
        finally:
            ended.set()

    runner.start("Count", work, taken.append)
    begun.wait(5)
    with qtbot.assertNotEmitted(runner.finished, wait=150):
        runner.abandon()
    assert ended.wait(5)
    assert taken == []


def test_the_time_left_is_told_once_it_is_more_than_a_guess(monkeypatch):
    gate = threading.Event()

    def work(on_progress):
        on_progress(1, 4)
        gate.wait(5)

    job = Job(work, "Count")
    while job.share is None:
        job.wait(0.001)
    assert job.seconds_left is None
    monkeypatch.setattr("napari_calcium.widgets.worker.time.monotonic", lambda: job._started + 10)
    assert job.seconds_left == 30
    gate.set()
    assert job.wait(5)


def test_cancelled_raised_by_the_work_itself_is_no_failure():
    def work(on_progress):
        raise Cancelled

    job = Job(work, "Count")
    assert job.wait(5)
    assert job.cancelled
    assert job.failure is None


def test_a_bug_in_a_later_part_names_that_part(runner, qtbot):
    gate = threading.Event()

    def work(on_progress):
        gate.wait(5)
        on_progress.retitle("Events")
        raise KeyError("x")

    with finished(runner, qtbot) as signal:
        runner.start("Run all", work, lambda _: None)
        gate.set()
    assert signal.args[0] == "Events"
    assert signal.args[1].message == "Events failed: KeyError: 'x'"
