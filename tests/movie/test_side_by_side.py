"""Motion found in one channel and applied to another."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.movie.chunks import read_chunk
from napari_calcium.movie.registration import NonRigidRegistration, register
from napari_calcium.movie.side_by_side import SideBySide, split

RATE = 10.0
SETTINGS = NonRigidRegistration(node_spacing=48)


@pytest.fixture(scope="module")
def scene(moving_scene):
    return moving_scene(n_frames=40)


def flashing(scene):
    """A channel in which hardly anything but noise is seen: no motion could be found in it."""
    rng = np.random.default_rng(1)
    return (scene.movie // 50 + rng.normal(200, 60, scene.movie.shape)).clip(0).astype(np.uint16)


def test_the_motion_is_that_of_the_guide(scene):
    alone = register(scene.movie, RATE, SETTINGS)
    guided = register(flashing(scene), RATE, SETTINGS, guide=scene.movie)
    assert_array_equal(guided.fields, alone.fields)
    assert_array_equal(guided.correlation, alone.correlation)
    assert_array_equal(guided.bad, alone.bad)


def test_images_and_bins_are_those_of_the_movie(scene):
    other = flashing(scene)
    guided = register(other, RATE, SETTINGS, guide=scene.movie)
    moved = guided.apply(other)[:]
    seen = guided.images["coverage"] == 1
    assert_allclose(guided.images["mean"][seen], moved.mean(axis=0)[seen], rtol=1e-3)
    assert_allclose(guided.images["raw_mean"], other.mean(axis=0), rtol=1e-4)
    assert_allclose(guided.binned[:].mean(), other.mean(), rtol=0.05)


def test_a_movie_that_guides_itself_is_as_without(scene):
    itself, plain = (register(scene.movie, RATE, SETTINGS, guide=g) for g in (scene.movie, None))
    assert_array_equal(itself.fields, plain.fields)
    assert_allclose(itself.images["mean"], plain.images["mean"], rtol=1e-5)


def test_a_frame_missing_from_one_is_missing():
    movie, guide = np.ones((2, 3, 4, 5), np.float32)
    movie[0], guide[2, 1] = np.nan, np.nan
    one, other = split(read_chunk(SideBySide(movie, guide), slice(0, 3)))
    assert_array_equal(one.missing, [True, False, False])
    assert_array_equal(other.missing, one.missing)
    assert_array_equal(one.pixels, movie)
    assert_array_equal(other.pixels, guide)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"channel of the motion has shape \(3, 4, 6\)"):
        SideBySide(np.ones((3, 4, 5)), np.ones((3, 4, 6)))


def test_maps_travel_by_name(tmp_path):
    files = []
    for name in "ab":
        file = np.memmap(tmp_path / name, np.uint16, "w+", shape=(50, 40, 40))
        file[:] = ord(name)
        file.flush()
        files.append(np.memmap(tmp_path / name, np.uint16, "r", shape=(50, 40, 40)))
    message = pickle.dumps(SideBySide(*files))
    assert len(message) < 2000
    again = pickle.loads(message)
    assert_array_equal(again[3:5][:, :40], ord("a"))
    assert_array_equal(again[3:5][:, 40:], ord("b"))
