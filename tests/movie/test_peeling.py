import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.movie.planted_cells import RATE, nearest, scene

from napari_calcium.movie.matched_filter import MatchedFilter, decay_filter
from napari_calcium.movie.peeling import Peeling, noise_of
from napari_calcium.movie.whitened_movie import STEPS, Whitened, measure_level, whiten

RADIUS, DECAY = 6.0, 0.3 * RATE


def whitened():
    movie = scene().movie
    return whiten(movie, measure_level(movie, RATE, 0, len(movie)), RATE, RADIUS, 0, len(movie))


@pytest.fixture(scope="module")
def peeled():
    peeling = Peeling(whitened(), RADIUS, DECAY, 9.0)
    return peeling, peeling.run()


def centre(candidate):
    y, x = np.indices(candidate.weights.shape)
    total = candidate.weights.sum()
    return (
        candidate.corner[0] + (y * candidate.weights).sum() / total,
        candidate.corner[1] + (x * candidate.weights).sum() / total,
    )


def test_every_flashing_thing_is_taken_out(peeled):
    _, candidates = peeled
    distance, which = nearest([centre(c) for c in candidates], scene().centres)
    assert distance.max() < 3
    assert len(set(which)) == len(scene().centres)


def test_traces_are_those_of_the_cells(peeled):
    _, candidates = peeled
    _, which = nearest([centre(c) for c in candidates], scene().somata)
    for k, row in enumerate(which):
        assert np.corrcoef(candidates[row].trace, scene().traces[k])[0, 1] > 0.9


def test_hardly_anything_is_left(peeled):
    peeling, _ = peeled
    before, left = whitened().pixels / STEPS, peeling.white.pixels / STEPS
    assert (left > 4.5).sum() < 0.15 * (before > 4.5).sum()


def test_the_response_stays_that_of_the_movie(peeled):
    peeling, _ = peeled
    left = (peeling.white.pixels / STEPS).astype(np.float32)
    again = decay_filter(MatchedFilter.of(left.shape[1:], RADIUS)(left), DECAY)
    assert_allclose(peeling.white.response / STEPS, again, atol=0.25)


def test_the_window_is_the_movie_and_nothing_beyond_it(peeled):
    peeling, _ = peeled
    window = peeling.window((-3, -5), 11)
    assert_array_equal(window[:, :3], 0)
    assert_array_equal(window[:, :, :5], 0)
    assert_allclose(window[:, 3:, 5:], peeling.white.pixels[:, :8, :6] / STEPS)


def test_the_picture_of_a_candidate_holds_its_footprint(peeled):
    peeling, candidates = peeled
    for candidate in candidates[:4]:
        picture, seen, energy = peeling.picture(candidate, peeling.half)
        assert np.corrcoef(picture[seen], candidate.weights[seen])[0, 1] > 0.85
        assert energy > 0


def test_the_search_can_be_limited():
    few = Peeling(whitened(), RADIUS, DECAY, 9.0).run(3)
    assert 3 <= len(few) < 12


def test_less_activity_finds_no_fewer():
    counts = [len(Peeling(whitened(), RADIUS, DECAY, least).run()) for least in (200.0, 30.0, 12.0)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_it_ends_where_nothing_can_be_fitted():
    # Single bright pixels answer to the filter but have no outline.
    rng = np.random.default_rng(0)
    pixels = (STEPS * rng.standard_normal((200, 40, 40))).astype(np.int16)
    pixels[::20, 20, 20] = 3000
    response = MatchedFilter.of((40, 40), RADIUS)(pixels.astype(np.float32)).astype(np.int16)
    candidates = Peeling(Whitened(pixels, response), RADIUS, DECAY, 9.0).run()
    assert len(candidates) < 20


def test_noise_is_measured_below_zero():
    rng = np.random.default_rng(0)
    trace = rng.standard_normal(5000).astype(np.float32)
    trace[::50] += 100
    assert abs(noise_of(trace) - 1) < 0.05
    assert noise_of(np.ones(5, np.float32)) == 0
