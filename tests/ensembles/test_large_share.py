"""Ensembles that make up a large part of the population are found like any other.

With a quarter of the neurons in one ensemble no weight of its pattern lies 2 SD above the mean weight, since
the members themselves make both; ``patterns.two_classes`` gives the first guess then.
"""

import numpy as np
import pytest

from napari_calcium.ensembles.patterns import two_classes
from napari_calcium.pipeline import PipelineSettings, run
from napari_calcium.simulate import SimulationSettings, simulate


def test_two_classes_splits_where_the_weights_do():
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.05, (60, 2))
    weights[:25, 0] += 1
    weights[50:, 1] += 1
    first, second = two_classes(weights)
    np.testing.assert_array_equal(first, np.arange(25))
    np.testing.assert_array_equal(second, np.arange(50, 60))


def test_two_classes_of_one_neuron_or_of_equal_weights():
    assert two_classes(np.ones((1, 2))) == []
    assert [len(c) for c in two_classes(np.ones((5, 1)))] == [0]


@pytest.mark.parametrize("seed", [3, 5, 6, 9, 12])
def test_two_ensembles_of_a_fifth_to_a_quarter_of_sixty_neurons(seed):
    truth = simulate(
        SimulationSettings(
            n_rois=60, n_frames=2400, n_ensembles=2, ensemble_size=(12, 16), overlap=0.0, seed=seed
        )
    )
    found = run(truth.to_recording(), PipelineSettings(denoise=None, features=None)).ensembles
    sets = [set(found.members_of(k).roi_id.tolist()) for k in found]
    for members in truth.members:
        true = set(members.tolist())
        assert max((len(true & s) / len(true | s) for s in sets), default=0.0) > 0.8
