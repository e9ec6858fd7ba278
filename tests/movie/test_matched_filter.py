import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import correlate

from napari_calcium.movie.matched_filter import (
    MatchedFilter,
    decay_filter,
    decay_filter_stored,
    disc,
    negative_sd,
    soma_kernel,
    squared_activity,
)


@pytest.mark.parametrize("radius", [0.4, 1.0, 3.0, 7.5])
def test_a_disc_has_its_area(radius):
    assert_allclose(disc(radius, 10).sum(), np.pi * radius**2, rtol=0.03, atol=0.06)


@pytest.mark.parametrize("radius", [1.0, 2.2, 3.0, 8.0])
def test_the_kernel_sees_neither_level_nor_more_noise(radius):
    kernel = soma_kernel(radius)
    assert_allclose(kernel.sum(), 0, atol=1e-5)
    assert_allclose(np.linalg.norm(kernel), 1, rtol=1e-5)
    assert_array_equal(kernel, kernel[::-1, ::-1])
    assert kernel[len(kernel) // 2, len(kernel) // 2] == kernel.max()


@pytest.mark.parametrize("shape", [(40, 44), (41, 37), (6, 50), (1, 1)])
def test_the_response_is_a_plain_correlation(shape):
    frames = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    response = MatchedFilter.of(shape, 6.0)(frames)
    padded = np.pad(frames, ((0, 0), (0, shape[0] % 2), (0, shape[1] % 2)), mode="edge")
    halved = padded.reshape(3, padded.shape[1] // 2, 2, padded.shape[2] // 2, 2).mean(axis=(2, 4))
    naive = np.stack([correlate(2 * f, soma_kernel(3.0), mode="constant") for f in halved])
    assert_allclose(response, naive, atol=1e-4)


def test_the_response_peaks_at_the_soma():
    y, x = np.mgrid[:60, :60]
    frame = (np.hypot(y - 30.5, x - 20.5) < 6).astype(np.float32)[None]
    response = MatchedFilter.of((60, 60), 6.0)(frame)[0]
    assert np.unravel_index(response.argmax(), response.shape) == (15, 10)


def test_decay_filter_is_matched_to_a_decay():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((20_000, 1)).astype(np.float32)
    assert_allclose(decay_filter(noise.copy(), 3.0).std(), 1, atol=0.03)
    flash = np.zeros((60, 1), np.float32)
    flash[20:, 0] = np.exp(-np.arange(40) / 3.0)
    filtered = decay_filter(flash.copy(), 3.0)
    # It answers at the onset, and more than the flash itself.
    assert filtered.argmax() == 20
    assert filtered.max() > 1.2


def test_no_decay_changes_nothing():
    traces = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert_array_equal(decay_filter(traces.copy(), 0.0), traces)


@pytest.mark.parametrize("decay", [0.0, 0.5, 3.0])
def test_the_filter_of_stored_responses_is_the_same_up_to_rounding(decay):
    response = (100 * np.random.default_rng(0).standard_normal((50, 4, 6))).astype(np.int16)
    response[10] = 32_000
    plain = np.clip(decay_filter(response.astype(np.float32), decay), -32_768, 32_767)
    stored = response.copy()
    decay_filter_stored(stored, decay)
    assert_allclose(stored, plain, atol=0.51)


def test_noise_of_stored_responses_is_in_their_steps():
    response = 300 * np.random.default_rng(0).standard_normal((500, 24, 24))
    assert_allclose(negative_sd(response.astype(np.int16), 6.0), 300, rtol=0.1)


def test_negative_sd_ignores_activity():
    rng = np.random.default_rng(0)
    response = (2 * rng.standard_normal((500, 24, 24))).astype(np.float32)
    quiet = negative_sd(response, 6.0)
    response[::10] += 50
    assert_allclose(quiet, 2, rtol=0.1)
    assert_allclose(negative_sd(response, 6.0), quiet, rtol=0.1)
    assert_array_equal(negative_sd(np.zeros((5, 8, 8), np.float32), 6.0), 0)


def test_squared_activity_counts_what_exceeds():
    rng = np.random.default_rng(0)
    response = (3 * rng.standard_normal((1000, 9, 11))).astype(np.float32)
    sd = np.full((9, 11), 3.0, np.float32)
    sd[0, 0] = 0
    z = response / 3
    naive = np.where(z > 2, z**2, 0).sum(axis=0)
    naive[0, 0] = 0
    assert_allclose(squared_activity(response, sd, 2.0), naive, rtol=1e-4)
