import numpy as np
import pytest

from napari_calcium.numerics.indicators import INDICATORS, Indicator
from napari_calcium.numerics.kinetics import DEFAULT_DECAY_S, estimate_kinetics


def recording(decay, rate=10.0, n_rows=12, seconds=300.0, noise=0.15, rise=0.0, seed=0):
    """Poisson events of random size, at any moment between frames, with one decay time per row."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    traces = noise * rng.normal(size=(n_rows, len(time)))
    for row, tau in enumerate(np.broadcast_to(decay, n_rows)):
        for onset in rng.uniform(0, seconds, rng.poisson(seconds * 0.05)):
            since = time - onset
            shape = np.exp(-np.maximum(since, 0) / tau)
            if rise:
                shape -= np.exp(-np.maximum(since, 0) / rise)
            traces[row] += rng.uniform(0.5, 1.5) * shape * (since >= 0)
    return traces.astype(np.float32)


@pytest.mark.parametrize("decay", [0.2, 0.4, 1.0, 2.0, 2.5])
@pytest.mark.parametrize("rate", [7.5, 30.0])
def test_recovers_the_decay_time(decay, rate):
    found = estimate_kinetics(recording(decay, rate, seconds=150.0), rate)
    np.testing.assert_allclose(found, decay, rtol=0.15)


def test_a_rise_makes_it_only_a_little_longer():
    found = estimate_kinetics(recording(1.0, 20.0, rise=0.07), 20.0)[0]
    assert 0.95 < found < 1.2


def test_noise_gain_and_offset_hardly_matter():
    traces = recording(0.7)
    plain = estimate_kinetics(traces, 10.0)[0]
    np.testing.assert_allclose(estimate_kinetics(50 * traces + 300, 10.0)[0], plain, rtol=0.02)
    np.testing.assert_allclose(estimate_kinetics(recording(0.7, noise=0.05), 10.0)[0], plain, rtol=0.1)


def test_each_neuron_may_have_its_own():
    decay = np.repeat([0.3, 1.5], 6)
    found = estimate_kinetics(recording(decay, 20.0), 20.0, shared=False)
    np.testing.assert_allclose(np.median(found[:6]), 0.3, rtol=0.2)
    np.testing.assert_allclose(np.median(found[6:]), 1.5, rtol=0.2)
    assert len(set(estimate_kinetics(recording(decay, 20.0), 20.0))) == 1


def test_says_the_default_when_the_traces_say_nothing():
    for traces in (
        np.zeros((3, 100)),
        np.full((2, 50), np.nan),
        np.zeros((4, 1)),
        0.1 * np.random.default_rng(0).normal(size=(5, 300)),
    ):
        np.testing.assert_array_equal(estimate_kinetics(traces, 10.0), DEFAULT_DECAY_S)
        np.testing.assert_array_equal(estimate_kinetics(traces, 10.0, shared=False), DEFAULT_DECAY_S)
    assert estimate_kinetics(np.empty((0, 10)), 10.0).shape == (0,)
    assert estimate_kinetics(np.empty((0, 10)), 10.0, shared=False).shape == (0,)


def test_gaps_do_not_disturb():
    traces = recording(1.0)
    traces[:, 1000:1010] = np.nan
    traces[0] = np.nan
    np.testing.assert_allclose(estimate_kinetics(traces, 10.0), 1.0, rtol=0.15)


def test_every_indicator_offered_has_kinetics_that_rise_faster_than_they_decay():
    names = set(Indicator.__origin__.__args__)
    assert names == set(INDICATORS) | {"estimate"}
    assert all(0 < k.rise_s < k.decay_s < 5 for k in INDICATORS.values())
    decay = {name: k.decay_s for name, k in INDICATORS.items()}
    assert decay["GCaMP8f"] < decay["GCaMP8m"] < decay["GCaMP8s"] < decay["GCaMP6s"]
    assert decay["GCaMP6f"] < decay["GCaMP6s"]
