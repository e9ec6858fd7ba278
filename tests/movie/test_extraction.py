import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from tests.movie.planted_cells import RATE, SHAPE, scene

from napari_calcium.movie.extraction import (
    EstimatedNeuropil,
    ExtractionSettings,
    FixedNeuropil,
    extract,
    traces_of,
)
from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.registered_movie import RegisteredMovie
from napari_calcium.progress import Cancelled
from napari_calcium.rois import Rois

PLAIN = ExtractionSettings(neuropil=FixedNeuropil(coefficient=0.0))


def rois_of(images, cut=0.05):
    weights = np.where(images > cut, images, 0).reshape(len(images), -1)
    return Rois(
        np.arange(10, 10 + len(images)), sparse.csr_array(weights.astype(np.float32)), images.shape[1:]
    )


@pytest.fixture(scope="module")
def somata():
    return rois_of(scene().images[:8])


@pytest.fixture(scope="module")
def whole(somata):
    return extract(scene().movie, somata, RATE)


def test_traces_are_as_good_as_the_noise_allows(whole):
    for trace, image, truth in zip(whole.corrected, scene().images, scene().traces, strict=False):
        # The best unbiased estimate has this variance: noise of 1 a pixel, brightness 2.5.
        noise = 1 / (2.5**2 * (image**2).sum())
        ceiling = np.sqrt(truth.var() / (truth.var() + noise))
        assert np.corrcoef(trace, truth)[0, 1] > 0.97 * ceiling


def test_raw_is_the_weighted_mean_of_the_footprint():
    rng = np.random.default_rng(0)
    movie = rng.normal(100, 5, (40, *SHAPE)).astype(np.float32)
    rois = rois_of(scene().images[:3])
    raw = extract(movie, rois, RATE, PLAIN).raw
    dense = rois.footprints.toarray().astype(np.float64)
    naive = movie.reshape(40, -1).astype(np.float64) @ (dense / dense.sum(axis=1, keepdims=True)).T
    # Noise is even here but for what its estimate from pairs of frames scatters.
    residual = raw - naive.T
    assert np.abs(residual).max() < 0.2 * naive.std(axis=0).max()


def test_constant_movies_give_constant_traces(somata):
    movie = np.broadcast_to(np.float32(321.5), (30, *SHAPE))
    result = extract(movie, somata, RATE)
    for traces in (result.raw, result.neuropil, result.corrected):
        assert_allclose(traces, 321.5, rtol=2e-7)


@pytest.mark.parametrize("overlap", ["demixed", "excluded", "shared"])
def test_permuting_rois_permutes_traces(overlap):
    rois = rois_of(scene().images)
    order = np.random.default_rng(0).permutation(len(rois))
    settings = ExtractionSettings(overlap=overlap)
    straight = extract(scene().movie[:100], rois, RATE, settings)
    permuted = extract(scene().movie[:100], rois.take(order), RATE, settings)
    assert_allclose(permuted.raw, straight.raw[order], rtol=1e-5)
    assert_allclose(permuted.neuropil, straight.neuropil[order], rtol=1e-5)
    assert_allclose(permuted.corrected, straight.corrected[order], rtol=1e-5)
    assert_allclose(permuted.coefficients, straight.coefficients[order], atol=1e-4)


def test_gain_and_offset_pass_through(somata, whole):
    other = extract(2 * scene().movie + 7, somata, RATE)
    assert_allclose(other.raw, 2 * whole.raw + 7, rtol=1e-4)
    assert_allclose(other.corrected, 2 * whole.corrected + 7, rtol=1e-4)
    assert_allclose(other.coefficients, whole.coefficients, atol=0.01)


def test_bytes_are_the_same_for_any_number_of_workers(somata, whole, monkeypatch):
    for workers in (1, 3):
        monkeypatch.setattr(os, "cpu_count", lambda n=workers: n)
        again = extract(scene().movie, somata, RATE)
        assert again.corrected.tobytes() == whole.corrected.tobytes()
    with ThreadPoolExecutor(2) as pool:
        again = extract(scene().movie, somata, RATE, executor=pool)
    assert again.corrected.tobytes() == whole.corrected.tobytes()


def test_processes_do_the_same(somata):
    movie = np.array(scene().movie[:60])
    with ProcessPoolExecutor(1) as pool:
        away = extract(movie, somata, RATE, executor=pool)
    assert away.corrected.tobytes() == extract(movie, somata, RATE).corrected.tobytes()


