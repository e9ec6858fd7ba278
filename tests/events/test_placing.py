"""Where an event begins that the user points at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.events.placing import onset_near, onset_within

RATE, N_FRAMES = 20.0, 1200


def transient(onset_s, height=1.0):
    t = np.arange(N_FRAMES) / RATE - onset_s
    rise = 1 - np.exp(-np.clip(t, 0, None) / 0.05)
    return np.where(t > 0, height * rise * np.exp(-np.clip(t, 0, None) / 0.6), 0)


@pytest.fixture(scope="module")
def trace():
    clean = transient(5.0) + transient(21.0) + transient(40.0)
    values = (clean + np.random.default_rng(0).normal(0, 0.02, N_FRAMES)).astype(np.float32)
    values.flags.writeable = False
    return values


ODD = [np.zeros(40), np.full(40, np.nan), np.linspace(1, 0, 40), np.empty(0), np.ones(1), np.arange(2.0)]


@pytest.mark.parametrize("offset", [0.0, 0.05, 0.15, 0.3])
@pytest.mark.parametrize("onset", [5.0, 21.0, 40.0])
def test_a_click_near_a_peak_finds_the_onset(trace, onset, offset):
    assert onset_near(trace, RATE, onset + offset) == pytest.approx(onset, abs=1.5 / RATE)


def test_a_click_on_the_second_of_two_finds_the_second():
    both = (transient(10.0) + transient(11.0)).astype(np.float32)
    assert onset_near(both, RATE, 11.1) == pytest.approx(11.0, abs=2 / RATE)


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 1.0, 59.9, 1e6])
@pytest.mark.parametrize("values", ODD)
def test_a_click_anywhere_is_within_the_recording(values, seconds):
    onset = onset_near(values.astype(np.float32), RATE, seconds)
    assert 0 <= onset <= max(len(values) - 1, 0) / RATE


@pytest.mark.parametrize("before, after", [(0.3, 0.5), (1.0, 1.0), (3.0, 4.0), (0.1, 8.0)])
@pytest.mark.parametrize("onset", [5.0, 21.0, 40.0])
def test_a_span_over_a_transient_finds_its_onset(trace, onset, before, after):
    found = onset_within(trace, RATE, onset - before, onset + after)
    assert found == pytest.approx(onset, abs=1.5 / RATE)
    assert onset_within(trace, RATE, onset + after, onset - before) == found


def test_of_two_transients_in_a_span_the_higher_is_meant():
    both = (transient(10.0, 0.5) + transient(14.0)).astype(np.float32)
    assert onset_within(both, RATE, 9.0, 16.0) == pytest.approx(14.0, abs=2 / RATE)
    assert onset_within(both, RATE, 9.0, 13.0) == pytest.approx(10.0, abs=2 / RATE)


def test_a_span_that_begins_on_the_rise_is_not_left():
    slow = np.clip((np.arange(N_FRAMES) / RATE - 10) / 4, 0, 1).astype(np.float32)
    assert 12.0 <= onset_within(slow, RATE, 12.0, 14.5) <= 14.5


def test_where_nothing_rises_the_event_begins_with_the_span():
    falling = np.linspace(5, 0, N_FRAMES).astype(np.float32)
    assert onset_within(falling, RATE, 7.0, 9.0) == pytest.approx(7.0, abs=1 / RATE)


@given(st.floats(-10, 70), st.floats(-10, 70), st.integers(0, 5))
def test_a_span_anywhere_gives_a_moment_in_it_and_in_the_recording(one, other, kind):
    values = ODD[kind].astype(np.float32)
    last = max(len(values) - 1, 0) / RATE
    onset = onset_within(values, RATE, one, other)
    assert 0 <= onset <= last
    low, high = (min(max(s, 0.0), last) for s in sorted((one, other)))
    if high - low >= 2 / RATE:
        assert low - 1e-6 <= onset <= high + 1e-6


def test_missing_samples_in_a_span_are_bridged(trace):
    holed = trace.copy()
    holed[int(21.05 * RATE) : int(21.2 * RATE)] = np.nan
    assert onset_within(holed, RATE, 20.0, 23.0) == pytest.approx(21.0, abs=4 / RATE)
