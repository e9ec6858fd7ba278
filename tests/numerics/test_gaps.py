import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.numerics.gaps import fill_gaps

values = st.one_of(st.just(np.nan), st.floats(-1e3, 1e3, width=32))
some_traces = arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(1, 12)), elements=values)


def naive_fill(trace):
    known = [k for k, value in enumerate(trace) if not np.isnan(value)]
    if not known:
        return [0.0] * len(trace)
    filled = []
    for k in range(len(trace)):
        left = max((j for j in known if j <= k), default=known[0])
        right = min((j for j in known if j >= k), default=known[-1])
        share = 0 if left == right else (k - left) / (right - left)
        filled.append(trace[left] * (1 - share) + trace[right] * share)
    return filled


@given(traces=some_traces)
@settings(max_examples=100, deadline=None)
def test_agrees_with_a_naive_implementation(traces):
    before = traces.copy()
    filled, missing = fill_gaps(traces)
    assert_array_equal(traces, before)
    assert not np.isnan(filled).any()
    expected = np.array([naive_fill(t) for t in traces]).reshape(traces.shape)
    assert_allclose(filled, expected, rtol=1e-5, atol=1e-3)
    if missing is None:
        assert not np.isnan(traces).any()
    else:
        assert_array_equal(missing, np.isnan(traces))
        assert_array_equal(filled[~missing], traces[~missing])


def test_returns_the_input_itself_when_nothing_is_missing():
    traces = np.arange(12.0).reshape(3, 4)
    filled, missing = fill_gaps(traces)
    assert filled is traces
    assert missing is None


def test_filling_twice_changes_nothing():
    traces = np.array([[np.nan, 1, np.nan, np.nan, 4, np.nan]])
    once, _ = fill_gaps(traces)
    twice, missing = fill_gaps(once)
    assert_array_equal(once, [[1, 1, 2, 3, 4, 4]])
    assert twice is once
    assert missing is None


def test_keeps_dtype_and_takes_no_rows():
    for dtype in (np.float32, np.float64):
        filled, _ = fill_gaps(np.array([[1, np.nan]], dtype))
        assert filled.dtype == dtype
    filled, missing = fill_gaps(np.empty((0, 3), np.float32))
    assert filled.shape == (0, 3)
    assert missing is None
