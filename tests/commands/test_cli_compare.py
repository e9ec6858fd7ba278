"""The compare command."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_calcium.cli import app
from napari_calcium.commands.cli_compare import different_settings
from napari_calcium.io.results_folder import write_results
from napari_calcium.pipeline import run
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.simulate import SimulationSettings, simulate


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = simulate(SimulationSettings(n_rois=30, n_frames=900, frame_rate=10.0, n_ensembles=2, seed=3))
    raw = made.to_recording().replace(movie=None)
    settings = PipelineSettings()
    stricter = settings.replace(events=settings.events.replace(n_sd=6.0))
    places = []
    for name, one in (("a", settings), ("b", stricter)):
        place = tmp_path_factory.mktemp(name)
        write_results(run(raw, one), place, one.to_yaml())
        places.append(str(place))
    return places


def test_what_differs_is_printed_and_written(folders, tmp_path):
    table = tmp_path / "changes.csv"
    done = CliRunner().invoke(app, ["compare", *folders, "--table", str(table)])
    assert done.exit_code == 0
    assert "events.n_sd: 4.0 → 6.0" in done.output
    assert "ensembles agree to" in done.output
    frame = pd.read_csv(table)
    events = frame[frame["what"] == "Events"].iloc[0]
    assert events["a"] == events["both"] + events["only_a"] > events["b"]


def test_a_folder_does_not_differ_from_itself(folders):
    done = CliRunner().invoke(app, ["compare", folders[0], folders[0]])
    assert "nothing differs" in done.output and "→" not in done.output


def test_another_recording_is_told_first(folders, tmp_path):
    other = simulate(SimulationSettings(n_rois=20, n_frames=700, frame_rate=10.0, n_ensembles=2, seed=4))
    made = run(other.to_recording("other").replace(movie=None), PipelineSettings())
    write_results(made, tmp_path, PipelineSettings().to_yaml())
    done = CliRunner().invoke(app, ["compare", folders[0], str(tmp_path)])
    assert done.exit_code == 1
    first = done.stdout.splitlines()[0]
    assert first.startswith("different recordings: A ") and "30 cells, 900 frames" in first
    assert "B (other) 20 cells, 700 frames" in first


def test_an_nwb_file_is_compared_with_the_folder_it_was_made_of(folders, tmp_path):
    exported = CliRunner().invoke(app, ["export", folders[0], str(tmp_path / "a.nwb")])
    assert exported.exit_code == 0, exported.output
    done = CliRunner().invoke(app, ["compare", folders[0], str(tmp_path / "a.nwb")])
    assert done.exit_code == 0 and "nothing differs" in done.stdout
    again = CliRunner().invoke(app, ["export", str(tmp_path / "a.nwb"), str(tmp_path / "a.csv")])
    assert again.exit_code == 0, again.output
    assert len(pd.read_csv(tmp_path / "a.csv", comment="#")) in (30, 900)


def entry(stage, **settings):
    return LogEntry(stage, settings, (), (), (), "0")


def test_what_only_one_has_is_told_in_words():
    values = {"dff": Trace(np.zeros((1, 4), np.float32), "ΔF/F")}
    a = Recording("a", np.arange(1), 10.0, values, log=(entry("positions", image="m.tif"),))
    b = Recording("b", np.arange(1), 10.0, values, log=(entry("denoise", method="wavelet", level=3),))
    assert different_settings(a, b) == ("positions.image: m.tif → none", "denoise: not run → run")
    assert different_settings(b, a) == ("denoise: run → not run", "positions.image: none → m.tif")


def test_what_is_no_results_folder_is_named(folders, tmp_path):
    done = CliRunner().invoke(app, ["compare", folders[0], str(tmp_path)])
    assert done.exit_code == 1
