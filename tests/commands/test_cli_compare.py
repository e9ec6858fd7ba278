"""The compare command."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_calcium.cli import app
from napari_calcium.io.results_folder import write_results
from napari_calcium.pipeline import run
from napari_calcium.pipeline_settings import PipelineSettings
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


def test_what_is_no_results_folder_is_named(folders, tmp_path):
    done = CliRunner().invoke(app, ["compare", folders[0], str(tmp_path)])
    assert done.exit_code == 1
