"""Which axis is time: found from the numbers, whichever way round they stand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.io.orientation import guess_orientation, smoothness, steepness


def dff(n_rois: int, n_frames: int, *, seed: int = 0, rate: float = 0.02, noise: float = 0.06) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spikes = rng.random((n_rois, n_frames + 60)) < rate
    kernel = np.exp(-np.arange(60) / 8.0)
    calcium = np.array([np.convolve(row, kernel)[60 : n_frames + 60] for row in spikes])
    return 0.8 * calcium + noise * rng.standard_normal((n_rois, n_frames))


def guess(values: np.ndarray) -> bool:
    """Guess as the reader does: from the first 64 rows and 500 columns."""
    return guess_orientation(values[:64, :500], *values.shape)[0]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(20, 400), (100, 1000), (60, 60), (80, 60), (300, 200), (5, 5000)])
def test_transients_tell_time_either_way_round(shape: tuple[int, int], seed: int):
    values = dff(*shape, seed=seed)
    assert guess(values) and not guess(values.T)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(200, 50), (500, 100), (30, 20)])
def test_levels_of_raw_intensities_tell_neurons_against_the_shape(shape: tuple[int, int], seed: int):
    f0 = np.random.default_rng(seed).uniform(200, 900, (shape[0], 1))
    values = f0 * (1 + dff(*shape, seed=seed))
    assert guess(values) and not guess(values.T)


@pytest.mark.parametrize("seed", range(3))
def test_mere_noise_goes_by_the_shape(seed: int):
    values = np.random.default_rng(seed).standard_normal((50, 3000))
    assert guess(values) and not guess(values.T)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 7), (7, 3)])
@pytest.mark.parametrize("value", [0.0, 5.0, np.nan])
def test_nothing_to_go_by_gives_an_answer_with_a_reason(shape: tuple[int, int], value: float):
    rows, reason = guess_orientation(np.full(shape, value), *shape)
    assert rows == (shape[1] >= shape[0]) and reason


def test_a_close_call_asks_to_check():
    assert "not certain" in guess_orientation(np.zeros((7, 7)), 7, 7)[1]
    assert "not certain" not in guess_orientation(dff(20, 400), 20, 400)[1]


def test_missing_rows_and_columns_do_not_matter():
    values = dff(40, 600)
    values[3], values[:, 50] = np.nan, np.nan
    assert guess(values) and not guess(values.T)


# The measures


def test_smoothness_of_known_signals():
    rng = np.random.default_rng(0)
    white = rng.standard_normal((200, 500))
    assert abs(smoothness(white)) < 0.02
    assert smoothness(np.cumsum(white, axis=1)) > 0.85
    assert smoothness(np.sin(np.arange(500) / 30)[None]) > 0.9
    assert np.isnan(smoothness(np.zeros((3, 50)))) and np.isnan(smoothness(np.zeros((3, 5))))
    assert np.isnan(smoothness(np.empty((0, 50))))


def test_steepness_of_known_signals():
    values = dff(50, 1000, noise=0.01)
    assert steepness(values) > 0.5
    assert steepness(values[:, ::-1]) == pytest.approx(-steepness(values))
    assert abs(steepness(np.random.default_rng(0).standard_normal((200, 500)))) < 0.02
    assert (
        steepness(np.zeros((3, 50)))
        == 0
        == steepness(np.full((3, 50), np.nan))
        == steepness(np.zeros((3, 4)))
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.floats(0.01, 1e4), st.floats(-1e4, 1e4))
def test_measures_ignore_gain_and_level(seed: int, gain: float, level: float):
    values = dff(6, 80, seed=seed)
    gains = gain * np.random.default_rng(seed).uniform(0.5, 2, (6, 1))
    assert smoothness(values * gains + level) == pytest.approx(smoothness(values), abs=1e-5)
    assert steepness(values * gains + level) == pytest.approx(steepness(values), abs=1e-5)
