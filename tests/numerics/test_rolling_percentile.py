import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.numerics.rolling_percentile import rolling_percentile


def naive(traces, percentile, window):
    half = window // 2
    result = np.full(traces.shape, np.nan)
    for row, trace in enumerate(traces):
        for frame in range(len(trace)):
            near = trace[max(0, frame - half) : frame + half + 1]
            near = near[~np.isnan(near)]
            if len(near):
                result[row, frame] = np.percentile(near.astype(float), percentile)
    return result


values = st.one_of(
    st.just(np.nan), st.integers(-3, 3).map(float), st.floats(-100, 100, width=32, allow_subnormal=False)
)


@given(
    traces=arrays(np.float32, st.tuples(st.integers(0, 3), st.integers(1, 60)), elements=values),
    percentile=st.floats(0, 100),
    window=st.integers(1, 80),
)
@settings(max_examples=150, deadline=None)
def test_agrees_with_a_naive_implementation(traces, percentile, window):
    assert_allclose(
        rolling_percentile(traces, percentile, window),
        naive(traces, percentile, window),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("window", [1, 2, 11, 150, 400, 5000])
def test_segments_do_not_show(window):
    """The trace is sorted in segments; windows reach over their borders."""
    rng = np.random.default_rng(0)
    traces = np.cumsum(rng.normal(size=(2, 2600)), axis=1).astype(np.float32)
    traces[1, rng.random(2600) < 0.3] = np.nan
    traces[1, 700:1300] = np.nan
    assert_allclose(
        rolling_percentile(traces, 30.0, window), naive(traces, 30.0, window), rtol=1e-4, atol=1e-4
    )


def test_zero_is_the_minimum_and_hundred_the_maximum():
    traces = np.random.default_rng(1).normal(size=(2, 90)).astype(np.float32)
    low, high = rolling_percentile(traces, 0.0, 7), rolling_percentile(traces, 100.0, 7)
    for frame in range(90):
        near = traces[:, max(0, frame - 3) : frame + 4]
        assert_array_equal(low[:, frame], near.min(axis=1))
        assert_array_equal(high[:, frame], near.max(axis=1))


@given(percentile=st.floats(0, 100), window=st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_reversing_time_reverses_the_result(percentile, window):
    traces = np.random.default_rng(2).normal(size=(2, 70)).astype(np.float32)
    assert_allclose(
        rolling_percentile(np.ascontiguousarray(traces[:, ::-1]), percentile, window)[:, ::-1],
        rolling_percentile(traces, percentile, window),
        rtol=1e-6,
    )


def test_input_may_be_read_only():
    traces = np.ones((1, 20), np.float32)
    traces.flags.writeable = False
    assert_array_equal(rolling_percentile(traces, 20.0, 5), 1)
