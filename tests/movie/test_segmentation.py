import os
import tracemalloc
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from tests.movie.planted_cells import RATE, SHAPE, nearest, scene, soma

from napari_calcium.movie.binned_movie import BinnedMovie
from napari_calcium.movie.segmentation import AnatomicalCells, CombinedCells, FunctionalCells, find_cells
from napari_calcium.progress import Cancelled
from napari_calcium.rois import Rois

SIZED = FunctionalCells(diameter=12)


def images_of(movie):
    return {"mean": np.nan_to_num(movie.astype(np.float64), posinf=0).mean(axis=0).astype(np.float32)}


def found(movie, settings=SIZED, **kwargs):
    return find_cells(movie, images_of(movie), RATE, settings, **kwargs)


def accepted(rois):
    return rois.take(np.flatnonzero(rois.accepted))


@pytest.fixture(scope="module")
def cells():
    return found(scene().movie)


def test_every_active_soma_is_found_where_it_is(cells):
    distance, _ = nearest(accepted(cells).centroids, scene().somata)
    assert distance.max() < 1.0


def test_nothing_else_is_accepted(cells):
    assert len(accepted(cells)) == scene().n_somata


def test_blurs_are_candidates_that_the_focus_test_rejects(cells):
    distance, which = nearest(cells.centroids, scene().centres[scene().n_somata :])
    assert distance.max() < 4
    assert (cells.quality["focus_sd"][which] < 0).all()
    assert not cells.accepted[which].any()


def test_footprints_cover_the_soma_and_little_more(cells):
    good = accepted(cells)
    _, which = nearest(good.centroids, scene().somata)
    for row, image in zip(which, scene().images, strict=False):
        outline = np.zeros(SHAPE, bool)
        outline[good.pixels(row)] = True
        truth = image > 0.2 * image.max()
        assert (outline & truth).sum() > 0.6 * (outline | truth).sum()


def test_weights_are_brightest_at_1_and_never_negative(cells):
    highest = cells.footprints.max(axis=1).toarray().ravel()
    np.testing.assert_allclose(highest, 1, rtol=1e-6)
    assert cells.footprints.data.min() > 0


def test_accepted_means_quality_of_1_or_more(cells):
    np.testing.assert_array_equal(cells.accepted, cells.quality["quality"] >= 1)


def test_a_stricter_threshold_accepts_a_subset(cells):
    strict = found(scene().movie, SIZED.replace(focus=float(np.median(cells.quality["focus_sd"]))))
    assert (strict.footprints != cells.footprints).nnz == 0
    assert (strict.accepted <= cells.accepted).all()
    assert strict.accepted.sum() < cells.accepted.sum()


def test_thresholds_of_zero_and_below_are_differences():
    lax = SIZED.replace(focus=-100, focus_share=-1, disc_share=0, skewness=-10, area=0)
    rois = found(scene().movie, lax)
    assert rois.accepted.sum() >= scene().n_somata + 3


def test_gain_and_offset_of_the_camera_change_nothing(cells):
    other = found(3.0 * scene().movie - 50.0)
    np.testing.assert_array_equal(other.accepted, cells.accepted)
    np.testing.assert_allclose(other.centroids, cells.centroids, atol=0.05)


def test_moving_the_scene_moves_the_cells(cells):
    moved = found(np.roll(scene().movie, (4, -8), axis=(1, 2)))
    # Those that the edge of the frame does not cut.
    inside = scene().somata[(scene().somata[:, 0] < 80) & (scene().somata[:, 1] > 20)]
    distance, _ = nearest(accepted(moved).centroids, inside + np.array([4, -8]))
    assert len(inside) > 2
    assert distance.max() < 1


def test_the_diameter_is_estimated(cells):
    rois = found(scene().movie, FunctionalCells())
    distance, _ = nearest(accepted(rois).centroids, scene().somata)
    assert distance.max() < 1
    assert len(accepted(rois)) == scene().n_somata


def test_bytes_are_the_same_for_any_number_of_workers(cells, monkeypatch):
    for workers in (1, 3):
        monkeypatch.setattr(os, "cpu_count", lambda n=workers: n)
        assert found(scene().movie) == cells
    with ThreadPoolExecutor(2) as pool:
        assert found(scene().movie, executor=pool) == cells


def test_processes_do_the_same(cells):
    with ProcessPoolExecutor(1) as pool:
        assert found(np.array(scene().movie), executor=pool) == cells


def test_long_recordings_are_searched_in_stretches(cells):
    little = 3 * SHAPE[0] * SHAPE[1] * 250 / 2**20
    rois = found(scene().movie, SIZED.replace(memory=little))
    distance, _ = nearest(accepted(rois).centroids, scene().somata)
    assert distance.max() < 1
    assert len(accepted(rois)) == scene().n_somata
    assert len(rois) <= 2 * len(cells)


def test_a_binned_movie_knows_how_long_its_bins_are(cells):
    movie = scene().movie
    binned = BinnedMovie(4 * len(movie), 4, movie.mean(axis=0), np.full(SHAPE, 2.0, np.float32))
    binned.write(0, movie)
    rois = find_cells(binned, images_of(movie), 4 * RATE, SIZED)
    np.testing.assert_array_equal(rois.accepted, cells.accepted)


def test_pixels_hardly_ever_seen_are_left_out():
    movie = scene().movie
    coverage = np.ones(SHAPE, np.float32)
    coverage[:, :56] = 0.1
    rois = find_cells(movie, images_of(movie) | {"coverage": coverage}, RATE, SIZED)
    assert rois.footprints.indices.size
    assert (rois.footprints.indices % SHAPE[1]).min() >= 56


