from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_calcium.numerics.binning import runs_of_windows
from napari_calcium.numerics.poisson_binomial import poisson_binomial
from napari_calcium.numerics.surrogates import shifted_counts
from napari_calcium.progress import Cancelled


def trains(seed, n_rows=30, n_frames=400, n_events=300):
    random = np.random.default_rng(seed)
    return random.integers(0, n_rows, n_events), random.integers(0, n_frames, n_events)


def naive(rows, frames, n_rows, n_frames, width, step, n_windows, shifts):
    """Roll every row of the raster, slide a window over it, count."""
    x = np.zeros((n_rows, n_frames), bool)
    x[rows, frames] = True
    histogram, maxima = np.zeros(n_rows + 1, int), []
    for lags in shifts:
        rolled = np.stack([np.roll(row, lag) for row, lag in zip(x, lags, strict=True)])
        doubled = np.concatenate([rolled, rolled], axis=1)
        counts = [doubled[:, k * step : k * step + width].any(axis=1).sum() for k in range(n_windows)]
        histogram += np.bincount(counts, minlength=n_rows + 1)
        maxima.append(max(counts))
    return histogram, np.array(maxima)


@pytest.mark.parametrize(("width", "step"), [(1, 1), (5, 1), (5, 5), (7, 7), (400, 1)])
def test_agrees_with_rolling_the_raster(width, step):
    n_rows, n_frames, n_surrogates = 30, 400, 7
    rows, frames = trains(1, n_rows, n_frames)
    n_windows = (n_frames - width) // step + 1
    runs = runs_of_windows(rows, frames, n_rows, n_frames, width)
    # The lags are those of the block's generator: seed and first surrogate of the block.
    shifts = np.random.default_rng([5, 0]).integers(0, n_frames, (n_surrogates, n_rows))
    histogram, maxima = shifted_counts(runs, n_windows, step, n_surrogates, 5)
    expected = naive(rows, frames, n_rows, n_frames, width, step, n_windows, shifts)
    np.testing.assert_array_equal(histogram, expected[0])
    np.testing.assert_array_equal(maxima, expected[1])


def test_converges_to_the_exact_distribution():
    rows, frames = trains(2)
    runs = runs_of_windows(rows, frames, 30, 400, 6)
    histogram, _ = shifted_counts(runs, 66, 6, 20_000, 0)
    pmf = poisson_binomial(runs.coverage())
    share = histogram / histogram.sum()
    # A window is independent between surrogates: the standard error is at most that of 20,000 draws.
    error = np.sqrt(pmf * (1 - pmf) / 20_000)
    assert (np.abs(share - pmf) < 5 * error + 1e-9).all()


def test_same_result_with_any_number_of_workers():
    rows, frames = trains(3)
    runs = runs_of_windows(rows, frames, 30, 400, 6)
    results = []
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            results.append(shifted_counts(runs, 395, 1, 160, 9, executor=pool))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_gives_other_shifts():
    rows, frames = trains(4)
    runs = runs_of_windows(rows, frames, 30, 400, 6)
    assert not np.array_equal(*(shifted_counts(runs, 395, 1, 60, seed)[1] for seed in (0, 1)))


def test_can_be_cancelled():
    def stop(done, total):
        if done >= 100:
            raise Cancelled

    rows, frames = trains(5)
    runs = runs_of_windows(rows, frames, 30, 400, 6)
    with pytest.raises(Cancelled):
        shifted_counts(runs, 395, 1, 1000, 0, on_progress=stop)


def test_nobody_and_a_single_frame():
    nothing = np.empty(0, np.int64)
    histogram, maxima = shifted_counts(runs_of_windows(nothing, nothing, 0, 1, 1), 1, 1, 4, 0)
    assert histogram.tolist() == [4]
    assert maxima.tolist() == [0, 0, 0, 0]
    full = runs_of_windows(np.array([0]), np.array([0]), 1, 1, 1)
    assert shifted_counts(full, 1, 1, 4, 0)[0].tolist() == [0, 4]
