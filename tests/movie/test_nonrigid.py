import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.movie.field_prior import rigid_covariance, smooth_covariance
from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.nonrigid import Alignment, FieldAligner
from napari_calcium.movie.warp import warp_frames

SHAPE = (96, 112)


@pytest.fixture(scope="module")
def still(moving_scene):
    return moving_scene(1, shift_sd=0, field_sd=0, photons=np.inf, seed=1).movie[0].astype(np.float32)


@pytest.fixture(scope="module")
def grid():
    return grid_for(SHAPE, 32)


def free(grid):
    return rigid_covariance(grid, 20.0) + np.kron(smooth_covariance(grid, 1.0, 60.0), np.eye(2))


def aligner(still, grid, covariance=None, factors=(1, 2), sd=100.0):
    return FieldAligner(
        still,
        np.full(SHAPE, sd, np.float32),
        grid,
        factors,
        free(grid) if covariance is None else covariance,
        12.0,
    )


def test_known_fields_are_recovered_without_noise(moving_scene, field_error, still, grid):
    scene = moving_scene(20, shift_sd=2, field_sd=0.7, photons=np.inf, seed=1)
    alignment = aligner(still, grid).align(scene.movie.astype(np.float32))
    assert field_error(alignment.fields, grid, scene) < 0.15
    assert np.nanmin(alignment.correlation) > 0.97


def test_light_changes_nothing(moving_scene, still, grid):
    scene = moving_scene(5, photons=np.inf, seed=1)
    frames = scene.movie.astype(np.float32)
    here = aligner(still, grid).align(frames)
    there = aligner(still, grid).align(3 * frames + 500)
    assert_allclose(there.fields, here.fields, atol=0.02)
    assert_allclose(there.gain, here.gain / 3, rtol=1e-3)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    patchy = frames * (1 + 0.2 * np.sin(x / 30) * np.cos(y / 40)).astype(np.float32)
    assert np.abs(aligner(still, grid).align(patchy).fields - here.fields).max() < 0.35


def test_a_flash_moves_the_field_little(moving_scene, still, grid):
    frames = moving_scene(3, photons=np.inf, seed=1).movie.astype(np.float32)
    here = aligner(still, grid).align(frames)
    frames[:, 40:50, 50:60] *= 2
    assert np.abs(aligner(still, grid).align(frames).fields - here.fields).max() < 0.3


def test_scores_are_the_slope_of_the_misfit(still, grid):
    """At the truth plus a small error, information times the step asked for is the score."""
    finest = aligner(still, grid).levels[0]
    rng = np.random.default_rng(0)
    small = 0.05 * rng.normal(size=(4, grid.ny, grid.nx, 2))
    # A frame that is the template moved by minus the field is found at zero; start beside it.
    unit, none = np.ones(4, np.float32), np.zeros(4, np.float32)
    frames = np.broadcast_to(still, (4, *SHAPE)).copy()
    scores = finest.scores(frames, Alignment(small, unit, none, none))
    expected = -small.reshape(4, -1) @ finest.information
    assert np.corrcoef(scores.ravel(), expected.ravel())[0, 1] > 0.97
    assert np.linalg.lstsq(expected.reshape(-1, 1), scores.ravel(), rcond=None)[0][0] == pytest.approx(
        1, abs=0.15
    )


def test_information_is_symmetric_and_positive(still, grid):
    for level in aligner(still, grid).levels:
        assert_allclose(level.information, level.information.T, atol=1e-6 * np.abs(level.information).max())
        assert np.linalg.eigvalsh(level.information).min() > -1e-6 * np.abs(level.information).max()


def test_curvature_is_that_of_the_naive_jacobian(still):
    from napari_calcium.movie.nonrigid import _curvature

    grid = grid_for((20, 30), 16)
    rng = np.random.default_rng(0)
    slopes = [rng.normal(size=(20, 30)).astype(np.float32) for _ in range(3)]
    across_y, across_x = grid.hats((20, 30))
    hats = np.einsum("yi,xj->yxij", across_y, across_x).reshape(600, -1).astype(float)
    moves = np.stack([hats * slopes[0].reshape(-1, 1), hats * slopes[1].reshape(-1, 1)], axis=2).reshape(
        600, -1
    )
    jacobian = np.concatenate([moves, hats * slopes[2].reshape(-1, 1)], axis=1)
    assert_allclose(_curvature(grid, slopes), jacobian.T @ jacobian, rtol=1e-4, atol=1e-3)


def test_a_rigid_prior_gives_rigid_fields(moving_scene, still, grid):
    frames = moving_scene(6, photons=20, seed=1).movie.astype(np.float32)
    fields = aligner(still, grid, rigid_covariance(grid, 20.0)).align(frames).fields
    assert_allclose(fields, np.broadcast_to(fields[:, :1, :1], fields.shape), atol=1e-6)


def test_moving_back_what_was_found_leaves_nothing(moving_scene, still, grid):
    frames = moving_scene(8, photons=np.inf, seed=1).movie.astype(np.float32)
    found = aligner(still, grid).align(frames)
    moved = np.empty_like(frames)
    warp_frames(frames, found.fields.astype(np.float32), *grid.numbers, np.float32(np.inf), moved)
    again = aligner(still, grid).align(moved)
    assert np.sqrt((again.fields**2).mean()) < 0.1


@pytest.mark.parametrize("value", [0.0, 65535.0, np.nan])
def test_empty_frames_get_finite_fields(still, grid, value):
    alignment = aligner(still, grid).align(np.full((2, *SHAPE), value, np.float32))
    assert np.isfinite(alignment.fields).all()
    assert np.isnan(alignment.correlation).all()


@pytest.mark.parametrize("value", [0.0, 65535.0, np.nan])
def test_an_empty_template_moves_nothing_astray(grid, value):
    template = np.full(SHAPE, value, np.float32)
    frames = np.random.default_rng(0).random((2, *SHAPE), dtype=np.float32)
    alignment = aligner(template, grid).align(frames)
    assert_allclose(alignment.fields, 0, atol=1e-6)


def test_displacements_stop_at_the_largest_allowed(still, grid):
    far = np.roll(still, (0, 30), (0, 1))
    fields = aligner(still, grid).align(far[None]).fields
    assert np.abs(fields).max() <= 12


def test_the_same_frames_in_other_company_give_the_same_fields(moving_scene, still, grid):
    frames = moving_scene(6, photons=20, seed=1).movie.astype(np.float32)
    whole = aligner(still, grid).align(frames)
    alone = aligner(still, grid).align(frames[2:3])
    assert_allclose(alone.fields[0], whole.fields[2], atol=1e-4)
    assert_array_equal(aligner(still, grid).align(frames).fields, whole.fields)
