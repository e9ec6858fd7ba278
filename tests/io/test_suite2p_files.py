"""Folders that suite2p itself wrote, of versions 0.14.6 and 1.1.0, and what suite2p says is in them.

Both are runs of ``suite2p.run_s2p`` on 439 frames of 64 × 72 pixels in two planes, simulated by this program
(seeds 0 and 1; the last volume has one plane only). Registered movies and files that repeat others are left
out to keep them small.
"""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.opening import open_recording
from napari_calcium.io.suite2p import read_suite2p, write_iscell
from napari_calcium.io.suite2p_write import write_suite2p
from napari_calcium.rois import Rois

FILES = Path(__file__).parent / "fixtures"
ALL = CsvSettings(rejected_cells="keep")


@pytest.fixture(params=["0.14", "1.1"])
def folder(request, tmp_path):
    with zipfile.ZipFile(FILES / f"suite2p_{request.param}.zip") as archive:
        archive.extractall(tmp_path / "mouse")
    return tmp_path / "mouse"


def numbers(folder, name):
    return np.load(folder / f"{name}.npy", allow_pickle=True)


def planes(folder):
    return sorted((folder / "suite2p").glob("plane*"))


def test_a_plane_is_read_as_suite2p_has_it(folder):
    for plane in planes(folder):
        recording = read_suite2p(plane, ALL)
        ops = numbers(plane, "ops").item()
        assert recording.frame_rate == ops["fs"] == 10.0
        assert recording.rois.shape == (ops["Ly"], ops["Lx"]) == (64, 72)
        for name, file in (("raw", "F"), ("neuropil", "Fneu"), ("spikes", "spks")):
            np.testing.assert_array_equal(recording.traces[name].values, numbers(plane, file))
        corrected = numbers(plane, "F") - np.float32(0.65) * numbers(plane, "Fneu")
        np.testing.assert_allclose(recording.traces["corrected"].values, corrected, rtol=1e-5, atol=1e-3)
        iscell = numbers(plane, "iscell")
        np.testing.assert_array_equal(recording.rois.accepted, iscell[:, 0] == 1)
        np.testing.assert_array_equal(recording.rois.quality["probability"], iscell[:, 1])
        for row, cell in enumerate(numbers(plane, "stat")):
            image = np.zeros((64, 72), np.float32)
            image[cell["ypix"], cell["xpix"]] = cell["lam"]
            own = recording.rois.footprints[[row]].toarray().reshape(64, 72)
            np.testing.assert_array_equal(own, image)
            assert recording.rois.quality["skew"][row] == pytest.approx(cell["skew"])
        np.testing.assert_array_equal(recording.images["mean"], ops["meanImg"].astype(np.float32))
        (top, bottom), (left, right) = ops["yrange"], ops["xrange"]
        part = recording.images["max_projection"][top:bottom, left:right]
        np.testing.assert_array_equal(part, ops["max_proj"].astype(np.float32))


def test_planes_joined_are_what_suite2p_combines(folder):
    recording = open_recording(folder, ALL)
    assert recording.name == "mouse" and recording.rois.shape == (64, 144)
    each = [read_suite2p(plane, ALL) for plane in planes(folder)]
    n = min(one.n_frames for one in each)
    raw = np.concatenate([one.traces["raw"].values[:, :n] for one in each])
    np.testing.assert_array_equal(recording.traces["raw"].values, raw)
    combined = folder / "suite2p" / "combined"
    if not combined.exists():
        return
    np.testing.assert_array_equal(recording.traces["raw"].values, numbers(combined, "F")[:, :n])
    np.testing.assert_array_equal(recording.rois.accepted, numbers(combined, "iscell")[:, 0] == 1)
    for row, cell in enumerate(numbers(combined, "stat")):
        y, x = recording.rois.pixels(row)
        assert set(zip(y.tolist(), x.tolist(), strict=True)) == set(
            zip(cell["ypix"].tolist(), cell["xpix"].tolist(), strict=True)
        )


def test_the_choice_of_cells_goes_back_to_its_planes(folder):
    recording = open_recording(folder, ALL)
    before = {path: path.read_bytes() for path in folder.rglob("*.npy") if path.name != "iscell.npy"}
    rois = recording.rois
    flags = np.arange(len(rois)) % 2 == 0
    other = Rois(rois.ids, rois.footprints, rois.shape, rois.labels, flags, rois.quality)
    write_iscell(recording.replace(rois=other), folder)
    there = np.concatenate([numbers(plane, "iscell")[:, 0] for plane in planes(folder)])
    np.testing.assert_array_equal(there, flags)
    np.testing.assert_array_equal(open_recording(folder, ALL).rois.accepted, flags)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_what_is_written_for_suite2p_has_what_its_loader_asks_for(folder, tmp_path):
    recording = open_recording(folder, ALL)
    plane = write_suite2p(recording, tmp_path / "ours")
    theirs = numbers(planes(folder)[0], "stat")[0]
    needed = {"ypix", "xpix", "lam", "med", "npix", "radius", "overlap", "skew", "compact", "aspect_ratio"}
    assert needed <= theirs.keys()
    assert all(needed <= cell.keys() for cell in numbers(plane, "stat"))
    assert {"Ly", "Lx", "fs", "meanImg", "yrange", "xrange"} <= numbers(plane, "ops").item().keys()
    back = read_suite2p(plane, ALL)
    for name in ("raw", "neuropil", "spikes"):
        np.testing.assert_array_equal(back.traces[name].values, recording.traces[name].values)
    np.testing.assert_array_equal(back.rois.footprints.toarray(), recording.rois.footprints.toarray())
    np.testing.assert_array_equal(back.rois.accepted, recording.rois.accepted)


def test_the_nwb_file_that_suite2p_made_of_a_plane_holds_the_same(tmp_path):
    """``suite2p.io.nwb.save_nwb`` of 1.1.0, of the first plane of the run of 1.1."""
    (tmp_path / "ophys.nwb").write_bytes(gzip.decompress((FILES / "suite2p_1.1.nwb.gz").read_bytes()))
    with zipfile.ZipFile(FILES / "suite2p_1.1.zip") as archive:
        archive.extractall(tmp_path)
    found = open_recording(tmp_path / "ophys.nwb", ALL)
    plane = read_suite2p(tmp_path / "suite2p" / "plane0", ALL)
    assert found.frame_rate == plane.frame_rate and found.pixel_size_um is None
    for name in ("raw", "neuropil", "spikes"):
        assert found.traces[name] == plane.traces[name]
    assert found.rois.shape == plane.rois.shape
    assert (found.rois.footprints != plane.rois.footprints).nnz == 0
    np.testing.assert_array_equal(found.rois.accepted, plane.rois.accepted)
    np.testing.assert_array_equal(found.images["mean"], plane.images["mean"])
    assert found.images.keys() == {"mean", "max_projection", "local_correlation"}
    # Its makers' microscope is not the user's.
    assert dict(found.session_facts) == {}
