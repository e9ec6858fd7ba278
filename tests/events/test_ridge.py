import numpy as np
import pytest

from napari_calcium.events.ridge import RidgeEvents, ricker_transform, ridge_onsets
from napari_calcium.events.ridge_walking import walk_ridges


def naive_transform(trace, width):
    """Convolve with the sampled wavelet, scaled to unit energy."""
    t = np.arange(-int(8 * width), int(8 * width) + 1)
    wavelet = (1 - (t / width) ** 2) * np.exp(-0.5 * (t / width) ** 2)
    wavelet /= np.sqrt(np.sum(wavelet**2))
    return np.convolve(np.pad(trace, len(t), mode="reflect"), wavelet, "same")[len(t) : -len(t)]


@pytest.mark.parametrize("width", [1.5, 3.0, 8.0])
def test_transform_agrees_with_direct_convolution(width):
    trace = np.random.default_rng(0).normal(size=400)
    found = ricker_transform(trace[None], np.array([width]))[0, 0]
    np.testing.assert_allclose(found, naive_transform(trace, width), atol=0.02)


def test_white_noise_has_unit_variance_at_every_width_and_a_level_none():
    noise = np.random.default_rng(1).normal(size=(4, 50_000))
    widths = np.array([1.0, 4.0, 16.0])
    np.testing.assert_allclose(ricker_transform(noise, widths).std(axis=(1, 2)), 1.0, rtol=0.05)
    np.testing.assert_allclose(ricker_transform(np.full((1, 100), 7.0), widths), 0.0, atol=1e-9)


def test_a_ridge_is_walked_to_its_foot():
    t = np.arange(300.0)
    widths = np.array([1.0, 2.0, 4.0, 8.0])
    # The maximum drifts by less than a width from scale to scale, as that of a skewed transient does.
    height = np.stack([10 * np.exp(-0.5 * ((t - c) / 5) ** 2) for c in (100, 101, 103, 107)])
    peak, best = walk_ridges(height, widths, 5.0, 3)
    np.testing.assert_array_equal(peak, [100])
    assert best[0] in range(4)


def test_short_and_low_ridges_are_no_events():
    t = np.arange(300.0)
    bump = np.exp(-0.5 * ((t - 100) / 5) ** 2)
    widths = np.array([1.0, 2.0, 4.0, 8.0])
    tall, flat = np.stack([10 * bump] * 4), np.stack([4 * bump] * 4)
    short = tall * np.array([0, 0, 1, 1])[:, None]
    assert len(walk_ridges(tall, widths, 5.0, 4)[0]) == 1
    assert len(walk_ridges(flat, widths, 5.0, 4)[0]) == 0
    assert len(walk_ridges(short, widths, 5.0, 3)[0]) == 0
    assert len(walk_ridges(short, widths, 5.0, 2)[0]) == 1


def test_one_scale_may_be_missed():
    bump = 10 * np.exp(-0.5 * ((np.arange(300.0) - 100) / 5) ** 2)
    height = np.stack([bump, bump, 0 * bump, bump])
    assert len(walk_ridges(height, np.array([1.0, 2.0, 4.0, 8.0]), 5.0, 3)[0]) == 1


@pytest.mark.parametrize("rate", [0.3, 2.0, 100.0])
def test_widths_below_a_frame_or_beyond_the_recording_are_fine(rate):
    traces = np.random.default_rng(2).normal(size=(2, 40)).astype(np.float32)
    row, onset = ridge_onsets(traces, rate, RidgeEvents(shortest=0.01, longest=100.0))
    assert len(row) == len(onset)
