import numpy as np
import pytest
from numpy.testing import assert_allclose

from napari_calcium.movie.summary_images import SummaryImages, enhanced_mean


def naive_local_correlation(movie):
    _, height, width = movie.shape
    result = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            values = [
                np.corrcoef(movie[:, y, x], movie[:, y + dy, x + dx])[0, 1]
                for dy in (-1, 0, 1)
                for dx in (-1, 0, 1)
                if (dy or dx) and 0 <= y + dy < height and 0 <= x + dx < width
            ]
            result[y, x] = np.mean(values)
    return result


def gathered(bins, seen=4.0, step=3, offset=None, sd=None):
    shape = bins.shape[1:]
    summary = SummaryImages(
        np.full(shape, 50, np.float32) if offset is None else offset,
        np.full(shape, 7, np.float32) if sd is None else sd,
    )
    count = np.broadcast_to(np.float32(seen), bins.shape).astype(np.float32)
    means = [
        summary.add((bins * count)[k : k + step], count[k : k + step]) for k in range(0, len(bins), step)
    ]
    return summary.images(), np.concatenate(means)


def test_images_are_those_of_the_whole_movie():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((70, 1, 1))
    bins = (50 + 10 * rng.standard_normal((70, 9, 11)) + 6 * shared).astype(np.float32)
    images, means = gathered(bins)
    assert_allclose(means, bins, rtol=1e-5)
    assert_allclose(images["mean"], bins.mean(axis=0), rtol=1e-5)
    assert_allclose(images["max_projection"], bins.max(axis=0), rtol=1e-5)
    assert_allclose(images["standard_deviation"], bins.std(axis=0), rtol=1e-4)
    assert_allclose(images["local_correlation"], naive_local_correlation(bins), atol=1e-4)
    assert_allclose(images["coverage"], 1)
    assert all(image.dtype == np.float32 and image.shape == (9, 11) for image in images.values())


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_the_smallest_frames(shape):
    images, _ = gathered(np.random.default_rng(0).random((4, *shape), dtype=np.float32) + 1)
    assert all(np.isfinite(image).all() for image in images.values())


def test_pixels_seen_now_and_then_are_averaged_over_what_was_seen():
    bins = np.full((5, 4, 4), 20, np.float32)
    seen = np.full(bins.shape, 2, np.float32)
    seen[:, 0] = 0
    seen[1:, 1] = 0
    bins[1:, 1] = 999
    images, means = gathered(bins, seen)
    assert np.isnan(images["mean"][0]).all()
    assert np.isnan(images["max_projection"][0]).all()
    assert_allclose(images["mean"][1:], 20)
    assert_allclose(images["coverage"][:, 0], [0, 0.2, 1, 1])
    assert np.isnan(means[1, 1]).all()
    assert np.isfinite(images["local_correlation"]).all()
    assert np.isfinite(images["enhanced_mean"]).all()


def test_a_movie_that_does_not_change_has_no_correlation():
    images, _ = gathered(np.full((6, 5, 5), 50, np.float32))
    assert (images["local_correlation"] == 0).all()
    assert_allclose(images["standard_deviation"], 0)


def test_a_bright_recording_loses_no_digits():
    rng = np.random.default_rng(0)
    bins = (60000 + rng.standard_normal((100, 4, 4))).astype(np.float32)
    images, _ = gathered(bins, offset=np.full((4, 4), 60000, np.float32), sd=np.ones((4, 4), np.float32))
    assert_allclose(images["standard_deviation"], bins.std(axis=0), rtol=0.02)


def test_the_enhanced_mean_ignores_gain_and_slow_light(texture):
    image = texture(80, 90).astype(np.float32)
    enhanced = enhanced_mean(image)
    assert_allclose(enhanced_mean(5 * image + 100), enhanced, atol=1e-3)
    slope = np.linspace(0, 3, 90, dtype=np.float32)
    inner = (slice(20, 60), slice(20, 70))
    assert np.corrcoef(enhanced_mean(image + slope)[inner].ravel(), enhanced[inner].ravel())[0, 1] > 0.99


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
def test_an_image_without_contrast_has_nothing_to_enhance(value):
    assert (enhanced_mean(np.full((6, 7), value, np.float32)) == 0).all()
