import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter
from tests.population.neurons import activity, odd_recordings

from napari_calcium.population.population_activity import (
    GaussianSmoothing,
    NoSmoothing,
    PopulationActivitySettings,
    SavitzkyGolaySmoothing,
    population_activity,
    rate_histogram,
    smoothed,
)

PLAIN = PopulationActivitySettings(smoothing=NoSmoothing())
SMOOTHINGS = (NoSmoothing(), GaussianSmoothing(), SavitzkyGolaySmoothing())


def data(shape=(7, 50), missing=0.0):
    random = np.random.default_rng(0)
    values = random.standard_normal(shape)
    values[random.random(shape) < missing] = np.nan
    return values


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_mean_and_sum_are_those_of_the_cells(missing):
    values = data(missing=missing)
    found = population_activity(activity(values), PLAIN)
    np.testing.assert_allclose(found.activity, np.nanmean(values, axis=0), rtol=1e-5)
    np.testing.assert_array_equal(found.n_cells, (~np.isnan(values)).sum(axis=0))
    summed = population_activity(activity(values), PLAIN.replace(statistic="sum"))
    np.testing.assert_allclose(summed.activity, 7 * found.activity, rtol=1e-12)


def test_order_of_cells_does_not_matter():
    values = data()
    a, b = (population_activity(activity(v)).smoothed for v in (values, values[::-1]))
    np.testing.assert_allclose(a, b, atol=1e-12)


def test_gaussian_and_savitzky_golay_are_those_of_scipy():
    values = data((200,))
    gauss = smoothed(values, 0.5, GaussianSmoothing(sigma=2.0))
    np.testing.assert_allclose(gauss, gaussian_filter1d(values, 4.0, mode="reflect"))
    golay = smoothed(values, 0.5, SavitzkyGolaySmoothing(window=5.0, order=3))
    np.testing.assert_allclose(golay, savgol_filter(values, 11, 3))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 30), st.sampled_from(SMOOTHINGS), st.floats(0, 1))
def test_smoothing_keeps_a_constant_and_gaps(n, how, missing):
    values = np.full(n, 3.0)
    values[np.random.default_rng(n).random(n) < missing] = np.nan
    np.testing.assert_allclose(smoothed(values, 0.5, how), values, atol=1e-9)


def test_savitzky_golay_keeps_peaks_better_than_a_gaussian():
    time = np.arange(200) * 0.1
    peak = np.exp(-((time - 10) ** 2) / (2 * 0.5**2))
    gauss = smoothed(peak, 0.1, GaussianSmoothing(sigma=0.5)).max()
    assert smoothed(peak, 0.1, SavitzkyGolaySmoothing(window=1.5)).max() > gauss + 0.2


def test_odd_recordings_are_results():
    for odd in odd_recordings():
        for how in SMOOTHINGS:
            found = population_activity(odd, PopulationActivitySettings(smoothing=how))
            assert len(found) == odd.n_bins


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 500), max_size=80))
def test_every_cell_is_counted_once(rates):
    found = rate_histogram(rates)
    assert found.n_cells.sum() == len(rates)
    assert found.edges_per_min[0] == 0 and (np.diff(found.edges_per_min) > 0).all()
    assert len(found.n_cells) <= 62


def test_cells_without_samples_have_no_rate():
    found = rate_histogram([np.nan, 2.0, 4.0])
    assert found.n_cells.sum() == 2
    assert found.median_per_min == 3.0
    assert np.isnan(rate_histogram([]).median_per_min)
