import gc
import weakref

import numpy as np
import pytest

from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.results.event_choices import EventChoice
from napari_calcium.results.tables import Events
from napari_calcium.widgets.what_changed import Drawn, Seen, changed_parts, only_choices_differ


@pytest.fixture
def recording():
    values = np.zeros((3, 50), np.float32)
    return Recording(
        "made",
        np.arange(3),
        10.0,
        {"dff": Trace(values, "ΔF/F")},
        cell_names=("a", "b", "c"),
        images={"mean": np.zeros((4, 4), np.float32)},
        events=Events(),
        features={"n_events": np.zeros(3)},
        recording_features={"rate": 1.0},
        log=(LogEntry("events", {"n_sd": 3.0}),),
    )


def test_a_replaced_recording_shares_all_but_what_was_replaced(recording):
    assert changed_parts(recording, recording) == frozenset()
    assert changed_parts(recording, recording.replace()) == frozenset()
    assert changed_parts(recording, recording.replace(name="other")) == {"name"}
    assert changed_parts(recording, recording.replace(events=Events())) == {"events"}
    assert changed_parts(recording, recording.replace(features={"n_events": np.zeros(3)})) == {"features"}
    other = {"dff": Trace(np.zeros((3, 50), np.float32), "ΔF/F")}
    assert changed_parts(recording, recording.replace(traces=other)) == {"traces"}
    assert changed_parts(recording, recording.replace(log=())) == {"log"}


def test_equal_log_and_names_are_no_change(recording):
    again = recording.replace(log=(LogEntry("events", {"n_sd": 3.0}),), cell_names=tuple("abc"))
    assert changed_parts(recording, again) == frozenset()


def test_from_nothing_everything_changes(recording):
    assert changed_parts(None, recording) == changed_parts(recording, None) >= {"traces", "events", "log"}
    assert changed_parts(None, None) == frozenset()


def test_a_decision_alone_is_told_from_a_result(recording):
    decided = recording.replace(event_choices=(EventChoice(1, 2.0, "reject"),))
    assert only_choices_differ(recording, decided)
    assert only_choices_differ(decided, recording)
    assert not only_choices_differ(recording, recording)
    assert not only_choices_differ(None, decided)
    assert not only_choices_differ(recording, decided.replace(events=Events()))


def test_a_view_draws_what_is_news_to_it(recording):
    seen, all_of_it = Seen("events", "log"), Seen()
    assert seen.is_news(recording)
    assert all_of_it.is_news(recording)
    decided = recording.replace(event_choices=(EventChoice(1, 2.0, "reject"),))
    assert not seen.is_news(decided)
    assert not all_of_it.is_news(decided)
    renamed = decided.replace(name="other")
    assert not seen.is_news(renamed)
    assert all_of_it.is_news(renamed)
    assert seen.is_news(renamed.replace(events=Events()))
    seen.forget()
    assert seen.is_news(recording)


def test_comparing_keeps_no_recording_alive(recording):
    other = recording.replace(name="other")
    changed_parts(recording, other)
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None


def test_many_recordings_one_after_the_other_are_told_apart(recording):
    """One that is gone may leave its place in memory to the next."""
    for k in range(40):
        assert changed_parts(recording, recording.replace(name=str(k))) == {"name"}
        assert changed_parts(recording, recording.replace(log=())) == {"log"}


def test_what_is_drawn_again_is_told_by_identity_and_words_by_value(recording):
    drawn = Drawn()
    assert drawn.is_other(recording, "rate", 3.0)
    assert not drawn.is_other(recording, "".join(["ra", "te"]), 3.0), "Qt hands out a new string each time"
    assert drawn.is_other(recording, "id", 3.0)
    assert drawn.is_other(recording, "id", (1, 2))
    assert not drawn.is_other(recording, "id", (1, 2))
    assert drawn.is_other(recording, "id")


def test_results_that_are_alike_are_not_read_to_find_out():
    class Unreadable:
        def __eq__(self, other):
            raise AssertionError("equality would read all of it")

        __hash__ = None

    drawn, one = Drawn(), Unreadable()
    assert drawn.is_other(one)
    assert not drawn.is_other(one)
    assert drawn.is_other(Unreadable())
    drawn.forget()
    assert drawn.is_other(one)
