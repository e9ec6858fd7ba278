"""Stand-in signals and rates."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from napari_calcium.behaviour.signals import moments_as_rate, population_signals, without_own_part
from napari_calcium.results.behaviour_findings import Relations
from napari_calcium.results.behaviour_results import Behaviour, Epochs, Signal


def test_mean_and_first_component_are_those_of_numpy_and_scikit_learn(rng):
    shared = rng.standard_normal(500)
    traces = (rng.uniform(0.5, 2, (12, 1)) * shared + rng.standard_normal((12, 500)) + 3).astype(np.float32)
    signals, weights = population_signals(traces)
    np.testing.assert_allclose(signals[0], traces.mean(axis=0), rtol=1e-5)
    z = (traces - traces.mean(axis=1, keepdims=True)) / traces.std(axis=1, keepdims=True)
    component = PCA(1, svd_solver="full").fit_transform(z.T)[:, 0]
    np.testing.assert_allclose(abs(np.corrcoef(signals[1], component)[0, 1]), 1, atol=1e-6)
    assert np.corrcoef(signals[1], shared)[0, 1] > 0.8, "it rises with most neurons"
    centred = traces - traces.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(weights @ centred, signals - signals.mean(axis=1, keepdims=True), atol=1e-4)


def test_without_its_own_part_a_lone_neuron_has_nothing_to_go_with(rng):
    traces = rng.standard_normal((5, 4000)).astype(np.float32)
    signals, weights = population_signals(traces)
    with_it = np.corrcoef(traces[0], signals[0])[0, 1]
    rest = without_own_part(signals[0], weights[0], traces)
    assert rest.shape == (5, 4000)
    assert with_it > 0.4
    assert abs(np.corrcoef(traces[0], rest[0])[0, 1]) < 0.05
    others = np.delete(traces, 2, axis=0).sum(axis=0) / 5
    np.testing.assert_allclose(np.corrcoef(rest[2], others)[0, 1], 1, atol=1e-6)


@pytest.mark.parametrize("n_rois", [0, 1, 2])
def test_few_neurons_and_constant_ones_make_signals_all_the_same(rng, n_rois):
    traces = rng.standard_normal((n_rois, 50)).astype(np.float32)
    traces[:1] = 4.0
    signals, weights = population_signals(traces)
    assert signals.shape == (2, 50)
    assert weights.shape == (2, n_rois)
    assert np.isfinite(signals).all()


def test_gaps_are_bridged(rng):
    traces = rng.standard_normal((4, 60)).astype(np.float32)
    traces[0, 5:9], traces[1] = np.nan, np.nan
    signals, weights = population_signals(traces)
    assert np.isfinite(signals).all()
    assert weights[1, 1] == 0, "a neuron that was never seen has no part in the component"


@pytest.mark.parametrize("smoothing", [0.0, 0.7])
def test_rates_sum_to_the_number_of_moments(rng, smoothing):
    rows, times = np.array([0, 0, 2, 2, 2]), np.array([0.0, 3.05, 9.99, 5.0, 5.02])
    rates = moments_as_rate(rows, times, 3, 100, 10.0, smoothing)
    np.testing.assert_allclose(rates.sum(axis=1) / 10.0, [2, 0, 3], rtol=1e-4)
    assert int(rates[2].argmax()) == 50


def test_rates_of_nobody():
    assert moments_as_rate(np.empty(0, np.int64), np.empty(0), 0, 10, 5.0, 1.0).shape == (0, 10)


def test_tables_compare_by_value_and_texts_by_what_they_say():
    short = Epochs(np.array(["a", "b"]), np.array([0.0, 1]), np.array([1.0, 2]))
    roomy = Epochs(np.array(["a", "b", "long"])[:2], np.array([0.0, 1]), np.array([1.0, 2]))
    assert short == roomy
    assert short.of("b") == Epochs(np.array(["b"]), np.array([1.0]), np.array([2.0]))
    assert short != short.of("a")
    assert short.labels == ("a", "b")
    assert Relations() == Relations()
    nan = float("nan")
    assert Behaviour(residual_s=nan) == Behaviour(residual_s=nan)
    assert Behaviour(residual_s=nan) != Behaviour(residual_s=0.1)
    with pytest.raises(ValueError, match="read-only"):
        short.start_s[0] = 5


@pytest.mark.parametrize(
    ("times", "message"), [([0.0, 0.0], "ascending"), ([0.0, np.nan], "ascending"), ([0.0], "equally long")]
)
def test_a_signal_has_a_clock_that_runs(times, message):
    with pytest.raises(ValueError, match=message):
        Signal("speed", "cm/s", np.array(times), np.zeros(2))
