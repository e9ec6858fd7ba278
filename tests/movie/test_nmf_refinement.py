"""Candidates fitted once more, each without the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.movie.planted_cells import RATE, flashes, nearest, scene, soma

from napari_calcium.movie.nmf_refinement import far_apart, refined, take_out_background
from napari_calcium.movie.peeling import Peeling
from napari_calcium.movie.segmentation import FunctionalCells, find_cells
from napari_calcium.movie.whitened_movie import measure_level, whiten

RADIUS, DECAY = 6.0, 0.3 * RATE
SHAPE = (72, 72)


def crowd(seed=0, apart=9.0, n_frames=800):
    """Pairs of somata that overlap, a bright one and a faint one."""
    rng = np.random.default_rng(seed)
    centres = []
    for y, x in [(16, 16), (16, 50), (52, 16), (52, 50)]:
        angle = rng.uniform(0, 2 * np.pi)
        centres += [(y, x), (y + apart * np.sin(angle), x + apart * np.cos(angle))]
    traces = np.array([flashes(n_frames, rng, rate=0.1) for _ in centres])
    height = np.tile([4.0, 1.6], 4)
    images = np.array([soma(c, RADIUS, SHAPE) for c in centres]) * height[:, None, None]
    movie = 100 + np.tensordot(traces.T, images, 1) + rng.standard_normal((n_frames, *SHAPE))
    return movie.astype(np.float32), np.array(centres), traces


def peeled(movie):
    level = measure_level(movie, RATE, 0, len(movie))
    peeling = Peeling(whiten(movie, level, RATE, RADIUS, 0, len(movie)), RADIUS, DECAY, 9.0)
    return peeling, peeling.run()


def centre(candidate):
    y, x = np.indices(candidate.weights.shape)
    weight = candidate.weights / candidate.weights.sum()
    return candidate.corner[0] + (y * weight).sum(), candidate.corner[1] + (x * weight).sum()


def likeness(candidates, centres, traces):
    """Correlation of each true trace with that of the nearest candidate; 0 where none is within 3 px."""
    distance, which = nearest([centre(c) for c in candidates], centres)
    return np.array(
        [
            np.corrcoef(candidates[k].trace, trace)[0, 1] if d < 3 else 0.0
            for k, d, trace in zip(which, distance, traces, strict=True)
        ]
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_overlapping_cells_are_told_apart_better(seed):
    movie, centres, traces = crowd(seed)
    peeling, candidates = peeled(movie)
    before = likeness(candidates, centres, traces)
    after = likeness(refined(peeling, candidates, 2, 0), centres, traces)
    assert after.mean() >= before.mean()
    assert after.min() > 0.7


def test_the_product_of_the_parts_explains_more_of_the_movie():
    movie, _, _ = crowd(3)
    peeling, candidates = peeled(movie)
    left = float((peeling.white.pixels.astype(np.float64) ** 2).sum())
    refined(peeling, candidates, 2, 0)
    assert float((peeling.white.pixels.astype(np.float64) ** 2).sum()) < left


def test_isolated_cells_stay_what_they_were():
    movie = scene().movie
    peeling, candidates = peeled(movie)
    again = refined(peeling, candidates, 2, 0)
    for old, new in zip(candidates, again, strict=False):
        assert old.corner == new.corner
        assert np.corrcoef(old.trace, new.trace)[0, 1] > 0.97


def test_nothing_to_refine():
    noise = np.random.default_rng(0).standard_normal((100, 40, 40)).astype(np.float32)
    peeling, candidates = peeled(noise)
    assert candidates == []
    assert len(refined(peeling, [], 2, 0)) == 0


@given(st.lists(st.tuples(st.integers(-20, 90), st.integers(-20, 90)), max_size=40), st.integers(1, 40))
def test_groups_keep_their_distance_and_lose_nobody(corners, reach):
    places = np.array(corners, np.int64).reshape(-1, 2)
    groups = far_apart(places, reach)
    assert sorted(k for group in groups for k in group) == list(range(len(places)))
    for group in groups:
        for i, k in enumerate(group):
            assert all(np.abs(places[k] - places[j]).max() >= reach for j in group[:i])


@pytest.mark.parametrize("rank", [0, 1, 2, 5])
def test_the_background_is_that_of_a_singular_value_decomposition(rank):
    rng = np.random.default_rng(rank)
    movie = 30 * rng.standard_normal((90, 6, 7))
    for strength in (9, 5):
        movie += 100 * strength * np.multiply.outer(rng.standard_normal(90), rng.standard_normal((6, 7)) / 3)
    pixels = np.rint(movie).astype(np.int16)
    u, s, v = np.linalg.svd(pixels.reshape(90, -1).astype(float), full_matrices=False)
    s[:rank] = 0
    naive = (u * s) @ v
    take_out_background(pixels, rank)
    if rank <= 2:
        assert_allclose(pixels.reshape(90, -1), naive, atol=15)
    assert np.linalg.norm(pixels) < 1.1 * np.linalg.norm(naive) + 90


def test_a_movie_of_nothing_has_no_background():
    pixels = np.zeros((5, 4, 4), np.int16)
    take_out_background(pixels, 3)
    assert_array_equal(pixels, 0)


def test_cells_in_the_shadow_of_others_are_found():
    movie, centres, _ = crowd(4, apart=8.0)
    images = {"mean": movie.mean(axis=0)}
    plain, fine = (
        find_cells(movie, images, RATE, FunctionalCells(diameter=12, refinement=refinement))
        for refinement in (None, "nmf")
    )

    def hits(rois):
        distance, _ = nearest(rois.take(np.flatnonzero(rois.accepted)).centroids, centres)
        return int((distance < 3).sum())

    assert hits(fine) >= hits(plain)
    assert hits(fine) >= 7


def test_the_same_bytes_for_any_number_of_workers(monkeypatch):
    movie, _, _ = crowd(5, n_frames=300)
    settings = FunctionalCells(diameter=12, refinement="nmf", refinement_background=1)
    results = []
    for cores in (1, 4):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        rois = find_cells(movie, {}, RATE, settings)
        results.append((rois.footprints.data.tobytes(), rois.quality["quality"].tobytes()))
    assert results[0] == results[1]


def test_settings_are_a_part_of_the_pipelines():
    settings = FunctionalCells(refinement="nmf")
    assert FunctionalCells.from_yaml(settings.to_yaml()) == settings
    assert FunctionalCells().refinement is None
