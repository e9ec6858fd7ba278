from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.figures.raster_pyramid import RasterPyramid
from napari_calcium.progress import Cancelled


def raster(n_rows: int, n_frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n_rows, n_frames)).astype(np.uint8)


def naive(levels: np.ndarray, picture) -> np.ndarray:
    """Return the maximum of each pixel's samples, found one by one."""
    height, width = picture.image.shape
    rows = np.linspace(*picture.rows, height + 1).round().astype(int)
    frames = np.linspace(*picture.frames, width + 1).round().astype(int)
    return np.array([[levels[a:b, c:d].max() for c, d in pairwise(frames)] for a, b in pairwise(rows)])


@settings(max_examples=40, deadline=None)
@given(
    n_rows=st.sampled_from([1, 3, 401, 1700]),
    n_frames=st.sampled_from([1, 7, 1001, 5003]),
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    data=st.data(),
)
def test_each_pixel_is_the_maximum_of_what_it_stands_for(n_rows, n_frames, height, width, data):
    levels = raster(n_rows, n_frames)
    order = np.random.default_rng(1).permutation(n_rows)
    pyramid = RasterPyramid.build(levels, order)
    share = st.floats(0, 1)
    rows = sorted(n_rows * data.draw(share) for _ in range(2))
    frames = sorted(n_frames * data.draw(share) for _ in range(2))
    picture = pyramid.view(rows, frames, height, width)
    if picture is None:
        assert rows[0] == rows[1] or frames[0] == frames[1]
        return
    assert picture.rows[0] <= rows[0] and picture.rows[1] >= rows[1]
    assert picture.frames[0] <= frames[0] and picture.frames[1] >= frames[1]
    assert picture.image.shape[0] <= height + 2 and picture.image.shape[1] <= width + 2
    np.testing.assert_array_equal(picture.image, naive(levels[order], picture))


def test_no_one_frame_event_vanishes_at_any_zoom():
    levels = np.zeros((900, 20_000), np.uint8)
    levels[617, 13_337] = 200
    pyramid = RasterPyramid.build(levels, np.arange(900))
    for rows, frames in (((0, 900), (0, 20_000)), ((600, 620), (0, 20_000)), ((0, 900), (13_330, 13_340))):
        assert pyramid.view(rows, frames, 50, 300).image.max() == 200


def test_zoomed_in_there_is_a_pixel_for_each_sample():
    levels = raster(50, 3000)
    picture = RasterPyramid.build(levels, np.arange(50)).view((10, 20), (100, 140), 200, 800)
    assert (picture.rows, picture.frames) == ((10, 20), (100, 140))
    np.testing.assert_array_equal(picture.image, levels[10:20, 100:140])


def test_pixels_stay_where_they_are_while_the_view_moves():
    pyramid = RasterPyramid.build(raster(20, 9000), np.arange(20))
    a = pyramid.view((0, 20), (1000, 5000), 100, 500)
    b = pyramid.view((0, 20), (1016, 5016), 100, 500)
    width = round((a.frames[1] - a.frames[0]) / a.image.shape[1])
    shift = round((b.frames[0] - a.frames[0]) / width)
    np.testing.assert_array_equal(a.image[:, shift:], b.image[:, : a.image.shape[1] - shift])


def test_a_new_order_is_the_same_as_building_anew_and_shares_what_has_none():
    levels = raster(1200, 2500)
    order = np.random.default_rng(3).permutation(1200)
    before = RasterPyramid.build(levels, np.arange(1200))
    after = before.reordered(order)
    for mine, theirs in zip(after.coarse, RasterPyramid.build(levels, order).coarse, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
    assert after.coarse[0] is before.coarse[0]


def test_the_raster_itself_is_not_copied_or_changed():
    levels = raster(30, 2000)
    levels.flags.writeable = False
    pyramid = RasterPyramid.build(levels, np.arange(30))
    assert pyramid.coarse[0][0] is levels
    assert pyramid.shape == (30, 2000)


def test_memory_is_bounded():
    levels = raster(5000, 6000)
    pyramid = RasterPyramid.build(levels, np.arange(5000))
    assert sum(a.nbytes for row in pyramid.coarse for a in row) <= 16 / 9 * levels.nbytes * 1.01


def test_nothing_in_view_is_no_picture():
    pyramid = RasterPyramid.build(np.zeros((0, 10), np.uint8), np.empty(0, int))
    assert pyramid.view((0, 1), (0, 10), 10, 10) is None
    assert RasterPyramid.build(raster(3, 5), np.arange(3)).view((0, 3), (5, 9), 10, 10) is None


def test_an_order_of_another_length_is_refused():
    with pytest.raises(ValueError, match="order must have 3 rows, got 2"):
        RasterPyramid.build(raster(3, 5), np.arange(2))


def test_building_can_be_cancelled():
    def stop(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        RasterPyramid.build(raster(500, 2000), np.arange(500), on_progress=stop)
