from __future__ import annotations

import h5py
import numpy as np
import pytest
from scipy import sparse

from napari_calcium.io.caiman import is_caiman, read_caiman
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.opening import open_recording
from napari_calcium.pipeline import PipelineSettings, run

K, T, H, W = 5, 300, 7, 11
ALL = CsvSettings(rejected_cells="keep")


@pytest.fixture
def made(tmp_path):
    """Write what CaImAn writes, to the facts of its file format."""
    rng = np.random.default_rng(0)
    path = tmp_path / "analysis_results.hdf5"
    footprints = np.zeros((K, H, W))
    for k in range(K):
        footprints[k, k : k + 2, k : k + 4] = rng.random((2, 4)) + 0.1
    flat = sparse.csc_matrix(footprints.transpose(0, 2, 1).reshape(K, H * W).T)  # Fortran order of pixels
    arrays = {name: rng.random((K, T)) for name in ("C", "YrA", "S", "F_dff")}
    with h5py.File(path, "w") as file:
        estimates = file.create_group("estimates")
        for name in ("data", "indices", "indptr"):
            estimates[f"A/{name}"] = getattr(flat, name)
        estimates["A/shape"] = np.array(flat.shape)
        for name, values in arrays.items():
            estimates[name] = values
        estimates["R"] = "NoneType"
        estimates["idx_components"] = np.array([0, 2, 3])
        estimates["idx_components_bad"] = np.array([1, 4])
        estimates["SNR_comp"] = np.arange(5.0)
        estimates["r_values"] = np.arange(5.0) / 10
        estimates["cnn_preds"] = np.arange(5.0)[:, None] / 5
        estimates["Cn"] = np.arange(H * W, dtype=float).reshape(H, W)
        estimates["dims"] = np.array([H, W])
        file["dims"] = np.array([H, W])
        file["params/data/fr"] = 20.0
        file["params/data/decay_time"] = 0.4
    return path, footprints, arrays


def edit(path, name, value=None):
    with h5py.File(path, "r+") as file:
        del file[name]
        if value is not None:
            file[name] = value


def test_everything_is_read(made):
    path, footprints, arrays = made
    recording = read_caiman(path, ALL)
    assert is_caiman(path) and recording.frame_rate == 20.0 and recording.name == "analysis_results"
    traces = {name: trace.values for name, trace in recording.traces.items()}
    np.testing.assert_allclose(traces["raw"], arrays["C"] + arrays["YrA"], rtol=1e-6)
    np.testing.assert_array_equal(traces["dff"], arrays["F_dff"].astype(np.float32))
    np.testing.assert_array_equal(traces["denoised"], arrays["C"].astype(np.float32))
    np.testing.assert_array_equal(traces["spikes"], arrays["S"].astype(np.float32))
    assert recording.traces["dff"].unit == "ΔF/F" and recording.traces["raw"].unit == "a.u."
    rois = recording.rois
    np.testing.assert_array_equal(rois.footprints.toarray().reshape(K, H, W), footprints.astype(np.float32))
    assert rois.accepted.tolist() == [True, False, True, True, False]
    np.testing.assert_array_equal(rois.quality["snr"], np.arange(5))
    np.testing.assert_allclose(rois.quality["cnn_probability"], np.arange(5) / 5)
    assert recording.images["local_correlation"].shape == (H, W)


def test_rejected_components_are_left_out_unless_asked_for(made):
    recording = open_recording(made[0])
    assert recording.roi_ids.tolist() == [0, 2, 3] == recording.rois.ids.tolist()


def test_the_pipeline_starts_from_its_dff_and_loses_nothing(made):
    recording = open_recording(made[0])
    off = dict.fromkeys(("events", "coactivity", "significance", "ensembles", "features"))
    done = run(recording, PipelineSettings().replace(**off))
    assert [entry.stage for entry in done.log] == ["read", "background", "denoise"]
    assert done.log[1].reads == ("traces/dff",) and "baseline" not in done.traces
    for name in ("raw", "dff", "spikes"):
        assert done.traces[name] == recording.traces[name]
    assert done.traces["denoised"].unit == "ΔF/F"


