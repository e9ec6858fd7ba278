import numpy as np
import pytest
from tests.ensembles.planted import RATE, plant, share_found

from napari_calcium.ensembles.covariation import Covariation, standardised
from napari_calcium.ensembles.independent_components import IcaEnsembles, component_groups, expression
from napari_calcium.ensembles.patterns import independent_patterns, outstanding
from napari_calcium.ensembles.trains import Trains


def trains_of(events, n_rois=100, n_frames=6000):
    key = np.sort(events.roi_id * n_frames + np.round(events.onset_s * RATE).astype(int))
    return Trains(key // n_frames, key % n_frames, n_rois, n_frames, 5, RATE, 50.0, 10.0)


def test_expression_agrees_with_its_definition():
    trains = trains_of(plant([range(10)], 0)[0], n_rois=100)
    raster = standardised(trains)
    dense = raster.project(np.eye(100)).T
    weights = np.random.default_rng(0).standard_normal(100)
    pairs = np.outer(weights, weights)
    np.fill_diagonal(pairs, 0)
    naive = np.einsum("it,ij,jt->t", dense, pairs, dense)
    naive[weights @ dense <= 0] = 0
    np.testing.assert_allclose(expression(raster, weights), naive, atol=1e-8)


def test_one_neuron_alone_expresses_nothing():
    rows, frames = np.array([0, 0, 1, 2]), np.array([3, 40, 41, 80])
    raster = standardised(Trains(rows, frames, 3, 100, 5, RATE, 50.0, 10.0))
    alone = expression(raster, np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(alone, 0, atol=1e-9)


def test_components_are_active_when_they_were_planted():
    events, times = plant([range(14), range(40, 52)], 1, joins=0.9)
    groups, _ = component_groups(trains_of(events), IcaEnsembles(surrogates=10))
    assert len(groups) == 2
    for truth in times:
        assert max(share_found(g.times_s, truth) for g in groups) > 0.9


def test_no_components_beyond_shifted_copies_where_there_are_no_ensembles():
    found = [len(component_groups(trains_of(plant([], seed)[0]), IcaEnsembles())[0]) for seed in range(10)]
    assert sum(n > 0 for n in found) <= 3


@pytest.mark.parametrize("seed", [0, 1])
def test_independent_sources_are_unmixed(seed):
    random = np.random.default_rng(seed)
    source = (random.random((3, 4000)) < 0.02) * random.random((3, 4000))
    mixing, _ = np.linalg.qr(random.standard_normal((40, 3)))
    turn, _ = np.linalg.qr(random.standard_normal((3, 3)))
    activity = turn @ np.diag([3.0, 2.0, 1.0]) @ source + 0.01 * random.standard_normal((3, 4000))
    patterns = independent_patterns(Covariation(np.ones(3), mixing @ turn.T, activity), 0)
    patterns /= np.linalg.norm(patterns, axis=0)
    likeness = np.abs(patterns.T @ mixing)
    assert (likeness.max(axis=0) > 0.97).all()
    # The sign makes rare activity positive.
    assert ((patterns.T @ mixing)[likeness.argmax(axis=0), np.arange(3)] > 0).all()


def test_outstanding_weights():
    weights = np.zeros((50, 2))
    weights[:4, 0] = 1
    weights[10:13, 1] = 2
    assert [w.tolist() for w in outstanding(weights)] == [[0, 1, 2, 3], [10, 11, 12]]
