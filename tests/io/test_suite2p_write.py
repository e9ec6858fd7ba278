import numpy as np
import pytest

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.suite2p import read_suite2p, write_iscell
from napari_calcium.io.suite2p_write import write_suite2p
from napari_calcium.recording import Recording, Trace
from napari_calcium.rois import Rois


def recording(n=4, frames=120):
    rng = np.random.default_rng(0)
    image = np.zeros((24, 40), int)
    for k in range(n):
        image[2 + 5 * k : 6 + 5 * k, 3 + 8 * k : 9 + 8 * k] = k + 1
    rois = Rois.from_labels(image, ids=np.arange(n) * 3 + 5)
    rois = Rois(rois.ids, rois.footprints * 0.5, rois.shape, rois.labels, np.arange(n) % 2 == 0)
    traces = {
        name: Trace(rng.random((n, frames)).astype(np.float32), unit)
        for name, unit in (("raw", "a.u."), ("neuropil", "a.u."), ("spikes", "spikes/s"))
    }
    return Recording(
        "r", rois.ids, 15.0, traces, rois=rois, images={"mean": rng.random((24, 40)).astype(np.float32)}
    )


def test_what_is_written_is_read_back(tmp_path):
    given = recording()
    plane = write_suite2p(given, tmp_path)
    assert plane == tmp_path / "suite2p" / "plane0"
    back = read_suite2p(tmp_path, CsvSettings(rejected_cells="keep"))
    for name in ("raw", "neuropil", "spikes"):
        np.testing.assert_array_equal(back.traces[name].values, given.traces[name].values)
    np.testing.assert_array_equal(back.rois.footprints.toarray(), given.rois.footprints.toarray())
    np.testing.assert_array_equal(back.rois.accepted, given.rois.accepted)
    np.testing.assert_array_equal(back.images["mean"], given.images["mean"])
    assert back.frame_rate == 15.0
    write_iscell(back, tmp_path)


def test_the_files_are_what_suite2ps_window_reads(tmp_path):
    given = recording()
    plane = write_suite2p(given, tmp_path)
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    ops = np.load(plane / "ops.npy", allow_pickle=True).item()
    needed = {"ypix", "xpix", "lam", "med", "npix", "radius", "compact", "aspect_ratio", "skew", "std"}
    assert all(
        needed | {"footprint", "overlap", "soma_crop", "npix_soma", "npix_norm"} <= set(s) for s in stat
    )
    assert [s["roi_id"] for s in stat] == given.roi_ids.tolist()
    assert (ops["Ly"], ops["Lx"], ops["nframes"], ops["fs"]) == (24, 40, 120, 15.0)
    assert np.load(plane / "iscell.npy").shape == (4, 2)
    assert all(s["compact"] >= 1 and np.isfinite(s["skew"]) for s in stat)


def test_gaps_are_zeros_and_a_recording_without_neuropil_has_zeros_there(tmp_path):
    given = recording()
    raw = given.traces["raw"].values.copy()
    raw[1, 10:20] = np.nan
    given = given.replace(traces={"raw": Trace(raw, "a.u.")})
    plane = write_suite2p(given, tmp_path)
    assert np.isfinite(np.load(plane / "F.npy")).all()
    assert not np.load(plane / "Fneu.npy").any() and not np.load(plane / "spks.npy").any()


def test_nothing_that_is_there_is_overwritten(tmp_path):
    write_suite2p(recording(), tmp_path)
    before = (tmp_path / "suite2p" / "plane0" / "F.npy").read_bytes()
    with pytest.raises(ValueError, match="already"):
        write_suite2p(recording(), tmp_path)
    assert (tmp_path / "suite2p" / "plane0" / "F.npy").read_bytes() == before


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        write_suite2p(recording(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_lacking_is_said(tmp_path):
    given = recording()
    for changes, lacking in (
        ({"rois": None}, "ROIs"),
        ({"frame_rate": None}, "a frame rate"),
        ({"traces": {}}, "raw traces"),
    ):
        with pytest.raises(ValueError, match=f"takes {lacking}"):
            write_suite2p(given.replace(**changes), tmp_path)


def test_no_cells_are_a_folder_without_cells(tmp_path):
    empty = Recording(
        "r",
        np.empty(0, np.int64),
        10.0,
        {"raw": Trace(np.empty((0, 5)), "a.u.")},
        rois=Rois.from_labels(np.zeros((5, 6), int)),
    )
    plane = write_suite2p(empty, tmp_path)
    assert np.load(plane / "F.npy").shape == (0, 5)
    assert len(read_suite2p(plane).roi_ids) == 0
