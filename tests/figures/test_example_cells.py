"""An overview shows lively cells and a lively stretch, the same in every run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.figures.example_cells import busiest_span, example_cells
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Events


def with_events(counts: list[int], duration: float = 100.0) -> Recording:
    ids = 10 + 3 * np.arange(len(counts))
    cell = np.repeat(ids, counts)
    onset = np.concatenate([np.linspace(1, duration - 2, n) for n in counts]) if counts else np.empty(0)
    n = len(cell)
    events = Events(cell, onset, onset + 0.1, onset + 1, np.ones(n), np.ones(n))
    values = np.zeros((len(counts), int(duration)), np.float32)
    return Recording("r", ids, 1.0, traces={"dff": Trace(values, "ΔF/F")}, events=events)


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(0, 9), max_size=80), number=st.integers(1, 30))
def test_example_cells_are_different_cells_of_the_recording(counts, number):
    recording = with_events(counts)
    cells = example_cells(recording, number)
    assert len(set(cells)) == len(cells) == min(number, len(counts))
    assert set(cells) <= set(recording.roi_ids.tolist())
    assert cells == example_cells(recording, number)


def test_example_cells_run_from_lively_to_average():
    recording = with_events(list(range(1, 61)))
    counts = [int((recording.events.roi_id == cell).sum()) for cell in example_cells(recording, 4)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 50
    assert 25 < counts[-1] < 40


def test_silent_cells_come_only_where_there_are_no_others():
    recording = with_events([0, 0, 3, 0, 5, 0])
    assert set(example_cells(recording, 2)) == {16, 22}
    assert len(example_cells(recording, 6)) == 6


def test_without_events_cells_with_transients_are_chosen():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (40, 300)).astype(np.float32)
    values[7, 50], values[21, 80] = 60, 50
    values[30] = np.nan
    recording = Recording("r", np.arange(40), 10.0, traces={"dff": Trace(values, "ΔF/F")})
    liveliest = example_cells(recording, 20)
    assert 21 in liveliest or 7 in liveliest
    assert 30 not in liveliest


def test_no_cells_no_choice():
    assert example_cells(Recording("r", np.empty(0, np.int64), 1.0), 3) == ()


def test_busiest_span_holds_the_most_events():
    recording = with_events([0, 0], duration=1000.0)
    onset = np.sort(np.concatenate([np.arange(0, 1000, 100.0), np.linspace(512, 540, 8)]))
    n = len(onset)
    events = Events(np.full(n, 10), onset, onset, onset, np.ones(n), np.ones(n))
    start, stop = busiest_span(recording.replace(events=events), (10,), 60.0)
    assert stop - start == pytest.approx(60)
    assert start <= 512
    assert stop >= 540


def test_busiest_span_looks_at_the_chosen_cells_only():
    recording = with_events([50, 0])
    assert busiest_span(recording, (13,), 10.0) == (0.0, 10.0)


@settings(max_examples=40, deadline=None)
@given(times=st.lists(st.floats(0, 99), max_size=20), seconds=st.floats(1, 150))
def test_busiest_span_stays_in_the_recording(times, seconds):
    recording = with_events([0, 0])
    n = len(times)
    onset = np.sort(np.array(times))
    events = Events(np.full(n, 10), onset, onset, onset, np.ones(n), np.ones(n))
    start, stop = busiest_span(recording.replace(events=events), (10,), seconds)
    assert start >= 0
    assert stop <= recording.duration_s + 1e-9
    assert stop - start == pytest.approx(min(seconds, recording.duration_s))