def test_bad_and_missing_frames_are_bridged_and_flagged(somata):
    movie = scene().movie[:80].copy()
    movie[20:22] = np.nan
    bad = np.zeros(80, bool)
    bad[50] = True
    movie[50] = 1e6
    result = extract(movie, somata, RATE, bad=bad)
    assert_array_equal(np.flatnonzero(result.interpolated), [20, 21, 50])
    for traces in (result.raw, result.neuropil):
        assert_allclose(traces[:, 50], (traces[:, 49] + traces[:, 51]) / 2, rtol=1e-5)
        assert_allclose(traces[:, 20], traces[:, 19] + (traces[:, 22] - traces[:, 19]) / 3, rtol=1e-5)
    assert np.isfinite(result.corrected).all()
    assert result.corrected.max() < 200


def test_a_missing_pixel_is_bridged_for_its_cells_alone():
    rois = rois_of(scene().images[:8])
    movie = scene().movie[:60].copy()
    y, x = rois.pixels(0)
    movie[30, y[0], x[0]] = np.nan
    result = extract(movie, rois, RATE, PLAIN)
    clean = extract(scene().movie[:60], rois, RATE, PLAIN)
    assert not result.interpolated.any()
    assert_allclose(result.raw[0, 30], (result.raw[0, 29] + result.raw[0, 31]) / 2, rtol=1e-5)
    assert_allclose(result.raw[1:], clean.raw[1:], rtol=1e-3)


def test_inputs_are_not_changed(somata):
    bad = np.zeros(len(scene().movie), bool)
    bad[3] = True
    bad.flags.writeable = False
    before = scene().movie.copy()
    extract(scene().movie, somata, RATE, bad=bad)
    assert_array_equal(scene().movie, before)


def test_a_registered_movie_is_moved_as_it_is_read(somata):
    movie = scene().movie[:50]
    rng = np.random.default_rng(2)
    grid = grid_for(SHAPE, 48)
    fields = rng.normal(0, 1.5, (50, grid.ny, grid.nx, 2)).astype(np.float32)
    view = RegisteredMovie(movie, fields, grid)
    assert_allclose(extract(view, somata, RATE).raw, extract(view[:], somata, RATE).raw, rtol=1e-5)


def test_no_rois_give_no_traces():
    none = Rois(np.zeros(0, np.int64), sparse.csr_array((0, SHAPE[0] * SHAPE[1])), SHAPE)
    result = extract(scene().movie[:20], none, RATE)
    assert result.raw.shape == result.corrected.shape == (0, 20)
    assert traces_of(scene().movie[:20], none, []).shape == (0, 20)


def test_a_roi_without_pixels_has_no_trace(somata):
    footprints = sparse.csr_array(
        sparse.vstack([somata.footprints[:2], sparse.csr_array((1, SHAPE[0] * SHAPE[1]))])
    )
    rois = Rois(np.arange(3), footprints, SHAPE)
    result = extract(scene().movie[:20], rois, RATE)
    assert np.isnan(result.corrected[2]).all()
    assert np.isfinite(result.corrected[:2]).all()
    assert np.isnan(traces_of(scene().movie[:20], rois, [2])).all()


@pytest.mark.parametrize(
    "movie",
    [
        np.zeros((1, *SHAPE), np.uint8),
        np.zeros((30, *SHAPE), np.float32),
        np.full((30, *SHAPE), 65535, np.uint16),
    ],
    ids=["one frame", "zeros", "saturated"],
)
def test_movies_without_information_give_flat_traces(somata, movie):
    result = extract(movie, somata, RATE)
    assert_allclose(result.corrected, float(movie[0, 0, 0]), rtol=1e-5)


def test_a_movie_without_any_pixel_gives_nan(somata):
    result = extract(np.full((20, *SHAPE), np.nan, np.float32), somata, RATE)
    assert np.isnan(result.corrected).all()
    assert result.interpolated.all()


def with_neuropil(coefficient, seed=0):
    """Somata in a neuropil that fluctuates everywhere; at the somata a share of it is seen."""
    rng = np.random.default_rng(seed)
    n = len(scene().movie)
    slow = np.convolve(rng.standard_normal(n + 20), np.ones(8) / 8, mode="same")[10 : 10 + n]
    share = np.ones(SHAPE)
    for image in scene().images[:8]:
        share[image > 0.05] = coefficient
    movie = scene().movie + (6 * slow[:, None, None] * share).astype(np.float32)
    return movie, slow


@pytest.mark.parametrize("coefficient", [0.5, 0.7, 0.9])
def test_the_coefficient_is_estimated(somata, coefficient):
    movie, _ = with_neuropil(coefficient)
    estimated = extract(movie, somata, RATE).coefficients
    assert abs(np.median(estimated) - coefficient) < 0.1


