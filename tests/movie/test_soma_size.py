import numpy as np
import pytest
from tests.movie.planted_cells import RATE, flashes, scene, soma

from napari_calcium.movie.soma_size import DEFAULT_RADIUS, estimate_radius
from napari_calcium.movie.whitened_movie import measure_level


def estimated(movie):
    level = measure_level(movie, RATE, 0, len(movie))
    return estimate_radius(movie, level, RATE, 0.3 * RATE, 0, len(movie))


def grown(radius, seed=0, brightness=3.0):
    """Somata of a radius on a grid, as wide apart as they need."""
    rng = np.random.default_rng(seed)
    apart = int(5 * radius)
    side = max(64, 4 * apart)
    places = np.arange(apart / 2, side, apart)
    centres = [(y, x) for y in places for x in places][:16]
    movie = rng.standard_normal((250, side, side)).astype(np.float32)
    for centre in centres:
        image = soma(centre, radius, (side, side), 0.5)
        movie += (brightness * flashes(250, rng, 0.3)[:, None, None] * image).astype(np.float32)
    return movie


@pytest.mark.parametrize("radius", [3.0, 6.0, 9.0])
def test_the_radius_is_estimated(radius):
    # A quarter more or less does no harm to what is found.
    assert abs(estimated(grown(radius)) / radius - 1) < 0.2


def test_blurs_do_not_mislead():
    assert abs(estimated(scene().movie) / 6 - 1) < 0.15


def test_where_nothing_flashes_it_is_the_default():
    rng = np.random.default_rng(0)
    assert estimated(rng.standard_normal((100, 40, 40)).astype(np.float32)) == DEFAULT_RADIUS
    assert estimated(np.zeros((50, 30, 30), np.float32)) == DEFAULT_RADIUS
