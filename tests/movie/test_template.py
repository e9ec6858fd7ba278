import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.movie import template as template_module
from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.preparation import Preparation
from napari_calcium.movie.template import build_template, read_sample
from napari_calcium.movie.warp import warp_frames
from napari_calcium.progress import Cancelled


def built(scene, **options):
    return build_template(scene.movie, Preparation(), **({"spacing": 40.0, "max_shift": 12.0} | options))


def test_the_sample_is_spread_over_the_movie_in_its_own_dtype():
    movie = np.arange(100, dtype=np.uint16)[:, None, None] * np.ones((1, 3, 4), np.uint16)
    sample = read_sample(movie, 10)
    assert sample.dtype == np.uint16
    assert_array_equal(sample[:, 0, 0], np.arange(5, 100, 10))
    assert len(read_sample(movie[:3], 10)) == 3


def test_missing_frames_are_left_out_unless_there_are_no_others():
    movie = np.ones((6, 3, 4))
    movie[::2] = np.nan
    assert np.isfinite(read_sample(movie, 6)).all()
    assert len(read_sample(movie, 6)) == 3
    assert len(read_sample(np.full((6, 3, 4), np.nan), 6)) == 1


def test_the_sample_has_a_fixed_size_in_memory_but_some_frames_in_any_case(monkeypatch):
    monkeypatch.setattr(template_module, "_SAMPLE_MB", 1.0)
    assert len(read_sample(np.zeros((9000, 10, 20), np.uint16), 5000)) == 2**20 // 400
    assert len(read_sample(np.zeros((90, 300, 300), np.uint16), 5000)) == 60
    assert len(read_sample(np.zeros((90, 300, 300), np.uint16), 7)) == 7


def test_the_template_is_the_scene_sharp_and_in_its_own_units(moving_scene):
    scene = moving_scene(80, seed=3)
    still = moving_scene(1, seed=3, shift_sd=0, field_sd=0, photons=np.inf).movie[0].astype(float)
    still = (still - 100) * 0.3 + 100  # to the counts of the noisy movie
    found = built(scene)
    inner = (slice(12, -12), slice(12, -12))
    blurred = scene.movie.mean(axis=0)
    alike = [
        np.corrcoef(image[inner].ravel(), still[inner].ravel())[0, 1] for image in (found.image, blurred)
    ]
    assert alike[0] > 0.98 > 0.95 > alike[1]
    assert np.polyfit(still[inner].ravel(), found.image[inner].ravel(), 1)[0] == pytest.approx(1, abs=0.1)
    assert found.image[inner].mean() == pytest.approx(blurred[inner].mean(), rel=0.02)


def test_contrast_does_not_grow_from_round_to_round(moving_scene, monkeypatch):
    scene = moving_scene(40, seed=3, photons=5)
    spread = {}
    for rounds in (1, 5):
        monkeypatch.setattr(template_module, "_FIELD_ROUNDS", rounds)
        spread[rounds] = np.nanstd(built(scene).image)
    assert spread[5] == pytest.approx(spread[1], rel=0.1)


def test_the_standard_deviation_is_that_of_photon_noise(moving_scene):
    scene = moving_scene(150, seed=4, photons=20, field_sd=0.2, shift_sd=1.0)
    found = built(scene)
    # A pixel of m photons has the variance m; a photon is 10 counts, and 100 counts are no light.
    expected = np.sqrt(10 * np.clip(found.image - 100, 1, None))
    inner = (slice(12, -12), slice(12, -12))
    assert np.median(found.sd[inner] / expected[inner]) == pytest.approx(1, abs=0.2)


def test_sampling_keeps_the_share_of_noise_that_is_said():
    rng = np.random.default_rng(0)
    grid = grid_for((60, 70), 30)
    noise = rng.standard_normal((40, 60, 70)).astype(np.float32)
    fields = np.broadcast_to(rng.uniform(-3, 3, (40, 1, 1, 2)), (40, grid.ny, grid.nx, 2))
    moved = np.empty_like(noise)
    warp_frames(noise, fields.astype(np.float32), *grid.numbers, np.float32(np.nan), moved)
    assert np.nanvar(moved) == pytest.approx(template_module._noise_kept(fields), rel=0.05)


def test_the_mean_field_of_the_sample_is_nothing(moving_scene):
    scene = moving_scene(30, seed=5)
    shifted = np.roll(scene.movie, (4, -6), (1, 2))
    here, there = (
        built(scene).image,
        build_template(shifted, Preparation(), spacing=40.0, max_shift=12.0).image,
    )
    assert_allclose(there[20:-20, 20:-20], np.roll(here, (4, -6), (0, 1))[20:-20, 20:-20], rtol=0.15, atol=30)


def test_a_filtered_template_comes_with_a_plain_one(moving_scene):
    scene = moving_scene(20, seed=5)
    found = build_template(scene.movie, Preparation(background=6.0), spacing=None, max_shift=12.0)
    assert abs(np.nanmean(found.image)) < 0.05 * np.nanmean(found.plain_image)
    assert np.nanmean(found.plain_image) == pytest.approx(scene.movie.mean(), rel=0.05)


def test_building_can_be_cancelled_anywhere(moving_scene):
    scene = moving_scene(10, seed=5)
    seen = []
    built(scene, on_progress=lambda done, total: seen.append(done / total))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    for stop in (1, len(seen) // 2, len(seen) - 1):
        count = iter(range(10**6))

        def cancel(done, total, count=count, stop=stop):
            if next(count) >= stop:
                raise Cancelled

        with pytest.raises(Cancelled):
            built(scene, on_progress=cancel)
