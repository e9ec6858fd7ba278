import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from napari_calcium.movie.field_prior import (
    learn_covariance,
    posterior_covariance,
    rigid_covariance,
    smooth_covariance,
)
from napari_calcium.movie.grid import grid_for


def positive(rng, m, rank=None):
    root = rng.normal(size=(m, rank or m))
    return root @ root.T + (0.1 * np.eye(m) if rank is None else 0)


@given(m=st.integers(1, 12), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_posterior_is_that_of_two_gaussians(m, seed):
    rng = np.random.default_rng(seed)
    information, prior = positive(rng, m), positive(rng, m)
    assert_allclose(
        posterior_covariance(information, prior),
        np.linalg.inv(information + np.linalg.inv(prior)),
        rtol=1e-6,
        atol=1e-9,
    )


def test_a_singular_prior_keeps_its_subspace():
    rng = np.random.default_rng(0)
    grid = grid_for((64, 64), 32)
    information = positive(rng, 2 * grid.n_nodes)
    error = posterior_covariance(information, rigid_covariance(grid, 5.0))
    moved = (error @ rng.normal(size=2 * grid.n_nodes)).reshape(-1, 2)
    assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-9)
    # What is left is least squares for the two numbers of a rigid shift.
    both = np.tile(np.eye(2), (grid.n_nodes, 1))
    exact = np.linalg.inv(both.T @ information @ both + np.eye(2) / 25)
    assert_allclose(error[:2, :2], exact, rtol=1e-6)


def test_no_information_leaves_the_prior():
    prior = positive(np.random.default_rng(1), 6)
    assert_allclose(posterior_covariance(np.zeros((6, 6)), prior), prior)


def test_smooth_fields_are_alike_nearby_and_free_far_away():
    grid = grid_for((512, 512), 64)
    covariance = smooth_covariance(grid, 2.0, 100.0)
    assert_allclose(np.diag(covariance), 4.0, rtol=1e-3)
    assert covariance[0, 1] == pytest.approx(4 * np.exp(-0.5 * 0.63875**2), rel=1e-3)
    assert abs(covariance[0, -1]) < 1e-6
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_learning_finds_the_directions_in_which_fields_move():
    rng = np.random.default_rng(2)
    m, n = 20, 400
    truth = positive(rng, m, rank=2)
    information = np.diag(rng.uniform(0.5, 2, m))
    fields = rng.multivariate_normal(np.zeros(m), truth, size=n)
    evidence = fields @ information + rng.multivariate_normal(np.zeros(m), information, size=n)
    start = 10 * np.eye(m)
    learned = learn_covariance(information, evidence, start, start_weight=5)
    error = {
        name: np.mean((evidence @ posterior_covariance(information, prior) - fields) ** 2)
        for name, prior in (("start", start), ("learned", learned), ("truth", truth))
    }
    gained = (error["start"] - error["learned"]) / (error["start"] - error["truth"])
    assert 0.7 < gained < 1.05


def test_one_still_frame_moves_the_covariance_little():
    start = np.eye(4)
    learned = learn_covariance(np.eye(4), np.zeros((1, 4)), start)
    assert_allclose(learned, start, atol=0.05)
    assert np.linalg.eigvalsh(learned).min() > 0
