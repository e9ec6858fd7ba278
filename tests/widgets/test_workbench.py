import gc
import weakref

import pytest

from napari_calcium.pipeline import STAGES, TITLES, PipelineSettings
from napari_calcium.results.event_choices import EventChoice
from napari_calcium.roi_edits import DeleteRois
from napari_calcium.widgets.plan import StageState, entry_of
from napari_calcium.widgets.workbench import BUSY, NO_RATE, NO_RECORDING, Workbench, workbench_of

USED = tuple(stage for stage in STAGES if getattr(PipelineSettings(), stage) is not None)
"""Stages that are not skipped by default."""


@pytest.fixture
def recording(few):
    return few


@pytest.fixture
def session(few_session):
    return few_session


@pytest.fixture
def bench(qapp, session):
    made = Workbench(session)
    yield made
    made.let_go()


def finished(bench, qtbot):
    return qtbot.waitSignal(bench.runner.finished)


def test_a_stage_runs_in_the_background_and_becomes_a_step(bench, session, fake_stages, qtbot):
    with finished(bench, qtbot):
        assert bench.run_stage("baseline") == ""
    assert session.history[-1] == TITLES["baseline"]
    assert bench.plan.state("baseline") is StageState.UP_TO_DATE


def test_why_nothing_can_run_is_said_in_a_line(bench, session, recording, fake_stages):
    fake_stages.gate.clear()
    assert bench.run_stage("baseline") == ""
    assert bench.run_stage("background") == bench.run_all() == BUSY
    bench.let_go()
    session.open(recording.replace(frame_rate=None))
    assert bench.run_stage("baseline") == bench.obstacle() == NO_RATE
    session.close()
    assert bench.run_all() == NO_RECORDING


def test_run_all_is_a_step_a_stage_and_then_there_is_nothing_to_do(bench, session, fake_stages, qtbot):
    with finished(bench, qtbot):
        assert bench.run_all() == ""
    assert session.history[2:] == tuple(
        TITLES[s] for s in STAGES if getattr(PipelineSettings(), s) is not None
    )
    assert bench.run_all() == "Everything is up to date."
    assert not bench.runner.busy


def test_what_was_done_before_a_failure_stands(bench, session, fake_stages, qtbot):
    fake_stages.fail = "denoise"
    with finished(bench, qtbot) as signal:
        bench.run_all()
    assert signal.args[1].message == "denoise cannot run"
    assert entry_of(session.recording, "background") is not None
    assert entry_of(session.recording, "denoise") is None


def test_cancel_leaves_the_recording_as_it_was(bench, session, recording, fake_stages, qtbot):
    fake_stages.gate.clear()
    bench.run_stage("baseline")
    with finished(bench, qtbot) as signal:
        bench.runner.cancel()
    assert signal.args[1] is None
    assert session.recording is recording


def test_a_result_for_a_recording_that_is_gone_is_not_taken(bench, session, recording, fake_stages, qtbot):
    fake_stages.gate.clear()
    bench.run_stage("baseline")
    other = recording.replace(name="other")
    session.open(other)
    with finished(bench, qtbot) as signal:
        fake_stages.gate.set()
    assert "run again" in signal.args[1].message
    assert session.recording is other


def test_skipping_a_stage_that_has_run_takes_its_results_away(bench, session, recording, fake_stages, qtbot):
    with finished(bench, qtbot):
        bench.run_all()
    for stage in STAGES:
        bench.plan.set_enabled(stage, False)
    with finished(bench, qtbot):
        assert bench.run_all() == ""
    assert session.recording == recording


def test_results_are_unsaved_until_they_are_saved(bench, session, fake_stages, qtbot):
    assert not bench.has_unsaved_results
    with finished(bench, qtbot):
        bench.run_stage("baseline")
    assert bench.has_unsaved_results
    bench.saved = session.recording
    assert not bench.has_unsaved_results
    session.undo()
    assert not bench.has_unsaved_results


def test_what_was_opened_from_a_disk_is_saved_there_also_as_the_second_recording(
    bench, session, recording, fake_stages, qtbot
):
    with finished(bench, qtbot):
        bench.run_stage("baseline")
    done = session.recording
    session.open(recording)
    session.open(done.replace(name="results of yesterday"))
    assert not bench.has_unsaved_results
    session.amend(session.recording.replace(name="placed"))
    assert not bench.has_unsaved_results
    session.apply(session.recording.replace(frame_rate=7.0), "Frame rate 7 Hz")
    assert bench.has_unsaved_results
    session.undo()
    assert not bench.has_unsaved_results


@pytest.mark.parametrize(
    "decide",
    [
        lambda r: r.replace(cell_choice=r.cell_choice.replace(rejected=(10,))),
        lambda r: r.replace(cell_choice=r.cell_choice.replace(threshold=2.0)),
        lambda r: r.replace(event_choices=(EventChoice(0, 1.0, "reject"),)),
        lambda r: r.replace(cell_choice=r.cell_choice.replace(edits=(DeleteRois(roi_ids=(10,)),))),
    ],
)
def test_what_was_decided_by_hand_is_unsaved_though_no_stage_ran(bench, session, recording, decide):
    session.apply(decide(recording), "By hand")
    assert bench.has_unsaved_results
    bench.saved = session.recording
    assert not bench.has_unsaved_results


def test_a_viewer_has_one_workbench_and_takes_it_along(qapp):
    class Viewer:
        pass

    from napari_calcium.widgets import workbench

    made = {}
    viewer = Viewer()
    original = workbench.session_of
    try:
        from napari_calcium.session import Session

        workbench.session_of = lambda _: made.setdefault("session", Session())
        bench = workbench_of(viewer)
        assert workbench_of(viewer) is bench
    finally:
        workbench.session_of = original
    gone = weakref.ref(bench)
    del viewer, bench
    gc.collect()
    assert gone() is None
