from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from napari_calcium.numerics.deconvolution import decay_per_frame, deconvolve, powers


def naive(trace, g, penalty):
    """Solve the same problem as dense non-negative least squares: c = K s, s ≥ 0."""
    n = len(trace)
    lag = np.subtract.outer(np.arange(n), np.arange(n))
    kernel = np.where(lag >= 0, g ** np.maximum(lag, 0), 0.0)
    # ½|y − K s|² + penalty Σ s = ½|y' − K s|² + constant with Kᵀ(y − y') = penalty.
    shifted = trace - np.linalg.solve(kernel.T, np.full(n, penalty))
    spikes = nnls(kernel, shifted)[0]
    return kernel @ spikes, spikes


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 40),
    g=st.floats(0.05, 0.98),
    penalty=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_agrees_with_dense_nonnegative_least_squares(seed, n, g, penalty):
    trace = np.random.default_rng(seed).normal(0.3, 1.0, n)
    calcium, activity = deconvolve(trace[None], 1.0, -1 / np.log(g), penalty=penalty)
    c, s = naive(trace.astype(np.float32).astype(float), g, penalty)
    np.testing.assert_allclose(calcium[0], c, atol=2e-5)
    np.testing.assert_allclose(activity[0], s, atol=2e-5)


def naive_with_rise(trace, d, r, penalty):
    """Solve the problem with a rise as dense non-negative least squares; activity is in heights."""
    n = len(trace)
    made_by = np.eye(n) - (d + r) * np.eye(n, k=-1) + d * r * np.eye(n, k=-2)
    if n > 1:
        made_by[1, 0] = -d  # What was there before the recording decays.
    kernel = np.linalg.inv(made_by)
    k = np.arange(1, 100_000)
    height = ((d**k - r**k) / (d - r)).max()
    spikes = nnls(kernel, trace - penalty * height * made_by.T @ np.ones(n))[0]
    return kernel @ spikes, height * spikes


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 40),
    d=st.floats(0.3, 0.98),
    share=st.floats(0.02, 0.9),
    penalty=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_with_a_rise_agrees_with_dense_nonnegative_least_squares(seed, n, d, share, penalty):
    trace = np.random.default_rng(seed).normal(0.3, 1.0, n).astype(np.float32)
    decay_s = -1 / np.log(d)
    calcium, activity = deconvolve(trace[None], 1.0, decay_s, rise_s=share * decay_s, penalty=penalty)
    c, s = naive_with_rise(trace.astype(float), d, np.exp(-1 / (share * decay_s)), penalty)
    np.testing.assert_allclose(calcium[0], c, atol=1e-4)
    np.testing.assert_allclose(activity[0], s, atol=1e-3)


@pytest.mark.parametrize("rate", [3.0, 30.0, 120.0])
def test_with_a_rise_noise_free_transients_are_recovered_in_their_height(rate):
    n = 2_000
    spikes = np.zeros(n)
    spikes[[100, 130, 131, 900]] = [1.0, 2.0, 0.5, 3.0]
    t = np.arange(n) / rate
    transient = np.exp(-t / 0.9) - np.exp(-t / 0.1)
    # A frame at the transient's own height or on either side of it: what is sampled is what has height 1.
    k = np.arange(1, n)
    sampled = np.exp(-k / rate / 0.9) - np.exp(-k / rate / 0.1)
    calcium = np.convolve(spikes, np.append(transient[1:], 0) / sampled.max())[:n]
    found, activity = deconvolve(calcium[None], rate, 0.9, rise_s=0.1)
    np.testing.assert_allclose(found[0], calcium, atol=1e-4)
    np.testing.assert_allclose(activity[0], spikes, atol=1e-3)


def test_a_very_short_rise_is_a_jump():
    traces = np.random.default_rng(1).normal(0.3, 1.0, (4, 200))
    jump, rise = deconvolve(traces, 10.0, 0.7), deconvolve(traces, 10.0, 0.7, rise_s=1e-6)
    np.testing.assert_allclose(jump[0], rise[0], atol=1e-5)


@pytest.mark.parametrize("rise_s", [-0.1, 1.0, 2.0, np.nan])
def test_a_rise_is_shorter_than_the_decay(rise_s):
    with pytest.raises(ValueError, match="rise_s must be"):
        deconvolve(np.zeros((1, 10)), 10.0, 1.0, rise_s=rise_s)


