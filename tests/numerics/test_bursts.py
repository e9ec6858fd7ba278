import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_calcium.numerics.bursts import find_bursts

expectations = arrays(
    np.float64,
    st.tuples(st.integers(1, 3), st.integers(1, 40)),
    elements=st.floats(0, 2).filter(lambda x: x == 0 or x > 1e-6),
)


def naive(expected, width, least):
    """Mark the frames of every window that holds enough, one window after the other."""
    marked = np.zeros(len(expected), bool)
    half = width // 2
    for start in range(-half, len(expected)):
        window = slice(max(start, 0), max(start + width, 0))
        if start <= len(expected) - width + half and expected[window].sum() >= least:
            marked[window] = True
    return marked


@settings(max_examples=100, deadline=None)
@given(expectations, st.integers(1, 7), st.floats(0.1, 3))
def test_spikes_lie_in_frames_of_windows_that_hold_enough_in_the_expected_number(expected, width, least):
    width = min(width, expected.shape[1])
    found = find_bursts(expected, width, least)
    assert (np.diff(found.row) >= 0).all()
    for row, line in enumerate(expected):
        mine = found.row == row
        # Sums differ in their last digit.
        marked = naive(line, width, least - 1e-9)
        assert (np.diff(found.place[mine]) >= 0).all()
        frames = np.clip(np.rint(found.place[mine]), 0, len(line) - 1).astype(int)
        near = np.convolve(marked, np.ones(3), "same") > 0
        assert near[frames].all()
        if naive(line, width, least + 1e-9).any():
            assert mine.any()


def test_bursts_are_counted_through_the_rows():
    expected = np.zeros((3, 30))
    expected[0, [5, 20]] = 1
    expected[2, 10] = 3
    found = find_bursts(expected, 3, 0.5)
    np.testing.assert_array_equal(found.row, [0, 0, 2, 2, 2])
    np.testing.assert_array_equal(found.burst, [0, 1, 2, 2, 2])
    np.testing.assert_allclose(np.rint(found.place), [5, 20, 10, 10, 10])
