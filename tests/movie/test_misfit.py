import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.misfit import misfit_slopes, moments
from napari_calcium.movie.warp import warp_frames


def setting(height, width, factor, seed, n=2):
    rng = np.random.default_rng(seed)
    grid = grid_for((height * factor, width * factor), 40).binned(factor)
    frames = rng.random((n, height, width), dtype=np.float32)
    frames[0, height // 2, width // 3] = np.nan
    nodes = (2 * rng.normal(size=(n, grid.ny, grid.nx, 2))).astype(np.float32)
    images = [rng.normal(size=(height, width)).astype(np.float32) for _ in range(4)]
    moved = np.empty_like(frames)
    warp_frames(frames, nodes, *grid.numbers, np.float32(np.nan), moved)
    return rng, grid, frames, nodes, images, moved


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    factor=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_slopes_are_sums_over_pixels_of_residual_times_slope_times_hat(height, width, factor, seed):
    rng, grid, frames, nodes, (level, precision, slope_y, slope_x), moved = setting(
        height, width, factor, seed
    )
    gain, offset = rng.random((2, 2), dtype=np.float32)
    out = np.empty((2, grid.ny, grid.nx, 3), np.float32)
    dark, limit = np.float32(0.3), np.float32(1.5)
    misfit_slopes(
        frames, nodes, *grid.numbers, gain, offset, dark, level, precision, slope_y, slope_x, limit, out
    )
    residual = (gain[:, None, None] * moved.astype(float) + offset[:, None, None]) * precision - level
    residual = np.nan_to_num(np.clip(residual, -1.5, 1.5))
    across_y, across_x = grid.hats((height, width))
    for c, slope in enumerate((slope_y, slope_x, level - dark * precision)):
        expected = np.einsum("tyx,yi,xj->tij", residual * slope, across_y, across_x)
        assert_allclose(out[..., c], expected, atol=2e-3 * max(1, np.abs(expected).max()))


def test_moments_are_weighted_sums_over_seen_pixels():
    rng, grid, frames, nodes, (template, *_), moved = setting(30, 50, 2, 0)
    weight = rng.random((30, 50), dtype=np.float32)
    out = np.empty((2, 6))
    moments(
        frames, nodes, *grid.numbers, template, weight, np.float32(0.2), np.array([0.1, 0.4], np.float32), out
    )
    for k in range(2):
        seen = np.isfinite(moved[k])
        t, i, w = template[seen] - 0.2, moved[k][seen] - (0.1, 0.4)[k], weight[seen]
        expected = [(w * v).sum() for v in (1, t, i, t * t, i * i, t * i)]
        assert_allclose(out[k], expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("what", ["missing", "outside"])
def test_what_is_not_seen_says_nothing(what):
    grid = grid_for((20, 30), 16)
    frames = np.full((1, 20, 30), np.nan if what == "missing" else 1, np.float32)
    nodes = np.full((1, grid.ny, grid.nx, 2), 0 if what == "missing" else 500, np.float32)
    one = np.ones((20, 30), np.float32)
    out = np.empty((1, grid.ny, grid.nx, 3), np.float32)
    unit = np.ones(1, np.float32)
    misfit_slopes(
        frames, nodes, *grid.numbers, unit, unit, np.float32(0), one, one, one, one, np.float32(4), out
    )
    assert (out == 0).all()
