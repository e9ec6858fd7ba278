import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.spikes.discrete import discrete_spikes


def certain(n_frames, frames, fs):
    """Return the rate of spikes known to have happened in some frames."""
    return fs * np.bincount(frames, minlength=n_frames).astype(np.float32)[None]


@given(
    frames=st.lists(st.integers(0, 499), max_size=30),
    fs=st.sampled_from([2.0, 7.5, 30.0, 120.0]),
    window=st.sampled_from([0.01, 0.3, 2.0]),
)
@settings(max_examples=60, deadline=None)
def test_certain_spikes_come_back_in_number_and_in_their_frames(frames, fs, window):
    frames = np.sort(np.array(frames, np.int64))
    found = discrete_spikes(certain(500, frames, fs), fs, [4], window_s=window)
    assert len(found) == len(frames)
    assert (found.roi_id == 4).all()
    np.testing.assert_allclose(found.time_s, frames / fs, atol=0.5 / fs + 1e-9)


def test_an_uncertain_spike_is_one_spike_in_the_middle_of_its_probability():
    fs = 30.0
    t = np.arange(600)
    rate = fs * 0.9 * np.exp(-0.5 * ((t - 300.2) / 2) ** 2) / (2 * np.sqrt(2 * np.pi))
    found = discrete_spikes(rate[None], fs, [0])
    np.testing.assert_allclose(found.time_s, [300.2 / fs], atol=0.2 / fs)


def test_what_is_never_likely_is_no_spike():
    assert len(discrete_spikes(np.full((3, 1000), 0.3), 30.0, [0, 1, 2])) == 0


def test_a_burst_has_the_expected_number():
    rng = np.random.default_rng(0)
    expected = np.zeros(400)
    expected[100:120] = rng.uniform(0.2, 0.8, 20)
    found = discrete_spikes(30 * expected[None], 30.0, [0])
    assert len(found) == round(expected.sum())
    assert (np.diff(found.time_s) > 0).all()
    assert found.time_s.min() * 30 > 99 and found.time_s.max() * 30 < 120


def test_a_lower_limit_never_finds_fewer():
    rate = 30 * np.random.default_rng(1).gamma(0.05, 1.0, (5, 2000))
    numbers = [len(discrete_spikes(rate, 30.0, range(5), least=x)) for x in (0.1, 0.5, 1, 3)]
    assert numbers == sorted(numbers, reverse=True)


def test_cells_do_not_touch_each_other():
    rate = 30 * np.random.default_rng(2).gamma(0.05, 1.0, (6, 700)).astype(np.float32)
    together = discrete_spikes(rate, 30.0, range(6))
    for k in range(6):
        alone = discrete_spikes(rate[k : k + 1], 30.0, [k])
        np.testing.assert_array_equal(together.time_s[together.roi_id == k], alone.time_s)


@pytest.mark.parametrize("shape", [(0, 10), (2, 1), (1, 3)])
def test_small_inputs(shape):
    found = discrete_spikes(np.zeros(shape), 10.0, np.arange(shape[0]))
    assert len(found) == 0
    assert len(discrete_spikes(np.full((1, 1), 20.0), 10.0, [0])) == 2


def test_missing_samples_hold_no_spikes():
    rate = certain(100, [20, 60], 10.0)
    rate[0, 50:] = np.nan
    assert discrete_spikes(rate, 10.0, [0]).time_s == pytest.approx([2.0])
