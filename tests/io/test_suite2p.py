from __future__ import annotations

import shutil

import numpy as np
import pytest

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.opening import open_recording
from napari_calcium.io.suite2p import find_suite2p, read_suite2p, write_iscell
from napari_calcium.pipeline import PipelineSettings, run

N, T, LY, LX = 5, 300, 20, 30
YRANGE, XRANGE = [2, 18], [3, 27]


def stat_of(rng):
    cells = []
    for k in range(N):
        y, x = np.meshgrid(np.arange(3 * k, 3 * k + 4), np.arange(5 * k, 5 * k + 6), indexing="ij")
        cells.append(
            {
                "ypix": y.ravel(),
                "xpix": x.ravel(),
                "lam": rng.random(24, dtype=np.float32) + 0.1,
                "med": [3 * k + 2, 5 * k + 3],
                "npix": 24,
                "overlap": np.zeros(24, bool),
                "snr": np.float64(k),
                "skew": np.float32(k + 0.5),
                "radius": 2.5,
            }
        )
    return cells


def write_plane(folder, *, version="0.14", rng=None, fs=15.0):
    """Write what suite2p writes, to the facts of its file formats."""
    rng = rng or np.random.default_rng(0)
    folder.mkdir(parents=True)
    arrays = {name: rng.random((N, T), dtype=np.float32) + 10 for name in ("F", "Fneu", "spks")}
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    np.save(folder / "iscell.npy", np.array([[1, 0.9], [0, 0.1], [1, 0.8], [1, 0.7], [0, 0.2]]))
    stat = stat_of(rng)
    np.save(folder / "stat.npy", np.array(stat, object))
    images = {"meanImg": rng.random((LY, LX), dtype=np.float32)}
    cropped = {"max_proj": rng.random((16, 24), dtype=np.float32)}
    where = {"yrange": YRANGE, "xrange": XRANGE}
    size = {"Ly": LY, "Lx": LX, "nframes": T, "nplanes": 1}
    if version == "0.14":
        ops = {**size, **images, **cropped, **where, "fs": fs, "neucoeff": 0.7, "save_path": "/stale"}
        np.save(folder / "ops.npy", np.array(ops, object))
    else:
        settings = {"fs": fs, "tau": 1.0, "extraction": {"neuropil_coefficient": 0.6}}
        contents = {
            "db": size,
            "settings": settings,
            "reg_outputs": images | where,
            "detect_outputs": cropped,
        }
        for name, content in contents.items():
            np.save(folder / f"{name}.npy", np.array(content, object))
    return arrays, stat, images | cropped


@pytest.fixture
def plane(tmp_path):
    folder = tmp_path / "mouse" / "suite2p" / "plane0"
    return folder, *write_plane(folder)


ALL = CsvSettings(rejected_cells="keep")


@pytest.mark.parametrize(("version", "coefficient"), [("0.14", 0.7), ("1.0", 0.6)])
def test_everything_is_read(tmp_path, version, coefficient):
    folder = tmp_path / "plane0"
    arrays, stat, images = write_plane(folder, version=version)
    recording = read_suite2p(folder, ALL)
    assert recording.frame_rate == 15.0 and recording.roi_ids.tolist() == list(range(N))
    traces = {name: trace.values for name, trace in recording.traces.items()}
    np.testing.assert_array_equal(traces["raw"], arrays["F"])
    np.testing.assert_array_equal(traces["neuropil"], arrays["Fneu"])
    np.testing.assert_array_equal(traces["spikes"], arrays["spks"])
    np.testing.assert_allclose(traces["corrected"], arrays["F"] - coefficient * arrays["Fneu"], rtol=1e-5)
    assert {trace.unit for trace in recording.traces.values()} == {"a.u."}
    rois = recording.rois
    assert rois.shape == (LY, LX) and rois.accepted.tolist() == [True, False, True, True, False]
    for k, one in enumerate(stat):
        dense = np.zeros((LY, LX), np.float32)
        dense[one["ypix"], one["xpix"]] = one["lam"]
        np.testing.assert_array_equal(rois.footprints[[k]].toarray().reshape(LY, LX), dense)
    np.testing.assert_array_equal(rois.quality["snr"], np.arange(N))
    np.testing.assert_array_equal(rois.quality["probability"], [0.9, 0.1, 0.8, 0.7, 0.2])
    np.testing.assert_array_equal(recording.images["mean"], images["meanImg"])
    placed = recording.images["max_projection"]
    np.testing.assert_array_equal(placed[2:18, 3:27], images["max_proj"])
    assert placed.shape == (LY, LX) and not placed[:2].any() and not placed[:, 27:].any()


