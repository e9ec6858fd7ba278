"""Averages around events against loops and SciPy, and responses that are there and not there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.behaviour.made_behaviour import epochs_of, neurons, slow

from napari_calcium.behaviour.triggered import TriggeredSettings, trigger
from napari_calcium.settings import SettingsError

RATE = 10.0


def at(times):
    return [(t, t + 1) for t in times]


def test_average_and_band_are_those_of_scipy(rng):
    activity = rng.standard_normal((3, 600)).astype(np.float32)
    activity[1, 100:103] = np.nan
    onsets = np.array([1.0, 5.03, 9.97, 20, 33.5, 57.9])  # the first and last windows leave the recording
    found = trigger(neurons(activity), epochs_of(light=at(onsets)), RATE)
    frames = np.floor(onsets[1:5] * RATE).astype(int)
    lags = np.arange(-20, 41)
    np.testing.assert_allclose(found.time_s, lags / RATE)
    trials = activity[:, frames[:, None] + lags].astype(np.float64)
    np.testing.assert_allclose(found.mean[0, 0], trials[0].mean(axis=0), atol=1e-6)
    low, high = stats.t.interval(0.95, 3, trials[0].mean(axis=0), stats.sem(trials[0], axis=0))
    np.testing.assert_allclose(found.low[0, 0], low, atol=1e-6)
    np.testing.assert_allclose(found.high[0, 0], high, atol=1e-6)
    np.testing.assert_allclose(found.mean[0, 1], np.nanmean(trials[1], axis=0), atol=1e-6)
    after, before = (lags >= 0) & (lags < 20), lags < 0
    response = trials[0][:, after].mean() - trials[0][:, before].mean()
    np.testing.assert_allclose(found.responses.response[0], response, atol=1e-6)
    assert found.responses.n_trials.tolist() == [4, 4, 4]


def test_responses_are_found_with_their_sign_and_time(rng):
    n = 4000
    onsets = np.cumsum(rng.uniform(6, 14, 35)) + 5
    onsets = onsets[onsets < n / RATE - 10]
    activity = 0.6 * slow(rng, (30, n), 3)
    for onset in onsets:
        k = int(onset * RATE)
        activity[0, k + 5 : k + 15] += 1.5
        activity[1, k : k + 20] -= 1.0
    found = trigger(neurons(activity), epochs_of(tone=at(onsets)), RATE).responses
    assert found.response[0] > 0.5
    assert found.response[1] < -0.7
    assert 0.5 <= found.peak_s[0] <= 1.5
    assert (found.q_value[:2] <= 0.05).all()
    assert (found.q_value[2:] <= 0.05).mean() <= 0.1


def test_each_label_has_its_own_average(rng):
    activity = rng.standard_normal((4, 500))
    epochs = epochs_of(a=at([10, 20, 30]), b=at([15, 25, 44.9]))
    found = trigger(neurons(activity, ensembles=1, population=True), epochs, RATE)
    assert found.labels == ("a", "b")
    assert found.mean.shape == (2, 4, 61)
    alone = trigger(neurons(activity, ensembles=1, population=True), epochs.of("b"), RATE)
    np.testing.assert_array_equal(found.mean[1], alone.mean[0])
    assert found.responses.label.tolist() == ["a"] * 4 + ["b"] * 4


@pytest.mark.parametrize("case", ["no rois", "no epochs", "short", "one trial", "constant", "unknown"])
def test_edges_are_results(case, rng):
    n_rois, n_frames = (0 if case == "no rois" else 2), (1 if case == "short" else 300)
    activity = rng.standard_normal((n_rois, n_frames))
    activity[:] = {"constant": 3.0, "unknown": np.nan}.get(case, activity)
    times = [10.0] if case == "one trial" else [8.0, 15, 20]
    epochs = epochs_of() if case == "no epochs" else epochs_of(light=at(times))
    found = trigger(neurons(activity), epochs, RATE)
    assert len(found.responses) == n_rois * len(found.labels)
    if case == "one trial":
        assert np.isnan(found.low).all()
        assert np.isfinite(found.mean).all()
    if case in ("short", "constant", "unknown"):
        assert np.isnan(found.responses.p_value).all()


def test_the_response_lies_within_what_is_shown():
    with pytest.raises(SettingsError, match="within the time after"):
        TriggeredSettings.validated({"after": 1, "response": 3})
