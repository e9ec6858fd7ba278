from __future__ import annotations

import json
import shutil

import numcodecs
import numpy as np
import pytest
import zarr

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.minian import find_minian, read_minian
from napari_calcium.io.opening import open_recording
from napari_calcium.io.zarr2 import ZarrArray

N, T, H, W = 5, 210, 9, 8
UNITS = np.array([3, 4, 7, 8, 12])


def store(folder, name, values, dimensions, *, chunks=None, compressor=None, units=UNITS):
    """As xarray writes a variable, by zarr itself."""
    group = zarr.open_group(folder / f"{name}.zarr", mode="w", zarr_format=2)
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=chunks or values.shape,
        dtype=values.dtype,
        compressors=compressor or numcodecs.Blosc(),
        config={"write_empty_chunks": False},
        fill_value=0,
    )
    array[:] = values
    array.attrs["_ARRAY_DIMENSIONS"] = dimensions
    if "unit_id" in dimensions:
        ids = group.create_array("unit_id", shape=units.shape, chunks=units.shape, dtype=units.dtype)
        ids[:] = units
        ids.attrs["_ARRAY_DIMENSIONS"] = ["unit_id"]


@pytest.fixture
def made(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "mouse" / "minian"
    folder.mkdir(parents=True)
    footprints = np.zeros((N, H, W))
    for k in range(N):
        footprints[k, k : k + 3, k : k + 2] = rng.random((3, 2)) + 0.1
    traces = {name: rng.random((N, T)) for name in ("C", "S", "YrA")}
    store(folder, "A", footprints, ["unit_id", "height", "width"], chunks=(2, 5, 3))
    for name, values in traces.items():
        store(folder, name, values, ["unit_id", "frame"], chunks=(2, 100))
    store(folder, "max_proj", rng.random((H, W)), ["height", "width"])
    times = "".join(f"{k},{50 * k},0\n" for k in range(T))
    (folder.parent / "timeStamps.csv").write_text("Frame Number,Time Stamp (ms),Buffer Index\n" + times)
    return folder, footprints, traces


def test_everything_is_read(made):
    folder, footprints, traces = made
    recording = open_recording(folder)
    assert recording.name == "mouse" and recording.roi_ids.tolist() == UNITS.tolist()
    assert recording.frame_rate == pytest.approx(20, rel=1e-3)
    for name, ours in (("YrA", "raw"), ("C", "denoised"), ("S", "spikes")):
        np.testing.assert_array_equal(recording.traces[ours].values, traces[name].astype(np.float32))
    np.testing.assert_array_equal(
        recording.rois.footprints.toarray().reshape(N, H, W), footprints.astype(np.float32)
    )
    assert recording.images["max_projection"].shape == (H, W)
    assert find_minian(folder / "A.zarr") == folder


def test_axes_go_by_their_names(made):
    folder, footprints, traces = made
    store(folder, "C", traces["C"].T, ["frame", "unit_id"])
    store(folder, "A", footprints.transpose(2, 0, 1), ["width", "unit_id", "height"], chunks=(3, 2, 4))
    recording = read_minian(folder)
    np.testing.assert_array_equal(recording.traces["denoised"].values, traces["C"].astype(np.float32))
    np.testing.assert_array_equal(
        recording.rois.footprints.toarray().reshape(N, H, W), footprints.astype(np.float32)
    )


def test_footprints_go_by_unit_id(made):
    folder, footprints, _ = made
    turned = np.array([3, 0, 4, 1, 2])
    store(folder, "A", footprints[turned], ["unit_id", "height", "width"], units=UNITS[turned])
    rois = read_minian(folder).rois
    np.testing.assert_array_equal(rois.footprints.toarray().reshape(N, H, W), footprints.astype(np.float32))
    store(folder, "A", footprints[:3], ["unit_id", "height", "width"], units=UNITS[:3])
    with pytest.raises(ReadError, match=r"A\.zarr: does not hold every cell"):
        read_minian(folder)


def test_without_the_optional_parts(made):
    import shutil

    folder = made[0]
    for name in ("S.zarr", "YrA.zarr", "max_proj.zarr", "C.zarr/unit_id", "A.zarr/unit_id"):
        shutil.rmtree(folder / name)
    (folder.parent / "timeStamps.csv").unlink()
    recording = read_minian(folder)
    assert list(recording.traces) == ["denoised"] and recording.frame_rate is None
    assert recording.roi_ids.tolist() == list(range(N)) and not recording.images
    assert read_minian(folder, CsvSettings(frame_rate=30)).frame_rate == 30


@pytest.mark.parametrize("codec", [numcodecs.Zstd(), numcodecs.Zlib(), numcodecs.LZ4(), numcodecs.GZip()])
def test_any_codec_that_only_unpacks(made, codec):
    folder, _, traces = made
    store(folder, "C", traces["C"], ["unit_id", "frame"], chunks=(3, 64), compressor=codec)
    np.testing.assert_array_equal(
        read_minian(folder).traces["denoised"].values, traces["C"].astype(np.float32)
    )


def change(folder, name, **changes):
    path = folder / f"{name}.zarr" / name / ".zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compressor": {"id": "pickle"}}, "compressor is not known"),
        ({"filters": [{"id": "pickle"}]}, "only plain numbers"),
        ({"dtype": "|O"}, "only plain numbers"),
        ({"zarr_format": 3}, "only plain numbers"),
        ({"shape": [10**7, 10**7]}, "declares .* of which the folder holds"),
        ({"chunks": [10**9, 10**9]}, "in chunks of"),
        ({"chunks": [0, 100]}, "in chunks of"),
        ({"chunks": [2, 50]}, "the chunk is damaged"),
        ({"shape": "many"}, "is damaged"),
        ({"shape": [5, -210]}, "declares shape"),
    ],
)
def test_arrays_that_are_not_what_they_claim(made, changes, message):
    change(made[0], "C", **changes)
    with pytest.raises(ReadError, match=rf"C\.zarr.*{message}") as caught:
        read_minian(made[0])
    assert "\n" not in str(caught.value)


