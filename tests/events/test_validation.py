"""Events judged by hand: matching and measuring anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.events.shape import measure_shapes
from napari_calcium.events.validation import (
    ValidationSettings,
    explain_review,
    review,
    validate_events,
)
from napari_calcium.results.event_choices import ACCEPTED, ADDED, REJECTED, UNREVIEWED, EventChoice
from napari_calcium.results.tables import Events

RATE = 20.0
N_FRAMES = 1200
IDS = np.array([30, 10, 20])


def transient(onset_s, height=1.0):
    t = np.arange(N_FRAMES) / RATE - onset_s
    rise = 1 - np.exp(-np.clip(t, 0, None) / 0.05)
    return np.where(t > 0, height * rise * np.exp(-np.clip(t, 0, None) / 0.6), 0)


@pytest.fixture(scope="module")
def truth():
    return {30: [5.0, 21.0, 40.0], 10: [12.0, 33.0], 20: []}


@pytest.fixture(scope="module")
def traces(truth):
    clean = np.stack([sum((transient(t) for t in truth[i]), np.zeros(N_FRAMES)) for i in IDS.tolist()])
    values = (clean + np.random.default_rng(0).normal(0, 0.02, clean.shape)).astype(np.float32)
    values.flags.writeable = False
    return values


@pytest.fixture(scope="module")
def detected(traces, truth):
    """Events at the true onsets, measured as detection measures them."""
    row = np.repeat(np.arange(3), [len(truth[i]) for i in IDS.tolist()])
    onset = np.array([t for i in IDS.tolist() for t in truth[i]])
    shape = measure_shapes(traces, RATE, row, onset)
    return Events(IDS[row], onset, shape.peak_s, shape.end_s, shape.amplitude, shape.fwhm_s)


def judge(detected, traces, choices, ids=IDS):
    found = review(detected, choices, ids, RATE, traces.shape[1])
    return found, validate_events(detected, found, traces, RATE, ids)


def about(detected, choice, rows=None):
    rows = range(len(detected)) if rows is None else rows
    return tuple(EventChoice(int(detected.roi_id[k]), float(detected.onset_s[k]), choice) for k in rows)


# --- laws


def test_without_choices_everything_is_as_detected(detected, traces):
    found, events = judge(detected, traces, ())
    assert events is detected
    assert set(found.status.tolist()) == {UNREVIEWED}
    assert explain_review(found) == ("no event was judged by hand",)


def test_accepting_all_changes_nothing(detected, traces):
    found, events = judge(detected, traces, about(detected, "accept"))
    assert events is detected
    assert set(found.status.tolist()) == {ACCEPTED}


def test_rejecting_all_of_a_cell_silences_it_and_no_other(detected, traces):
    own = np.flatnonzero(detected.roi_id == 30)
    _, events = judge(detected, traces, about(detected, "reject", own))
    assert 30 not in events.roi_id
    assert events == detected.take(detected.roi_id != 30)


def test_adding_what_was_rejected_by_detection_gives_it_back(detected, traces):
    """Events taken from the table and added by hand are measured as detection measured them."""
    without = detected.take(np.arange(len(detected)) != 1)
    found, events = judge(without, traces, about(detected, "add", [1]))
    assert events == detected
    assert found.status.tolist().count(ADDED) == 1


def test_a_rejected_event_leaves_its_neighbours_as_if_it_had_not_been_found(detected, traces):
    """The end of an event reaches to the next one: with that rejected, the first is whole again."""
    false = EventChoice(30, 5.6, "add")
    _, crowded = judge(detected, traces, (false,))
    assert crowded.end_s[0] < detected.end_s[0]
    _, again = judge(crowded, traces, (false._replace(choice="reject"),))
    assert again == detected


@given(st.permutations(range(3)), st.data())
@settings(max_examples=20, deadline=None)
def test_permuting_cells_permutes_the_result(detected, traces, order, data):
    kinds = data.draw(
        st.lists(st.sampled_from(["accept", "reject"]), min_size=len(detected), max_size=len(detected))
    )
    made = [about(detected, kind, [k])[0] for k, kind in enumerate(kinds)] + [EventChoice(20, 17.0, "add")]
    _, events = judge(detected, traces, made)
    ids = IDS[list(order)]
    rows = np.concatenate([np.flatnonzero(detected.roi_id == i) for i in ids])
    _, other = judge(detected.take(rows), traces[list(order)], made[::-1], ids)
    for i in ids:
        assert events.take(events.roi_id == i) == other.take(other.roi_id == i)
    assert other.rows(ids).tolist() == sorted(other.rows(ids).tolist())


# --- which event a choice is about


def naive_partners(detected, choices, reach):
    pairs = [
        (c.choice == "add", abs(t - c.onset_s), k, e)
        for k, c in enumerate(choices)
        for e, (i, t) in enumerate(zip(detected.roi_id.tolist(), detected.onset_s.tolist(), strict=True))
        if i == c.roi_id and abs(t - c.onset_s) <= reach
    ]
    partner, taken = {}, set()
    for _, _, k, e in sorted(pairs):
        if k not in partner and e not in taken:
            partner[k] = e
            taken.add(e)
    return partner


@given(
    st.lists(st.tuples(st.sampled_from([10, 20, 30]), st.integers(0, 80)), max_size=12, unique=True),
    st.lists(
        st.tuples(
            st.sampled_from([10, 20, 30]), st.integers(0, 80), st.sampled_from(["accept", "reject", "add"])
        ),
        max_size=8,
        unique_by=lambda c: c[:2],
    ),
    st.sampled_from([0.0, 0.25, 1.0]),
)
@settings(deadline=None)
def test_matching_agrees_with_the_naive_one(found, made, tolerance):
    rows = sorted((IDS.tolist().index(i), t / 4) for i, t in found)
    at = np.array([t for _, t in rows], float)
    n = len(rows)
    ids = np.array([IDS[r] for r, _ in rows], np.int64)
    detected = Events(ids, at, at, at, np.ones(n), np.ones(n))
    choices = tuple(EventChoice(i, t / 4, c) for i, t, c in made)
    told = review(detected, choices, IDS, RATE, N_FRAMES, tolerance)
    expected = naive_partners(detected, choices, max(tolerance, 1.5 / RATE))
    own = told.detected >= 0
    assert {
        int(c): int(e) for c, e in zip(told.choice[own], told.detected[own], strict=True) if c >= 0
    } == expected
    free = [c for k, c in enumerate(choices) if k not in expected]
    assert (told.status == ADDED).sum() == sum(c.choice == "add" for c in free)
    assert told.lost == tuple(c for c in free if c.choice != "add")
    assert len(told) == n + (told.status == ADDED).sum()


def test_choices_outlive_a_new_detection_as_far_as_events_match(detected, traces):
    moved = Events(**(detected.columns() | {"onset_s": detected.onset_s + 0.1}), unit=detected.unit)
    made = (*about(detected, "reject", [0]), EventChoice(30, 50.0, "reject"), EventChoice(99, 1.0, "accept"))
    found, events = judge(moved, traces, made)
    assert found.status[0] == REJECTED
    assert found.lost == made[1:]
    assert len(events) == len(detected) - 1
    assert explain_review(found) == (
        "by hand: 1 rejected",
        "2 choices have no event any more (cell 30 at 50.00 s is the first)",
    )


def test_an_addition_that_detection_finds_itself_counts_as_accepted(detected, traces):
    made = (EventChoice(30, float(detected.onset_s[0]) + 0.1, "add"),)
    found, events = judge(detected, traces, made)
    assert events is detected
    assert found.status.tolist().count(ACCEPTED) == 1


def test_an_addition_after_the_end_is_lost(detected, traces):
    found, events = judge(detected, traces, (EventChoice(30, 1e4, "add"),))
    assert events is detected and len(found.lost) == 1


# --- edges


def test_no_cells_no_events_no_frames():
    none = np.empty(0, np.int64)
    found = review(Events(), (EventChoice(1, 2.0, "add"),), none, RATE, 0)
    assert len(found) == 0 and len(found.lost) == 1
    assert len(validate_events(Events(), found, np.empty((0, 0), np.float32), RATE, none)) == 0


@pytest.mark.parametrize(
    "values", [np.full((1, 50), np.nan), np.zeros((1, 50)), np.ones((1, 1)), np.ones((1, 2))]
)
def test_an_event_can_be_added_anywhere(values):
    trace = values.astype(np.float32)
    ids = np.array([4])
    found = review(Events(), (EventChoice(4, 0.0, "add"),), ids, RATE, trace.shape[1])
    events = validate_events(Events(), found, trace, RATE, ids)
    assert events.roi_id.tolist() == [4]
    assert events.onset_s[0] <= events.peak_s[0] <= events.end_s[0]


def test_settings_come_back_from_yaml_and_are_sorted():
    made = ValidationSettings(choices=("reject 3 1.5", "accept 2 0.1"), tolerance=0.5)
    assert ValidationSettings.from_yaml(made.to_yaml()) == made
    assert [c.roi_id for c in made.choices] == [2, 3]
    assert made.replace(tolerance=1).choices == made.choices
