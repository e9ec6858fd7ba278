"""Events judged in the Traces dock with real keys and clicks, and results that follow."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication
from tests.widgets.settling import settle

from napari_calcium.pipeline import run
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.results.event_choices import ACCEPTED, ADDED, REJECTED, EventChoice
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.stages.pipeline_validation import with_choices
from napari_calcium.widgets.plan import StageState
from napari_calcium.widgets.traces import TracesDock
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of


@pytest.fixture(scope="module")
def finished():
    made = simulate(SimulationSettings(n_rois=25, n_frames=900, frame_rate=10.0, n_ensembles=2, seed=5))
    return run(made.to_recording().replace(movie=None))


@pytest.fixture
def bench(viewer):
    made = workbench_of(viewer)
    yield made
    made.let_go()


@pytest.fixture
def dock(qtbot, viewer, session, bench, finished):
    made = TracesDock(viewer)
    qtbot.addWidget(made)
    made.resize(900, 420)
    made.show()
    qtbot.waitExposed(made)
    session.open(finished)
    made.judging.bar.follow.setChecked(False)
    session.selection.cells = lively(finished)
    settle()
    made.judge_button.click()
    settle()
    yield made
    made.judging.bar.updates.runner.abandon()


def lively(recording) -> list[int]:
    ids, counts = np.unique(recording.events.roi_id, return_counts=True)
    return [int(i) for i in ids[np.argsort(-counts, kind="stable")][:2]]


def key(qtbot, dock, *keys) -> None:
    for one in keys:
        qtbot.keyClick(dock, one)
        settle()


def at(dock, seconds: float, height: float):
    return dock.plot.mapFromScene(dock.plot.box.mapViewToScene(QPointF(seconds, height)))


def signs(dock, status: int) -> np.ndarray:
    x, _ = dock.plot._signs[status].getData()
    return np.asarray(x if x is not None else [], float)


K = Qt.Key


def test_keys_judge_and_go_on(dock, session, qtbot, finished):
    key(qtbot, dock, K.Key_N)
    cell = lively(finished)[0]
    own = finished.events.onset_s[finished.events.roi_id == cell]
    assert dock.judging.judge.current.roi_id == cell
    assert session.selection.focus == cell
    assert session.selection.time == pytest.approx(own[own > 0][0])
    first = dock.judging.judge.current
    key(qtbot, dock, K.Key_A)
    assert dock.judging.judge.current != first  # went on
    key(qtbot, dock, K.Key_R, K.Key_P, K.Key_P)
    assert dock.judging.judge.current == first
    assert [c.choice for c in session.recording.event_choices] == ["accept", "reject"]
    np.testing.assert_allclose(signs(dock, ACCEPTED), own[:1])
    np.testing.assert_allclose(signs(dock, REJECTED), own[1:2])


def test_rejected_events_have_no_tick_and_others_keep_theirs(dock, qtbot, finished):
    def ticks() -> int:
        return len(dock.plot._events["events"].getData()[0]) // 2

    before = ticks()
    key(qtbot, dock, K.Key_N, K.Key_R)
    assert ticks() == before - 1
    key(qtbot, dock, K.Key_A)
    assert ticks() == before - 1


def test_without_going_on_the_event_stays_at_hand(dock, qtbot):
    dock.judging.bar.go_on.setChecked(False)
    key(qtbot, dock, K.Key_N)
    place = dock.judging.judge.current
    key(qtbot, dock, K.Key_R)
    assert dock.judging.judge.current == place
    key(qtbot, dock, K.Key_U)
    assert dock.judging.judge.review.status[dock.judging.judge.row] == 0


def test_the_event_at_hand_is_framed_in_its_lane(dock, qtbot):
    key(qtbot, dock, K.Key_N)
    place = dock.judging.judge.current
    x, y = dock.plot._at_hand.getData()
    assert x.min() < place.onset_s < x.max()
    (lane,) = dock.plot.lanes.lanes_of(place.roi_id)
    assert lane <= y.min() and y.max() <= lane + 1
    dock.judge_button.click()
    settle()
    assert np.size(dock.plot._at_hand.getData()[0]) == 0


def test_a_click_takes_an_event_to_hand_and_the_cursor_to_its_onset(dock, session, qtbot, finished):
    cell = lively(finished)[1]
    onset = float(finished.events.onset_s[finished.events.roi_id == cell][1])
    session.selection.span = (max(0, onset - 4), onset + 4)
    settle()
    (lane,) = dock.plot.lanes.lanes_of(cell)
    place = at(dock, onset + 0.02, lane + 0.5)
    qtbot.mouseMove(dock.plot.viewport(), place)
    qtbot.mouseClick(dock.plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle()
    assert dock.judging.judge.current.onset_s == onset
    assert session.selection.time == pytest.approx(onset)


def test_a_double_click_adds_and_delete_takes_away(dock, session, qtbot, finished):
    cell = lively(finished)[0]
    judge = dock.judging.judge
    free = next(float(t) for t in np.arange(2, 88, 0.5) if judge.nearest(cell, float(t), 2.5) is None)
    session.selection.span = (free - 4, free + 4)
    settle()
    (lane,) = dock.plot.lanes.lanes_of(cell)
    place = at(dock, free, lane + 0.5)
    qtbot.mouseDClick(dock.plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle()
    (choice,) = session.recording.event_choices
    assert choice.roi_id == cell and choice.choice == "add" and abs(choice.onset_s - free) < 2.5
    assert session.selection.span is not None  # the view stayed
    np.testing.assert_allclose(signs(dock, ADDED), [choice.onset_s])
    key(qtbot, dock, K.Key_Delete)
    assert session.recording.event_choices == ()
    assert len(signs(dock, ADDED)) == 0


def drag(qtbot, dock, start, stop, height, button=Qt.MouseButton.LeftButton):
    """Drag over the plot, in steps as a hand would."""
    view, places = dock.plot.viewport(), [at(dock, s, height) for s in np.linspace(start, stop, 6)]
    qtbot.mouseMove(view, places[0])
    qtbot.mousePress(view, button, pos=places[0])
    for place in places[1:]:
        move = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(place),
            QPointF(view.mapToGlobal(place)),
            Qt.MouseButton.NoButton,
            button,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(view, move)
        qtbot.wait(15)  # the scene passes over moves that come too fast
    qtbot.mouseRelease(view, button, pos=places[-1])
    settle()


def test_a_drag_over_a_trace_adds_the_event_in_it_and_z_takes_it_back(dock, session, qtbot, finished):
    cell = lively(finished)[0]
    judge = dock.judging.judge
    free = next(float(t) for t in np.arange(3, 85, 0.5) if judge.nearest(cell, float(t), 3.0) is None)
    session.selection.span = (free - 4, free + 4)
    settle()
    (lane,) = dock.plot.lanes.lanes_of(cell)
    drag(qtbot, dock, free - 1, free + 1.5, lane + 0.5)
    (choice,) = session.recording.event_choices
    assert (choice.roi_id, choice.choice) == (cell, "add")
    assert free - 1.1 <= choice.onset_s <= free + 1.6
    assert session.selection.span == (free - 4, free + 4)  # it did not move the plot
    assert dock.judging.judge.current.onset_s == choice.onset_s
    key(qtbot, dock, K.Key_Z)
    assert session.recording is finished


def test_a_drag_over_a_detected_event_takes_it_to_hand(dock, session, qtbot, finished):
    cell = lively(finished)[1]
    onset = float(finished.events.onset_s[finished.events.roi_id == cell][1])
    session.selection.span = (max(0, onset - 4), onset + 4)
    settle()
    (lane,) = dock.plot.lanes.lanes_of(cell)
    drag(qtbot, dock, onset - 0.5, onset + 0.8, lane + 0.5)
    assert session.recording.event_choices == ()
    assert dock.judging.judge.current.onset_s == onset
    assert "already" in dock.judging.bar.says.text()


def test_a_drag_moves_the_plot_with_the_middle_button_and_when_nobody_judges(dock, session, qtbot, finished):
    session.selection.span = (20.0, 40.0)
    settle()
    drag(qtbot, dock, 30, 33, 0.5, Qt.MouseButton.MiddleButton)
    start, stop = session.selection.span
    assert start < 19 and stop - start == pytest.approx(20)
    dock.judge_button.click()

    def pulled() -> bool:
        # Again, if need be: the scene passes over moves while the bar is being taken away.
        session.selection.span = (20.0, 40.0)
        settle()
        drag(qtbot, dock, 30, 33, 0.5)
        return session.selection.span[0] < 19

    qtbot.waitUntil(pulled)
    assert session.recording is finished


def test_the_bar_is_one_line_at_any_width_and_loses_no_button(dock, qtbot):
    bar = dock.judging.bar
    buttons = [*bar._buttons, bar.update_button]
    dock.resize(1500, 420)
    settle()
    assert bar.accept.text() == "✓ Accept"
    height = bar.height()
    dock.resize(420, 420)
    settle()
    assert bar.accept.text() == "✓"
    assert bar.height() == height
    for button in buttons:
        assert button.accessibleName() and button.toolTip()
        assert button.x() >= 0 and button.geometry().right() <= bar.width()
    assert bar.says.toolTip()


def test_i_adds_at_the_cursor(dock, session, qtbot, finished):
    cell = lively(finished)[0]
    judge = dock.judging.judge
    free = next(float(t) for t in np.arange(2, 88, 0.5) if judge.nearest(cell, float(t), 2.5) is None)
    session.selection.focus = cell
    session.selection.time = free
    key(qtbot, dock, K.Key_I)
    assert [c.roi_id for c in session.recording.event_choices] == [cell]


def test_while_events_are_not_judged_keys_and_double_clicks_are_as_ever(dock, session, qtbot, finished):
    dock.judge_button.click()
    session.selection.span = (10, 20)
    settle()
    key(qtbot, dock, K.Key_N, K.Key_A, K.Key_R, K.Key_I)
    assert session.recording is finished
    qtbot.mouseDClick(dock.plot.viewport(), Qt.MouseButton.LeftButton, pos=at(dock, 15, 0.5))
    settle()
    assert session.recording is finished and session.selection.span is None


def test_arrows_still_go_through_cells_and_frames(dock, session, qtbot):
    session.selection.time = 1.0
    key(qtbot, dock, K.Key_Right)
    assert session.selection.time == pytest.approx(1.1)


def test_the_bar_says_what_was_decided_and_what_waits(dock, qtbot, session):
    key(qtbot, dock, K.Key_N, K.Key_R)
    said = dock.judging.bar.says.text()
    assert "1 of" in said and "1 rejected" in said and "do not know 1 decision yet" in said
    assert dock.judging.bar.update_button.isEnabled()
    session.undo()
    assert not dock.judging.bar.update_button.isEnabled()


def test_marks_stay_when_nobody_judges(dock, qtbot):
    key(qtbot, dock, K.Key_N, K.Key_R)
    dock.judge_button.click()
    settle()
    assert len(signs(dock, REJECTED)) == 1
    dock.events_box.setChecked(False)
    settle()
    assert len(signs(dock, REJECTED)) == 0


def test_without_events_there_is_nothing_to_judge(dock, session, finished):
    session.apply(finished.replace(events=None, log=()), "no events")
    assert dock.judge_button.isHidden()
    assert dock.judging.bar.isHidden()


# --- results that follow


def reject_first(session, finished) -> EventChoice:
    found = finished.events
    session.judge_event(int(found.roi_id[0]), float(found.onset_s[0]), "reject")
    return session.recording.event_choices[0]


def test_update_gives_what_a_headless_run_gives_and_is_no_step(dock, session, bench, qtbot, finished):
    reject_first(session, finished)
    steps = session.history
    updates = dock.judging.bar.updates
    with qtbot.waitSignal(updates.runner.finished, timeout=60_000):
        dock.judging.bar.update_button.click()
    assert session.history == steps
    assert updates.pending == 0
    headless = run(finished, PipelineSettings(validation=bench.plan.settings.validation))
    assert session.recording == headless
    session.undo()
    assert session.recording is finished


def test_results_follow_by_themselves_and_the_latest_decision_wins(dock, session, qtbot, finished):
    updates = dock.judging.bar.updates
    dock.judging.bar.follow.setChecked(True)
    reject_first(session, finished)
    updates.update()
    found = finished.events
    session.judge_event(int(found.roi_id[5]), float(found.onset_s[5]), "reject")
    qtbot.waitUntil(lambda: updates.pending == 0 and not updates.runner.busy, timeout=60_000)
    assert len(session.recording.events) == len(found) - 2
    assert session.recording.ensembles is not None


def test_an_edit_in_a_form_waits_for_its_own_run(dock, session, bench, qtbot, finished):
    edited = bench.plan.stage("significance").replace(false_discovery_rate=0.2)
    bench.plan.set_stage("significance", edited)
    reject_first(session, finished)
    updates = dock.judging.bar.updates
    with qtbot.waitSignal(updates.runner.finished, timeout=60_000):
        updates.update()
    entry = next(e for e in session.recording.log if e.stage == "significance")
    assert entry.settings["false_discovery_rate"] == 0.05
    assert bench.plan.stage("significance").false_discovery_rate == 0.2
    assert bench.plan.state("significance") is StageState.STALE


def test_while_a_run_goes_on_nothing_is_decided(dock, session, bench, qtbot, monkeypatch):
    key(qtbot, dock, K.Key_N)
    monkeypatch.setattr(type(bench.runner), "busy", property(lambda self: True))
    key(qtbot, dock, K.Key_A)
    assert session.recording.event_choices == ()
    assert "run is going on" in dock.judging.bar.says.text()


def test_opening_another_recording_while_results_are_made_is_safe(dock, session, qtbot, finished):
    reject_first(session, finished)
    updates = dock.judging.bar.updates
    updates.update()
    other = finished.replace(name="other")
    session.open(other)
    qtbot.waitUntil(lambda: not updates.runner.busy, timeout=60_000)
    assert session.recording is other
    assert dock.judging.judge.current is None


def test_all_decisions_can_be_forgotten(session, bench, qtbot, finished):
    from napari_calcium.widgets.event_validation import ValidationPanel

    session.open(finished)
    panel = ValidationPanel(bench)
    qtbot.addWidget(panel)
    assert not panel.forget.isEnabled()
    choice = reject_first(session, finished)
    assert panel.forget.isEnabled()
    panel.forget.click()
    assert session.recording.event_choices == ()
    session.undo()
    assert session.recording.event_choices == (choice,)
    session.apply(with_choices(session.recording, ()), "none")
    assert bench.plan.settings.validation is None


# --- in a real window


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_whole_flow_in_a_real_window(make_napari_viewer, qtbot, finished):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 900)
    _, dock = viewer.window.add_plugin_dock_widget("napari-calcium", "Traces")
    session = session_of(viewer)
    session.open(finished)
    session.selection.cells = lively(finished)[:1]
    qtbot.wait(50)
    dock.judge_button.click()
    settle()
    key(qtbot, dock, K.Key_N, K.Key_R, K.Key_A)
    assert [c.choice for c in session.recording.event_choices] == ["reject", "accept"]
    updates = dock.judging.bar.updates
    qtbot.waitUntil(lambda: updates.pending == 0 and not updates.runner.busy, timeout=60_000)
    assert len(session.recording.events) == len(finished.events) - 1
    assert session.recording.ensembles is not None
    session.undo()
    session.undo()
    assert session.recording is finished
    dock.judge_button.click()