def test_a_huge_field_is_refused(made):
    change(made[0], "A", shape=[N, 10**6, 10**6])
    with pytest.raises(ReadError, match=r"A\.zarr: declares 5 units in a field of 1000000 × 1000000"):
        read_minian(made[0])


def test_wrong_axes_are_named(made):
    folder, _, traces = made
    store(folder, "YrA", traces["C"], ["unit_id", "time"])
    with pytest.raises(ReadError, match=r"YrA\.zarr: must have the axes unit_id, frame, got unit_id, time"):
        read_minian(folder)


def test_no_folder_of_minian(tmp_path):
    assert find_minian(tmp_path) is None
    with pytest.raises(ReadError, match="no folder of Minian"):
        read_minian(tmp_path)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("separator", [".", "/"])
def test_arrays_as_zarr_writes_them(tmp_path, order, separator):
    values = np.arange(7 * 5, dtype=">i4").reshape(7, 5)
    array = zarr.create_array(
        tmp_path / "a",
        shape=values.shape,
        chunks=(3, 2),
        dtype=values.dtype,
        zarr_format=2,
        order=order,
        compressors=None,
        chunk_key_encoding={"name": "v2", "separator": separator},
    )
    array[:] = values
    np.testing.assert_array_equal(ZarrArray.open(tmp_path / "a", "a").whole(), values)


@pytest.mark.parametrize("file", ["C.zarr/C/.zarray", "C.zarr/C/0.0", "A.zarr/A/.zattrs", "A.zarr/A/0.0.0"])
def test_damaged_files_do_no_harm(made, check_reader, file):
    check_reader(made[0] / file, lambda: read_minian(made[0]), 60)


def test_zarr_of_version_3_is_told_of_in_one_line(made):
    folder, _, traces = made
    shutil.rmtree(folder / "C.zarr")
    group = zarr.open_group(folder / "C.zarr", mode="w", zarr_format=3)
    group.create_array("C", data=traces["C"])
    with pytest.raises(ReadError, match=r"C\.zarr: is of zarr version 3.*zarr_format=2") as told:
        open_recording(folder)
    assert "\n" not in str(told.value)
