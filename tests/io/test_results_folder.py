"""The results folder: what is written comes back, and nothing is lost when writing fails."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from napari_calcium.cells.cell_measures import measure_cells
from napari_calcium.io.errors import ReadError
from napari_calcium.io.results_folder import (
    is_results_folder,
    new_results_folder,
    write_results,
)
from napari_calcium.io.results_reading import read_results
from napari_calcium.numerics.measured_cells import known_measures
from napari_calcium.recording import LogEntry, Recording, Source, Trace
from napari_calcium.results.tables import (
    Activations,
    Coactivity,
    EnsembleEvents,
    Ensembles,
    Events,
    Members,
    Motion,
)
from napari_calcium.rois import Rois


def make_recording(n_rois=4, n_frames=30, *, places=True, found=True, seed=0):
    rng = np.random.default_rng(seed)
    ids = rng.permutation(50)[:n_rois].astype(np.int64)
    values = rng.normal(size=(n_rois, n_frames)).astype(np.float32)
    values[:, :1] = np.nan
    results = _results(rng, ids) if found else {}
    return Recording(
        "field",
        ids,
        7.5,
        {"raw": Trace(values + 100, "a.u."), "dff": Trace(values, "ΔF/F")},
        tuple(f"cell {i}" for i in ids),
        rois=_rois(rng, ids) if places else None,
        images={"mean": rng.random((9, 11), np.float32)} if places else {},
        pixel_size_um=0.7,
        source=Source("field.csv", 1234, "ab" * 32),
        motion=_motion(rng, n_frames) if places else None,
        log=(
            LogEntry("read", {"header": "no"}, (), ("traces/raw",), ("no header row",), "0.1.0", 0.5, 10.0),
        ),
        **results,
    )


def _motion(rng, n_frames):
    y, x, correlation = rng.normal(size=(3, n_frames))
    correlation[:1] = np.nan
    fields = rng.random((n_frames, 2, 3, 2), np.float32)
    nodes = np.array([1.0, 5.0]), np.array([1.0, 4.0, 7.0])
    return Motion(y, x, correlation, y > 1, fields, *nodes, 0.25, rng.random(3))


def _rois(rng, ids):
    placed = ids[: max(0, len(ids) - 1)][::-1]
    weights = sparse.random_array((len(placed), 99), density=0.1, rng=rng, dtype=np.float32, format="csr")
    return Rois(
        placed,
        weights,
        (9, 11),
        np.arange(len(placed)) * 3 + 2,
        rng.random(len(placed)) < 0.5,
        {"snr": rng.normal(size=len(placed))},
    )


def _results(rng, ids):
    n = 6 if len(ids) else 0
    who = rng.choice(ids, n) if n else np.empty(0, np.int64)
    t = np.sort(rng.random(n))
    events = Events(who, t, t + 0.1, t + 0.3, rng.normal(size=n), np.where(t > 0.5, np.nan, t))
    sizes = np.minimum([1, 2], len(ids)) if n else []
    moments = EnsembleEvents(
        *(np.arange(len(sizes)), *rng.random((3, len(sizes))), np.array(sizes, np.int64)),
        rng.random(len(sizes)) * 1e-300,
        np.arange(len(sizes)) - 1,
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([ids[:k] for k in sizes]) if n else np.empty(0, np.int64),
        float("nan"),
    )
    zeros = np.zeros(1 if n else 0, np.int64)
    return {
        "events": events,
        "coactivity": Coactivity(t, np.arange(n), t, t, t * np.nan, t > 0.5, 0.4, 0.1),
        "ensemble_events": moments,
        "ensembles": Ensembles(
            Members(zeros, ids[: len(zeros)], zeros + 0.3, zeros + 1.1, zeros + 1e-12, zeros == 0),
            Activations(zeros, zeros + 1.5, zeros + 0.1, zeros + 3),
            rng.random((2, 2), np.float32),
            ("one ensemble",),
            0.05,
        ),
        "features": {"snr": rng.normal(size=len(ids)), "event_count": np.arange(len(ids))},
        "recording_features": {"event_rate_per_min": 1 / 3, "nothing": float("nan")},
    }


def save(recording, path):
    with new_results_folder(path) as folder:
        write_results(recording, folder, "version: 1\n")
    return path


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n_rois=st.integers(0, 6),
    n_frames=st.integers(1, 40),
    places=st.booleans(),
    found=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_any_recording_comes_back_equal(tmp_path, n_rois, n_frames, places, found, seed):
    recording = make_recording(n_rois, n_frames, places=places, found=found, seed=seed)
    assert read_results(save(recording, tmp_path / "results")) == recording


def test_same_recording_same_bytes(tmp_path):
    one, two = (save(make_recording(), tmp_path / name) for name in ("one", "two"))
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file())
    for name in files:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_a_folder_written_before_the_motion_that_is_left_was_kept_opens(tmp_path):
    recording = make_recording()
    blocks = save(recording, tmp_path / "results") / "registration_blocks.npz"
    with np.load(blocks) as stored:
        earlier = {name: stored[name] for name in stored if name != "residual_px"}
    np.savez(blocks, **earlier)
    motion = read_results(tmp_path / "results").motion
    assert len(motion.residual_px) == 0
    assert motion == replace(recording.motion, residual_px=np.empty(0))


def test_contract_of_the_tables(tmp_path):
    folder = save(make_recording(), tmp_path / "results")
    columns = {p.name: list(pd.read_csv(p, nrows=0).columns) for p in folder.glob("*.csv")}
    assert columns["events.csv"] == ["roi_id", "onset_s", "peak_s", "end_s", "amplitude", "fwhm_s"]
    assert columns["rois.csv"][:6] == ["roi_id", "label", "y_px", "x_px", "area_px", "accepted"]
    assert columns["coactivity.csv"] == [
        *("time_s", "active_neurons", "expected", "p_value", "threshold", "significant")
    ]
    assert columns["ensemble_events.csv"] == [
        *("event_id", "start_s", "end_s", "peak_s", "n_neurons", "p_value", "ensemble_id")
    ]
    assert columns["ensemble_members.csv"] == [
        *("ensemble_id", "roi_id", "participation", "lift", "q_value", "core")
    ]
    assert columns["ensemble_activations.csv"] == ["ensemble_id", "time_s", "p_value", "n_members_active"]
    assert (folder / "ensemble_events.csv").read_text().splitlines()[1].endswith(",")  # −1 is an empty cell


def test_footprints_open_with_scipy_in_the_order_of_the_rows(tmp_path):
    recording = make_recording()
    folder = save(recording, tmp_path / "results")
    footprints = sparse.load_npz(folder / "footprints.npz")
    areas = pd.read_csv(folder / "rois.csv")["area_px"].fillna(0)
    np.testing.assert_array_equal(np.diff(footprints.indptr), areas)


def test_failure_while_writing_leaves_the_old_folder(tmp_path):
    recording = make_recording()
    path = save(recording, tmp_path / "results")
    with pytest.raises(RuntimeError), new_results_folder(path) as folder:
        (folder / "log.json").write_text("half")
        raise RuntimeError
    assert read_results(path) == recording
    assert [p.name for p in tmp_path.iterdir()] == ["results"]


def test_writing_again_replaces_the_folder(tmp_path):
    path = save(make_recording(seed=1), tmp_path / "results")
    (path / "figures").mkdir()
    save(make_recording(seed=2, found=False), path)
    assert read_results(path) == make_recording(seed=2, found=False)
    assert not (path / "figures").exists() and not (path / "events.csv").exists()


def test_refuses_a_folder_that_is_not_its_own(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not a results folder"), new_results_folder(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_log_holds_no_nan_and_names_the_warnings(tmp_path):
    log = json.loads((save(make_recording(), tmp_path / "r") / "log.json").read_text())
    assert log["tables"]["features"]["recording"]["nothing"] is None
    assert log["steps"][0]["warnings"] == ["no header row"]
    assert log["input"]["sha256"] == "ab" * 32


@pytest.mark.parametrize("name", ["events.csv", "traces/raw.npy", "traces/traces.json", "footprints.npz"])
@pytest.mark.parametrize("content", [b"", b"\x00garbage,\n1"])
def test_damaged_file_is_one_clear_line(tmp_path, name, content):
    folder = save(make_recording(), tmp_path / "results")
    (folder / name).write_bytes(content)
    with pytest.raises(ReadError, match="results") as caught:
        read_results(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["events", "coactivity", "ensemble_events", "ensemble_members", "features"])
def test_lost_table_is_told_not_taken_for_nothing_found(tmp_path, name):
    folder = save(make_recording(), tmp_path / "results")
    (folder / f"{name}.csv").unlink()
    with pytest.raises(ReadError, match=rf"^results/{name}\.csv: the file is gone"):
        read_results(folder)


def tables_of(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.csv"))


EVERY_FILE = (
    "coactivity.csv",
    "ensemble_activations.csv",
    "ensemble_event_neurons.csv",
    "ensemble_events.csv",
    "ensemble_members.csv",
    "events.csv",
    "features.csv",
    "footprints.npz",
    "images/mean.tif",
    "log.json",
    "registration.csv",
    "registration_blocks.npz",
    "rois.csv",
    "similarity.npy",
    "traces/dff.npy",
    "traces/roi_ids.npy",
    "traces/traces.json",
)


@pytest.mark.parametrize("name", EVERY_FILE)
def test_the_file_that_is_damaged_is_named(tmp_path, name):
    folder = save(make_recording(), tmp_path / "results")
    assert set(tables_of(folder)) <= set(EVERY_FILE)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 3] if name == "traces/dff.npy" else b"\x00")
    with pytest.raises(ReadError, match=rf"^results/{name}: "):
        read_results(folder)


@pytest.mark.parametrize(
    "name", [name for name in EVERY_FILE if name not in ("log.json", "traces/traces.json")]
)
def test_the_file_that_is_gone_is_named(tmp_path, name):
    folder = save(make_recording(), tmp_path / "results")
    (folder / name).unlink()
    with pytest.raises(ReadError, match=rf"^results/{name}: the file is gone"):
        read_results(folder)


def test_positions_that_the_log_tells_of_are_missed_where_all_their_files_are_gone(tmp_path):
    linked = LogEntry("rois", {"by": "order"}, (), ("rois",), (), "0.1.0")
    folder = save(make_recording().replace(log=(linked,)), tmp_path / "results")
    for name in ("rois.csv", "footprints.npz"):
        (folder / name).unlink()
    with pytest.raises(ReadError, match=r"^results/rois\.csv: the file is gone"):
        read_results(folder)


@pytest.mark.parametrize(
    ("name", "column"),
    [("events.csv", "onset_s"), ("ensemble_members.csv", "roi_id"), ("rois.csv", "file_label")],
)
def test_the_column_that_is_damaged_is_named(tmp_path, name, column):
    folder = save(make_recording(), tmp_path / "results")
    frame = pd.read_csv(folder / name).astype({column: object})
    frame.loc[0, column] = "abc"
    frame.to_csv(folder / name, index=False)
    with pytest.raises(ReadError, match=rf"^results/{name}: column {column}: .*abc"):
        read_results(folder)


def test_newer_format_says_so(tmp_path):
    folder = save(make_recording(), tmp_path / "results")
    log = json.loads((folder / "log.json").read_text()) | {"format_version": 99}
    (folder / "log.json").write_text(json.dumps(log))
    with pytest.raises(ReadError, match="format 99"):
        read_results(folder)


def test_any_other_folder_is_no_results_folder(tmp_path):
    assert not is_results_folder(tmp_path)
    with pytest.raises(ReadError, match="not a results folder"):
        read_results(tmp_path)


def test_what_was_measured_of_the_cells_comes_back_to_the_last_bit(tmp_path):
    recording = make_recording()
    measured = measure_cells(recording)
    assert measured
    (tmp_path / "r").mkdir()
    write_results(recording, tmp_path / "r", "", measured)
    back = read_results(tmp_path / "r")
    known = known_measures(back)
    assert known is not None and list(known) == list(measured)
    for name, values in measured.items():
        np.testing.assert_array_equal(known[name], values, err_msg=name)
    assert measure_cells(back) is known


def test_a_folder_without_measures_is_measured_when_it_is_asked_for(tmp_path):
    (tmp_path / "r").mkdir()
    write_results(make_recording(), tmp_path / "r", "")
    assert known_measures(read_results(tmp_path / "r")) is None


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("traces/roi_ids.npy", lambda raw: raw.replace(b"}", b"(")),
        ("similarity.npy", lambda raw: raw[:20] + raw[60:]),
        ("footprints.npz", lambda raw: b"no zip" + raw[6:]),
        ("footprints.npz", lambda raw: raw[: len(raw) // 2]),
        ("ensemble_event_neurons.csv", lambda raw: raw.replace(b"\n0,", b"\n1e300,", 1)),
    ],
)
def test_what_numpy_and_zip_stumble_over_is_one_short_line_that_names_the_file(tmp_path, name, damage):
    folder = save(make_recording(), tmp_path / "results")
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    with pytest.raises(ReadError, match=rf"results/.*{name.rsplit('/', 1)[-1]}") as error:
        read_results(folder)
    assert len(str(error.value)) < 400 and "\n" not in str(error.value)
