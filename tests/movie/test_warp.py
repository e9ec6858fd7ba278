import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import map_coordinates

from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.warp import warp_frames

NAN = np.float32(np.nan)
CLAMP = np.float32(np.inf)


def dense(nodes, grid, shape):
    across_y, across_x = grid.hats(shape)
    return np.einsum("yi,xj,ijc->cyx", across_y.astype(float), across_x.astype(float), nodes.astype(float))


def warped(frames, nodes, grid, outside):
    out = np.full_like(frames, -7)
    warp_frames(frames, nodes, *grid.numbers, outside, out)
    return out


@given(
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    spacing=st.integers(16, 64),
    rigid=st.floats(0, 30),
    rough=st.floats(0, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_every_pixel_is_the_bilinear_value_at_its_displaced_place(shape, spacing, rigid, rough, seed):
    rng = np.random.default_rng(seed)
    frames = rng.random((2, *shape), dtype=np.float32)
    grid = grid_for(shape, spacing)
    nodes = (
        rigid * rng.normal(size=(2, 1, 1, 2)) + rough * rng.normal(size=(2, grid.ny, grid.nx, 2))
    ).astype(np.float32)
    with_nan, clamped = warped(frames, nodes, grid, NAN), warped(frames, nodes, grid, CLAMP)
    for k in range(2):
        y, x = np.mgrid[: shape[0], : shape[1]] + dense(nodes[k], grid, shape)
        near = map_coordinates(
            frames[k].astype(float),
            [np.clip(y, 0, shape[0] - 1), np.clip(x, 0, shape[1] - 1)],
            order=1,
            mode="nearest",
        )
        assert_allclose(clamped[k], near, atol=3e-5)
        margin = np.minimum.reduce([y, shape[0] - 1 - y, x, shape[1] - 1 - x])
        inside, outside = margin > 1e-4, margin < -1e-4
        assert_allclose(with_nan[k][inside], near[inside], atol=3e-5)
        assert np.isnan(with_nan[k][outside]).all()


@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (-2, 40)])
def test_whole_pixels_move_without_interpolation(shift):
    frames = np.random.default_rng(0).random((1, 40, 90), dtype=np.float32)
    grid = grid_for((40, 90), 32)
    nodes = np.broadcast_to(np.array(shift, np.float32), (1, grid.ny, grid.nx, 2)).copy()
    moved = warped(frames, nodes, grid, NAN)[0]
    seen = np.isfinite(moved)
    rolled = np.roll(frames[0], (-shift[0], -shift[1]), (0, 1))
    assert_array_equal(moved[seen], rolled[seen])
    assert seen.sum() == (40 - abs(shift[0])) * (90 - abs(shift[1]))


def test_a_field_far_beyond_the_frame_shows_nothing_or_the_edge():
    frames = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    grid = grid_for((3, 4), 16)
    nodes = np.full((1, grid.ny, grid.nx, 2), 1e4, np.float32)
    assert np.isnan(warped(frames, nodes, grid, NAN)).all()
    assert_array_equal(warped(frames, nodes, grid, CLAMP), np.full((1, 3, 4), 11))


def test_missing_pixels_spread_to_what_is_interpolated_from_them_only():
    frames = np.ones((1, 20, 40), np.float32)
    frames[0, 10, 20] = np.nan
    grid = grid_for((20, 40), 16)
    nodes = np.full((1, grid.ny, grid.nx, 2), 0.5, np.float32)
    moved = warped(frames, nodes, grid, CLAMP)[0]
    lost = np.argwhere(np.isnan(moved))
    assert set(map(tuple, lost.tolist())) == {(9, 19), (9, 20), (10, 19), (10, 20)}


def test_the_input_is_not_changed():
    frames = np.random.default_rng(1).random((1, 30, 30), dtype=np.float32)
    grid = grid_for((30, 30), 16)
    nodes = np.zeros((1, grid.ny, grid.nx, 2), np.float32)
    frames.flags.writeable = nodes.flags.writeable = False
    assert_array_equal(warped(frames, nodes, grid, NAN), frames)
