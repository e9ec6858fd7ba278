import numpy as np
import pytest
from tests.ensembles.planted import RATE, plant

from napari_calcium.ensembles.covariation import covariation, decomposed, standardised, strongest, whitened
from napari_calcium.ensembles.trains import Trains


def trains_of(events, n_rois=100, n_frames=6000, width=5):
    key = np.sort(events.roi_id * n_frames + np.round(events.onset_s * RATE).astype(int))
    return Trains(key // n_frames, key % n_frames, n_rois, n_frames, width, RATE, 50.0, 10.0)


def raster_of(trains, step):
    """0 and 1 for windows that start every `step` frames."""
    x = np.zeros((trains.n_rois, trains.n_frames), bool)
    x[trains.rows, trains.frames] = True
    starts = range(0, trains.n_frames - trains.width + 1, step)
    return np.stack([x[:, s : s + trains.width].any(axis=1) for s in starts], axis=1).astype(float)


@pytest.mark.parametrize("width", [1, 4, 5])
def test_whitening_agrees_with_a_dense_raster(width):
    trains = trains_of(plant([range(12)], 0)[0], width=width)
    step = max(1, width // 2)
    x = raster_of(trains, step)
    row, column = x.sum(axis=1), x.sum(axis=0)
    rate = np.maximum(trains.rate[::step][: x.shape[1]], 0.3)
    dense = (x - np.outer(row, column) / row.sum()) / np.sqrt(np.outer(row, rate))
    matrix = dense @ dense.T
    np.fill_diagonal(matrix, 0)
    np.testing.assert_allclose(whitened(trains).matrix(), matrix, atol=1e-10)


def test_standardising_agrees_with_a_dense_raster():
    trains = trains_of(plant([range(12)], 1)[0])
    x = raster_of(trains, trains.width)
    dense = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    raster = standardised(trains)
    vectors = np.random.default_rng(0).standard_normal((100, 3))
    np.testing.assert_allclose(raster.project(vectors), dense.T @ vectors, atol=1e-9)
    matrix = dense @ dense.T
    np.fill_diagonal(matrix, 0)
    np.testing.assert_allclose(raster.matrix(), matrix, atol=1e-7)


def test_products_need_no_matrix():
    raster = whitened(trains_of(plant([range(12)], 2)[0]))
    vectors = np.random.default_rng(1).standard_normal((100, 4))
    np.testing.assert_allclose(raster.product(vectors), raster.matrix() @ vectors, atol=1e-10)
    np.testing.assert_allclose(raster.product(vectors[:, 0]), raster.matrix() @ vectors[:, 0], atol=1e-10)


def test_lanczos_agrees_with_the_whole_decomposition():
    trains = trains_of(plant([range(12)], 3)[0])
    whole = np.linalg.eigvalsh(whitened(trains).matrix())
    assert strongest(trains) == pytest.approx(whole[-1], rel=1e-3)


def test_vectors_have_a_fixed_sign():
    values, vectors = decomposed(whitened(trains_of(plant([range(12)], 4)[0])), 100, 5)
    assert (np.diff(values) <= 0).all()
    assert (vectors[np.abs(vectors).argmax(axis=0), np.arange(5)] > 0).all()


def test_as_many_strong_directions_as_ensembles():
    events, _ = plant([range(12), range(12, 26), range(40, 55)], 5)
    trains = trains_of(events)
    chance = [strongest(trains.shifted(np.random.default_rng(k))) for k in range(10)]
    above = np.mean(chance) + 2.5 * np.std(chance)
    strong, found = covariation(trains, above, 1 / 3)
    assert strong == 3
    assert found.vectors.shape == (100, 5)
    assert found.activity.shape[0] == 5


def test_a_common_rise_of_all_neurons_is_no_direction():
    random = np.random.default_rng(6)
    shared = np.where(random.random(1200) < 0.1, 4.0, 1.0).repeat(5)
    rows, frames = np.nonzero(random.random((100, 6000)) < 0.004 * shared)
    key = np.sort(rows * 6000 + frames)
    trains = Trains(key // 6000, key % 6000, 100, 6000, 5, RATE, 50.0, 10.0)
    _, vectors = decomposed(whitened(trains), 100, 1)
    together = np.abs(vectors[:, 0].sum()) / 10
    assert together < 0.5  # all entries equal would give 1


def test_silent_and_single_neurons():
    nothing = Trains(np.empty(0, np.int64), np.empty(0, np.int64), 3, 50, 5, RATE, 50.0, 10.0)
    assert np.isfinite(whitened(nothing).matrix()).all()
    assert strongest(Trains(np.array([0]), np.array([4]), 1, 50, 5, RATE, 50.0, 10.0)) == 0
    assert strongest(nothing) == pytest.approx(0)
