"""Label images: read, and linked to rows by label or by order, whichever is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.io.errors import ReadError
from napari_calcium.io.labels import link_labels, read_image, read_labels
from napari_calcium.recording import LogEntry, Recording, Trace


def image_of(labels: list[int], size: int = 4) -> np.ndarray:
    """A label image with one square for each label, side by side in the given order."""
    image = np.zeros((size + 2, (size + 1) * len(labels) + 1), np.uint16)
    for k, label in enumerate(labels):
        image[1 : 1 + size, 1 + k * (size + 1) : 1 + k * (size + 1) + size] = label
    return image


def recording(n_rois: int, *, names: tuple[str, ...] = (), ids: list[int] | None = None) -> Recording:
    values = np.random.default_rng(0).random((n_rois, 50), np.float32)
    return Recording(
        name="r",
        roi_ids=np.arange(n_rois) if ids is None else np.array(ids),
        frame_rate=10.0,
        traces={"raw": Trace(values, "a.u.")},
        cell_names=names,
    )


def centre_x(linked: Recording, roi_id: int) -> float:
    assert linked.rois is not None
    row = int(np.flatnonzero(linked.rois.ids == roi_id)[0])
    return float(linked.rois.centroids[row, 1])


# Linking


def test_by_order_when_cells_have_no_numbers():
    linked = link_labels(recording(3), image_of([10, 30, 20]))
    assert linked.rois is not None and "by order" in linked.log[-1].notes[0]
    assert_array_equal(linked.rois.ids, [0, 1, 2])
    assert_array_equal(linked.rois.labels, [10, 20, 30])
    assert centre_x(linked, 0) < centre_x(linked, 2) < centre_x(linked, 1)
    assert linked.log[-1].stage == "rois" and linked.log[-1].settings == {"by": "order"}


def test_by_label_when_names_carry_the_labels():
    linked = link_labels(recording(3, names=("Mean3", "Mean1", "Mean2")), image_of([1, 2, 3]))
    assert linked.rois is not None and "by label" in linked.log[-1].notes[0]
    assert_array_equal(linked.rois.ids, [0, 1, 2])
    assert_array_equal(linked.rois.labels, [3, 1, 2])
    assert centre_x(linked, 1) < centre_x(linked, 2) < centre_x(linked, 0)


def test_by_label_when_ids_are_the_files_own_numbers():
    linked = link_labels(recording(3, ids=[20, 30, 10]), image_of([10, 20, 30]))
    assert linked.rois is not None
    assert_array_equal(linked.rois.ids, [20, 30, 10])
    assert centre_x(linked, 10) < centre_x(linked, 20) < centre_x(linked, 30)


def test_by_label_leaves_cells_without_a_place():
    linked = link_labels(recording(4, names=("ROI 1", "ROI 2", "ROI 3", "ROI 9")), image_of([1, 9]))
    assert linked.rois is not None
    assert_array_equal(linked.rois.ids, [0, 3])
    assert "2 cells have no label and so no place: ROI 2, ROI 3" in linked.log[-1].notes[1]
    assert linked.n_rois == 4


def test_names_that_count_from_zero_are_no_labels():
    linked = link_labels(recording(3, names=("C00", "C01", "C02")), image_of([1, 2, 3]))
    assert linked.log[-1].settings == {"by": "order"}
    with pytest.raises(ReadError, match="2 labels but there are 3 rows"):
        link_labels(recording(3, names=("C00", "C01", "C02")), image_of([1, 2]))
    chosen = link_labels(recording(3, names=("C00", "C01", "C02")), image_of([1, 2]), by="label")
    assert chosen.rois is not None
    assert_array_equal(chosen.rois.ids, [1, 2])


def test_order_can_be_insisted_on():
    linked = link_labels(recording(3, ids=[30, 20, 10]), image_of([10, 20, 30]), by="order")
    assert linked.rois is not None
    assert centre_x(linked, 30) < centre_x(linked, 20) < centre_x(linked, 10)


def test_counts_that_differ_name_both():
    with pytest.raises(ReadError, match="has 2 labels but there are 3 rows"):
        link_labels(recording(3), image_of([1, 2]))
    with pytest.raises(ReadError, match="0 labels but there are 3 rows"):
        link_labels(recording(3), np.zeros((5, 5), int))


def test_labels_of_nobody_are_named():
    with pytest.raises(ReadError, match=r"1 of 3 labels belong to none of the 3 rows \(labels 7\)"):
        link_labels(recording(3, names=("a1", "a2", "a3")), image_of([1, 2, 7]), by="label")
    with pytest.raises(ReadError, match="2 of 2 labels"):
        link_labels(recording(2, names=("a1", "b1")), image_of([1, 2]), by="label")


def test_no_rows_and_no_labels_fit():
    linked = link_labels(recording(0), np.zeros((5, 5), int))
    assert linked.rois is not None and len(linked.rois) == 0


def test_linking_anew_replaces_and_leaves_the_input():
    start = recording(2)
    image = image_of([1, 2])
    image.flags.writeable = False
    once = link_labels(start, image)
    twice = link_labels(once, image_of([2, 1]))
    assert start.rois is None and [entry.stage for entry in twice.log] == ["rois"]
    assert centre_x(twice, 0) > centre_x(twice, 1)


def test_traces_and_their_log_stay():
    entry = LogEntry("read", {}, writes=("traces/raw",))
    start = recording(2).replace(log=(entry,))
    linked = link_labels(start, image_of([1, 2]))
    assert linked.log[0] == entry and linked.traces["raw"] is start.traces["raw"]


@settings(max_examples=40, deadline=None)
@given(st.permutations(list(range(1, 7))), st.permutations(list(range(6))))
def test_permuting_rows_permutes_ids_only(order: list[int], rows: list[int]):
    names = tuple(f"cell {label}" for label in order)
    image = image_of([3, 1, 2, 6, 5, 4])
    linked = link_labels(recording(6, names=names), image)
    turned = link_labels(recording(6, names=tuple(names[k] for k in rows)), image)
    places = {name: centre_x(linked, k) for k, name in enumerate(names)}
    assert places == {names[k]: centre_x(turned, n) for n, k in enumerate(rows)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_pixels_are_those_of_the_label(seed: int, n: int):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, n + 1, (13, 11)) * 7
    labels = np.unique(image[image > 0])
    linked = link_labels(recording(len(labels)), image)
    assert linked.rois is not None
    for row, label in enumerate(labels):
        y, x = linked.rois.pixels(row)
        assert_array_equal(np.sort(y * 11 + x), np.flatnonzero(image.ravel() == label))


# Reading


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "uint32", "float32", "bool", ">u2"])
def test_label_images_of_any_type(tmp_path: Path, dtype: str):
    image = image_of([1, 1]) if dtype == "bool" else image_of([3, 200])
    tifffile.imwrite(tmp_path / "labels.tif", image.astype(dtype))
    labels = read_labels(tmp_path / "labels.tif")
    assert labels.dtype == np.int64
    assert_array_equal(labels, image)


def test_label_image_written_as_a_stack_of_one(tmp_path: Path):
    tifffile.imwrite(tmp_path / "labels.tif", image_of([3, 5])[None, None], imagej=True, compression="zlib")
    assert_array_equal(read_labels(tmp_path / "labels.tif"), image_of([3, 5]))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 8, 9), np.uint16), "shape 4 × 8 × 9; a label image is one plane"),
        (np.full((8, 9), 0.5, np.float32), "got fractions"),
        (np.full((8, 9), np.nan, np.float32), "got fractions"),
        (np.full((8, 9), -1, np.int16), "got -1 to -1"),
        (np.zeros((8, 9, 3), np.uint8), "colour image"),
    ],
)
def test_what_is_no_label_image(tmp_path: Path, image: np.ndarray, message: str):
    photometric = "rgb" if image.shape[-1] == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "labels.tif", image, photometric=photometric)
    with pytest.raises(ReadError, match=message) as caught:
        read_labels(tmp_path / "labels.tif")
    assert str(caught.value).startswith("labels.tif: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"no tiff", b"II*\x00\xff\xff\xff\x00", b"II*\x00\x08\x00\x00\x00" + b"\xff" * 40]
)
def test_what_is_no_tiff(tmp_path: Path, data: bytes, capfd: pytest.CaptureFixture[str]):
    (tmp_path / "labels.tif").write_bytes(data)
    with pytest.raises(ReadError, match=r"labels\.tif: "):
        read_labels(tmp_path / "labels.tif")
    with pytest.raises(ReadError, match=r"none\.tif: cannot be opened"):
        read_labels(tmp_path / "none.tif")
    assert capfd.readouterr().err == ""


def test_pictures_are_read_as_float(tmp_path: Path):
    picture = np.random.default_rng(0).random((8, 9)).astype(np.float32)
    tifffile.imwrite(tmp_path / "mean.tif", picture)
    assert_array_equal(read_image(tmp_path / "mean.tif"), picture)
    colours = np.random.default_rng(0).integers(0, 255, (8, 9, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "colour.tif", colours, photometric="rgb")
    assert_allclose(read_image(tmp_path / "colour.tif"), colours.mean(-1), rtol=1e-6)
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((5, 8, 9), np.uint8), photometric="minisblack")
    with pytest.raises(ReadError, match="give the mean image"):
        read_image(tmp_path / "stack.tif")
