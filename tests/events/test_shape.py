import numpy as np
import pytest

from napari_calcium.events.shape import measure_shapes, running_mean


def triangle(n, onset, peak, end, height=1.0, level=0.0):
    """Rise and fall along straight lines, whose measures can be worked out by hand."""
    t = np.arange(n, dtype=float)
    up = np.interp(t, [onset, peak], [0, height], left=0, right=height)
    down = np.interp(t, [peak, end], [0, height], left=0, right=height)
    return (level + up - down).astype(np.float32)


def test_measures_of_a_triangle_by_hand():
    trace = triangle(200, 50, 60, 100, height=2.0, level=3.0)
    s = measure_shapes(trace[None], 10.0, np.array([0]), np.array([5.0]))
    assert s.peak_s[0] == 6.0
    np.testing.assert_allclose(s.amplitude, 2.0)
    np.testing.assert_allclose(s.rise_s, 1.0)
    # Half height at frames 55 and 80; 1/e of the height and a fifth of it are crossed on the way down.
    np.testing.assert_allclose(s.fwhm_s, 2.5, atol=1e-6)
    np.testing.assert_allclose(s.decay_s, 4.0 * (1 - 1 / np.e), atol=1e-6)
    np.testing.assert_allclose(s.end_s, 6.0 + 4.0 * 0.8, atol=1e-6)


def test_an_event_ends_where_the_next_begins():
    trace = triangle(200, 50, 60, 140) + triangle(200, 80, 90, 130)
    s = measure_shapes(trace[None], 10.0, np.array([0, 0]), np.array([5.0, 8.0]))
    assert s.end_s[0] < 8.0 <= s.peak_s[1]
    assert np.isnan(s.fwhm_s[0]) and np.isnan(s.decay_s[0])
    # The second stands on what is left of the first, which falls while the level is taken.
    assert 0.7 < s.amplitude[1] < 1.0


def test_one_low_sample_is_no_end():
    trace = triangle(300, 50, 60, 160)
    trace[75] = 0.2
    s = measure_shapes(trace[None], 20.0, np.array([0]), np.array([2.5]))
    np.testing.assert_allclose(s.fwhm_s, (110 - 55) / 20.0, rtol=0.05)


def test_no_fall_before_the_end_gives_nan_width():
    trace = triangle(100, 80, 90, 300)
    s = measure_shapes(trace[None], 10.0, np.array([0]), np.array([8.0]))
    assert np.isnan(s.fwhm_s[0]) and s.end_s[0] == 9.9


def test_gain_and_offset():
    rng = np.random.default_rng(0)
    traces = rng.normal(size=(3, 500)).astype(np.float32) * 0.05 + triangle(500, 100, 110, 180)
    row, onset = np.array([0, 1, 2]), np.array([10.0, 10.0, 10.0])
    plain = measure_shapes(traces, 10.0, row, onset)
    other = measure_shapes(4 * traces + 100, 10.0, row, onset)
    np.testing.assert_allclose(other.amplitude, 4 * plain.amplitude, rtol=1e-4)
    np.testing.assert_allclose(other.fwhm_s, plain.fwhm_s, atol=1e-4)
    np.testing.assert_array_equal(other.peak_s, plain.peak_s)


@pytest.mark.parametrize("rate", [4.8, 10.0, 30.0, 100.0])
def test_amplitude_of_a_transient_at_every_frame_rate(rate):
    t = np.arange(int(40 * rate)) / rate
    clean = np.stack([np.exp(-np.maximum(t - o, 0) / 1.0) * (t >= o) for o in 20 + np.arange(0, 0.5, 0.05)])
    noisy = clean + 0.03 * np.random.default_rng(1).normal(size=clean.shape)
    s = measure_shapes(noisy.astype(np.float32), rate, np.arange(10), 20 + np.arange(0, 0.5, 0.05))
    np.testing.assert_allclose(s.amplitude.mean(), 1.0, atol=0.1)
    np.testing.assert_allclose(s.fwhm_s.mean(), np.log(2), atol=0.15)


def test_no_events_and_no_rois():
    none = np.empty(0, np.int64), np.empty(0)
    assert measure_shapes(np.zeros((3, 10), np.float32), 10.0, *none).peak_s.shape == (0,)
    assert measure_shapes(np.zeros((0, 10), np.float32), 10.0, *none).peak_s.shape == (0,)


@pytest.mark.parametrize("onset", [0.0, 0.05, 0.9, 0.99])
def test_events_at_the_very_ends_do_not_crash(onset):
    trace = np.random.default_rng(2).normal(size=(1, 10)).astype(np.float32)
    s = measure_shapes(trace, 10.0, np.array([0]), np.array([onset]))
    assert np.isfinite(s.amplitude).all() and s.peak_s[0] >= onset and s.end_s[0] >= s.peak_s[0]


def test_running_mean_keeps_a_slope_and_shrinks_at_the_ends():
    ramp = np.arange(20.0)
    result = np.empty(20)
    running_mean(ramp, 3, result)
    np.testing.assert_allclose(result, ramp)
    spike = np.zeros(9)
    spike[4] = 3.0
    running_mean(spike, 1, result[:9])
    np.testing.assert_allclose(result[:9], [0, 0, 0, 1, 1, 1, 0, 0, 0])
