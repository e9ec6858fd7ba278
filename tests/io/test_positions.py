"""Positions and picture of the cells, added from files."""

import numpy as np
import pytest
import tifffile

from napari_calcium.io.errors import ReadError
from napari_calcium.io.positions import PositionSettings, add_positions
from napari_calcium.recording import Recording, Trace


@pytest.fixture
def recording():
    return Recording("two", np.arange(2), 5.0, {"raw": Trace(np.ones((2, 4)), "a.u.")})


@pytest.fixture
def folder(tmp_path):
    labels = np.zeros((8, 10), np.uint16)
    labels[1:3, 1:4], labels[5:7, 6:9] = 1, 2
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    mean = np.arange(80, dtype=np.float32).reshape(8, 10)
    tifffile.imwrite(tmp_path / "mean.tif", mean, imagej=True, resolution=(2.0, 2.0), metadata={"unit": "um"})
    tifffile.imwrite(tmp_path / "small.tif", mean[:4])
    return tmp_path


def test_without_files_nothing_changes(recording):
    assert add_positions(recording, PositionSettings()) is recording


def test_labels_image_and_pixel_size_come_from_the_files(recording, folder):
    found = add_positions(recording, PositionSettings(labels="labels.tif", image="mean.tif"), folder)
    np.testing.assert_allclose(found.rois.centroids, [[1.5, 2.0], [5.5, 7.0]])
    np.testing.assert_array_equal(found.images["mean"], np.arange(80).reshape(8, 10))
    assert found.pixel_size_um == pytest.approx(0.5)
    assert recording.rois is None


def test_what_was_added_is_in_the_log_and_adds_up(recording, folder):
    first = add_positions(recording, PositionSettings(labels="labels.tif", link="order"), folder)
    both = add_positions(first, PositionSettings(image="mean.tif"), folder)
    made = next(e for e in both.log if e.stage == "positions")
    assert PositionSettings.validated(dict(made.settings)) == PositionSettings(
        labels="labels.tif", image="mean.tif", link="order"
    )


def test_an_image_of_another_size_is_refused_with_both_sizes(recording, folder):
    with pytest.raises(ReadError, match=r"small.tif: .*4 × 10.*8 × 10"):
        add_positions(recording, PositionSettings(labels="labels.tif", image="small.tif"), folder)


@pytest.mark.parametrize("field", ["labels", "image"])
def test_a_missing_file_is_named(recording, folder, field):
    with pytest.raises((ReadError, OSError), match=r"nowhere\.tif"):
        add_positions(recording, PositionSettings(**{field: "nowhere.tif"}), folder)
