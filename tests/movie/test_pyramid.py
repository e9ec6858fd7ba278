import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from napari_calcium.movie.pyramid import level_factors, pyramid


@given(height=st.integers(4, 41), width=st.integers(4, 41))
@settings(max_examples=20, deadline=None)
def test_each_level_averages_squares(height, width):
    frames = np.random.default_rng(height).random((2, height, width), dtype=np.float32)
    levels = pyramid(frames, (1, 2, 4))
    assert levels[0] is frames
    for level, factor in zip(levels[1:], (2, 4), strict=True):
        h, w = height // factor, width // factor
        squares = frames[:, : h * factor, : w * factor].reshape(2, h, factor, w, factor)
        assert_allclose(level, squares.mean(axis=(2, 4)), rtol=1e-5)


def test_levels_stop_while_there_is_something_to_see():
    assert level_factors(512, 512) == (1, 2, 4)
    assert level_factors(256, 1024) == (1, 2)
    assert level_factors(100, 100) == (1,)
    assert level_factors(1, 1) == (1,)


def test_a_missing_pixel_makes_its_square_missing():
    frames = np.zeros((1, 8, 8), np.float32)
    frames[0, 3, 5] = np.nan
    half = pyramid(frames, (1, 2))[1]
    assert np.argwhere(np.isnan(half)).tolist() == [[0, 1, 2]]
