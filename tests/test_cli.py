"""The command line as a user meets it: a process, its output and its exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import typer
import yaml

from napari_calcium.commands.cli_running import one_line_errors
from napari_calcium.simulate import SimulationSettings, simulate

SETTINGS = SimulationSettings(n_rois=40, n_frames=1500, frame_rate=10.0, n_ensembles=2, seed=5)


def command(*arguments, **options):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, "-m", "napari_calcium.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment | {"NO_COLOR": "1", "COLUMNS": "100"},
        timeout=240,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    sample = simulate(SETTINGS)
    sample.write_csv(folder / "cells.csv")
    sample.write_labels(folder / "rois.tif")
    return folder


@pytest.fixture(scope="module")
def results(files):
    folder = files / "results"
    done = command("run", files / "cells.csv", "--rois", files / "rois.tif", "--frame-rate", 10, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_run_writes_the_contract(results):
    names = {p.relative_to(results).as_posix() for p in results.rglob("*") if p.is_file()}
    assert names >= {
        *("pipeline.yaml", "log.json", "rois.csv", "rois_labels.tif", "footprints.npz", "events.csv"),
        *("features.csv", "coactivity.csv", "ensemble_events.csv", "ensemble_members.csv", "similarity.npy"),
        *("ensemble_activations.csv", "traces/raw.npy", "traces/dff.npy", "traces/roi_ids.npy"),
        *("traces/background_corrected.npy", "traces/denoised.npy", "traces/traces.json"),
    }
    assert any(n.startswith("figures/") and n.endswith(".png") for n in names)
    assert any(n.startswith("figures/") and n.endswith(".svg") for n in names)


def test_run_again_on_its_own_settings_gives_the_same_bytes(files, results):
    again = files / "again"
    done = command("run", files / "cells.csv", "--pipeline", results / "pipeline.yaml", "-o", again)
    assert done.returncode == 0, done.stderr
    for path in results.rglob("*"):
        if path.is_file() and path.name != "log.json":
            assert (again / path.relative_to(results)).read_bytes() == path.read_bytes(), path.name
    logs = [json.loads((folder / "log.json").read_text()) for folder in (results, again)]
    for log in logs:
        for step in log["steps"]:
            del step["seconds"], step["peak_memory_mb"]
    assert logs[0] == logs[1]


def test_flags_overrule_the_file_of_settings(files, results, tmp_path):
    done = command(
        *("run", files / "cells.csv", "--pipeline", results / "pipeline.yaml"),
        *("--frame-rate", 5, "-o", tmp_path / "r", "--no-figures"),
    )
    assert done.returncode == 0, done.stderr
    written = yaml.safe_load((tmp_path / "r" / "pipeline.yaml").read_text())
    assert written["read"]["frame_rate"] == 5
    assert not (tmp_path / "r" / "figures").exists()
    assert json.loads((tmp_path / "r" / "traces" / "traces.json").read_text())["frame_rate_hz"] == 5


def test_times_are_seconds_and_ids_are_rows_of_the_file(results):
    events = pd.read_csv(results / "events.csv")
    assert events["onset_s"].between(0, SETTINGS.n_frames / SETTINGS.frame_rate).all()
    assert set(events["roi_id"]) <= set(range(SETTINGS.n_rois))
    assert (events["onset_s"] <= events["peak_s"]).all() and (events["peak_s"] <= events["end_s"]).all()


def test_course_mode_says_what_chance_gives(files, tmp_path):
    done = command(
        *("run", files / "cells.csv", "--frame-rate", 10, "--mode", "course", "-o", tmp_path / "c"),
        "--no-figures",
    )
    assert done.returncode == 0, done.stderr
    assert "chance" in done.stderr


def test_inspect_says_what_was_guessed(files):
    done = command("inspect", files / "cells.csv")
    assert done.returncode == 0
    assert "40 cells" in done.stdout and "1,500 frames" in done.stdout
    assert "frame rate not known" in done.stdout


def test_export_for_another_program_is_what_that_program_reads(results, tmp_path):
    assert command("export", results, tmp_path / "dff.npy", "--for", "cascade").returncode == 0
    np.testing.assert_array_equal(np.load(tmp_path / "dff.npy"), np.load(results / "traces" / "dff.npy"))
    wrong = command("export", results, tmp_path / "dff.csv", "--for", "cascade")
    assert wrong.returncode == 1 and "end the name" in wrong.stderr and wrong.stderr.count("\n") == 1
    parquet = command("export", results, tmp_path / "dff.parquet")
    assert (parquet.returncode == 0) == (find_spec("pyarrow") is not None)
    assert parquet.returncode == 0 or "pip install pyarrow" in parquet.stderr
    assert command("export", results, tmp_path / "out.hdf5", "--for", "caiman").returncode == 0
    assert command("export", results, tmp_path / "out", "--for", "suite2p").returncode == 0
    before = np.load(tmp_path / "out" / "suite2p" / "plane0" / "iscell.npy")
    assert command("export", tmp_path / "out", tmp_path / "out", "--for", "iscell").returncode == 0
    after = np.load(tmp_path / "out" / "suite2p" / "plane0" / "iscell.npy")
    np.testing.assert_array_equal(after, before)
    foreign = command("export", results, tmp_path / "out", "--for", "iscell")
    assert foreign.returncode == 1 and "was not read from a folder of suite2p" in foreign.stderr
    plane = tmp_path / "out" / "suite2p" / "plane0"
    np.testing.assert_array_equal(np.load(plane / "F.npy"), np.load(results / "traces" / "raw.npy"))


def test_export_names_every_format_where_it_cannot_tell(results, tmp_path):
    wrong = command("export", results, tmp_path / "out.xyz")
    assert wrong.returncode == 1 and wrong.stderr.count("\n") == 1
    assert all(suffix in wrong.stderr for suffix in (".nwb", ".csv", ".npz", ".mat"))


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".mat"])
def test_export_holds_the_stored_values(results, tmp_path, suffix):
    out = tmp_path / f"traces{suffix}"
    assert command("export", results, out, "--stage", "dff").returncode == 0
    stored = np.load(results / "traces" / "dff.npy")
    if suffix == ".csv":
        table = pd.read_csv(out, comment="#")
        np.testing.assert_allclose(table.iloc[:, 1:].to_numpy().T, stored, rtol=1e-6)
        np.testing.assert_allclose(table["time_s"], np.arange(SETTINGS.n_frames) / 10)
        assert "ΔF/F" in out.read_text().splitlines()[0] and "percentile" in out.read_text().splitlines()[0]
    elif suffix == ".npz":
        np.testing.assert_array_equal(np.load(out)["d"].T, stored)
    else:
        from scipy.io import loadmat

        np.testing.assert_array_equal(loadmat(out)["traces"], stored)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "missing.csv"), "no such file"),
        (("run", "{cells}", "--quiet"), "frame rate is not known"),
        (("run", "{cells}", "--pipeline", "{bad}"), "baseline.windw"),
        (("run", "{cells}", "--pipeline", "{cells}", "--mode", "course"), "leave --mode out"),
        (("run", "{cells}", "--frame-rate", "10", "--rois", "nowhere.tif"), "nowhere.tif"),
        (("run", "{empty}", "--frame-rate", "10"), "empty.csv"),
        (("inspect", "{empty}"), "empty.csv"),
        (("export", "{folder}", "x.csv"), "this folder is not known"),
        (("view", "{folder}"), "a results folder"),
        (("view", "{cells}"), "no screen"),
    ],
)
def test_errors_are_one_line_and_exit_1(files, tmp_path, arguments, words):
    (tmp_path / "bad.yaml").write_text("baseline: {method: percentile, windw: 3}\n")
    (tmp_path / "empty.csv").write_bytes(b"")
    places = {
        "cells": files / "cells.csv",
        "bad": tmp_path / "bad.yaml",
        "empty": tmp_path / "empty.csv",
        "folder": tmp_path,
    }
    done = command(*(str(a).format(**places) for a in arguments), cwd=tmp_path)
    assert done.returncode == 1
    assert words in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert not list(tmp_path.glob("*results*"))


@pytest.mark.parametrize("arguments", [("run",), ("walk",), ("run", "x.csv", "--frame-rate", "fast")])
def test_wrong_usage_exits_2(arguments):
    assert command(*arguments).returncode == 2


def test_help_and_version():
    assert command("--version").stdout.strip().count(".") == 2
    shown = command("run", "--help").stdout
    assert "--frame-rate" in shown and "--orientation" in shown and "--rois" in shown
    assert "<float>" in shown and "Annotated" not in shown


def test_does_not_overwrite_what_it_did_not_write(files, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    done = command("run", files / "cells.csv", "--frame-rate", 10, "-o", tmp_path / "thesis", "--no-figures")
    assert done.returncode == 1 and "not a results folder" in done.stderr
    assert "events" not in done.stderr  # said before the analysis, not after it
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C of another process needs POSIX signals")
def test_ctrl_c_ends_with_130_and_leaves_nothing(files, tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-m", "napari_calcium.cli", "run", files / "cells.csv", "--frame-rate", "10"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert running.stderr is not None
    running.stderr.readline()  # it has read the file and is at work
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Traceback" not in errors and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (FileNotFoundError(2, "No such file or directory", "nowhere.yaml"), "nowhere.yaml: no such file"),
        (OSError(28, "No space left on device"), "no space left on the disk"),
        (OSError("180000 requested and 74720 written"), "no space left on the disk"),
        (FileExistsError("thesis: exists and is not a results folder"), "thesis: exists and is not"),
    ],
)
def test_what_the_system_refuses_is_said_in_words(error, line, capsys):
    with pytest.raises(typer.Exit), one_line_errors():
        raise error
    said = capsys.readouterr().err
    assert said.startswith(f"napari-calcium: {line}") and "Errno" not in said
