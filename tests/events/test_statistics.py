import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.events.statistics import FeatureSettings, neuron_features, recording_features
from napari_calcium.results.tables import Events


def table(roi_id, onset, amplitude=None):
    onset = np.asarray(onset, float)
    return Events(
        roi_id=np.asarray(roi_id, np.int64),
        onset_s=onset,
        peak_s=onset + 0.2,
        end_s=onset + 1.0,
        amplitude=np.ones(len(onset)) if amplitude is None else np.asarray(amplitude, float),
        fwhm_s=np.full(len(onset), 0.8),
    )


def noise(n_rows, n_frames, sd=0.1, seed=0):
    return (sd * np.random.default_rng(seed).normal(size=(n_rows, n_frames))).astype(np.float32)


def test_by_hand():
    traces = noise(2, 1200)
    events = table([7, 7, 7, 3], [10.0, 20.0, 40.0, 5.0], [1.0, 3.0, 2.0, 9.0])
    found = neuron_features(traces, 10.0, events, [7, 3])
    np.testing.assert_array_equal(found["roi_id"], [7, 3])
    np.testing.assert_array_equal(found["n_events"], [3, 1])
    np.testing.assert_allclose(found["event_rate_per_min"], [1.5, 0.5])
    np.testing.assert_array_equal(found["amplitude_median"], [2.0, np.nan])
    np.testing.assert_allclose(found["fwhm_s_median"], [0.8, np.nan])
    np.testing.assert_allclose(found["inter_event_interval_s_median"], [15.0, np.nan])
    np.testing.assert_allclose(found["inter_event_interval_cv"], [5 / 15, np.nan])
    np.testing.assert_allclose(found["snr"], [20.0, np.nan], rtol=0.1)
    np.testing.assert_allclose(
        found["noise_level_percent_per_sqrt_hz"], 0.1 * 0.954 / 10**0.5 * 100, rtol=0.1
    )


def test_time_without_samples_does_not_count():
    traces = noise(2, 600)
    traces[0, :300] = np.nan
    traces[1] = np.nan
    found = neuron_features(traces, 10.0, table([0], [40.0]), [0, 1], FeatureSettings(min_events=1))
    np.testing.assert_array_equal(found["event_rate_per_min"], [2.0, np.nan])


def test_rise_and_decay_are_those_of_the_trace():
    t = np.arange(2000) / 10.0
    onsets = np.array([20.0, 60.0, 100.0, 140.0])
    trace = sum((t >= o) * np.exp(-np.maximum(t - o, 0) / 2.0) for o in onsets)
    found = neuron_features(trace[None], 10.0, table([0] * 4, onsets), [0])
    np.testing.assert_allclose(found["rise_s_median"], 0.0, atol=1e-9)
    np.testing.assert_allclose(found["decay_s_median"], 2.0, rtol=0.02)


def test_burstiness_tells_regular_poisson_and_bursts_apart():
    rng = np.random.default_rng(0)
    regular = np.arange(5.0, 500.0, 10.0)
    poisson = np.sort(rng.uniform(0, 500, 50))
    bursts = (np.arange(10) * 50.0)[:, None] + np.arange(5) * 0.5
    trains = [regular, poisson, bursts.ravel()]
    roi = np.repeat([0, 1, 2], [len(x) for x in trains])
    found = neuron_features(noise(3, 5000), 10.0, table(roi, np.concatenate(trains)), [0, 1, 2])
    assert found["burstiness"][0] == pytest.approx(-1.0)
    assert abs(found["burstiness"][1]) < 0.2
    assert found["burstiness"][2] > 0.4


@pytest.mark.parametrize("n", [10, 30, 200])
def test_burstiness_of_poisson_trains_is_zero_on_average_whatever_their_length(n):
    rng = np.random.default_rng(n)
    onset = np.cumsum(rng.exponential(1.0, (300, n)), axis=1)
    found = neuron_features(
        noise(300, 50), 10.0, table(np.repeat(np.arange(300), n), onset.ravel()), np.arange(300)
    )
    assert abs(np.mean(found["burstiness"])) < 0.06


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(0, 40))
def test_permuting_neurons_and_events_permutes_the_features(seed, n):
    rng = np.random.default_rng(seed)
    traces, ids = noise(4, 300), np.array([4, 9, 1, 6])
    events = table(rng.choice(ids, n), rng.uniform(0, 29, n), rng.uniform(0.1, 2, n))
    order, shuffled = rng.permutation(4), rng.permutation(n)
    plain = neuron_features(traces, 10.0, events, ids)
    mixed = neuron_features(traces[order], 10.0, events.take(shuffled), ids[order])
    for name, column in plain.items():
        np.testing.assert_allclose(mixed[name], column[order], err_msg=name)


@pytest.mark.parametrize("shape", [(0, 10), (3, 1), (2, 50)])
def test_nothing_found_is_a_result(shape):
    found = neuron_features(np.zeros(shape), 10.0, Events(), np.arange(shape[0]))
    assert all(len(column) == shape[0] for column in found.values())
    assert (found["n_events"] == 0).all() and (found["event_rate_per_min"] == 0).all()
    assert np.isnan(found["amplitude_median"]).all() and np.isnan(found["snr"]).all()
    summary = recording_features(found, shape[1], 10.0)
    assert summary["n_neurons"] == shape[0] and summary["n_events"] == 0


def test_recording_summary_by_hand():
    traces = noise(3, 1200)
    found = neuron_features(traces, 10.0, table([0, 0, 0, 1], [1.0, 2.0, 3.0, 4.0]), [0, 1, 2])
    summary = recording_features(found, 1200, 10.0)
    assert summary["duration_s"] == 120.0
    assert summary["n_active_neurons"] == 2 and summary["n_events"] == 4
    assert summary["event_rate_per_min"] == 0.5
    assert summary["amplitude_median"] == 1.0


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match="one id for each of the 2 traces"):
        neuron_features(np.zeros((2, 10)), 10.0, Events(), [1])
    with pytest.raises(ValueError, match="not in the recording"):
        neuron_features(np.zeros((1, 10)), 10.0, table([5], [0.1]), [1])


def test_no_feature_is_called_a_firing_rate():
    found = neuron_features(np.zeros((1, 10)), 10.0, Events(), [0])
    assert not any("fir" in name or "spike" in name for name in found)


def test_input_is_not_changed():
    traces = noise(2, 100)
    before = traces.copy()
    traces.flags.writeable = False
    neuron_features(traces, 10.0, table([0], [1.0]), [0, 1])
    np.testing.assert_array_equal(traces, before)