def test_recovers_noise_free_transients_exactly():
    rng = np.random.default_rng(0)
    spikes = (rng.random((5, 400)) < 0.03) * rng.uniform(0.5, 2, (5, 400))
    g = decay_per_frame(0.8, 20.0)
    calcium = np.zeros_like(spikes)
    for t in range(400):
        calcium[:, t] = (g * calcium[:, t - 1] if t else 0) + spikes[:, t]
    found, activity = deconvolve(calcium, 20.0, 0.8)
    np.testing.assert_allclose(found, calcium, atol=1e-5)
    np.testing.assert_allclose(activity, spikes, atol=1e-5)


def test_activity_is_never_negative_and_makes_the_calcium():
    traces = np.random.default_rng(1).normal(size=(20, 300)).astype(np.float32)
    calcium, activity = deconvolve(traces, 10.0, 0.5)
    g = decay_per_frame(0.5, 10.0)
    assert (activity >= 0).all() and (calcium >= 0).all()
    np.testing.assert_allclose(calcium[:, 1:] - g * calcium[:, :-1], activity[:, 1:], atol=1e-5)
    np.testing.assert_array_equal(calcium[:, 0], activity[:, 0])


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.01, 100), offset=st.floats(-10, 10))
def test_scales_with_the_trace_and_takes_off_the_baseline(gain, offset):
    trace = np.random.default_rng(2).normal(0.5, 1.0, (1, 100))
    plain, _ = deconvolve(trace, 10.0, 1.0)
    scaled, _ = deconvolve(gain * trace + offset, 10.0, 1.0, baseline=offset)
    np.testing.assert_allclose(scaled, gain * plain, atol=gain * 1e-5 + 1e-5)


def test_each_row_has_its_own_parameters():
    traces = np.random.default_rng(3).normal(0.5, 1.0, (3, 80))
    decay, base, cost = [0.3, 1.0, 3.0], [0.0, 0.1, -0.2], [0.0, 0.3, 0.1]
    together = deconvolve(traces, 8.0, decay, baseline=base, penalty=cost)[1]
    for k in range(3):
        alone = deconvolve(traces[k : k + 1], 8.0, decay[k], baseline=base[k], penalty=cost[k])[1]
        np.testing.assert_array_equal(together[k], alone[0])


def test_a_larger_penalty_gives_less_activity():
    traces = np.random.default_rng(4).normal(0.2, 1.0, (1, 500))
    total = [deconvolve(traces, 10.0, 1.0, penalty=p)[1].sum() for p in (0.0, 0.3, 1.0, 5.0)]
    assert (np.diff(total) < 0).all()


def test_gaps_are_bridged_and_stay_missing():
    trace = np.ones((2, 50), np.float32)
    trace[0, 10:15] = np.nan
    trace[1] = np.nan
    calcium, activity = deconvolve(trace, 10.0, 1.0)
    np.testing.assert_array_equal(np.isnan(calcium), np.isnan(trace))
    np.testing.assert_array_equal(np.isnan(activity), np.isnan(trace))


def test_edges():
    assert deconvolve(np.empty((0, 5)), 10.0, 1.0)[0].shape == (0, 5)
    calcium, activity = deconvolve([[2.0], [-1.0]], 10.0, 1.0)
    np.testing.assert_array_equal(calcium, [[2.0], [0.0]])
    np.testing.assert_array_equal(activity, [[2.0], [0.0]])
    assert (deconvolve(np.zeros((1, 20)), 10.0, 1.0)[1] == 0).all()
    assert (deconvolve(np.full((1, 20), -3.0), 10.0, 1.0)[0] == 0).all()


def test_input_is_not_changed():
    traces = np.random.default_rng(5).normal(size=(3, 50)).astype(np.float32)
    traces[0, 3] = np.nan
    before = traces.copy()
    traces.flags.writeable = False  # an error where it is written to
    deconvolve(traces, 10.0, 1.0)
    np.testing.assert_array_equal(traces, before)


def test_same_bytes_for_any_number_of_workers():
    traces = np.random.default_rng(6).normal(size=(30, 400)).astype(np.float32)
    plain = deconvolve(traces, 10.0, 1.0)
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            again = deconvolve(traces, 10.0, 1.0, executor=pool)
        np.testing.assert_array_equal(plain, again)


@pytest.mark.parametrize("decay", [0.0, -1.0, np.nan, [1.0, np.inf]])
def test_refuses_impossible_decay_times(decay):
    with pytest.raises(ValueError, match="decay_s must be above 0 s"):
        deconvolve(np.zeros((2, 10)), 10.0, decay)


def test_powers_stop_before_they_become_denormal():
    p = powers(0.5, 200)
    np.testing.assert_allclose(p[:30], 0.5 ** np.arange(30))
    assert p[-1] == 0 and (p[p > 0] > 1e-300).all()