def test_rois_that_are_no_cells_are_left_out_unless_asked_for(plane):
    recording = read_suite2p(plane[0])
    assert recording.roi_ids.tolist() == [0, 2, 3] == recording.rois.ids.tolist()
    assert any("2 of 5 ROIs" in note for note in recording.log[0].notes)
    np.testing.assert_array_equal(recording.traces["raw"].values, plane[1]["F"][[0, 2, 3]])


def test_what_was_resolved_reads_the_same_again(plane):
    first = read_suite2p(plane[0])
    assert read_suite2p(plane[0], CsvSettings.validated(dict(first.log[0].settings))) == first.replace(
        log=read_suite2p(plane[0], CsvSettings.validated(dict(first.log[0].settings))).log
    )


@pytest.mark.parametrize(
    "way", ["", "suite2p", "suite2p/plane0", "suite2p/plane0/F.npy", "suite2p/plane0/stat.npy"]
)
def test_any_path_to_it_will_do(plane, way):
    top = plane[0].parent.parent
    assert find_suite2p(top / way) == (plane[0],)
    assert open_recording(top / way).name == "mouse plane0"


def test_nothing_else_is_taken_for_suite2p(tmp_path):
    (tmp_path / "F.npy").write_bytes(b"")
    assert find_suite2p(tmp_path) == find_suite2p(tmp_path / "F.npy") == ()
    with pytest.raises(ReadError, match="no folder of suite2p"):
        read_suite2p(tmp_path)


def two_planes(plane, **more):
    folder = plane[0]
    arrays, stat, images = write_plane(folder.with_name("plane1"), rng=np.random.default_rng(9), **more)
    return folder.parent, arrays, stat, images


def test_planes_are_joined_side_by_side_in_the_order_of_their_numbers(plane):
    top, arrays, _, images = two_planes(plane)
    shutil.copytree(plane[0], top / "plane10")
    assert [folder.name for folder in find_suite2p(top)] == ["plane0", "plane1", "plane10"]
    shutil.rmtree(top / "plane10")
    recording = open_recording(top.parent, ALL)
    assert recording.name == "mouse"
    assert recording.rois.ids.tolist() == list(range(2 * N)) and recording.frame_rate == 15
    assert recording.rois.quality["plane"].tolist() == [0] * N + [1] * N
    for name, file in (("raw", "F"), ("neuropil", "Fneu"), ("spikes", "spks")):
        both = np.concatenate([plane[1][file], arrays[file]])
        np.testing.assert_array_equal(recording.traces[name].values, both)
    first, second = (read_suite2p(top / f"plane{k}", ALL) for k in (0, 1))
    assert recording.rois.shape == (LY, 2 * LX)
    halves = recording.images["mean"][:, :LX], recording.images["mean"][:, LX:]
    np.testing.assert_array_equal(halves[0], first.images["mean"])
    np.testing.assert_array_equal(halves[1], images["meanImg"])
    whole = recording.rois.footprints.toarray().reshape(2 * N, LY, 2 * LX)
    alone = second.rois.footprints.toarray().reshape(N, LY, LX)
    np.testing.assert_array_equal(whole[N:, :, LX:], alone)
    assert not whole[:N, :, LX:].any() and not whole[N:, :, :LX].any()
    assert "2 planes side by side" in " ".join(recording.log[0].notes)


def test_planes_stand_where_the_microscope_had_them(plane):
    top, *_ = two_planes(plane)
    for k, (dy, dx) in enumerate([(100, 50), (90, 95)]):
        ops = np.load(top / f"plane{k}" / "ops.npy", allow_pickle=True).item()
        np.save(top / f"plane{k}" / "ops.npy", np.array(ops | {"dy": dy, "dx": dx}, object))
    recording = read_suite2p(top, ALL)
    assert recording.rois.shape == (10 + LY, 45 + LX)
    y, x = recording.rois.pixels(0)
    assert (y.min(), x.min()) == (10, 0)


