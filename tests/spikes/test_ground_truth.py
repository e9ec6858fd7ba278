import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.stats import pearsonr

from napari_calcium.results.tables import SpikeTimes
from napari_calcium.spikes.ground_truth import score_spike_rate, spikes_per_frame


def spikes(seconds=120.0, rate=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(3, seconds - 3, rng.poisson(rate * (seconds - 6))))


def truth(times, fs, seconds=120.0):
    return spikes_per_frame(times, int(seconds * fs), fs)


def table(*trains):
    return SpikeTimes(
        np.repeat(np.arange(len(trains)), [len(t) for t in trains]), np.concatenate([*trains, np.empty(0)])
    )


def test_the_truth_itself_is_perfect():
    times = spikes()
    scores = score_spike_rate(30 * truth(times, 30.0)[None], 30.0, [0], table(times))
    np.testing.assert_allclose(scores.correlation, 1)
    np.testing.assert_allclose([scores.error, scores.bias, scores.lag_s], 0, atol=1e-9)
    assert (scores.n_spikes == len(times)).all()
    assert np.isnan(scores.extra_hz).all()


def test_correlation_is_that_of_the_smoothed_rates():
    times, fs = spikes(), 20.0
    rng = np.random.default_rng(1)
    counted = truth(times, fs)
    inferred = np.abs(counted + rng.normal(0, 0.1, len(counted)))
    scores = score_spike_rate(fs * inferred[None], fs, [0], table(times), smoothing_s=[0.1])
    inner = slice(32, -32)
    a, b = (gaussian_filter1d(x, 0.1 * fs, truncate=5)[inner] for x in (counted, inferred))
    assert scores.correlation[0] == pytest.approx(pearsonr(a, b)[0], abs=1e-5)
    assert scores.error[0] == pytest.approx(np.abs(a - b).sum() / counted[inner].sum(), abs=1e-5)


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_bias_is_the_share_of_spikes_too_many(factor):
    times = spikes()
    scores = score_spike_rate(factor * 30 * truth(times, 30.0)[None], 30.0, [0], table(times))
    np.testing.assert_allclose(scores.bias, factor - 1, atol=1e-6)
    np.testing.assert_allclose(scores.correlation, 1)


@pytest.mark.parametrize("frames", [-4, 0, 3])
def test_lag_is_positive_where_spikes_come_late(frames):
    times = spikes()
    late = np.roll(30 * truth(times, 30.0), frames)
    scores = score_spike_rate(late[None], 30.0, [0], table(times))
    np.testing.assert_allclose(scores.lag_s, frames / 30)


def test_a_silent_cell_has_extra_spikes_only():
    scores = score_spike_rate(np.full((1, 3000), 0.2), 30.0, [7], table())
    assert np.isnan(scores.correlation).all() and np.isnan(scores.bias).all()
    np.testing.assert_allclose(scores.extra_hz, 0.2, rtol=1e-6)


def test_missing_frames_are_left_out():
    times = spikes()
    rate = 30 * truth(times, 30.0)
    rate[1000:2000] = np.nan
    scores = score_spike_rate(rate[None], 30.0, [0], table(times), smoothing_s=[0.025])
    inside = np.rint(times * 30)
    assert scores.n_spikes[0] == ((inside < 1000) | (inside >= 2000)).sum()
    assert scores.bias[0] == pytest.approx(0, abs=1e-9)


def test_cells_are_judged_by_their_own_spikes_in_any_order():
    trains = [spikes(seed=k) for k in range(3)]
    rate = np.array([30 * truth(t, 30.0) for t in trains])
    assert (score_spike_rate(rate, 30.0, [0, 1, 2], table(*trains)).correlation > 0.999).all()
    mixed = score_spike_rate(rate[[2, 0]], 30.0, [2, 0], table(*trains))
    assert (mixed.correlation > 0.999).all() and list(mixed.roi_id[::3]) == [2, 0]


def test_activity_in_another_unit_has_no_error_and_no_bias():
    times = spikes()
    scores = score_spike_rate(0.1 * truth(times, 30.0)[None], 30.0, [0], table(times), in_spikes=False)
    np.testing.assert_allclose(scores.correlation, 1)
    assert np.isnan(scores.error).all() and np.isnan(scores.bias).all()


@pytest.mark.parametrize("n_frames", [1, 2, 10])
def test_short_recordings(n_frames):
    scores = score_spike_rate(np.zeros((2, n_frames)), 10.0, [0, 1], table([0.0], [0.05]))
    assert len(scores) == 6
    assert len(score_spike_rate(np.zeros((0, n_frames)), 10.0, [], table())) == 0


def test_a_spike_belongs_to_the_nearest_frame_and_those_outside_to_none():
    counted = spikes_per_frame([-0.3, -0.04, 0.04, 0.06, 0.94, 0.96, 5.0], 10, 10.0)
    np.testing.assert_array_equal(counted, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    taken = np.arange(10) / 10 + 3.0
    np.testing.assert_array_equal(
        spikes_per_frame([2.9, 2.96, 3.04, 3.06, 3.96], 10, 10.0, frame_times_s=taken),
        [2, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    )
