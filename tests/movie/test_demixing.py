import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from napari_calcium.movie.demixing import Demixing

OVERLAPS = ["demixed", "excluded", "shared"]


def footprints(seed, n=5, pixels=60, width=18):
    """Overlapping runs of positive weights along a line."""
    rng = np.random.default_rng(seed)
    dense = np.zeros((n, pixels))
    for row, start in zip(dense, rng.integers(0, pixels - width, n), strict=True):
        row[start : start + width] = rng.uniform(0.3, 1.0, width)
    return dense


def made(dense, overlap="demixed", variance=None):
    variance = np.ones(dense.shape[1]) if variance is None else variance
    return Demixing.of(sparse.csr_array(dense.astype(np.float32)), variance.astype(np.float32), overlap)


@given(seed=st.integers(0, 1000), overlap=st.sampled_from(OVERLAPS))
@settings(max_examples=40, deadline=None)
def test_a_movie_of_one_brightness_gives_that_brightness(seed, overlap):
    traces = made(footprints(seed), overlap)(np.full((3, 60), 7.5, np.float32))
    assert_allclose(traces, 7.5, rtol=1e-4)


@given(seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_demixed_traces_are_the_least_squares_fit_up_to_scale(seed):
    rng = np.random.default_rng(seed)
    # Three cells that overlap by a third each.
    dense = np.zeros((3, 48))
    for k in range(3):
        dense[k, 12 * k : 12 * k + 18] = rng.uniform(0.3, 1.0, 18)
    variance = rng.uniform(0.5, 2.0, 48)
    frames = rng.normal(10, 3, (20, 48)).astype(np.float32)
    root = 1 / np.sqrt(variance)
    fit = np.linalg.lstsq((dense * root).T, frames.T * root[:, None], rcond=None)[0]
    ours = made(dense, variance=variance)(frames)
    for a, b in zip(ours, fit, strict=True):
        assert np.corrcoef(a, b)[0, 1] > 0.999


def test_demixing_tells_overlapping_cells_apart():
    rng = np.random.default_rng(0)
    dense = np.zeros((2, 40))
    dense[0, :24], dense[1, 14:38] = 1, 1
    activity = rng.exponential(1.0, (2, 500))
    frames = (activity.T @ dense).astype(np.float32)
    demixed, shared = made(dense)(frames), made(dense, "shared")(frames)
    assert abs(np.corrcoef(demixed[0], activity[1])[0, 1] - np.corrcoef(activity)[0, 1]) < 0.02
    assert np.corrcoef(shared[0], activity[1])[0, 1] > 0.3


def test_left_out_pixels_do_not_count():
    dense = np.zeros((2, 30))
    dense[0, :16], dense[1, 10:] = 1, 1
    frames = np.zeros((1, 30), np.float32)
    frames[0, 10:16] = 100
    assert_allclose(made(dense, "excluded")(frames), 0)
    assert (made(dense, "shared")(frames) > 0).all()


def test_a_cell_inside_another_keeps_its_pixels():
    dense = np.zeros((2, 30))
    dense[0], dense[1, 10:14] = 1, 1
    frames = np.ones((1, 30), np.float32)
    assert_allclose(made(dense, "excluded")(frames), 1, rtol=1e-5)


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_cells_that_touch_nobody_are_weighted_means(overlap):
    rng = np.random.default_rng(1)
    dense = np.zeros((2, 40))
    dense[0, :15], dense[1, 20:35] = rng.uniform(0.2, 1, (2, 15))
    variance = rng.uniform(0.5, 2, 40)
    frames = rng.normal(size=(6, 40)).astype(np.float32)
    weights = dense / variance
    naive = frames @ (weights / weights.sum(axis=1, keepdims=True)).T
    assert_allclose(made(dense, overlap, variance)(frames), naive.T, rtol=1e-4, atol=1e-5)


def test_noisy_pixels_weigh_less():
    dense = np.ones((1, 2))
    weights = made(dense, variance=np.array([1.0, 4.0])).weights.toarray()
    assert_allclose(weights, [[0.8, 0.2]], rtol=1e-6)


def test_twins_do_not_blow_up():
    dense = np.repeat(footprints(0, n=1), 2, axis=0)
    frames = np.random.default_rng(0).normal(50, 1, (20, 60)).astype(np.float32)
    alone = made(dense[:1])(frames)
    assert_allclose(made(dense)(frames), np.repeat(alone, 2, axis=0), rtol=1e-3)


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_some_cells_at_a_time_are_the_same(overlap):
    dense = footprints(3, n=8, pixels=100)
    frames = np.random.default_rng(0).normal(10, 2, (7, 100)).astype(np.float32)
    whole = made(dense, overlap)
    rows = np.array([5, 1])
    assert_allclose(whole.take(rows)(frames), whole(frames)[rows], rtol=1e-5)


def test_missing_pixels_are_felt_by_touching_cells_alone():
    dense = np.zeros((3, 60))
    dense[0, :20], dense[1, 15:35], dense[2, 40:] = 1, 1, 1
    frames = np.ones((2, 60), np.float32)
    frames[1, 3] = np.nan
    traces = made(dense)(frames)
    assert np.isfinite(traces[:, 0]).all()
    assert np.isnan(traces[:2, 1]).all()
    assert_allclose(traces[2], 1, rtol=1e-6)


def test_cells_without_pixels_and_no_cells():
    dense = footprints(0, n=3)
    dense[1] = 0
    frames = np.ones((4, 60), np.float32)
    traces = made(dense)(frames)
    assert_allclose(traces[[0, 2]], 1, rtol=1e-5)
    assert_allclose(traces[1], 0)
    assert made(np.zeros((0, 60)))(frames).shape == (0, 4)