def test_subtraction_frees_traces_of_the_neuropil(somata):
    movie, slow = with_neuropil(0.7)
    result = extract(movie, somata, RATE)

    def held(traces):
        rest = [t - np.polyval(np.polyfit(s, t, 1), s) for t, s in zip(traces, scene().traces, strict=False)]
        return np.median([abs(np.corrcoef(r, slow)[0, 1]) for r in rest])

    assert held(result.corrected) < 0.4 * held(result.raw)


def test_a_fixed_coefficient_is_taken_at_its_word(somata):
    settings = ExtractionSettings(neuropil=FixedNeuropil(coefficient=0.4, smoothing=0.0), keep_level=False)
    result = extract(scene().movie[:50], somata, RATE, settings)
    assert_array_equal(result.coefficients, 0.4)
    assert_allclose(result.corrected, result.raw - 0.4 * result.neuropil, rtol=1e-4)


def test_keeping_the_level_subtracts_fluctuations_alone(somata):
    kept = extract(scene().movie, somata, RATE)
    gone = extract(scene().movie, somata, RATE, ExtractionSettings(keep_level=False))
    difference = kept.corrected - gone.corrected
    assert_allclose(difference, np.broadcast_to(difference[:, :1], difference.shape), rtol=1e-4)
    # Noise is symmetric, flashes are not: the median of the trace hardly moves.
    assert_allclose(np.median(kept.corrected, axis=1), np.median(kept.raw, axis=1), rtol=2e-3)


def test_settings_survive_yaml():
    for neuropil in (FixedNeuropil(coefficient=0.3), EstimatedNeuropil(spread=0.05, gap=4)):
        settings = ExtractionSettings(overlap="excluded", neuropil=neuropil, keep_level=False)
        assert ExtractionSettings.from_yaml(settings.to_yaml()) == settings


def test_mistakes_are_named(somata):
    with pytest.raises(ValueError, match=r"the ROIs are of frames of shape \(96, 112\)"):
        extract(np.zeros((5, 8, 8)), somata, RATE)
    with pytest.raises(ValueError, match=r"bad must have shape \(5,\)"):
        extract(scene().movie[:5], somata, RATE, bad=np.zeros(4, bool))
    with pytest.raises(ValueError, match="there is no ROI 99; ids are 10, 11"):
        traces_of(scene().movie, somata, [10, 99])
    with pytest.raises(ValueError, match="frame_rate"):
        extract(scene().movie, somata, -1.0)


def test_it_can_be_cancelled(somata):
    def cancel(done, total):
        if done > 0.4 * total:
            raise Cancelled

    with pytest.raises(Cancelled):
        extract(scene().movie, somata, RATE, on_progress=cancel)
    with pytest.raises(Cancelled):
        traces_of(scene().movie, somata, somata.ids, on_progress=cancel)


class OnlyInTime:
    """A movie that can be sliced along time alone."""

    def __init__(self, movie):
        self._movie = movie
        self.shape, self.dtype = movie.shape, movie.dtype

    def __getitem__(self, frames):
        if not isinstance(frames, slice):
            raise TypeError("slices of frames only")
        return self._movie[frames]


def test_traces_on_demand_are_those_of_the_footprint():
    rois = rois_of(scene().images)
    ids = rois.ids[[4, 0]]
    traces = traces_of(scene().movie, rois, ids)
    full = extract(scene().movie, rois, RATE, PLAIN).raw
    for trace, row in zip(traces, (4, 0), strict=True):
        assert np.corrcoef(trace, full[row])[0, 1] > 0.99
    assert_array_equal(traces_of(OnlyInTime(scene().movie), rois, ids), traces)


def test_traces_on_demand_of_a_registered_movie():
    rng = np.random.default_rng(2)
    grid = grid_for(SHAPE, 48)
    fields = rng.normal(0, 3, (50, grid.ny, grid.nx, 2)).astype(np.float32)
    rois = rois_of(scene().images)
    for source in (scene().movie[:50], OnlyInTime(scene().movie[:50])):
        view = RegisteredMovie(source, fields, grid)
        assert_allclose(traces_of(view, rois, rois.ids), traces_of(view[:], rois, rois.ids), rtol=1e-4)


def test_traces_on_demand_take_well_under_a_second(tmp_path):
    path = tmp_path / "movie.raw"
    shape = (3000, 256, 256)
    movie = np.memmap(path, np.uint16, "w+", shape=shape)
    images = np.zeros((1, 256, 256))
    images[0, 100:112, 60:72] = 1
    rois = rois_of(images)
    traces_of(movie, rois, [10])
    start = time.perf_counter()
    traces_of(movie, rois, [10])
    assert time.perf_counter() - start < 1.0
