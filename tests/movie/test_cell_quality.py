import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats

from napari_calcium.movie.cell_quality import judged, over_threshold, peak_snr, skewness, sparse_footprints
from napari_calcium.movie.peeling import Candidate
from napari_calcium.movie.segmentation_settings import FunctionalCells
from napari_calcium.movie.stretches import Found

SHAPE = (12, 15)
GOOD = {"evidence": 400.0, "disc_energy": 900.0, "energy": 1000.0, "radius": 6.0, "skewness": 2.0}


def found(**columns):
    """One candidate that passes every test, but for what is given."""
    footprint = np.zeros(SHAPE)
    footprint[2:10, 3:12] = 1
    row = sparse.csr_array((footprint / np.linalg.norm(footprint)).reshape(1, -1).astype(np.float32))
    values = {name: np.array([value]) for name, value in (GOOD | columns).items()}
    return Found(row, explained=np.ones(1), snr=np.array([9.0]), **values)


def judge(candidate, **changes):
    thresholds = FunctionalCells().replace(**changes)
    return judged(candidate, np.ones(SHAPE, np.float32), 6.0, thresholds)


def test_a_good_candidate_is_accepted():
    assert judge(found()).accepted.all()


@pytest.mark.parametrize(
    ("column", "value"),
    [("evidence", 25.0), ("evidence", -400.0), ("disc_energy", 300.0), ("radius", 11.0), ("skewness", 0.1)],
)
def test_each_number_can_reject(column, value):
    rois = judge(found(**{column: value}))
    assert not rois.accepted.any()
    assert rois.quality["quality"][0] < 1


def test_a_difference_that_is_small_against_the_energy_rejects():
    assert not judge(found(energy=1e5, disc_energy=9e4)).accepted.any()


def test_small_footprints_are_rejected():
    assert not judge(found(), area=2.0).accepted.any()


def test_a_threshold_met_exactly_accepts():
    assert judge(found(), focus=20.0, focus_share=0.4, disc_share=0.9, skewness=2.0, area=0.0).accepted.all()
    assert not judge(found(), focus=20.001).accepted.any()


def test_weights_are_in_brightness():
    sd = np.ones(SHAPE, np.float32)
    sd[5] = 4
    rois = judged(found(), sd, 6.0, FunctionalCells())
    image = rois.footprints.toarray().reshape(SHAPE)
    assert_allclose(image[5, 3:12], 1)
    assert_allclose(image[4, 3:12], 0.25)


def test_pixels_of_unknown_noise_are_left_out():
    sd = np.ones(SHAPE, np.float32)
    sd[:, :5] = 0
    rois = judged(found(), sd, 6.0, FunctionalCells())
    assert (rois.footprints.indices % SHAPE[1]).min() == 5
    assert_array_equal(rois.quality["area_px"], rois.areas)


@given(
    values=st.lists(st.floats(-100, 100), min_size=1, max_size=9),
    threshold=st.floats(-50, 50).filter(lambda t: t == 0 or abs(t) > 1e-3),
)
@settings(max_examples=60, deadline=None)
def test_over_threshold_is_1_or_more_exactly_from_the_threshold_on(values, threshold):
    array = np.array(values)
    clear = np.abs(array - threshold) > 1e-6
    assert_array_equal((over_threshold(array, threshold) >= 1)[clear], (array >= threshold)[clear])


def test_skewness_is_that_of_the_textbook():
    trace = np.random.default_rng(0).exponential(1.0, 300).astype(np.float32)
    assert_allclose(skewness(trace), stats.skew(trace.astype(np.float64)), rtol=1e-5)
    assert skewness(np.ones(9, np.float32)) == 0


def test_the_peak_is_measured_in_noise():
    trace = np.random.default_rng(0).normal(3, 2, 20_000).astype(np.float32)
    trace[500] = 43
    assert_allclose(peak_snr(trace), 20, rtol=0.05)
    assert peak_snr(np.ones(9, np.float32)) == 0


def test_footprints_beyond_the_edge_are_cut():
    weights = np.arange(1.0, 26.0, dtype=np.float32).reshape(5, 5)
    candidates = [
        Candidate((-2, 12), weights, np.zeros(3, np.float32)),
        Candidate((4, 4), weights, np.zeros(3, np.float32)),
    ]
    dense = sparse_footprints(candidates, np.array([1.0, 2.0]), SHAPE).toarray().reshape(2, *SHAPE)
    assert_array_equal(dense[0, :3, 12:], weights[2:, :3])
    assert_array_equal(dense[1, 4:9, 4:9], weights / 2)
    assert dense.astype(bool).sum() == 9 + 25
    assert sparse_footprints([], np.zeros(0), SHAPE).shape == (0, 180)
