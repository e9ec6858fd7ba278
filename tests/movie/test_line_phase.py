import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.movie.line_phase import line_phase, shift_odd_rows


def combed(texture, phase, seed=0, n=4):
    """Frames whose odd rows are seen `phase` pixels further right."""
    fine = np.stack([texture(60, 120, seed + k) for k in range(n)])
    frames = fine[:, :, 20:100].copy()
    x = np.arange(20, 100) - phase
    for k in range(n):
        for row in range(1, 60, 2):
            frames[k, row] = np.interp(x, np.arange(120), fine[k, row])
    return frames


@given(tenths=st.integers(-40, 40))
@settings(max_examples=15, deadline=None)
def test_the_phase_of_odd_rows_is_found(texture, tenths):
    assert line_phase(combed(texture, tenths / 10)) == pytest.approx(tenths / 10, abs=0.25)


def test_correcting_the_phase_leaves_none(texture):
    frames = combed(texture, 2.4).astype(np.float32)
    found = line_phase(frames)
    corrected = shift_odd_rows(frames, found)
    assert abs(line_phase(corrected[:, :, 8:-8])) <= 0.1
    straight = combed(texture, 0.0)
    before, after = (np.abs(f[:, :, 10:-10] - straight[:, :, 10:-10]).mean() for f in (frames, corrected))
    assert after < 0.3 * before


def test_even_rows_and_the_input_are_left_alone():
    frames = np.random.default_rng(0).random((2, 6, 9), dtype=np.float32)
    frames.flags.writeable = False
    shifted = shift_odd_rows(frames, 1.0)
    assert_array_equal(shifted[:, ::2], frames[:, ::2])
    assert_array_equal(shifted[:, 1::2, :-1], frames[:, 1::2, 1:])
    assert_allclose(shift_odd_rows(frames, 0.0), frames)


@pytest.mark.parametrize("shape", [(3, 1, 9), (3, 2, 9), (3, 9, 1), (2, 8, 8), (0, 8, 8)])
def test_nothing_to_see_is_no_phase(shape):
    assert line_phase(np.zeros(shape)) == 0.0
    assert line_phase(np.full(shape, np.nan)) == 0.0
