import numpy as np
import pytest

from napari_calcium.spikes.nonnegative import DeconvolvedSpikes, deconvolved_activity


def recording(fs=30.0, rise_s=0.05, decay_s=0.7, noise=0.1, seed=0, n_rois=8, seconds=200.0):
    rng = np.random.default_rng(seed)
    n = int(fs * seconds)
    k = np.arange(1, int(8 * decay_s * fs))
    kernel = np.exp(-k / fs / decay_s) - (np.exp(-k / fs / rise_s) if rise_s else 0)
    spikes = rng.poisson(0.3 / fs, (n_rois, n)).astype(float)
    clean = np.array([np.convolve(row, kernel / kernel.max())[:n] for row in spikes])
    return (clean + noise * rng.standard_normal(clean.shape)).astype(np.float32), spikes


@pytest.mark.parametrize(("transient", "rise_s"), [("jump", 0.0), ("rise", 0.06)])
def test_activity_lies_where_the_spikes_are_and_is_as_high_as_their_transients(transient, rise_s):
    traces, spikes = recording(rise_s=rise_s)
    activity = deconvolved_activity(traces, 30.0, DeconvolvedSpikes(transient=transient, sparsity=3))
    near = np.array([np.convolve(row, np.ones(5), "same") for row in spikes]) > 0
    assert activity[near].sum() > 0.9 * activity.sum()
    assert 0.8 < activity.sum() / spikes.sum() < 1.15


def test_ignores_offset_and_scales_with_gain():
    traces, _ = recording(n_rois=3, seconds=60.0)
    plain = deconvolved_activity(traces, 30.0)
    scaled = deconvolved_activity(4 * traces + 2, 30.0)
    np.testing.assert_allclose(scaled, 4 * plain, atol=2e-3)


def test_told_kinetics_make_neurons_independent():
    traces, _ = recording(n_rois=4, seconds=60.0)
    settings = DeconvolvedSpikes(indicator="GCaMP6s")
    whole = deconvolved_activity(traces, 30.0, settings)
    np.testing.assert_array_equal(whole[2:3], deconvolved_activity(traces[2:3], 30.0, settings))
    np.testing.assert_array_equal(whole[::-1], deconvolved_activity(traces[::-1], 30.0, settings))


def test_more_sparsity_means_less_activity():
    traces, _ = recording(n_rois=3, seconds=60.0, noise=0.4)
    sums = [
        deconvolved_activity(traces, 30.0, DeconvolvedSpikes(indicator="GCaMP6s", sparsity=s)).sum()
        for s in (0, 3, 10, 30)
    ]
    assert sums == sorted(sums, reverse=True)


def test_gaps_stay_gaps_and_nothing_else_is_missing():
    traces, _ = recording(n_rois=3, seconds=30.0)
    traces[1, 100:200] = np.nan
    traces[2] = np.nan
    activity = deconvolved_activity(traces, 30.0)
    np.testing.assert_array_equal(np.isnan(activity), np.isnan(traces))


@pytest.mark.parametrize("transient", ["jump", "rise"])
@pytest.mark.parametrize("traces", [np.zeros((0, 20)), np.zeros((2, 1)), np.zeros((1, 2)), np.ones((3, 50))])
def test_nothing_there_gives_no_activity(traces, transient):
    activity = deconvolved_activity(traces, 5.0, DeconvolvedSpikes(transient=transient))
    assert activity.shape == traces.shape and activity.dtype == np.float32
    assert not activity.any()
