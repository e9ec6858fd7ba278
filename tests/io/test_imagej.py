from __future__ import annotations

import zipfile

import numpy as np
import pytest
import roifile
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from napari_calcium.io.errors import ReadError
from napari_calcium.io.imagej import is_imagej_rois, link_imagej_rois, read_imagej_rois, write_imagej_rois
from napari_calcium.io.outlines import outlines, pixels_inside
from napari_calcium.io.positions import PositionSettings, add_positions
from napari_calcium.recording import Recording, Trace
from napari_calcium.rois import Rois

H, W = 12, 15


def mask_of(rois, row):
    return rois.footprints[[row]].toarray().reshape(rois.shape) > 0


def rois_of(masks):
    flat = np.asarray(masks).reshape(len(masks), -1)
    return Rois(np.arange(len(masks)), sparse.csr_array(flat.astype(np.float32)), masks[0].shape)


# Outlines and pixels


def inside_naively(path, shape):
    """Ray casting, pixel by pixel."""
    mask = np.zeros(shape, bool)
    for y in range(shape[0]):
        for x in range(shape[1]):
            for (ax, ay), (bx, by) in zip(path, np.roll(path, -1, axis=0), strict=True):
                if (ay > y + 0.5) != (by > y + 0.5):
                    mask[y, x] ^= ax + (y + 0.5 - ay) / (by - ay) * (bx - ax) > x + 0.5
    return mask


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-3, 18, width=16), st.floats(-3, 15, width=16)), min_size=1, max_size=7))
def test_pixels_inside_any_polygon(points):
    path = np.array(points)
    mask = np.zeros(H * W, bool)
    mask[pixels_inside([path], (H, W))] = True
    expected = inside_naively(path, (H, W))
    on_edge = inside_naively(path + 1e-9, (H, W)) != inside_naively(path - 1e-9, (H, W))
    assert ((mask.reshape(H, W) == expected) | on_edge).all()


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)))
def test_outlines_and_pixels_are_inverse(mask):
    again = np.zeros(mask.size, bool)
    again[pixels_inside(outlines(mask), mask.shape)] = True
    np.testing.assert_array_equal(again.reshape(mask.shape), mask)


def test_a_square_has_four_corners():
    (path,) = outlines(np.ones((3, 4), bool))
    assert sorted(path.tolist()) == [[0, 0], [0, 3], [4, 0], [4, 3]]
    assert outlines(np.zeros((2, 2), bool)) == []


# Reading what roifile writes


def roi(kind, left, top, right, bottom, **more):
    made = roifile.ImagejRoi()
    made.roitype, made.left, made.top, made.right, made.bottom = kind, left, top, right, bottom
    for name, value in more.items():
        setattr(made, name, value)
    return made


def save(path, *rois):
    with zipfile.ZipFile(path, "w") as archive:
        for k, one in enumerate(rois):
            archive.writestr(f"{k:04d}-0001.roi", one.tobytes())
    return path


def test_a_rectangle_is_exactly_its_pixels(tmp_path):
    save(tmp_path / "RoiSet.zip", roi(roifile.ROI_TYPE.RECT, 2, 3, 6, 5))
    rois, names = read_imagej_rois(tmp_path / "RoiSet.zip", (H, W))
    expected = np.zeros((H, W), bool)
    expected[3:5, 2:6] = True
    np.testing.assert_array_equal(mask_of(rois, 0), expected)
    assert names == ("0000-0001",) and rois.centroids[0].tolist() == [3.5, 3.5]


def test_a_polygon_on_corners_is_not_shifted_by_half_a_pixel(tmp_path):
    square = roifile.ImagejRoi.frompoints(np.array([[4, 2], [7, 2], [7, 9], [4, 9]]))
    square.roitype = roifile.ROI_TYPE.POLYGON
    square.tofile(tmp_path / "a.roi")
    rois, names = read_imagej_rois(tmp_path / "a.roi", (H, W))
    expected = np.zeros((H, W), bool)
    expected[2:9, 4:7] = True
    np.testing.assert_array_equal(mask_of(rois, 0), expected)
    assert names == ("a",)


def test_half_a_pixel_more_takes_no_pixel_and_a_little_more_does(tmp_path):
    for extra, right in ((0.5, 7), (0.6, 8)):
        points = np.array([[4, 2], [7 + extra, 2], [7 + extra, 9], [4, 9]], np.float32)
        roifile.ImagejRoi.frompoints(points).tofile(tmp_path / "a.roi")
        rois, _ = read_imagej_rois(tmp_path / "a.roi", (H, W))
        assert mask_of(rois, 0).any(axis=0).nonzero()[0].tolist() == list(range(4, right))


def test_an_oval_is_symmetric_and_has_its_area(tmp_path):
    save(tmp_path / "a.zip", roi(roifile.ROI_TYPE.OVAL, 1, 1, 11, 9))
    mask = mask_of(read_imagej_rois(tmp_path / "a.zip", (H, W))[0], 0)
    box = mask[1:9, 1:11]
    assert mask.sum() == box.sum() == pytest.approx(np.pi * 4 * 5, rel=0.06)
    np.testing.assert_array_equal(box, box[::-1])
    np.testing.assert_array_equal(box, box[:, ::-1])


def test_rois_may_overlap_and_reach_beyond_the_image(tmp_path):
    save(
        tmp_path / "a.zip",
        *[roi(roifile.ROI_TYPE.RECT, -2, 0, 3, 2), roi(roifile.ROI_TYPE.RECT, 1, 0, 99, 2)],
    )
    rois, _ = read_imagej_rois(tmp_path / "a.zip", (H, W))
    assert rois.areas.tolist() == [6, 28]
    rois, _ = read_imagej_rois(tmp_path / "a.zip")
    assert rois.shape == (2, 99)


