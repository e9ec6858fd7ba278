import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from napari_calcium.movie.bad_frames import fill_missing_fields, find_bad_frames


def judge(correlation, *, fields=None, missing=None, frame_rate=10.0, threshold=6.0, max_shift=20.0):
    n = len(correlation)
    return find_bad_frames(
        np.asarray(correlation, np.float32),
        np.zeros((n, 2, 2, 2), np.float32) if fields is None else fields,
        np.zeros(n, bool) if missing is None else missing,
        frame_rate,
        threshold=threshold,
        max_shift=max_shift,
    )


@given(seed=st.integers(0, 50), level=st.floats(0.2, 0.95))
@settings(max_examples=20, deadline=None)
def test_torn_frames_are_found_and_no_others(seed, level):
    rng = np.random.default_rng(seed)
    correlation = level + 0.01 * rng.standard_normal(500) - 0.1 * level * np.linspace(0, 1, 500)
    torn = rng.choice(500, 5, replace=False)
    correlation[torn] *= 0.4
    assert_array_equal(np.flatnonzero(judge(correlation, threshold=8)), np.sort(torn))


def test_small_drops_of_a_steady_recording_are_not_bad():
    correlation = np.full(200, 0.9)
    correlation[50] = 0.89
    assert not judge(correlation).any()


def test_frames_at_the_largest_shift_are_bad_whatever_the_threshold():
    fields = np.zeros((30, 2, 2, 2), np.float32)
    fields[7, 1, 0, 1] = -20
    for threshold in (0, 6):
        assert np.flatnonzero(judge(np.full(30, 0.9), fields=fields, threshold=threshold)).tolist() == [7]


def test_missing_frames_and_frames_without_contrast_are_bad():
    correlation = np.full(30, 0.9)
    correlation[[3, 9]] = np.nan
    missing = np.zeros(30, bool)
    missing[3] = True
    assert np.flatnonzero(judge(correlation, missing=missing)).tolist() == [3, 9]


def test_where_no_frame_has_contrast_there_is_nothing_to_compare():
    assert not judge(np.full(10, np.nan)).any()
    assert not judge(np.full(1, np.nan)).any()
    assert not judge(np.full(1, 0.5)).any()


def test_missing_fields_lie_between_their_neighbours():
    fields = np.zeros((7, 2, 2, 2), np.float32)
    fields[:] = np.arange(7, dtype=np.float32)[:, None, None, None]
    broken = fields.copy()
    missing = np.array([True, False, True, True, False, False, True])
    broken[missing] = 99
    filled = fill_missing_fields(broken, missing)
    assert filled[:, 0, 0, 0] == pytest.approx([1, 1, 2, 3, 4, 5, 5])
    assert (broken[missing] == 99).all()
    assert fill_missing_fields(fields, np.zeros(7, bool)) is fields
    assert (fill_missing_fields(broken, np.ones(7, bool)) == 0).all()
