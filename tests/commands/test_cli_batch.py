"""Many recordings in one command, on this machine and on a cluster."""

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_calcium.cli import app
from napari_calcium.commands.cli_batch import BatchRow, places, run_batch, write_table
from napari_calcium.commands.cli_running import Report, description
from napari_calcium.io.errors import ReadError
from napari_calcium.recording import Movie, Recording, Trace
from napari_calcium.simulate import SimulationSettings, simulate

SETTINGS = SimulationSettings(n_rois=15, n_frames=600, frame_rate=10.0, n_ensembles=1, seed=3)


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    good = [folder / "day1.csv", folder / "day2.csv"]
    for seed, path in enumerate(good):
        simulate(SETTINGS.replace(seed=seed)).write_csv(path)
    bad = folder / "broken.csv"
    bad.write_text("no numbers\nat all\n")
    return [good[0], bad, folder / "absent.csv", good[1]]


def batch(*arguments):
    return CliRunner().invoke(app, ["batch", *map(str, arguments)])


def test_a_recording_that_fails_does_not_stop_the_rest(files, tmp_path):
    done = batch(*files, "--frame-rate", 10, "--no-figures", "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "2 of 4 recordings failed" in done.stderr
    rows = table(tmp_path / "out" / "batch.csv")
    assert [row["status"] for row in rows] == ["done", "failed", "failed", "done"]
    assert [row["cells"] for row in rows] == ["15", "", "", "15"]
    assert "no such file" in rows[2]["error"]
    assert "\n" not in rows[1]["error"] and rows[1]["error"]
    for row in rows:
        assert Path(row["results"], "log.json").exists() == (row["status"] == "done")


def test_all_good_is_success_and_can_be_repeated(files, tmp_path):
    for _ in range(2):
        done = batch(files[0], "--frame-rate", 10, "--no-figures", "-o", tmp_path, "-q")
        assert done.exit_code == 0, done.stderr
    assert len(table(tmp_path / "batch.csv")) == 1


def test_recordings_of_one_name_keep_apart(tmp_path):
    a, b, c = tmp_path / "m1" / "x.tif", tmp_path / "m2" / "x.tif", tmp_path / "m2" / "y.tif"
    out = Path("out")
    assert places([a, b, c, c], out) == [out / "m1_x", out / "m2_x", out / "m2_y", out / "m2_y_2"]
    assert places([a, c], out) == [out / "x", out / "y"]


def test_the_table_holds_what_was_done_before_an_interruption(tmp_path):
    def run_one(file, folder):
        if file.stem == "second":
            raise KeyboardInterrupt
        return Recording(file.stem, [], 5.0)

    with pytest.raises(KeyboardInterrupt):
        run_batch([Path("first"), Path("second"), Path("third")], tmp_path, run_one, Report(True))
    assert [row["file"] for row in table(tmp_path / "batch.csv")] == ["first"]


def test_a_bug_is_not_hidden_as_a_failed_recording(tmp_path):
    def run_one(file, folder):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_batch([Path("first")], tmp_path, run_one, Report(True))


def test_the_folder_of_something_else_is_not_overwritten(tmp_path):
    mine = tmp_path / "first"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    rows = run_batch([Path("first")], tmp_path, lambda file, folder: Recording("x", [], 5.0), Report(True))
    assert rows[0].status == "failed" and "choose another place" in rows[0].error
    assert (mine / "thesis.txt").read_text() == "mine"


def test_odd_characters_survive_the_table(tmp_path):
    row = BatchRow('a,"b"\n.csv', "out", "failed", error="Größe, µ")
    write_table([row], tmp_path / "batch.csv")
    (back,) = table(tmp_path / "batch.csv")
    assert (back["file"], back["error"], back["cells"]) == (row.file, row.error, "")


def test_errors_of_reading_are_one_line(tmp_path):
    def run_one(file, folder):
        raise ReadError("two\nlines")

    (row,) = run_batch([Path("first")], tmp_path, run_one, Report(True))
    assert row.error == "two lines"


def test_a_cluster_serves_run_and_batch(files, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, silence_logs=50
    ) as cluster:
        common = ("--frame-rate", 10, "--no-figures", "--cluster", cluster.scheduler_address)
        assert batch(files[0], "-o", tmp_path / "there", *common).exit_code == 0
        ran = CliRunner().invoke(app, ["run", *map(str, (files[0], "-o", tmp_path / "one", *common))])
        assert ran.exit_code == 0, ran.stderr
    assert batch(files[0], "--frame-rate", 10, "--no-figures", "-o", tmp_path / "here").exit_code == 0
    for name in ("events.csv", "traces/denoised.npy", "ensemble_events.csv", "features.csv"):
        here = (tmp_path / "here" / "day1" / name).read_bytes()
        assert (tmp_path / "there" / "day1" / name).read_bytes() == here
        assert (tmp_path / "one" / name).read_bytes() == here


def test_a_raw_movie_is_described_without_cells_it_does_not_have_yet():
    movie = Recording("m", [], 10.0, movie=Movie(np.zeros((50, 4, 4))))
    assert description(movie) == ["m: 50 frames, 10 Hz, 5.0 s"]
    (line,) = description(Recording("t", [3], 10.0, {"raw": Trace(np.ones((1, 20)), "a.u.")}))
    assert line == "t: 1 cell, 20 frames, 10 Hz, 2.0 s; raw in a.u."
