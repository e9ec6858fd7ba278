"""Judging events one by one, without a window."""

import numpy as np
import pytest

from napari_calcium.results.event_choices import ACCEPTED, ADDED, REJECTED, UNREVIEWED, EventChoice
from napari_calcium.session import Session
from napari_calcium.stages.pipeline_validation import with_choices
from napari_calcium.widgets.event_judge import EventJudge, EventPlace


@pytest.fixture
def session(recording):
    made = Session()
    made.open(recording)
    return made


@pytest.fixture
def judge(session):
    return EventJudge(session, lambda: 0.25)


@pytest.fixture
def lively(recording):
    """The two cells with the most events, the first with more than one."""
    ids, counts = np.unique(recording.events.roi_id, return_counts=True)
    return [int(i) for i in ids[np.argsort(-counts, kind="stable")][:2]]


def rows_of(judge, cell):
    return np.flatnonzero(judge.review.roi_id == cell).tolist()


def status(judge, row):
    return int(judge.review.status[row])


def test_before_a_recording_there_is_nothing_to_judge():
    judge = EventJudge(Session(), lambda: 0.25)
    assert judge.current is None and len(judge.review) == 0
    assert not judge.step(1, [1, 2], 0.0)
    assert "Choose an event" in judge.decide("accept")
    assert "Detect events first" in judge.add(1, 2.0)


def test_steps_go_through_the_events_of_each_cell_in_turn(judge, lively):
    seen = []
    while judge.step(1, lively, 0.0):
        seen.append((judge.current.roi_id, judge.current.onset_s))
    expected = [(cell, float(judge.review.onset_s[row])) for cell in lively for row in rows_of(judge, cell)]
    assert seen == [place for place in expected if place > (lively[0], 0.0) or place[0] != lively[0]]
    back = [seen[-1]]
    while judge.step(-1, lively, 0.0):
        back.append((judge.current.roi_id, judge.current.onset_s))
    assert back == seen[::-1]


def test_a_span_adds_what_is_in_it_and_never_what_is_there(judge, session):
    events = session.recording.events
    row = int(np.argmax(events.amplitude))
    cell, onset = int(events.roi_id[row]), float(events.onset_s[row])
    judge.choose(row)
    judge.decide("reject")
    assert "is accepted" in judge.add_within(cell, onset - 0.5, onset + 0.8)
    assert status(judge, row) == ACCEPTED
    assert judge.add_within(cell, onset - 0.5, onset + 0.8).endswith("there already.")
    assert judge.add_within(10_000, 0, 1) == ""
    assert "Detect events first" in EventJudge(Session(), lambda: 0.25).add_within(1, 2.0, 3.0)


def test_the_first_step_begins_at_the_cursor(judge, lively):
    second = judge.review.onset_s[rows_of(judge, lively[0])[1]]
    judge.step(1, lively, float(second) - 0.01)
    assert judge.current == EventPlace(lively[0], float(second))


@pytest.mark.parametrize(
    ("verdict", "becomes"), [("accept", ACCEPTED), ("reject", REJECTED), ("delete", REJECTED)]
)
def test_a_verdict_is_a_step_that_can_be_undone(judge, session, lively, verdict, becomes):
    row = rows_of(judge, lively[0])[0]
    judge.choose(row)
    before = session.recording
    assert judge.decide(verdict) == ""
    assert status(judge, row) == becomes
    session.undo()
    assert session.recording is before
    assert status(judge, row) == UNREVIEWED
    session.redo()
    assert status(judge, row) == becomes


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_the_same_verdict_twice_takes_it_back(judge, session, lively, verdict):
    before = session.recording
    judge.choose(rows_of(judge, lively[0])[0])
    judge.decide(verdict)
    judge.decide(verdict)
    assert session.recording == before


def test_another_verdict_takes_the_place_of_the_first(judge, session, lively):
    row = rows_of(judge, lively[0])[0]
    judge.choose(row)
    judge.decide("accept")
    judge.decide("reject")
    assert status(judge, row) == REJECTED and len(session.recording.event_choices) == 1
    judge.decide("clear")
    assert session.recording.event_choices == ()
    assert "Nothing was decided" in judge.decide("clear")


def test_what_is_added_comes_to_hand_and_goes_again(judge, session, lively):
    cell = lively[0]
    n = len(judge.review)
    free = next(t for t in np.arange(1.0, 39.0, 0.5) if judge.nearest(cell, t, 1.5) is None)
    assert judge.add(cell, float(free)).startswith("Added")
    assert len(judge.review) == n + 1 and status(judge, judge.row) == ADDED
    assert abs(judge.current.onset_s - free) < 3
    assert "counts already" in judge.decide("accept")
    assert judge.decide("delete") == ""
    assert judge.current is None and len(judge.review) == n
    assert session.recording.event_choices == ()


def test_an_event_that_is_there_is_not_added_again(judge, session, recording, lively):
    cell = lively[0]
    row = rows_of(judge, cell)[0]
    onset = float(judge.review.onset_s[row])
    judge._tolerance = lambda: 2.0
    assert "is there already" in judge.add(cell, onset)
    assert session.recording is recording
    judge.decide("reject")
    assert "is accepted" in judge.add(cell, onset)
    assert status(judge, row) == ACCEPTED


def test_a_decision_on_an_event_that_moved_replaces_the_old_one(judge, session, lively):
    """What an earlier detection found 0.1 s beside is the same event: not two decisions about it."""
    row = rows_of(judge, lively[0])[0]
    onset = float(judge.review.onset_s[row])
    old = EventChoice(lively[0], onset + 0.1, "accept")
    session.apply(with_choices(session.recording, (old,)), "old")
    judge.choose(row)
    judge.decide("reject")
    assert session.recording.event_choices == (EventChoice(lively[0], onset, "reject"),)


def test_counts_say_how_far_one_is(judge, lively):
    judge.choose(rows_of(judge, lively[0])[0])
    judge.decide("reject")
    counts = judge.counts()
    assert counts == {
        "unreviewed": len(judge.review) - 1,
        "accepted": 0,
        "rejected": 1,
        "added": 0,
    }
