from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.figures.raster_levels import MISSING, NO_EVENT, PLAIN_EVENT, event_levels, trace_levels
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Activations, Coactivity, Ensembles, Events, Members


def trace(values, unit: str = "ΔF/F") -> Trace:
    return Trace(np.asarray(values, np.float32), unit)


def test_levels_are_linear_between_the_ends_and_cut_beyond_them():
    values = np.linspace(0, 1, 1001)[None]
    made = trace_levels(trace(values))
    assert made.low == 0 and made.high == pytest.approx(1.0, abs=0.01)
    expected = np.clip(np.rint(values / made.high * 254) + 1, 1, 255)
    assert np.abs(made.levels.astype(int) - expected).max() <= 1
    below = trace_levels(trace([[-5.0, 0.0, 1.0, 2.0]])).levels
    assert below[0, 0] == below[0, 1] == 1


def test_missing_samples_have_a_level_of_their_own():
    made = trace_levels(trace([[np.nan, -1.0, 3.0], [np.nan] * 3]))
    assert (made.levels == MISSING).tolist() == [[True, False, False], [True] * 3]


@pytest.mark.parametrize("unit", ["ΔF/F", "a.u."])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("values", [np.zeros((0, 5)), np.zeros((2, 4)), np.full((2, 4), np.nan)])
def test_nothing_and_constants_are_results(values, unit, scaled):
    made = trace_levels(trace(values, unit), scaled=scaled)
    assert made.levels.shape == values.shape
    assert np.isfinite([made.low, made.high]).all() and made.high > made.low


def test_the_scale_ends_at_the_peaks_however_rare_they_are():
    values = np.zeros((1, 15_000))
    values[0, 7000] = 4.0
    assert trace_levels(trace(values)).high == 4.0
    values[0, ::300] = 2.0
    assert 2.0 <= trace_levels(trace(values)).high <= 4.0


def test_scaled_neurons_have_the_same_peaks_whatever_their_gain():
    one = np.random.default_rng(0).gamma(1.0, 1.0, 800)
    made = trace_levels(trace([one, 100 * one + 7], "a.u."), scaled=True)
    assert np.abs(made.levels[0].astype(int) - made.levels[1]).max() <= 1
    assert made.scaled and (made.low, made.high) == (0.0, 1.0)


def events_of(recording_ids, rows, times) -> Events:
    n = len(times)
    return Events(
        np.asarray(recording_ids)[rows],
        np.asarray(times),
        np.asarray(times),
        np.asarray(times),
        np.ones(n),
        np.ones(n),
    )


def test_each_event_stands_in_its_frame_and_in_the_level_of_its_ensemble():
    ids = np.array([5, 9, 2])
    events = events_of(ids, [0, 0, 1, 2], [0.5, 3.0, 0.5, 9.99])
    members = Members(np.array([4, 4]), np.array([5, 9]), *(np.ones(2) for _ in range(3)), np.ones(2, bool))
    active = Activations(np.array([4]), np.array([0.5]), np.zeros(1), np.array([2]))
    recording = Recording(
        "r",
        ids,
        10.0,
        {"dff": trace(np.zeros((3, 100)))},
        events=events,
        ensembles=Ensembles(members, active),
        coactivity=Coactivity(window_s=0.2),
    )
    levels = event_levels(recording)
    expected = np.full((3, 100), NO_EVENT)
    expected[0, 5] = expected[1, 5] = 2
    expected[0, 30] = expected[2, 99] = PLAIN_EVENT
    np.testing.assert_array_equal(levels, expected)


def test_without_events_the_raster_is_empty():
    recording = Recording("r", np.arange(2), 10.0, {"dff": trace(np.zeros((2, 7)))})
    np.testing.assert_array_equal(event_levels(recording), np.zeros((2, 7)))