def test_missing_frames_and_pixels_do_no_harm():
    movie = scene().movie.copy()
    movie[100:110] = np.nan
    movie[:, :3] = np.nan
    movie[300, 50, 50] = np.inf
    distance, _ = nearest(accepted(found(movie)).centroids, scene().somata)
    assert distance.max() < 1


def test_a_noisy_bin_is_no_activity(cells):
    movie = scene().movie.copy()
    rng = np.random.default_rng(1)
    movie[200:202] = 100 + 8 * rng.standard_normal((2, *SHAPE))
    rois = found(movie)
    distance, _ = nearest(accepted(rois).centroids, scene().somata)
    assert distance.max() < 1.5
    assert len(rois) <= len(cells) + 2


@pytest.mark.parametrize(
    "movie",
    [
        np.zeros((1, 40, 40), np.uint16),
        np.random.default_rng(0).normal(size=(2, 40, 40)).astype(np.float32),
        np.zeros((80, 40, 40), np.float32),
        np.full((80, 40, 40), 65535, np.uint16),
        np.full((80, 40, 40), np.nan, np.float32),
        np.random.default_rng(0).normal(size=(80, 1, 1)).astype(np.float32),
        np.random.default_rng(0).normal(size=(80, 3, 90)).astype(np.float32),
        np.random.default_rng(0).poisson(3.0, size=(200, 64, 64)).astype(np.uint8),
    ],
    ids=["one frame", "two frames", "zeros", "saturated", "missing", "one pixel", "narrow", "noise"],
)
@pytest.mark.parametrize("settings", [FunctionalCells(), CombinedCells(diameter=12), AnatomicalCells()])
def test_no_cells_are_a_result(movie, settings):
    rois = found(movie, settings)
    assert isinstance(rois, Rois)
    assert not rois.accepted.any()
    assert rois.shape == movie.shape[1:]


def test_a_hot_pixel_is_no_cell():
    rng = np.random.default_rng(3)
    movie = rng.normal(100, 1, (400, 48, 48)).astype(np.float32)
    movie[::40, 20, 20] += 200
    assert not found(movie).accepted.any()


def test_progress_is_complete_and_never_falls():
    seen = []
    found(scene().movie, on_progress=lambda done, total: seen.append(done / total))
    assert seen[-1] == 1
    assert all(a <= b for a, b in pairwise(seen))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_it_can_be_cancelled_at_any_moment(share):
    def cancel(done, total):
        if done >= share * total:
            raise Cancelled

    with pytest.raises(Cancelled):
        found(scene().movie, on_progress=cancel)


def bright_image(centres, radius=6.0):
    rng = np.random.default_rng(0)
    image = 100 + sum(30 * soma(c, radius, nucleus=0.4) for c in centres) + rng.normal(0, 2, SHAPE)
    return image.astype(np.float32)


def test_bright_somata_are_found_in_the_mean_image():
    centres = np.array([(20, 20), (20, 60), (60, 30), (70, 90)], float)
    image = bright_image(centres)
    rois = find_cells(image[None], {"mean": image}, RATE, AnatomicalCells(diameter=12))
    distance, which = nearest(rois.centroids, centres)
    assert distance.max() < 1.5
    assert len(set(which)) == 4
    assert len(accepted(rois)) <= 5


def test_combining_adds_silent_bright_somata_and_doubles_none(cells):
    movie = scene().movie
    silent = np.array([(32.0, 28.0), (64.0, 84.0)])
    mean = images_of(movie)["mean"] + bright_image(silent) - 100
    rois = find_cells(movie, {"mean": mean.astype(np.float32)}, RATE, CombinedCells(diameter=12))
    distance, _ = nearest(accepted(rois).centroids, np.concatenate([scene().somata, silent]))
    assert distance.max() < 2
    assert (np.bincount(nearest(scene().somata, accepted(rois).centroids)[1]) >= 1).all()
    assert len(np.unique(rois.ids)) == len(rois)


def test_images_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"image 'mean' must have shape \(96, 112\)"):
        find_cells(scene().movie, {"mean": np.zeros((5, 5), np.float32)}, RATE)


def test_cells_by_shape_need_the_mean_image():
    with pytest.raises(ValueError, match="the mean image is needed"):
        find_cells(scene().movie, {}, RATE, AnatomicalCells())


def test_the_frame_rate_must_be_positive():
    with pytest.raises(ValueError, match="frame_rate"):
        find_cells(scene().movie, {}, 0.0)


class Endless:
    """Bins that are made while they are read: the same 64 over and over."""

    dtype = np.dtype(np.float32)

    def __init__(self, n_bins):
        self.shape = (n_bins, 48, 48)
        rng = np.random.default_rng(0)
        self._bins = rng.normal(100, 1, (64, 48, 48)).astype(np.float32)
        for centre in ((14, 14), (34, 32)):
            flash = np.zeros(64)
            flash[rng.integers(0, 60, 3)] = 6
            light = flash[:, None, None] * soma(centre, 6.0, (48, 48))
            self._bins += light.astype(np.float32)

    def __getitem__(self, bins):
        return self._bins[np.arange(bins.start, bins.stop) % 64]


def test_memory_does_not_grow_with_the_number_of_bins():
    peaks = []
    for n_bins in (1000, 6000):
        settings = SIZED.replace(memory=2.5 * 48 * 48 * 500 / 2**20)
        tracemalloc.start()
        rois = find_cells(Endless(n_bins), {}, RATE, settings)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(accepted(rois)) == 2
    assert peaks[1] < 1.15 * peaks[0]
