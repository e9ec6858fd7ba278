"""Slow courses go, fast ones stay, and the pairs that only a drift joins are let go."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from tests.population.neurons import activity, grouped, odd_recordings, transients

from napari_calcium.population.cell_correlations import CorrelationSettings, correlate_cells
from napari_calcium.population.coupling import CouplingSettings, couple_cells
from napari_calcium.population.slow_trend import without_slow


def noise(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_it_is_the_difference_to_two_running_means():
    x, width = noise((3, 50)), 7
    mirrored = np.concatenate([x[:, ::-1], x, x[:, ::-1]], axis=1).astype(np.float64)
    course = mirrored
    for _ in range(2):
        course = np.stack([np.convolve(row, np.ones(width) / width, mode="same") for row in course])
    np.testing.assert_allclose(without_slow(x, width), x - course[:, 50:100], atol=1e-5)


def test_a_slow_wave_goes_and_a_fast_one_stays():
    time = np.arange(2000)
    slow, fast = np.sin(2 * np.pi * time / 1000), np.sin(2 * np.pi * time / 10)
    kept = without_slow(np.stack([slow, fast]).astype(np.float32), 100)[:, 200:-200]
    assert np.abs(kept[0]).max() < 0.1
    np.testing.assert_allclose(kept[1], fast[200:-200], atol=0.01)


def test_levels_and_gains_of_cells_do_not_matter():
    x = noise((4, 300))
    np.testing.assert_allclose(without_slow(3 * x + 7, 30), 3 * without_slow(x, 30), atol=1e-4)


def test_gaps_stay_gaps_and_do_not_count():
    x = np.full((2, 200), 5.0, np.float32)
    x[0, 40:90] = np.nan
    kept = without_slow(x, 20)
    np.testing.assert_array_equal(np.isnan(kept), np.isnan(x))
    np.testing.assert_allclose(kept[~np.isnan(x)], 0, atol=1e-5)


@pytest.mark.parametrize("width", [0, 1])
def test_nothing_is_taken_out_by_default(width):
    x = noise((2, 30))
    x.flags.writeable = False
    assert without_slow(x, width) is x
    assert CorrelationSettings().slow == CouplingSettings().slow == 0


def test_odd_recordings_are_results():
    for odd in odd_recordings():
        assert without_slow(odd.values, 9).shape == odd.values.shape


def drifting(seed):
    """Cells that have nothing in common but how often they are active, which changes slowly."""
    random = np.random.default_rng(seed)
    arousal = gaussian_filter1d(random.standard_normal(2400), 120)
    rate = np.clip(0.02 * np.exp(1.2 * arousal / arousal.std()), 0, 0.5)
    return transients((random.random((25, 2400)) < rate) * 1.0, seed)


def test_a_common_drift_joins_cells_unless_it_is_taken_out():
    links, choristers = {}, {}
    for slow in (0.0, 60.0):
        settings = CorrelationSettings(shifts=40, most_lag=0, slow=slow)
        coupling = CouplingSettings(shifts=100, slow=slow)
        recordings = [activity(drifting(seed)) for seed in range(3)]
        links[slow] = sum(correlate_cells(x, np.arange(25), settings=settings).n_pairs for x in recordings)
        choristers[slow] = sum(
            couple_cells(x, np.arange(25), coupling).cells.chorister.sum() for x in recordings
        )
    assert links[60.0] < 0.2 * links[0.0]
    assert choristers[60.0] < 0.5 * choristers[0.0]


def test_groups_are_found_all_the_same():
    settings = CorrelationSettings(shifts=40, most_lag=0, slow=60.0)
    found = correlate_cells(activity(grouped(groups=2, size=10)), np.arange(40), settings=settings)
    pairs = found.pairs
    together = (pairs.roi_id_a // 10 == pairs.roi_id_b // 10) & (pairs.roi_id_b < 20)
    assert together.sum() > 0.9 * 90
    assert (~together).mean() < 0.1
