import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter

from napari_calcium.movie.whitened_movie import STEPS, Level, measure_level, whiten
from napari_calcium.movie.whitening_kernels import pool, subtract_pooled

RATE = 8.0


def noise(n=200, height=40, width=44, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).standard_normal((n, height, width))).astype(np.float32)


@given(height=st.integers(1, 13), width=st.integers(1, 13), factor=st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_pool_averages_squares(height, width, factor):
    frames = noise(2, height, width)
    out = np.empty((2, -(-height // factor), -(-width // factor)), np.float32)
    pool(frames, factor, out)
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            square = frames[:, factor * i : factor * (i + 1), factor * j : factor * (j + 1)]
            assert_allclose(out[:, i, j], square.mean(axis=(1, 2)), atol=1e-5)


@given(height=st.integers(1, 20), width=st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_subtracting_a_pooled_constant_leaves_nothing(height, width):
    frames = np.full((2, height, width), 3.0, np.float32)
    pooled = np.full((2, -(-height // 4), -(-width // 4)), 3.0, np.float32)
    subtract_pooled(frames, pooled, 4)
    assert_allclose(frames, 0, atol=1e-6)


def test_pooling_and_subtracting_takes_a_slope_away():
    y, x = np.mgrid[:32, :40].astype(np.float32)
    frames = (2 * y - x)[None].copy()
    pooled = np.empty((1, 8, 10), np.float32)
    pool(frames, 4, pooled)
    subtract_pooled(frames, pooled, 4)
    # Beyond the centres of the outermost squares the interpolation is constant.
    assert_allclose(frames[0, 2:-2, 2:-2], 0, atol=1e-4)


def test_noise_is_measured_from_differences():
    scale = np.linspace(1, 5, 44, dtype=np.float32)
    movie = noise(1000) * scale + np.linspace(0, 100, 1000, dtype=np.float32)[:, None, None]
    level = measure_level(movie, RATE, 0, len(movie))
    assert_allclose(level.sd.mean(axis=0), scale, rtol=0.05)


def test_the_level_follows_slow_changes_but_not_flashes():
    movie = noise(2000, 8, 8, scale=0.1)
    drift = 5 * np.sin(np.arange(2000) / 600).astype(np.float32)
    movie += drift[:, None, None]
    movie[1000:1004] += 20
    level = measure_level(movie, RATE, 0, 2000)
    rest = movie.copy()
    level.subtract_from(rest, slice(0, 2000))
    quiet = np.r_[200:900, 1100:1800]
    assert np.abs(rest[quiet].mean(axis=(1, 2))).max() < 1.0
    assert rest[1000:1004].mean() > 18


def test_missing_pixels_are_left_out_of_level_and_noise():
    movie = noise(400) + 50
    spoiled = movie.copy()
    spoiled[100:120] = np.nan
    spoiled[:, 3, 4] = np.nan
    clean, level = (measure_level(m, RATE, 0, 400) for m in (movie, spoiled))
    seen = np.ones((40, 44), bool)
    seen[3, 4] = False
    assert_allclose(level.sd[seen], clean.sd[seen], rtol=0.15)
    assert_allclose(level.slow[:, seen], clean.slow[:, seen], atol=0.3)
    assert level.sd[3, 4] == np.inf
    assert np.isfinite(level.slow).all()


@pytest.mark.parametrize("n", [1, 2, 9, 65, 130])
def test_stretches_of_any_length(n):
    movie = noise(n + 7) + 10
    level = measure_level(movie, RATE, 5, 5 + n)
    assert len(level.centres) == len(level.slow)
    assert (np.diff(level.centres) > 0).all()
    assert 5 <= level.centres[0] <= level.centres[-1] < 5 + n
    assert_allclose(level.slow.mean(), 10, atol=1.0)
    white = whiten(movie, level, RATE, 6.0, 5, 5 + n)
    assert white.pixels.shape == (n, 40, 44)
    assert white.response.shape == (n, 20, 22)


def test_whitened_noise_has_unit_variance():
    movie = noise(400, 60, 64) * np.linspace(1, 4, 64, dtype=np.float32) + 200
    level = measure_level(movie, RATE, 0, 400)
    white = whiten(movie, level, RATE, 6.0, 0, 400)
    assert_allclose(white.pixels.std(axis=0).mean() / STEPS, 1, atol=0.05)
    assert_allclose(white.response[:, 10:-10, 10:-10].std() / STEPS, 1, atol=0.1)


def test_wide_structures_are_removed_and_somata_stay():
    y, x = np.mgrid[:96, :96]
    wide = np.exp(-0.5 * ((y - 48) ** 2 + (x - 48) ** 2) / 40**2)
    small = (np.hypot(y - 48, x - 48) < 6).astype(float)
    level = Level(np.array([0.0]), np.zeros((1, 96, 96), np.float32), np.ones((96, 96), np.float32))
    # Noise keeps the spread of a bin, which is made equal, from being that of the picture.
    movie = (10 * np.stack([wide, small])).astype(np.float32) + noise(2, 96, 96)
    white = whiten(movie, level, RATE, 6.0, 0, 2).pixels / STEPS
    assert white[0, 40:56, 40:56].mean() < 2.0
    assert white[1][small > 0].mean() > 5.0


def test_the_high_pass_is_that_of_a_gaussian():
    y, x = np.mgrid[:128, :128]
    picture = 3 * np.exp(-0.5 * ((y - 64) ** 2 + (x - 60) ** 2) / 8**2)
    level = Level(np.array([0.0]), np.zeros((1, 128, 128), np.float32), np.ones((128, 128), np.float32))
    white = whiten(picture[None].astype(np.float32), level, RATE, 6.0, 0, 1).pixels[0] / STEPS
    naive = picture - gaussian_filter(picture, 10.0, mode="nearest")
    assert_allclose(white, naive, atol=0.05)


def test_constant_pixels_are_silent():
    movie = noise(100)
    movie[:, 5, 5] = 7
    level = measure_level(movie, RATE, 0, 100)
    assert level.sd[5, 5] == np.inf
    white = whiten(movie, level, RATE, 6.0, 0, 100)
    assert np.abs(white.pixels[:, 5, 5] / STEPS).max() < 1.5


def test_a_noisier_bin_is_made_equal():
    movie = noise(100, 64, 64)
    movie[50] *= 6
    level = measure_level(movie, RATE, 0, 100)
    white = whiten(movie, level, RATE, 6.0, 0, 100)
    spread = white.pixels.std(axis=(1, 2))
    assert spread[50] < 1.3 * np.median(spread)


def test_the_movie_is_not_changed():
    movie = noise(50)
    before = movie.copy()
    level = measure_level(movie, RATE, 0, 50)
    whiten(movie, level, RATE, 6.0, 0, 50)
    assert_array_equal(movie, before)