@pytest.mark.parametrize("missing", ["NoneType", 0])
def test_what_is_missing_is_a_text_or_a_number(made, missing):
    path = made[0]
    for name in ("S", "F_dff", "idx_components", "SNR_comp", "Cn"):
        edit(path, f"estimates/{name}", missing)
    recording = read_caiman(path)
    assert list(recording.traces) == ["raw", "denoised"] and recording.n_rois == K
    notes = " ".join(recording.log[0].notes)
    assert "not evaluated" in notes and "detrend_df_f" in notes


def test_the_field_is_elsewhere_where_estimates_have_none(made):
    edit(made[0], "estimates/dims", np.empty(0))
    assert read_caiman(made[0]).rois.shape == (H, W)
    edit(made[0], "dims")
    with pytest.raises(ReadError, match=r"analysis_results\.hdf5: dims: the size of the field is missing"):
        read_caiman(made[0])


def test_no_component_at_all(made):
    path = made[0]
    for name in ("C", "YrA", "S", "F_dff"):
        edit(path, f"estimates/{name}", np.empty((0, T)))
    for name, values in (("data", np.empty(0)), ("indices", np.empty(0, int)), ("indptr", np.zeros(1, int))):
        edit(path, f"estimates/A/{name}", values)
    edit(path, "estimates/idx_components", np.empty(0, int))
    recording = read_caiman(path)
    assert recording.n_rois == 0 and recording.n_frames == T


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("estimates/dims", np.array([np.nan, 9.0]), "dims: must hold whole numbers"),
        ("estimates/dims", np.array([1.5, 9.0]), "dims: must hold whole numbers"),
        ("estimates/C", None, "estimates/C: is missing"),
        ("estimates/C", "NoneType", "estimates/C: must be numbers"),
        ("estimates/YrA", np.ones((K, T + 1)), "estimates/YrA: has the shape"),
        ("estimates/A/indices", None, "estimates/A/indices: is missing"),
        ("estimates/A/indices", np.full(40, 77), "pixels outside the field of 7 × 11"),
        ("estimates/A/indptr", np.arange(4), "indptr: must have 6 ascending values"),
        ("estimates/A/data", np.ones(3), "indptr: does not fit"),
        ("estimates/idx_components", np.array([0, 5]), "names component 5, but there are 5"),
        ("estimates/dims", np.array([3, 4, 5]), "volumes are not read"),
        ("estimates/dims", np.array([-3, 4]), "says that the field is -3 × 4"),
    ],
)
def test_fields_that_do_not_fit_are_named(made, name, value, message):
    edit(made[0], name, value)
    with pytest.raises(ReadError, match=message):
        read_caiman(made[0])


def test_damaged_files_do_no_harm(made, check_reader):
    check_reader(made[0], lambda: read_caiman(made[0]), 120, seed=2)


def test_an_image_beyond_single_precision_does_no_harm(made):
    edit(made[0], "estimates/Cn", np.full((H, W), 1e300))
    assert np.isinf(read_caiman(made[0]).images["local_correlation"]).all()


def test_pixels_without_a_weight_are_left_out_and_the_cell_keeps_its_place(made):
    whole = read_caiman(made[0], ALL).rois
    with h5py.File(made[0], "r+") as file:
        file["estimates/A/data"][:2] = [np.nan, np.inf]  # of the first cell
    spoilt = read_caiman(made[0], ALL)
    assert np.isfinite(spoilt.rois.centroids).all()
    assert (whole.areas - spoilt.rois.areas).tolist() == [2, 0, 0, 0, 0]
    assert "2 pixels of ROIs have no weight and are left out" in spoilt.log[0].notes
