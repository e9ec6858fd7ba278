import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from tests.movie.planted_cells import flashes

from napari_calcium.movie.neuropil import estimate_coefficients, neuropil_rings, smoothed

SHAPE = (80, 90)


def discs(centres, radius=6):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    dense = [(np.hypot(y - cy, x - cx) <= radius).ravel() for cy, cx in centres]
    return sparse.csr_array(np.array(dense, np.float32).reshape(len(centres), -1))


def test_rings_are_means_over_pixels_of_no_cell():
    cells = discs([(40, 30), (40, 44), (20, 60)])
    rings = neuropil_rings(cells, SHAPE, 8, 12)
    assert_allclose(np.asarray(rings.sum(axis=1)).ravel(), 1, rtol=1e-5)
    assert (rings @ cells.T).nnz == 0


def test_rings_keep_their_distance():
    cells = discs([(40, 45)])
    y, x = np.divmod(neuropil_rings(cells, SHAPE, 8, 12).indices, SHAPE[1])
    distance = np.hypot(y - 40, x - 45)
    radius = np.sqrt(cells.nnz / np.pi)
    assert distance.min() >= radius + 8
    assert distance.max() <= radius + 20
    # All around, not on one side.
    assert_allclose([y.mean(), x.mean()], [40, 45], atol=0.5)


def test_rings_widen_where_cells_are_crowded():
    centres = [(y, x) for y in range(8, 80, 12) for x in range(8, 60, 12)]
    cells = discs(centres)
    rings = neuropil_rings(cells, SHAPE, 1, 2)
    assert np.diff(rings.indptr).min() >= 60


def test_no_free_pixel_and_no_cell():
    everything = sparse.csr_array(np.ones((1, SHAPE[0] * SHAPE[1]), np.float32))
    assert neuropil_rings(everything, SHAPE, 2, 5).nnz == 0
    none = sparse.csr_array((0, SHAPE[0] * SHAPE[1]), dtype=np.float32)
    assert neuropil_rings(none, SHAPE, 2, 5).shape == none.shape
    empty = sparse.csr_array((1, SHAPE[0] * SHAPE[1]), dtype=np.float32)
    assert neuropil_rings(empty, SHAPE, 2, 5).nnz == 0


def test_pixels_that_may_not_be_used_are_not():
    seen = np.zeros(SHAPE, bool)
    seen[:, 45:] = True
    rings = neuropil_rings(discs([(40, 45)]), SHAPE, 4, 10, seen)
    assert (rings.indices % SHAPE[1]).min() >= 45


def test_smoothing_keeps_the_mean_and_takes_noise_away():
    noise = np.random.default_rng(0).standard_normal((2, 4000)).astype(np.float32)
    smooth = smoothed(noise, 3.0)
    assert_allclose(smooth.mean(axis=1), noise.mean(axis=1), atol=0.01)
    assert smooth.std() < 0.4 * noise.std()
    assert smoothed(noise, 0.0) is noise


def simulated(coefficients, n=6000, rate=15.0, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    raw, around = [], []
    for c in coefficients:
        wave = np.convolve(rng.standard_normal(n + 40), np.hanning(20) / 3, mode="same")[20 : 20 + n]
        around.append(wave)
        raw.append(c * wave + flashes(n, rng) + noise * rng.standard_normal(n) + np.linspace(5, 3, n))
    return np.array(raw, np.float32), np.array(around, np.float32), rate


@pytest.mark.parametrize("coefficient", [0.45, 0.7, 0.95])
def test_coefficients_are_recovered(coefficient):
    raw, around, rate = simulated([coefficient] * 5)
    estimated = estimate_coefficients(raw, around, rate, typical=0.7, spread=0.15)
    assert_allclose(np.median(estimated), coefficient, atol=0.06)


def test_a_narrow_prior_is_kept():
    raw, around, rate = simulated([0.3])
    estimated = estimate_coefficients(raw, around, rate, typical=0.7, spread=1e-4)
    assert_allclose(estimated, 0.7, atol=1e-3)


def test_coefficients_ignore_gain_and_level():
    raw, around, rate = simulated([0.6, 0.8], n=2000)
    plain = estimate_coefficients(raw, around, rate, typical=0.7, spread=0.15)
    scaled = estimate_coefficients(40 * raw + 9, 40 * around - 3, rate, typical=0.7, spread=0.15)
    assert_allclose(scaled, plain, atol=1e-3)


def test_flat_traces_give_the_typical_coefficient():
    flat = np.ones((2, 50), np.float32)
    assert_array_equal(estimate_coefficients(flat, flat, 10.0, typical=0.7, spread=0.15), 0.7)
    one = np.ones((1, 1), np.float32)
    assert_array_equal(estimate_coefficients(one, one, 10.0, typical=0.7, spread=0.15), 0.7)


def test_coefficients_stay_within_limits():
    raw, around, rate = simulated([3.0, -2.0])
    estimated = estimate_coefficients(raw, around, rate, typical=0.7, spread=1.0)
    assert_allclose(estimated, [1.2, 0.0])
