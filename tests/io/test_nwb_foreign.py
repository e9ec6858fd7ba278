"""Files that pynwb writes in the ways of other programs."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.nwb import read_nwb
from napari_calcium.io.opening import open_recording

N, T, H, W = 4, 60, 9, 12


@pytest.fixture
def values():
    return np.random.default_rng(0).random((N, T)).astype(np.float32)


def masks():
    """A block of 2 × 3 pixels a cell, as (y, x, weight)."""
    cells = []
    for k in range(N):
        y, x = np.meshgrid([k, k + 1], [2 * k, 2 * k + 1, 2 * k + 2], indexing="ij")
        cells.append(list(zip(y.ravel().tolist(), x.ravel().tolist(), [0.5] * 6, strict=True)))
    return cells


def dense():
    images = np.zeros((N, H, W), np.float32)
    for image, cell in zip(images, masks(), strict=True):
        for y, x, weight in cell:
            image[y, x] = weight
    return images


def write(
    path,
    series,
    *,
    mask="pixel_mask",
    y_first=False,
    rate=30.03,
    times=None,
    columns=(),
    image=True,
    ids=None,
    description="a session",
):
    """Write series: (interface, name, data (time, cells), unit, more)."""
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.base import Images
    from pynwb.image import GrayscaleImage
    from pynwb.ophys import (
        DfOverF,
        Fluorescence,
        ImageSegmentation,
        OpticalChannel,
        RoiResponseSeries,
    )

    start = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    nwb = NWBFile(session_description=description, identifier="x", session_start_time=start)
    plane = nwb.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=OpticalChannel(name="c", description="d", emission_lambda=520.0),
        description="d",
        device=nwb.create_device(name="scope"),
        excitation_lambda=920.0,
        indicator="GCaMP6s",
        location="V1",
    )
    segmentation = ImageSegmentation()
    table = segmentation.create_plane_segmentation(
        name="PlaneSegmentation", description="d", imaging_plane=plane
    )
    for k, cell in enumerate(masks()):
        where = {} if ids is None else {"id": ids[k]}
        if mask == "pixel_mask":
            pixels = [(y, x, w) if y_first else (x, y, w) for y, x, w in cell]
            table.add_roi(pixel_mask=pixels, **where)
        else:
            table.add_roi(image_mask=dense()[k] if y_first else dense()[k].T, **where)
    for name, data in columns:
        table.add_column(name=name, description="d", data=data)
    ophys = nwb.create_processing_module("ophys", "d")
    ophys.add(segmentation)
    if image:
        picture = np.arange(H * W, dtype=np.float32).reshape(H, W)
        picture = GrayscaleImage(name="meanImg", data=picture if y_first else picture.T)
        ophys.add(Images(name="Backgrounds_0", images=[picture]))
    clock = {"rate": rate} if times is None else {"timestamps": times}
    for interface, name, data, unit, more in series:
        if interface not in ophys.data_interfaces:
            make = DfOverF if interface == "DfOverF" else Fluorescence
            ophys.add(make(name=interface))
        region = table.create_roi_table_region(region=list(range(N)), description="all")
        ophys[interface].add_roi_response_series(
            RoiResponseSeries(name=name, data=data, rois=region, unit=unit, **clock, **more)
        )
    with NWBHDF5IO(str(path), "w") as file:
        file.write(nwb)


@pytest.mark.parametrize("mask", ["pixel_mask", "image_mask"])
@pytest.mark.parametrize("image", [True, False])
def test_as_the_standard_says(tmp_path, values, mask, image):
    path = tmp_path / "mouse.nwb"
    series = [
        ("Fluorescence", "RoiResponseSeries", values.T, "n.a.", {}),
        ("Fluorescence", "Neuropil", values.T + 1, "n.a.", {}),
        ("Fluorescence", "Deconvolved", values.T + 2, "n.a.", {}),
        ("DfOverF", "Dff", values.T + 3, "n.a.", {}),
    ]
    write(path, series, mask=mask, image=image, ids=[10, 11, 13, 17])
    recording = open_recording(path)
    assert recording.roi_ids.tolist() == [10, 11, 13, 17] and recording.frame_rate == 30.03
    for k, name in enumerate(["raw", "neuropil", "spikes", "dff"]):
        np.testing.assert_array_equal(recording.traces[name].values, values + np.float32(k))
        assert recording.traces[name].unit == ("ΔF/F" if name == "dff" else "a.u.")
    height, width = recording.rois.shape
    np.testing.assert_array_equal(
        recording.rois.footprints.toarray().reshape(N, height, width), dense()[:, :height, :width]
    )
    if image:
        assert (height, width) == (H, W)
        np.testing.assert_array_equal(
            recording.images["mean"], np.arange(H * W, dtype=np.float32).reshape(H, W)
        )


def turned_masks(path, places, bright, *, exchanged):
    """Replace masks and image of a file: one bright cell of 4 × 6 pixels a place, on uneven light."""
    height, width = 60, 80
    image = np.add.outer(np.arange(height), 0.5 * np.arange(width))
    rows = []
    for y, x in places:
        image[y : y + 4, x : x + 6] += bright
        rows += [(a, b) for a in range(y, y + 4) for b in range(x, x + 6)]
    mask = np.zeros(len(rows), [("x", "<u4"), ("y", "<u4"), ("weight", "<f4")])
    names = ("x", "y") if exchanged else ("y", "x")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        mask[name] = values
    mask["weight"] = 1
    change(path, TABLE, "pixel_mask", mask)
    change(path, TABLE, "pixel_mask_index", 24 * np.arange(1, N + 1))
    change(path, "processing/ophys/Backgrounds_0", "meanImg", image.T.astype(np.float32))


INSIDE = [(5, 30), (10, 48), (40, 8), (50, 20)]
OUTSIDE = [(5, 70), *INSIDE[1:]]


@pytest.mark.parametrize(
    ("places", "bright", "exchanged", "turned"),
    [
        (INSIDE, 60, True, True),
        (INSIDE, 60, False, False),
        (INSIDE, 0, True, False),  # nothing tells, so it is read as the standard says
        (INSIDE, 0, False, False),
        (OUTSIDE, 0, True, True),
        (OUTSIDE, 60, False, False),
    ],
)
def test_masks_that_fit_the_image_only_when_exchanged_are_turned(
    tmp_path, values, places, bright, exchanged, turned
):
    path = tmp_path / "neuroconv.nwb"
    write(path, [("Fluorescence", "RoiResponseSeries", values.T, "n.a.", {})])
    turned_masks(path, places, bright, exchanged=exchanged)
    recording = read_nwb(path)
    assert any("turned" in note for note in recording.log[0].notes) == turned
    y, x = (int(axis.min()) for axis in recording.rois.pixels(1))
    assert (y, x) == (places[1] if turned or not exchanged else places[1][::-1])


@pytest.mark.parametrize("mask", ["pixel_mask", "image_mask"])
def test_suite2p_writes_y_first(tmp_path, values, mask):
    path = tmp_path / "ophys.nwb"
    series = [
        ("Fluorescence", "Fluorescence", values.T, "lumens", {}),
        ("Neuropil", "Neuropil", values.T * 2, "lumens", {}),
        ("Deconvolved", "Deconvolved", values.T * 3, "lumens", {}),
    ]
    iscell = np.array([[1, 0.9], [0, 0.2], [1, 0.8], [1, 0.7]])
    write(path, series, mask=mask, y_first=True, columns=[("iscell", iscell)], description="suite2p_proc")
    recording = read_nwb(path, CsvSettings(rejected_cells="keep"))
    assert set(recording.traces) == {"raw", "neuropil", "spikes"}
    assert recording.rois.shape == (H, W) and recording.rois.accepted.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(recording.rois.footprints.toarray().reshape(N, H, W), dense())
    assert recording.images["mean"].shape == (H, W)
    assert read_nwb(path).roi_ids.tolist() == [0, 2, 3]


@pytest.mark.parametrize(("column", "flags"), [("Accepted", [1, 0, 1, 1]), ("rejected", [0, 1, 0, 0])])
def test_the_choice_of_cells_and_measures(tmp_path, values, column, flags):
    path = tmp_path / "a.nwb"
    series = [("Fluorescence", "RoiResponseSeries", values.T, "n.a.", {})]
    write(path, series, columns=[(column, flags), ("snr", [1.0, 2.0, 3.0, 4.0])])
    recording = read_nwb(path, CsvSettings(rejected_cells="keep"))
    assert recording.rois.accepted.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(recording.rois.quality["snr"], [1, 2, 3, 4])


def test_percent_conversion_and_offset(tmp_path, values):
    path = tmp_path / "a.nwb"
    more = {"conversion": 2.0, "offset": 10.0}
    write(path, [("DfOverF", "RoiResponseSeries", values.T * 100, "percent", more)])
    recording = read_nwb(path)
    np.testing.assert_allclose(recording.traces["dff"].values, 2 * values + 0.1, rtol=1e-5)


def test_times_in_place_of_a_rate(tmp_path, values):
    path = tmp_path / "a.nwb"
    series = [("Fluorescence", "RoiResponseSeries", values.T, "n.a.", {})]
    write(path, series, times=np.arange(T) / 15.0)
    assert read_nwb(path).frame_rate == pytest.approx(15.0, rel=1e-3)
    assert read_nwb(path, CsvSettings(frame_rate=7.5)).frame_rate == 7.5


def test_a_row_a_cell_against_the_standard(tmp_path, values):
    path = tmp_path / "a.nwb"
    write(path, [("Fluorescence", "RoiResponseSeries", values.T, "n.a.", {})])
    import h5py

    with h5py.File(path, "r+") as file:
        place = file["processing/ophys/Fluorescence/RoiResponseSeries"]
        del place["data"]
        place["data"] = values
    recording = read_nwb(path)
    np.testing.assert_array_equal(recording.traces["raw"].values, values)
    assert any("against the standard" in note for note in recording.log[0].notes)


def test_no_traces(tmp_path):
    path = tmp_path / "a.nwb"
    write(path, [])
    with pytest.raises(ReadError, match=r"a\.nwb: processing: there are no traces"):
        read_nwb(path)


def change(path, where, name, data):
    import h5py

    with h5py.File(path, "r+") as file:
        attributes = dict(file[where][name].attrs)
        del file[where][name]
        file[where][name] = data
        file[where][name].attrs.update(attributes)


SERIES = "processing/ophys/Fluorescence/RoiResponseSeries"
TABLE = "processing/ophys/ImageSegmentation/PlaneSegmentation"


@pytest.mark.parametrize(
    ("where", "name", "data", "message"),
    [
        (SERIES, "rois", np.array([0, 1, 2, 9]), "rois: must name each of the plane's 4 cells once"),
        (SERIES, "rois", np.array([0, 1, 1, 2]), "once at most"),
        (SERIES, "data", np.ones((T, N + 1)), "has the shape"),
        (SERIES, "data", np.array(["a", "b"], "S1"), "must be a table of numbers"),
        (TABLE, "pixel_mask_index", np.array([6, 3, 18, 24]), "pixel_mask_index: does not fit"),
        (TABLE, "pixel_mask_index", np.array([6, 12, 18, 99]), "pixel_mask_index: does not fit"),
        (TABLE, "pixel_mask", np.ones(24), "must hold x, y and weight"),
    ],
)
def test_fields_that_do_not_fit_are_named(tmp_path, values, where, name, data, message):
    path = tmp_path / "a.nwb"
    write(path, [("Fluorescence", "RoiResponseSeries", values.T, "n.a.", {})])
    change(path, where, name, data)
    with pytest.raises(ReadError, match=message):
        read_nwb(path)


def test_damaged_files_do_no_harm(tmp_path, values, check_reader):
    path = tmp_path / "a.nwb"
    write(path, [("Fluorescence", "RoiResponseSeries", values.T, "n.a.", {})])
    check_reader(path, lambda: read_nwb(path), 80, seed=1)


@pytest.mark.parametrize("numbers", [[0, np.nan, 2, 3], [0, 0.5, 2, 3], [0, 1e300, 2, 3], [0, -np.inf, 2, 3]])
@pytest.mark.parametrize("place", ["PlaneSegmentation/id", "PlaneSegmentation/pixel_mask_index", "rois"])
def test_numbers_that_should_be_whole_and_are_not_are_named(tmp_path, values, place, numbers):
    import h5py

    path = tmp_path / "a.nwb"
    write(path, [("Fluorescence", "RoiResponseSeries", values.T, "n.a.", {})])
    series = "Fluorescence/RoiResponseSeries"
    field = f"processing/ophys/{series if place == 'rois' else 'ImageSegmentation'}/{place}"
    with h5py.File(path, "r+") as file:
        kept = dict(file[field].attrs)
        del file[field]
        file[field] = np.array(numbers)
        file[field].attrs.update(kept)
    with pytest.raises(ReadError, match=f"{place}: must hold whole numbers"):
        read_nwb(path)
