import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.spikes.frame_grid import FASTEST_HZ, average_groups, frames_per_group, spread_groups


@given(st.floats(0.1, 2000))
def test_groups_are_as_small_as_the_network_allows(rate):
    size = frames_per_group(rate)
    assert rate / size <= FASTEST_HZ * (1 + 1e-6)
    assert size == 1 or rate / (size - 1) > FASTEST_HZ * (1 - 1e-6)


@pytest.mark.parametrize(("rate", "size"), [(2, 1), (30, 1), (60, 1), (62, 1), (90, 2), (120, 2), (200, 4)])
def test_common_rates(rate, size):
    assert frames_per_group(rate) == size


@given(st.integers(1, 60), st.integers(1, 5), st.integers(0, 9))
def test_groups_are_plain_means(n_frames, size, seed):
    values = np.random.default_rng(seed).standard_normal((2, n_frames)).astype(np.float32)
    groups = average_groups(values, size)
    assert groups.dtype == np.float32
    for k, start in enumerate(range(0, n_frames, size)):
        assert groups[:, k] == pytest.approx(values[:, start : start + size].mean(axis=1), abs=1e-6)


@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 9))
def test_spreading_keeps_the_number_of_spikes(n_groups, size, seed):
    values = np.random.default_rng(seed).uniform(0, 3, (2, n_groups)).astype(np.float32)
    values[:, [0, -1]] = 0  # the half groups at the ends are held
    spread = spread_groups(values, size, n_groups * size)
    assert spread.sum() == pytest.approx(size * values.sum(), rel=1e-4)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_group_comes_back_where_it_was(size):
    values = np.zeros((1, 11), np.float32)
    values[0, 5] = 1
    spread = spread_groups(values, size, 11 * size)[0]
    centre = np.arange(11 * size) @ spread / spread.sum()
    assert centre == pytest.approx(5 * size + (size - 1) / 2)


def test_one_group_alone_is_held():
    assert spread_groups(np.array([[2.0]], np.float32), 3, 2).tolist() == [[2.0, 2.0]]
