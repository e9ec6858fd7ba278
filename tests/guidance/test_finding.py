from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.guidance.finding import finding, why_no_ensembles
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Activations, EnsembleEvents, Ensembles, Events, Members


def ensembles(sizes: list[int], active: int, chance: float) -> Ensembles:
    owner = np.repeat(np.arange(len(sizes)), sizes)
    ones = np.ones(len(owner))
    members = Members(owner, np.arange(len(owner)), ones, ones, ones, np.ones(len(owner), bool))
    times = np.arange(active, dtype=float)
    return Ensembles(
        members,
        Activations(np.arange(active) % len(sizes), times, np.zeros(active), np.full(active, 3)),
        expected_by_chance=chance,
    )


def moments(n: int) -> EnsembleEvents:
    at = np.arange(n, dtype=float)
    return EnsembleEvents(
        np.arange(n), at, at + 0.5, at, np.ones(n, int), np.zeros(n), np.full(n, -1), np.arange(n + 1),
        np.zeros(n, np.int64), 0.3,
    )  # fmt: skip


def events(n: int) -> Events:
    times = np.arange(n, dtype=float)
    return Events(np.zeros(n, np.int64), times, times, times + 1, np.ones(n), np.ones(n))


@pytest.fixture
def recording() -> Recording:
    return Recording(
        "a", np.arange(40), 10.0, {"dff": Trace(np.zeros((40, 500), np.float32), "ΔF/F")}, events=events(9)
    )


def test_nothing_is_said_before_ensembles_were_looked_for(recording):
    assert finding(recording) == why_no_ensembles(recording) == ""


def test_what_was_found_is_one_line_with_what_chance_gives(recording):
    some = recording.replace(ensembles=ensembles([5, 9, 7], 31, 0.25))
    assert finding(some) == (
        "Found 3 ensembles of 5 to 9 neurons, active 31 times in all; chance alone would give 0.25."
    )
    assert why_no_ensembles(some) == ""


def test_one_is_not_several_and_chance_that_is_not_known_is_left_out(recording):
    one = recording.replace(ensembles=ensembles([1], 1, np.nan))
    assert finding(one) == "Found 1 ensemble of 1 neuron, active 1 time in all."
    alike = recording.replace(ensembles=ensembles([4, 4], 2, np.nan))
    assert finding(alike) == "Found 2 ensembles each of 4 neurons, active 2 times in all."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"events": Events()}, ("no events", "threshold of Events", "frame rate")),
        ({"ensemble_events": moments(0)}, ("no more often than chance", "Coactivity")),
        ({"ensemble_events": moments(1)}, ("is 1 ensemble event,", "Similarity")),
        ({"ensemble_events": moments(8)}, ("are 8 ensemble events,", "longer recording")),
        ({}, ("notes",)),
    ],
)
def test_where_there_are_none_it_names_the_stage_that_left_nothing(recording, changes, words):
    none = recording.replace(ensembles=Ensembles(), **changes)
    assert finding(none) == f"Found no ensembles. {why_no_ensembles(none)}"
    for word in words:
        assert word in why_no_ensembles(none)


@pytest.mark.parametrize(("n", "said"), [(0, "There are 0 cells"), (1, "There is 1 cell")])
def test_too_few_cells_come_before_any_other_reason(n, said):
    few = Recording("a", np.arange(n), 10.0, {"dff": Trace(np.zeros((n, 50), np.float32), "ΔF/F")})
    few = few.replace(ensembles=Ensembles(), events=Events())
    assert said in why_no_ensembles(few)
