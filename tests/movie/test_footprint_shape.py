import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.movie.planted_cells import soma

from napari_calcium.movie.footprint_shape import soma_outline

SHAPE = (31, 31)


def outline(image, seed=(15, 15), radius=6.0):
    return soma_outline(image.astype(np.float32), seed, radius)


@given(dy=st.floats(-2, 2), dx=st.floats(-2, 2), nucleus=st.floats(0, 0.9), gain=st.floats(0.01, 100))
@settings(max_examples=40, deadline=None)
def test_a_soma_is_outlined_and_filled(dy, dx, nucleus, gain):
    found = outline(gain * soma((15 + dy, 15 + dx), 6.0, SHAPE, nucleus))
    y, x = np.mgrid[:31, :31]
    distance = np.hypot(y - 15 - dy, x - 15 - dx)
    # The blurred edge adds about a pixel.
    assert found[distance <= 5.5].all()
    assert distance[found].max() < 8


@pytest.mark.parametrize("radius", [2.0, 4.0, 6.0, 10.0])
def test_other_sizes(radius):
    shape = (61, 61)
    found = outline(soma((30, 30), radius, shape, 0.0), (30, 30), radius)
    assert np.pi * radius**2 * 0.8 < found.sum() < np.pi * (radius + 1) ** 2


def test_only_the_piece_at_the_seed_is_kept():
    image = soma((15, 13), 4.0, SHAPE, 0) + soma((15, 26), 4.0, SHAPE, 0)
    found = outline(image, (15, 13), 4.0)
    assert found[15, 13]
    assert not found[:, 22:].any()


def test_far_pixels_are_left_out():
    found = outline(np.ones(SHAPE))
    y, x = np.nonzero(found)
    assert np.hypot(y - 15, x - 15).max() <= 11


@pytest.mark.parametrize("image", [np.zeros(SHAPE), -np.ones(SHAPE)])
def test_nothing_is_no_soma(image):
    assert outline(image) is None


def test_one_bright_pixel_is_no_soma():
    image = np.zeros(SHAPE)
    image[15, 15] = 1.0
    found = outline(image)
    assert found is None or found.sum() < 20
