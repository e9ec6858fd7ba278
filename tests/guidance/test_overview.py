from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.guidance.overview import overview, shortcoming, why_counts_differ
from napari_calcium.recording import Movie, Recording, Trace
from napari_calcium.results.tables import Activations, EnsembleEvents, Ensembles, Events, Members


def traces(name: str = "raw", unit: str = "a.u.", n_rois: int = 74, n_frames: int = 6001) -> dict[str, Trace]:
    return {name: Trace(np.zeros((n_rois, n_frames), np.float32), unit)}


def events(n: int) -> Events:
    times = np.arange(n, dtype=float)
    return Events(np.zeros(n, np.int64), times, times, times + 1, np.ones(n), np.ones(n))


def ensembles(n: int, chance: float) -> Ensembles:
    cells = np.arange(n * 4)
    ones = np.ones(len(cells))
    members = Members(cells // 4, cells, ones, ones, ones, np.ones(len(cells), bool))
    active = Activations(np.arange(n), np.arange(n, dtype=float), np.zeros(n), np.full(n, 4))
    return Ensembles(members, active, expected_by_chance=chance)


def moments(owners: list[int]) -> EnsembleEvents:
    n = len(owners)
    times = np.arange(n, dtype=float)
    return EnsembleEvents(
        np.arange(n), times, times + 0.5, times, np.ones(n, int), np.zeros(n), np.array(owners, np.int64),
        np.arange(n + 1), np.zeros(n, np.int64), 0.3,
    )  # fmt: skip


def test_the_line_says_what_is_known_and_no_more():
    plain = Recording("a", np.arange(74), 30.0, traces())
    assert overview(plain) == "74 cells, 6,001 frames at 30 Hz, raw fluorescence"
    known = plain.replace(
        traces=traces() | traces("dff", "ΔF/F"), events=events(212), ensembles=ensembles(3, 0.4)
    )
    assert overview(known) == (
        "74 cells, 6,001 frames at 30 Hz, ΔF/F; 212 events; 3 ensembles, 0.4 expected by chance"
    )


def test_one_is_not_several_and_chance_that_is_not_known_is_left_out():
    one = Recording("a", np.arange(1), 2.5, traces("dff", "ΔF/F", 1, 1), events=events(1))
    assert overview(one) == "1 cell, 1 frame at 2.5 Hz, ΔF/F; 1 event"
    assert overview(one.replace(ensembles=ensembles(1, np.nan))).endswith("1 event; 1 ensemble")


def test_recordings_that_lack_something():
    assert overview(Recording("a", np.arange(74), None, traces())).startswith(
        "74 cells, 6,001 frames at an unknown rate"
    )
    movie = Recording("m", np.empty(0, np.int64), 30.0, movie=Movie(np.zeros((7, 4, 4))))
    assert overview(movie) == "a movie of 4 × 4 pixels, 7 frames at 30 Hz"
    nothing = Recording("n", np.empty(0, np.int64), 5.0, traces("dff", "ΔF/F", 0, 9), events=Events())
    assert overview(nothing) == "0 cells, 9 frames at 5 Hz, ΔF/F; 0 events"


def test_why_counts_differ_names_both_and_the_events_in_none():
    base = Recording("a", np.arange(74), 30.0, traces())
    known = base.replace(ensemble_events=moments([0, 1, -1, -1, 2]), ensembles=ensembles(3, 0.0))
    text = why_counts_differ(known)
    assert "3 activations and 5 ensemble events" in text
    assert "2 of the 5 ensemble events belong to no ensemble" in text
    assert "belong to no" not in why_counts_differ(known.replace(ensemble_events=moments([0])))


@pytest.mark.parametrize("changes", [{}, {"ensembles": Ensembles()}, {"ensemble_events": EnsembleEvents()}])
def test_nothing_is_explained_before_there_is_something(changes):
    base = Recording("a", np.arange(74), 30.0, traces())
    assert why_counts_differ(base.replace(**changes)) == ""


@pytest.mark.parametrize(("rate", "words"), [(None, "frame rate"), (240.0, "lasts 25 s"), (30.0, "")])
def test_what_a_recording_falls_short_of_is_told_before_the_run(rate, words):
    said = shortcoming(Recording("a", np.arange(74), rate, traces()))
    assert words in said
    assert bool(said) == bool(words)


def test_of_nothing_no_shortness_is_told():
    assert shortcoming(Recording("a", np.empty(0, np.int64), 10.0)) == ""
