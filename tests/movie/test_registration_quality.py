import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter

from napari_calcium.movie.binned_movie import BinnedMovie
from napari_calcium.movie.registration import NonRigidRegistration, register
from napari_calcium.movie.registration_quality import crispness, registration_quality, residual_motion
from napari_calcium.progress import Cancelled


def binned(frames):
    movie = BinnedMovie(
        len(frames), 1, frames.mean(axis=0), np.full(frames.shape[1:], frames.std() + 1, np.float32)
    )
    movie.write(0, frames)
    return movie


def test_blur_lowers_crispness_and_light_does_not(texture):
    image = texture(90, 100)
    assert crispness(gaussian_filter(image, 2)) < 0.7 * crispness(image)
    assert crispness(5 * image + 1000) == pytest.approx(crispness(image))
    image[:10] = np.nan
    assert np.isfinite(crispness(image))


@pytest.mark.parametrize(
    "image", [np.ones((5, 5)), np.full((5, 5), np.nan), np.ones((1, 9)), np.arange(9.0)[None]]
)
def test_images_without_slope_have_no_crispness(image):
    assert crispness(image) == 0


def test_motion_that_is_left_is_seen_and_registered_movies_have_little(moving_scene):
    scene = moving_scene(150, seed=2, photons=50)
    found = register(scene.movie, 15.0, NonRigidRegistration(node_spacing=40, max_shift=12))
    quality = registration_quality(found)
    raw = residual_motion(binned(scene.movie.astype(np.float32)))
    assert raw[:2].max() > 1.0
    assert quality.residual_px[:5].max() < 0.3
    assert quality.crispness_after > 1.05 * quality.crispness_before
    assert quality.correlation_median > 0.8
    assert quality.bad_share == 0


def test_still_and_short_movies_have_no_motion():
    assert_allclose(residual_motion(binned(np.full((5, 20, 20), 7, np.float32))), 0)
    assert len(residual_motion(binned(np.zeros((1, 20, 20), np.float32)))) == 0
    assert len(residual_motion(binned(np.random.default_rng(0).random((4, 9, 9), dtype=np.float32)))) == 3


def test_quality_of_nothing_is_empty_not_an_error():
    found = register(np.full((3, 20, 20), np.nan, np.float32), 15.0)
    quality = registration_quality(found)
    assert np.isnan(quality.correlation_median)
    assert quality.bad_share == 1
    assert (quality.crispness_before, quality.crispness_after) == (0, 0)


def test_it_can_be_cancelled(moving_scene):
    def cancel(done, total):
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        residual_motion(binned(moving_scene(6).movie.astype(np.float32)), on_progress=cancel)