def test_the_choice_goes_back_to_each_plane_and_to_both_together(plane):
    top, *_ = two_planes(plane)
    shutil.copytree(top / "plane0", top / "combined")
    for name in ("F", "iscell"):
        np.save(
            top / "combined" / f"{name}.npy",
            np.concatenate([np.load(top / f"plane{k}" / f"{name}.npy") for k in (0, 1)]),
        )
    flags = [True, False] * N
    files = write_iscell(changed(read_suite2p(top, ALL), flags), top)
    assert [file.parent.name for file in files] == ["plane0", "plane1", "combined"]
    np.testing.assert_array_equal(np.load(top / "plane0/iscell.npy")[:, 0], flags[:N])
    np.testing.assert_array_equal(np.load(top / "plane1/iscell.npy")[:, 0], flags[N:])
    np.testing.assert_array_equal(np.load(top / "combined/iscell.npy")[:, 0], flags)
    np.testing.assert_array_equal(np.load(top / "plane1/iscell.npy")[:, 1], [0.9, 0.1, 0.8, 0.7, 0.2])
    assert not [n for n in read_suite2p(top, ALL).log[0].notes if "combined" in n]
    table = np.load(top / "combined/iscell.npy")
    table[[0, 3], 0] = [0, 1]
    np.save(top / "combined/iscell.npy", table)
    assert [n for n in read_suite2p(top, ALL).log[0].notes if "for 2 ROIs" in n]


def shorten(folder, n):
    for name in ("F", "Fneu", "spks"):
        np.save(folder / f"{name}.npy", np.load(folder / f"{name}.npy")[:, :n])


