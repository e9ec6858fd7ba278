import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from napari_calcium.checks import check_frame_rate, check_traces


@given(
    traces=arrays(
        st.sampled_from([np.float32, np.float64, np.int16, np.uint8, np.bool_]),
        st.tuples(st.integers(0, 4), st.integers(1, 6)),
    )
)
@settings(max_examples=60, deadline=None)
def test_real_numbers_become_float32(traces):
    with np.errstate(over="ignore", invalid="ignore"):
        expected = traces.astype(np.float32)
    if np.isinf(expected).any():
        with pytest.raises(ValueError, match="finite or NaN"):
            check_traces(traces)
        return
    values = check_traces(traces)
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    assert_array_equal(values, expected)


def test_what_is_right_already_is_not_copied():
    traces = np.ones((2, 3), np.float32)
    assert np.shares_memory(check_traces(traces), traces)
    assert not np.shares_memory(check_traces(traces.T), traces)
    traces.flags.writeable = False
    check_traces(traces)


def test_nan_is_a_missing_sample():
    traces = np.array([[np.nan, 1], [np.nan, np.nan]])
    assert_array_equal(check_traces(traces), traces)


def test_lists_will_do():
    assert_array_equal(check_traces([[1, 2], [3, 4]]), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("traces", "message"),
    [
        (np.ones(5), r"shape \(n_rois, n_frames\), got \(5,\); pass traces\[None\] for one ROI"),
        (np.ones((2, 3, 4)), r"shape \(n_rois, n_frames\), got \(2, 3, 4\)$"),
        (3.0, r"got \(\)$"),
        (np.ones((3, 0)), r"at least one frame, got shape \(3, 0\)"),
        (np.ones((1, 2), complex), "real numbers, got dtype complex128"),
        (np.array([["a", "b"]]), "real numbers, got dtype <U1"),
        (np.array([[1, None]]), "real numbers, got dtype object"),
    ],
)
def test_errors_say_what_was_wrong_what_was_got_and_how_to_mend_it(traces, message):
    with pytest.raises(ValueError, match=message):
        check_traces(traces)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
def test_the_first_infinite_value_is_named(value):
    traces = np.ones((4, 9))
    traces[2, 7] = value
    traces[3, 1] = np.inf
    with pytest.raises(ValueError, match=re.escape(f"got {value} at row 2, frame 7")):
        check_traces(traces)


def test_infinities_that_cancel_are_found_too():
    with pytest.raises(ValueError, match="row 0, frame 0"):
        check_traces(np.array([[np.inf, -np.inf, np.nan]]))


@pytest.mark.parametrize("rate", [4.8, 30, np.float32(7.5), "10"])
def test_frame_rates(rate):
    assert check_frame_rate(rate) == float(rate)


@pytest.mark.parametrize("rate", [0, -1, np.nan, np.inf, None, "fast", [30]])
def test_bad_frame_rates_are_one_line(rate):
    with pytest.raises(ValueError, match="frame_rate must be a number above 0 Hz, got"):
        check_frame_rate(rate)


def test_numbers_whose_sum_is_beyond_float32_are_numbers_all_the_same():
    traces = np.full((2, 5), 3e38, np.float32)
    traces[1, 2] = np.nan
    assert_array_equal(check_traces(traces), traces)