# Writing


@settings(max_examples=40, deadline=None)
@given(masks=hnp.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6))))
def test_any_mask_comes_back(tmp_path_factory, masks):
    path = tmp_path_factory.mktemp("ij") / "RoiSet.zip"
    rois = rois_of(masks)
    filled = np.flatnonzero(rois.areas)
    assert write_imagej_rois(rois, path) == len(filled)
    if len(filled):
        again, names = read_imagej_rois(path, rois.shape)
        assert (again.footprints != rois.footprints[filled]).nnz == 0
        assert names == tuple(f"{k:04d}" for k in filled)
        assert is_imagej_rois(path)


def test_roifile_reads_what_is_written(tmp_path):
    mask = np.zeros((1, H, W), bool)
    mask[0, 2:5, 3:9] = True
    write_imagej_rois(rois_of(mask), tmp_path / "a.zip", ["cell/1"])
    (read,) = roifile.roiread(tmp_path / "a.zip")
    assert (read.left, read.top, read.right, read.bottom) == (3, 2, 9, 5) and read.name == "cell_1"
    assert sorted(read.coordinates().tolist()) == [[3, 2], [3, 5], [9, 2], [9, 5]]


def test_weights_become_a_choice_of_pixels(tmp_path):
    rois = Rois(np.array([7]), sparse.csr_array(np.array([[0.1, 0.4, 1.0]], np.float32)), (1, 3))
    write_imagej_rois(rois, tmp_path / "a.zip", threshold=0.3)
    assert read_imagej_rois(tmp_path / "a.zip", (1, 3))[0].areas.tolist() == [2]


def test_equal_names_are_told_apart(tmp_path):
    rois = rois_of(np.ones((3, 1, 1), bool))
    write_imagej_rois(rois, tmp_path / "a.zip", ["a", "a", "a"])
    assert read_imagej_rois(tmp_path / "a.zip")[1] == ("a", "a-2", "a-3")


# Linking


def test_rois_are_linked_by_order(tmp_path):
    recording = Recording("r", np.array([5, 9]), 10.0, {"raw": Trace(np.ones((2, 4), np.float32), "a.u.")})
    save(tmp_path / "a.zip", *[roi(roifile.ROI_TYPE.RECT, k, 0, k + 2, 3) for k in range(2)])
    linked = link_imagej_rois(recording, tmp_path / "a.zip", (H, W))
    assert linked.rois.ids.tolist() == [5, 9] and "linked by order" in linked.log[-1].notes[0]
    with pytest.raises(ReadError, match=r"a\.zip: has 2 ROIs but there are 1 rows"):
        link_imagej_rois(Recording("r", np.arange(1), 10.0), tmp_path / "a.zip")


def test_positions_take_them_with_the_size_of_the_image(tmp_path):
    recording = Recording("r", np.arange(2), 10.0, {"raw": Trace(np.ones((2, 4), np.float32), "a.u.")})
    save(tmp_path / "a.zip", *[roi(roifile.ROI_TYPE.RECT, k, 0, k + 2, 3) for k in range(2)])
    tifffile.imwrite(tmp_path / "mean.tif", np.zeros((H, W), np.float32))
    placed = add_positions(recording, PositionSettings(labels="a.zip", image="mean.tif"), tmp_path)
    assert placed.rois.shape == (H, W) == placed.images["mean"].shape
    assert add_positions(recording, PositionSettings(labels="a.zip"), tmp_path).rois.shape == (3, 3)


# Files that are not what they claim


def test_lines_and_points_are_named(tmp_path):
    save(tmp_path / "a.zip", roi(roifile.ROI_TYPE.RECT, 0, 0, 2, 2), roi(roifile.ROI_TYPE.LINE, 0, 0, 2, 2))
    with pytest.raises(ReadError, match=r"a\.zip: 0001-0001: is a line, not an area"):
        read_imagej_rois(tmp_path / "a.zip")


def test_other_files(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert not is_imagej_rois(path)
    with pytest.raises(ReadError, match=r"there is no \.roi"):
        read_imagej_rois(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ReadError, match="no ROI of ImageJ"):
        read_imagej_rois(path)
    with pytest.raises(ReadError, match=r"^b\.zip: "):
        read_imagej_rois(tmp_path / "b.zip")


def test_names_that_climb_out_of_the_zip_do_nothing(tmp_path):
    path = tmp_path / "in" / "a.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.roi", roi(roifile.ROI_TYPE.RECT, 0, 0, 2, 2).tobytes())
    assert read_imagej_rois(path)[1] == ("evil",)
    assert not list(tmp_path.rglob("evil*"))


def test_a_zip_that_declares_too_much_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_calcium.io.imagej._LARGEST_ZIP", 100)
    save(tmp_path / "a.zip", *[roi(roifile.ROI_TYPE.RECT, 0, 0, 2, 2)] * 2)
    with pytest.raises(ReadError, match="it is not opened"):
        read_imagej_rois(tmp_path / "a.zip")


@pytest.mark.parametrize("suffix", [".zip", ".roi"])
def test_damaged_files_do_no_harm(tmp_path, check_reader, suffix):
    mask = np.zeros((2, H, W), bool)
    mask[0, 2:5, 3:9] = mask[1, 1:9, 2:9] = True
    mask[1, 3:5, 4:6] = False
    path = tmp_path / "a.zip"
    write_imagej_rois(rois_of(mask), path)
    if suffix == ".roi":
        with zipfile.ZipFile(path) as archive:
            data = archive.read(archive.namelist()[1])
        path = tmp_path / "a.roi"
        path.write_bytes(data)
    check_reader(path, lambda: read_imagej_rois(path), 200)
