from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.population.neurons import activity, grouped, odd_recordings

from napari_calcium.population import coupling
from napari_calcium.population.coupling import (
    CouplingSettings,
    couple_cells,
    population_coupling,
    sliding_coupling,
)


def naive(x, equal_weight=True):
    """Correlate each cell with the sum of the others, cell by cell."""
    x = x.astype(float)
    scaled = (x - np.nanmean(x, axis=1, keepdims=True)) / (
        np.nanstd(x, axis=1, keepdims=True) if equal_weight else 1.0
    )
    result = []
    for i in range(len(x)):
        others = np.nansum(np.delete(scaled, i, axis=0), axis=0)
        there = ~np.isnan(x[i])
        result.append(np.corrcoef(x[i, there], others[there])[0, 1])
    return np.array(result)


@pytest.mark.parametrize("equal_weight", [True, False])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_is_the_correlation_with_the_sum_of_the_others(equal_weight, missing):
    x = grouped()
    x[np.random.default_rng(0).random(x.shape) < missing] = np.nan
    found = population_coupling(x, equal_weight=equal_weight)[0]
    np.testing.assert_allclose(found, naive(x, equal_weight), atol=1e-5)


def test_a_cell_is_never_coupled_to_itself():
    x = np.random.default_rng(0).standard_normal((200, 2000)).astype(np.float32)
    with_itself = np.array([np.corrcoef(row, x.sum(axis=0))[0, 1] for row in x])
    assert with_itself.mean() > 0.05
    assert abs(population_coupling(x)[0].mean()) < 0.005


def test_p_values_are_the_share_of_shifts_that_reach():
    x = grouped(n_rois=8, n_bins=150, size=3)
    lags = np.arange(10, 141)
    value, z, p = population_coupling(x, lags)
    for i in range(8):
        scaled = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
        others = np.delete(scaled, i, axis=0).sum(axis=0)
        shifted = np.array([np.corrcoef(np.roll(x[i], -lag), others)[0, 1] for lag in range(150)])
        reached = (shifted[lags] >= value[i] - 1e-9).sum()
        assert p[i] == pytest.approx((reached + 1) / (len(lags) + 1), abs=0.01)
        assert z[i] == pytest.approx(value[i] / shifted.std(), rel=1e-3)


def test_choristers_are_found_and_soloists_left_alone():
    found = couple_cells(activity(grouped(seed=2, groups=2, size=10)), np.arange(40)).cells
    assert found.chorister[:20].mean() > 0.9
    assert found.chorister[20:].mean() <= 0.1


def naive_sliding(x, width, starts):
    x = x.astype(float)
    scaled = (x - np.nanmean(x, axis=1, keepdims=True)) / np.nanstd(x, axis=1, keepdims=True)
    result = np.full((len(x), len(starts)), np.nan)
    for i in range(len(x)):
        others = np.nansum(np.delete(scaled, i, axis=0), axis=0)
        for k, start in enumerate(starts):
            a, b = scaled[i, start : start + width], others[start : start + width]
            there = ~np.isnan(a)
            if there.sum() >= 3 and a[there].std() > 1e-6 and b[there].std() > 1e-6:
                result[i, k] = np.corrcoef(a[there], b[there])[0, 1]
    return result


@pytest.mark.parametrize("missing", [0.0, 0.15])
@pytest.mark.parametrize(("width", "step"), [(20, 7), (3, 1), (200, 50)])
def test_sliding_is_the_same_within_each_window(missing, width, step):
    x = grouped(n_rois=6, n_bins=200, size=2)
    x[np.random.default_rng(1).random(x.shape) < missing] = np.nan
    starts, found = sliding_coupling(x, width, step)
    np.testing.assert_array_equal(starts, np.arange(0, 200 - width + 1, step))
    np.testing.assert_allclose(found, naive_sliding(x, width, starts), atol=2e-4)


def test_a_silent_stretch_is_not_defined_which_is_not_zero():
    x = grouped(n_rois=6, n_bins=300, size=2)
    x[0, 100:200] = 0.25
    x[1, 100:200] = np.nan
    starts, found = sliding_coupling(x, 40, 10)
    inside = (starts >= 100) & (starts + 40 <= 200)
    assert np.isnan(found[:2, inside]).all()
    assert np.isfinite(found[2:]).all()
    assert np.isfinite(found[:2, ~inside][:, [0, -1]]).all()


def test_one_window_over_everything_is_the_static_coupling():
    x = grouped(n_rois=10, n_bins=400, size=4)
    _, found = sliding_coupling(x, 400)
    np.testing.assert_allclose(found[:, 0], population_coupling(x)[0], atol=1e-5)


def test_changes_of_coupling_are_followed():
    random = np.random.default_rng(0)
    x = random.standard_normal((20, 1000)).astype(np.float32)
    x[:, 500:] += random.standard_normal(500).astype(np.float32)
    starts, found = sliding_coupling(x, 100, 100)
    assert found[:, starts < 400].mean() < 0.1
    assert found[:, starts >= 500].mean() > 0.5


def test_order_of_cells_and_workers_do_not_matter(monkeypatch):
    monkeypatch.setattr(coupling, "_BLOCK_SAMPLES", 1200 * 7)
    x = grouped()
    x.flags.writeable = False
    order = np.random.default_rng(0).permutation(len(x))
    settings = CouplingSettings(shifts=50)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(4) as four:
        first = couple_cells(activity(x), np.arange(40), settings, executor=one)
        assert couple_cells(activity(x), np.arange(40), settings, executor=four) == first
    permuted = couple_cells(activity(x[order]), order, settings)
    np.testing.assert_allclose(permuted.cells.coupling, first.cells.coupling[order], atol=1e-9)
    np.testing.assert_array_equal(permuted.cells.p_value, first.cells.p_value[order])
    np.testing.assert_allclose(permuted.sliding, first.sliding[order], atol=1e-4)


def test_gain_of_a_cell_does_not_matter_at_equal_weight():
    x = grouped()
    loud = x * np.where(np.arange(40) == 3, 50, 1).astype(np.float32)[:, None]
    np.testing.assert_allclose(population_coupling(loud)[0], population_coupling(x)[0], atol=1e-5)


def test_odd_recordings_are_results():
    for odd in odd_recordings():
        found = couple_cells(odd, np.arange(len(odd.values)))
        assert len(found.cells) == len(found.sliding) == len(odd.values)
        if len(odd.values) == 1:
            assert np.isnan(found.cells.coupling).all() and not found.cells.chorister.any()