def test_a_last_volume_that_is_not_whole_is_left_out_and_other_lengths_are_refused(plane):
    top, *_ = two_planes(plane)
    shorten(top / "plane1", T - 1)
    recording = read_suite2p(top)
    assert recording.n_frames == T - 1
    assert "the last frame is left out" in " ".join(recording.log[0].notes)
    shorten(top / "plane1", T // 2)
    with pytest.raises(ReadError, match="plane0 300, plane1 150"):
        read_suite2p(top)


def test_what_is_wrong_with_one_plane_names_it(plane):
    top, *_ = two_planes(plane)
    (top / "plane1" / "Fneu.npy").write_bytes(b"no")
    with pytest.raises(ReadError, match=r"^plane1/Fneu\.npy: "):
        read_suite2p(top)


def test_cells_do_not_go_to_a_folder_that_is_not_theirs(plane, tmp_path):
    recording = read_suite2p(plane[0], ALL)
    write_plane(tmp_path / "other", rng=np.random.default_rng(5))
    with pytest.raises(ReadError, match="other traces"):
        write_iscell(recording, tmp_path / "other")
    with pytest.raises(ReadError, match="was not read from a folder of suite2p"):
        write_iscell(recording.replace(source=None), plane[0])


def test_only_the_two_necessary_files(tmp_path):
    write_plane(tmp_path / "p")
    for name in ("Fneu", "spks", "iscell", "ops"):
        (tmp_path / "p" / f"{name}.npy").unlink()
    recording = read_suite2p(tmp_path / "p")
    assert list(recording.traces) == ["raw"] and recording.n_rois == N and recording.frame_rate is None
    assert recording.rois.shape == (16, 26)  # just around the outermost pixels
    assert read_suite2p(tmp_path / "p", CsvSettings(frame_rate=12)).frame_rate == 12


def test_no_roi_at_all(tmp_path):
    folder = tmp_path / "p"
    write_plane(folder)
    for name in ("F", "Fneu", "spks"):
        np.save(folder / f"{name}.npy", np.empty((0, T), np.float32))
    np.save(folder / "iscell.npy", np.empty((0, 2)))
    np.save(folder / "stat.npy", np.empty(0, object))
    recording = read_suite2p(folder)
    assert recording.n_rois == 0 and recording.n_frames == T and len(recording.rois) == 0


def test_the_pipeline_starts_from_corrected_and_keeps_what_was_read(plane):
    recording = read_suite2p(plane[0])
    stages = PipelineSettings().replace(denoise=None, events=None, coactivity=None, significance=None)
    done = run(recording, stages.replace(ensembles=None, features=None))
    entry = next(e for e in done.log if e.stage == "baseline")
    assert entry.reads == ("traces/corrected",) and "neuropil" in entry.notes[0]
    assert set(recording.traces) < set(done.traces)


# Writing back


def changed(recording, accepted):
    rois = recording.rois
    return recording.replace(
        rois=type(rois)(rois.ids, rois.footprints, rois.shape, rois.labels, np.array(accepted), rois.quality)
    )


def test_the_choice_of_cells_goes_back_and_nothing_else_changes(plane):
    folder = plane[0]
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    recording = changed(read_suite2p(folder, ALL), [False, True, True, False, True])
    assert write_iscell(recording, folder.parent) == (folder / "iscell.npy",)
    table = np.load(folder / "iscell.npy")
    np.testing.assert_array_equal(table[:, 0], [0, 1, 1, 0, 1])
    np.testing.assert_array_equal(table[:, 1], [0.9, 0.1, 0.8, 0.7, 0.2])
    after = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert after.keys() == before.keys()
    assert all(after[name] == before[name] for name in before if name != "iscell.npy")
    np.testing.assert_array_equal(read_suite2p(folder, ALL).rois.accepted, [False, True, True, False, True])


def test_rois_that_were_left_out_keep_their_entry(plane):
    write_iscell(changed(read_suite2p(plane[0]), [True, True, False]), plane[0])
    np.testing.assert_array_equal(np.load(plane[0] / "iscell.npy")[:, 0], [1, 0, 1, 0, 0])


def test_writing_what_was_read_changes_no_byte(plane):
    before = (plane[0] / "iscell.npy").read_bytes()
    write_iscell(read_suite2p(plane[0], ALL), plane[0])
    assert (plane[0] / "iscell.npy").read_bytes() == before


def test_a_failed_write_leaves_the_old_file(plane, monkeypatch):
    before = (plane[0] / "iscell.npy").read_bytes()
    recording = read_suite2p(plane[0], ALL)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        write_iscell(recording, plane[0])
    assert (plane[0] / "iscell.npy").read_bytes() == before
    assert not list(plane[0].glob(".*"))


def test_a_recording_of_another_folder_is_not_written(plane, tmp_path):
    recording = read_suite2p(plane[0], ALL)
    np.save(plane[0] / "F.npy", np.ones((3, T), np.float32))
    with pytest.raises(ReadError, match="ROI 4, but the folder has 3"):
        write_iscell(recording, plane[0])
    with pytest.raises(ValueError, match="no ROIs"):
        write_iscell(recording.replace(rois=None), plane[0])


# Files that are not what they claim


BROKEN = {
    "stat.npy: describes 4 ROIs": ("stat", lambda s: np.array(s[:4], object)),
    "stat.npy: ROI 1 has no ypix": (
        "stat",
        lambda s: np.array([s[0], {"xpix": s[1]["xpix"]}, *s[2:]], object),
    ),
    "stat.npy: must list dictionaries": ("stat", lambda s: np.ones((N, 2))),
    "stat.npy: ROI 0 has pixels outside": (
        "stat",
        lambda s: np.array([{**s[0], "ypix": s[0]["ypix"] + 10**6}, *s[1:]], object),
    ),
    "stat.npy: ROI 0 has 24 y, 23 x": (
        "stat",
        lambda s: np.array([{**s[0], "xpix": s[0]["xpix"][1:]}, *s[1:]], object),
    ),
    "Fneu.npy: has the shape": ("Fneu", lambda s: np.ones((N, T + 1), np.float32)),
    "iscell.npy: has the shape": ("iscell", lambda s: np.ones((N + 1, 2))),
    "F.npy: must be a table": ("F", lambda s: np.ones(N)),
    "ops.npy: must hold a dictionary": ("ops", lambda s: np.ones(3)),
}


@pytest.mark.parametrize("message", BROKEN)
def test_files_that_do_not_fit_are_named(plane, message):
    name, change = BROKEN[message]
    np.save(plane[0] / f"{name}.npy", change(plane[2]), allow_pickle=True)
    with pytest.raises(ReadError, match=message):
        read_suite2p(plane[0])


@pytest.mark.parametrize("name", ["stat", "ops", "F", "iscell"])
def test_damaged_files_do_no_harm(plane, check_reader, name):
    check_reader(plane[0] / f"{name}.npy", lambda: read_suite2p(plane[0]), 60, seed=3)
