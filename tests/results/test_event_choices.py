"""Decisions on single events: written in a line, replaced, taken back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.results.event_choices import (
    ACCEPTED,
    ADDED,
    REJECTED,
    UNREVIEWED,
    EventChoice,
    JudgedEvents,
    decide,
    sorted_choices,
    status_of_standing,
)
from napari_calcium.results.tables import Events

cells = st.integers(-(2**40), 2**40)
onsets = st.floats(0, 1e7, allow_nan=False)
decisions = st.sampled_from(["accept", "reject", "add"])
choices = st.builds(EventChoice, cells, onsets, decisions)


@given(choices)
def test_a_choice_comes_back_from_its_line(choice):
    assert EventChoice.of(str(choice)) == choice
    assert EventChoice.of(tuple(choice)) == choice


@pytest.mark.parametrize(
    "wrong",
    ["", "reject", "reject 1", "maybe 1 2", "reject a 2", "reject 1 b", "add 1 -1", "add 1 nan", "add 1 inf"],
)
def test_what_is_no_choice_is_refused(wrong):
    with pytest.raises(ValueError, match="event"):
        EventChoice.of(wrong)


@given(st.lists(choices, max_size=8, unique_by=lambda c: c[:2]), choices)
def test_a_decision_that_is_taken_back_leaves_no_trace(before, choice):
    others = sorted_choices(c for c in before if c[:2] != choice[:2])
    assert decide(decide(others, *choice), *choice[:2], None) == others


@given(st.lists(choices, max_size=8, unique_by=lambda c: c[:2]), st.randoms())
def test_the_order_of_decisions_does_not_matter(made, random):
    shuffled = list(made)
    random.shuffle(shuffled)
    one, other = (), ()
    for a, b in zip(made, shuffled, strict=True):
        one, other = decide(one, *a), decide(other, *b)
    assert one == other == sorted_choices(made)


def test_the_last_decision_on_an_event_counts():
    first = decide((), 3, 1.5, "accept")
    assert decide(first, 3, 1.5, "reject") == (EventChoice(3, 1.5, "reject"),)


def test_two_decisions_on_one_event_are_refused():
    with pytest.raises(ValueError, match="two choices"):
        sorted_choices([EventChoice(1, 2.0, "accept"), EventChoice(1, 2.0, "reject")])


def events(onsets, ids):
    n = len(onsets)
    at = np.array(onsets, float)
    return {
        "roi_id": np.array(ids, np.int64),
        "onset_s": at,
        "peak_s": at + 0.1,
        "end_s": at + 0.5,
        "amplitude": np.ones(n),
        "fwhm_s": np.full(n, 0.3),
    }


def test_what_stands_is_told_from_what_was_added():
    judged = JudgedEvents(
        **events([1.0, 2.0, 3.0], [7, 7, 9]), status=np.array([ACCEPTED, REJECTED, UNREVIEWED], np.int8)
    )
    standing = Events(**events([1.0, 2.5, 3.0], [7, 7, 9]))
    assert status_of_standing(standing, judged).tolist() == [ACCEPTED, ADDED, UNREVIEWED]
    assert judged.plain() == Events(**events([1.0, 2.0, 3.0], [7, 7, 9]))
    assert judged != judged.plain()
