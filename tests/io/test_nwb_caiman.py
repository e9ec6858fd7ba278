"""NWB as CaImAn's Estimates.save_NWB lays it out, written by pynwb to the facts of its source."""

from __future__ import annotations

from datetime import UTC, datetime

import h5py
import numpy as np
import pynwb
import pytest
from pynwb.base import Images, TimeSeries
from pynwb.image import GrayscaleImage
from pynwb.ophys import Fluorescence, ImageSegmentation, OpticalChannel

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.nwb import read_nwb
from napari_calcium.io.opening import open_recording

H, W, K, T = 12, 20, 4, 60
ALL = CsvSettings(rejected_cells="keep")


def footprints() -> np.ndarray:
    dense = np.zeros((K, H, W))
    for k in range(K):
        dense[k, 2 * k : 2 * k + 3, 4 * k : 4 * k + 5] = np.arange(1, 16).reshape(3, 5) + k
    return dense


@pytest.fixture
def truth():
    rng = np.random.default_rng(0)
    return {
        "C": rng.random((K, T)),
        "YrA": rng.normal(0, 0.1, (K, T)),
        "Cn": rng.random((H, W)),
        "A": footprints(),
    }


def write(path, truth, keep=(1, 0, 1, 1), accepted=(0, 0, 0, 0), rejected=(0, 0, 0, 0)):
    nwb = pynwb.NWBFile(
        session_description="CaImAn Results",
        identifier="1",
        session_start_time=datetime(2024, 1, 1, tzinfo=UTC),
    )
    plane = nwb.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=OpticalChannel(name="OpticalChannel", description="main", emission_lambda=520.0),
        description="some imaging plane description",
        device=nwb.create_device(name="imaging_device"),
        excitation_lambda=488.0,
        indicator="OGB-1",
        location="brain",
        imaging_rate=15.0,
    )
    module = nwb.create_processing_module(name="ophys", description="contains caiman estimates")
    segmentation, fluorescence = ImageSegmentation(), Fluorescence()
    module.add(segmentation)
    module.add(fluorescence)
    cells = segmentation.create_plane_segmentation(
        name="PlaneSegmentation", description="CNMF_ROIs", imaging_plane=plane
    )
    for name in ("r", "snr", "accepted", "rejected", "cnn", *(["keep"] if keep is not None else [])):
        cells.add_column(name=name, description=name)
    backgrounds = np.ones((1, H, W))
    for k, footprint in enumerate([*truth["A"], *backgrounds]):
        # CaImAn's pixels are counted along y first, and put into an array of height x width as they come.
        more = {"keep": k < K and bool(keep[k])} if keep is not None else {}
        cells.add_roi(
            image_mask=footprint.ravel(order="F").reshape(H, W),
            r=0.1 * k,
            snr=float(k),
            cnn=0.5,
            accepted=k < K and bool(accepted[k]),
            rejected=k < K and bool(rejected[k]),
            **more,
        )
    times = np.arange(T) / 15.0
    for name, region, data in (
        ("RoiResponseSeries", list(range(K)), truth["C"].T),
        ("Background_Fluorescence_Response", [K], np.ones((T, 1))),
    ):
        rois = cells.create_roi_table_region(name="rois", description=name, region=region)
        fluorescence.create_roi_response_series(
            name=name, data=data, rois=rois, unit="lumens", timestamps=times
        )
    module.add(
        TimeSeries(name="residuals", description="-", data=truth["YrA"].T, timestamps=times, unit="NA")
    )
    picture = GrayscaleImage(name="local_correlations", data=truth["Cn"])
    module.add(Images(name="summary_images", images=[picture]))
    with pynwb.NWBHDF5IO(path, "w") as file:
        file.write(nwb)
    return path


def test_cells_lie_where_they_are_and_traces_are_what_they_are(tmp_path, truth):
    recording = read_nwb(write(tmp_path / "a.nwb", truth), ALL)
    assert open_recording(tmp_path / "a.nwb", ALL) == recording
    np.testing.assert_allclose(recording.rois.footprints.toarray().reshape(K, H, W), truth["A"])
    np.testing.assert_allclose(recording.traces["raw"].values, truth["C"] + truth["YrA"], rtol=1e-5)
    np.testing.assert_allclose(recording.traces["denoised"].values, truth["C"], rtol=1e-6)
    np.testing.assert_allclose(recording.images["local_correlation"], truth["Cn"], rtol=1e-6)
    assert recording.frame_rate == pytest.approx(15.0) and list(recording.traces) == ["raw", "denoised"]
    np.testing.assert_array_equal(recording.rois.quality["snr"], np.arange(K))
    assert recording.rois.quality.keys() == {"snr", "spatial_correlation", "cnn_probability"}
    assert any("no background" in note for note in recording.log[0].notes)


@pytest.mark.parametrize(
    ("flags", "cells"),
    [
        ({}, [0, 2, 3]),
        ({"rejected": (0, 0, 0, 1)}, [0, 2]),
        ({"accepted": (0, 1, 0, 0), "rejected": (1, 0, 0, 0)}, [1, 2, 3]),
        ({"keep": None}, [0, 1, 2, 3]),
        ({"keep": None, "rejected": (0, 1, 0, 0)}, [0, 2, 3]),
    ],
)
def test_what_caiman_kept_and_nobody_rejected_is_a_cell(tmp_path, truth, flags, cells):
    assert read_nwb(write(tmp_path / "a.nwb", truth, **flags)).roi_ids.tolist() == cells


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("residuals/data", np.ones((T, K - 1)), "residuals/data: is of 3 cells, not 4"),
        ("ImageSegmentation/PlaneSegmentation/image_mask", np.ones((2, H, W)), "does not hold the 4 cells"),
        ("ImageSegmentation/PlaneSegmentation/image_mask", np.ones((5, H * W)), "a picture a cell"),
        ("ImageSegmentation/PlaneSegmentation/keep", np.ones(2), "keep: has 2 rows"),
        ("ImageSegmentation/PlaneSegmentation/snr", np.ones((5, 2)), "snr: has 5 rows"),
        ("Fluorescence/RoiResponseSeries/data", np.array([b"x"]), "must be a table of numbers"),
    ],
)
def test_fields_that_do_not_fit_are_named(tmp_path, truth, field, value, message):
    path = write(tmp_path / "a.nwb", truth)
    with h5py.File(path, "r+") as file:
        del file[f"processing/ophys/{field}"]
        file[f"processing/ophys/{field}"] = value
    with pytest.raises(ReadError, match=message):
        read_nwb(path)
