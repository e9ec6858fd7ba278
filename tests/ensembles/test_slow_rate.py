import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.ensembles.slow_rate import slow_rate


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 39), max_size=60),
    st.integers(1, 40),
    st.floats(0.5, 30),
    st.floats(0, 20),
)
def test_positive_finite_and_of_mean_one(frames, width, smoothing, left_out):
    rate = slow_rate(np.array(frames, np.int64), 40, width, smoothing, left_out)
    assert rate.shape == (40 - width + 1,)
    assert (rate > 0).all()
    assert rate.mean() == pytest.approx(1)


def test_agrees_with_a_naive_sum():
    random = np.random.default_rng(0)
    frames = random.integers(0, 300, 400)
    width, smoothing, left_out = 5, 20.0, 6.0
    lags = np.arange(-81, 82)
    kernel = np.where(np.abs(lags) <= 2.5 + left_out, 0, np.exp(-0.5 * (lags / smoothing) ** 2))
    kernel /= kernel.sum()
    counts = np.bincount(frames, minlength=300)
    weight = kernel.sum() / (kernel**2).sum()
    naive = []
    for start in range(296):
        centre = start + 2
        inside = (centre + lags >= 0) & (centre + lags < 300)
        seen = (kernel[inside] * counts[(centre + lags)[inside]]).sum() * weight
        expected = kernel[inside].sum() * weight * 400 / 300
        naive.append((seen + 1) / (expected + 1))
    naive = np.array(naive) / np.mean(naive)
    np.testing.assert_allclose(slow_rate(frames, 300, width, smoothing, left_out), naive, rtol=1e-9)


def test_follows_a_slow_change():
    random = np.random.default_rng(1)
    time = np.arange(6000) / 10
    truth = np.exp(np.sin(2 * np.pi * time / 100))
    truth /= truth.mean()
    frames = np.repeat(np.arange(6000), random.poisson(2 * truth))
    rate = slow_rate(frames, 6000, 5, 50.0, 10.0)
    assert np.corrcoef(rate, truth[2:-2])[0, 1] > 0.97


def test_what_happens_in_a_window_does_not_count_for_it():
    quiet = np.arange(0, 1000, 10)
    burst = np.concatenate([quiet, np.full(500, 500)])
    rate = slow_rate(burst, 1000, 5, 20.0, 10.0)
    assert rate[498] < rate[498 + 20]


def test_no_events_and_a_window_as_long_as_the_recording():
    assert slow_rate(np.empty(0, np.int64), 10, 3, 5.0, 1.0).tolist() == [1.0] * 8
    assert slow_rate(np.array([3]), 10, 10, 5.0, 1.0).tolist() == [1.0]
