"""Numbers that judge cells, against plain computations and known shapes."""

import gc
import warnings

import numpy as np
import pytest
from scipy import sparse

from napari_calcium.cells.cell_measures import (
    MEASURES,
    compactness,
    known_measures,
    measure_cells,
    overlap_share,
    row_correlation,
)
from napari_calcium.curation.shapes import ellipse_mask
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Events
from napari_calcium.rois import Rois

SHAPE = (80, 80)


def rois_of(*masks):
    footprints = sparse.csr_array(np.array([np.ravel(m) for m in masks], np.float32))
    return Rois(np.arange(len(masks)), footprints, np.shape(masks[0]))


@pytest.mark.parametrize("radius", [3.0, 6.0, 20.0])
def test_a_disc_is_compact_at_any_size(radius):
    assert compactness(rois_of(ellipse_mask(SHAPE, (40, 40), (radius, radius))))[0] > 0.94


def test_what_is_long_hollow_or_scattered_is_less_compact():
    disc = ellipse_mask(SHAPE, (40, 40), (10, 10))
    long = ellipse_mask(SHAPE, (40, 40), (30, 4))
    ring = disc & ~ellipse_mask(SHAPE, (40, 40), (7, 7))
    two = ellipse_mask(SHAPE, (20, 20), (5, 5)) | ellipse_mask(SHAPE, (60, 60), (5, 5))
    found = compactness(rois_of(disc, ring, long, two))
    assert (found[1:] < 0.5).all()
    # Of an ellipse, twice the product of the half-axes over the sum of their squares.
    assert found[2] == pytest.approx(2 * 30 * 4 / (30**2 + 4**2), rel=0.12)


def test_an_empty_roi_has_no_shape():
    empty = np.zeros(SHAPE)
    assert np.isnan(compactness(rois_of(empty))).all() and np.isnan(overlap_share(rois_of(empty))).all()


def test_the_share_of_shared_pixels_is_counted():
    rng = np.random.default_rng(0)
    masks = rng.random((6, 20, 20)) < 0.2
    naive = [
        (m & np.logical_or.reduce([o for j, o in enumerate(masks) if j != k])).sum() / m.sum()
        for k, m in enumerate(masks)
    ]
    np.testing.assert_allclose(overlap_share(rois_of(*masks)), naive)


def test_correlation_of_rows_is_numpys_with_gaps_left_out():
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal((5, 300)).astype(np.float32) + 1000 for _ in range(2))
    b[0] = -a[0]
    a[1, 10:40] = np.nan
    a[2] = 7
    a[3] = np.nan
    found = row_correlation(a, b)
    there = np.isfinite(a[1])
    assert found[0] == pytest.approx(-1)
    assert found[1] == pytest.approx(np.corrcoef(a[1, there], b[1, there])[0, 1], abs=1e-6)
    assert np.isnan(found[2:4]).all()
    assert found[4] == pytest.approx(np.corrcoef(a[4], b[4])[0, 1], abs=1e-6)


@pytest.fixture
def recording():
    rng = np.random.default_rng(2)
    dff = rng.normal(0, 0.05, (3, 1200)).astype(np.float32)
    dff[0, 100:130] += 1
    dff[1] += np.linspace(0, 1, 1200, dtype=np.float32)
    neuropil = rng.normal(0, 1, (3, 1200)).astype(np.float32)
    raw = np.vstack([neuropil[0], -neuropil[1], rng.normal(0, 1, 1200)]).astype(np.float32)
    traces = {"raw": Trace(raw, "a.u."), "neuropil": Trace(neuropil, "a.u."), "dff": Trace(dff, "ΔF/F")}
    masks = [ellipse_mask(SHAPE, (20, 20), (5, 5)), ellipse_mask(SHAPE, (20, 24), (5, 5))]
    rois = Rois(np.array([9, 5]), rois_of(*masks).footprints, SHAPE)
    empty = Events().columns()
    events = Events(
        **{
            name: np.resize(np.zeros(1, column.dtype), 3)
            for name, column in empty.items()
            if name != "roi_id"
        },
        roi_id=np.array([5, 5, 9]),
    )
    return Recording("r", np.array([5, 7, 9]), 20.0, traces, rois=rois, events=events)


def test_every_number_is_of_its_own_cell(recording):
    found = measure_cells(recording)
    assert list(found) == list(MEASURES)
    assert found["trace_snr"][0] > 3 and found["trace_skewness"][0] > 1
    assert found["drift_percent"][1] > 20 > found["drift_percent"][2]
    np.testing.assert_allclose(found["neuropil_correlation"][:2], [1, -1], atol=1e-5)
    np.testing.assert_allclose(found["event_rate_per_min"], [2, 0, 1])
    assert np.isnan(found["compactness"][1]) and found["overlap_percent"][0] > 20
    np.testing.assert_allclose(
        found["noise_level_percent_per_sqrt_hz"], 5 * 0.6745 * 2**0.5 / 20**0.5, rtol=0.1
    )


def test_what_cannot_be_known_is_left_out():
    none = Recording("none", np.empty(0, np.int64), None)
    assert dict(measure_cells(none)) == {}
    values = np.full((2, 50), np.nan, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure_cells(Recording("gaps", np.arange(2), None, {"raw": Trace(values, "a.u.")}))
    assert set(found) == {"trace_snr", "trace_skewness"} and np.isnan(list(found.values())).all()
    one = Recording("one", np.arange(1), 5.0, {"dff": Trace(np.zeros((1, 1), np.float32), "ΔF/F")})
    assert "trace_snr" not in measure_cells(one)


def test_they_are_remembered_for_what_they_were_made_of(recording):
    assert known_measures(recording) is None
    made = measure_cells(recording)
    assert known_measures(recording.replace(name="another")) is made and measure_cells(recording) is made
    assert known_measures(recording.replace(events=None)) is None
    assert known_measures(recording.replace(frame_rate=10.0)) is None
    assert not any(v.flags.writeable for v in made.values())


def test_what_is_gone_is_not_taken_for_another(recording):
    measure_cells(recording.replace(traces={}, rois=None, events=None))
    few = recording.replace(rois=None, events=None, traces={"raw": recording.traces["raw"]})
    short = few.replace(traces={"raw": Trace(few.traces["raw"].values[:, :100], "a.u.")})
    measure_cells(short)
    del short
    gc.collect()
    assert known_measures(few) is None
