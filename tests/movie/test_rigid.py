import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.movie.rigid import RigidAligner


@given(dy=st.integers(-8, 8), dx=st.integers(-8, 8))
@settings(max_examples=25, deadline=None)
def test_a_shifted_image_gives_its_shift(texture, dy, dx):
    whole = texture(140, 160, 3).astype(np.float32)
    template = whole[20:120, 20:140]
    frame = whole[20 - dy : 120 - dy, 20 - dx : 140 - dx]
    assert_allclose(RigidAligner(template, 10).shifts(frame[None])[0], (dy, dx), atol=0.3)


def test_fractions_of_a_pixel_are_found_in_noise(moving_scene):
    scene = moving_scene(30, field_sd=0.0, shift_sd=2, photons=20, seed=4)
    still = moving_scene(1, field_sd=0.0, shift_sd=0, photons=np.inf, seed=4)
    found = RigidAligner(still.movie[0].astype(np.float32), 12).shifts(scene.movie.astype(np.float32))
    error = found - scene.shifts
    assert np.sqrt(np.mean((error - np.median(error, axis=0)) ** 2)) < 0.15


def test_shifts_stay_within_reach(texture):
    whole = texture(140, 160, 3).astype(np.float32)
    aligner = RigidAligner(whole[20:120, 20:140], 3)
    assert np.abs(aligner.shifts(whole[None, 10:110, 20:140])).max() <= 3.5


@pytest.mark.parametrize("value", [0, 65535, np.nan])
def test_frames_without_contrast_do_not_move(texture, value):
    aligner = RigidAligner(texture(40, 50).astype(np.float32), 5)
    assert_array_equal(aligner.shifts(np.full((2, 40, 50), value, np.float32)), np.zeros((2, 2)))


def test_gain_offset_and_missing_pixels_matter_little(texture):
    whole = texture(140, 160, 3).astype(np.float32)
    aligner = RigidAligner(whole[20:120, 20:140], 10)
    frame = whole[None, 17:117, 24:144].copy()
    plain = aligner.shifts(frame)
    assert_allclose(aligner.shifts(7 * frame + 1000), plain, atol=0.02)
    frame[0, 40:50, 40:50] = np.nan
    assert_allclose(aligner.shifts(frame), plain, atol=0.3)


def test_the_smallest_frames():
    for shape in ((1, 1), (1, 9), (9, 1), (2, 2)):
        assert RigidAligner(np.ones(shape, np.float32), 4).shifts(np.ones((3, *shape), np.float32)).shape == (
            3,
            2,
        )
