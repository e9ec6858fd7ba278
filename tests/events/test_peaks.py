from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.events.peaks import onset_of_rise, prominent_peaks, quiet_level
from napari_calcium.events.row_blocks import merge_close, onsets_in_blocks


def test_quiet_level_is_that_of_the_noise_in_spite_of_transients():
    rng = np.random.default_rng(0)
    traces = 3.0 + 0.5 * rng.normal(size=(4, 20_000))
    traces[:, ::40] += 10.0
    level, sd = quiet_level(traces)
    np.testing.assert_allclose(level, 3.0, atol=0.05)
    np.testing.assert_allclose(sd, 0.5, atol=0.03)


def test_peaks_of_a_hand_drawn_trace():
    trace = np.array([0.0, 0, 5, 4, 1, 2, 1, 6, 5, 9, 1, 0, 0, 3, 0])
    peak, valley = prominent_peaks(trace, 4.0, 3.0)
    np.testing.assert_array_equal(peak, [2, 9])
    np.testing.assert_array_equal(valley, [0, 4])
    peak, _ = prominent_peaks(trace, 2.0, 3.0)
    np.testing.assert_array_equal(peak, [2, 9, 13])


def test_a_peak_at_the_end_counts_and_a_fall_at_the_beginning_does_not():
    np.testing.assert_array_equal(prominent_peaks(np.array([9.0, 5, 0, 0, 4, 8]), 3.0, 2.0)[0], [5])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 60), prominence=st.floats(0.1, 3))
def test_between_neighbouring_peaks_the_trace_falls_by_the_prominence(seed, n, prominence):
    trace = np.random.default_rng(seed).normal(size=n)
    peak, valley = prominent_peaks(trace, 0.5, prominence)
    assert (trace[peak] >= 0.5).all() and (valley < peak).all()
    assert (trace[peak] - trace[valley] >= prominence).all()
    for a, b in pairwise(peak):
        low = trace[a : b + 1].min()
        assert trace[a] - low >= prominence and trace[b] - low >= prominence


def test_onset_of_a_step_lies_half_a_frame_before_it():
    trace = np.array([0.0, 0, 0, 1, 1])
    assert onset_of_rise(trace, 0, 3) == pytest.approx(2.5)


@pytest.mark.parametrize("length", [4, 10, 40])
def test_onset_of_a_slow_straight_rise_is_where_it_begins(length):
    trace = np.interp(np.arange(100), [20, 20 + length], [1.0, 3.0])
    assert onset_of_rise(trace, 10, 20 + length) == pytest.approx(20.0)


def test_merge_close_keeps_the_first_of_a_run_in_each_row():
    row = np.array([0, 0, 0, 0, 1, 1])
    time = np.array([1.0, 1.2, 1.4, 3.0, 3.1, 9.0])
    np.testing.assert_array_equal(merge_close(row, time, 0.3), [True, False, False, True, True, True])
    assert merge_close(row[:0], time[:0], 1.0).shape == (0,)


def test_blocks_are_joined_and_events_in_gaps_dropped():
    traces = np.zeros((5, 20), np.float32)
    traces[2, 7] = np.nan

    def every_row_at_frame_seven(block):
        assert not np.isnan(block).any()
        return np.arange(len(block)), np.full(len(block), 6.5)

    row, onset = onsets_in_blocks(traces, 2.0, every_row_at_frame_seven, bytes_per_sample=2**22)
    np.testing.assert_array_equal(row, [0, 1, 3, 4])
    np.testing.assert_array_equal(onset, 3.25)
