"""Other programs' files from the command line, and told from one another by what is in them."""

from __future__ import annotations

import os
import shutil

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from napari_calcium.cli import app
from napari_calcium.io.errors import ReadError
from napari_calcium.io.nwb import read_nwb, save_nwb
from napari_calcium.io.opening import open_recording, reader_of
from napari_calcium.io.results_reading import read_results
from napari_calcium.simulate import demo_settings, simulate


@pytest.fixture(scope="module")
def sample():
    return simulate(demo_settings())


@pytest.fixture
def plane(tmp_path, sample):
    """A folder of suite2p of the sample, with every tenth ROI no cell."""
    folder = tmp_path / "mouse" / "suite2p" / "plane0"
    folder.mkdir(parents=True)
    raw = sample.raw.astype(np.float32)
    np.save(folder / "F.npy", raw)
    np.save(folder / "Fneu.npy", np.full_like(raw, 100))
    np.save(folder / "iscell.npy", np.column_stack([np.arange(len(raw)) % 10 > 0, np.ones(len(raw))]))
    stat = [
        {"ypix": y, "xpix": x, "lam": np.ones(len(y))} for y, x in map(sample.rois.pixels, range(len(raw)))
    ]
    np.save(folder / "stat.npy", np.array(stat, object))
    height, width = sample.rois.shape
    np.save(folder / "ops.npy", np.array({"Ly": height, "Lx": width, "fs": sample.frame_rate}, object))
    return folder


def call(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_inspect_says_what_a_folder_is(plane):
    result = call("inspect", plane.parent)
    assert result.exit_code == 0, result.output
    assert "108 cells" in result.output and "12 of 120 ROIs are marked as no cell" in result.output
    assert "corrected in a.u." in result.output and "written by suite2p" in result.output


def test_run_export_and_open_again(plane, tmp_path):
    result = call("run", plane, "-o", tmp_path / "out", "--no-figures", "--quiet")
    assert result.exit_code == 0, result.output
    done = read_results(tmp_path / "out")
    assert done.n_rois == 108 and done.events is not None
    baseline = next(entry for entry in done.log if entry.stage == "baseline")
    assert baseline.reads == ("traces/corrected",)
    assert call("export", tmp_path / "out", tmp_path / "out.nwb").exit_code == 0
    assert read_nwb(tmp_path / "out.nwb") == done
    again = call(
        "run", plane, "-o", tmp_path / "twice", "--no-figures", "--quiet", "--rejected-cells", "keep"
    )
    assert again.exit_code == 0 and read_results(tmp_path / "twice").n_rois == 120


def test_what_a_file_is_does_not_depend_on_its_name(sample, tmp_path):
    recording = sample.to_recording().replace(movie=None)
    save_nwb(recording, tmp_path / "a.nwb")
    shutil.copy(tmp_path / "a.nwb", tmp_path / "a.data")
    assert open_recording(tmp_path / "a.data") == recording
    with h5py.File(tmp_path / "b.hdf5", "w") as file:
        file["estimates/C"] = np.ones((2, 3))
    with pytest.raises(ReadError, match=r"b\.hdf5: dims"):
        open_recording(tmp_path / "b.hdf5")


def test_hdf5_of_nobody_is_one_line(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["data"] = np.ones(3)
    result = call("inspect", tmp_path / "x.h5")
    assert result.exit_code == 1 and "neither NWB nor CaImAn's" in result.output
    assert reader_of(tmp_path) is None


def test_a_damaged_file_is_one_line(tmp_path):
    (tmp_path / "a.nwb").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 300)
    result = call("inspect", tmp_path / "a.nwb")
    assert result.exit_code == 1 and "Traceback" not in result.output


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
@pytest.mark.parametrize("name", ["pipe.nwb", "pipe.csv", "pipe.tif", "pipe.mat", "pipe"])
def test_what_is_no_file_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ReadError, match=f"{name}: is neither a file nor a folder"):
        open_recording(tmp_path / name)
