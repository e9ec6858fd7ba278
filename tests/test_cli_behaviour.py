"""Behaviour on the command line: files given beside the recording, and a run that repeats itself."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from napari_calcium.cli import app
from napari_calcium.io.results_reading import read_results
from napari_calcium.pipeline import PipelineSettings
from napari_calcium.simulate.behaviour_simulation import (
    BehaviourSimulationSettings,
    simulate_behaviour,
)
from napari_calcium.simulate.simulation_settings import SimulationSettings
from napari_calcium.stages.pipeline_behaviour import BEHAVIOUR_STAGES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("data")
    small = SimulationSettings(n_rois=6, n_frames=600, n_ensembles=1, ensemble_size=(3, 3))
    truth = simulate_behaviour(BehaviourSimulationSettings(recording=small))
    truth.simulation.write_csv(place / "cells.csv")
    (place / "rig").mkdir()
    truth.write_files(place / "rig")
    return place


def files(folder):
    return [
        "--behaviour", str(folder / "rig" / "behaviour.csv"),
        "--epochs", str(folder / "rig" / "epochs.csv"),
        "--recording-pulses", str(folder / "rig" / "scope_pulses.csv"),
    ]  # fmt: skip


def test_inspect_tells_what_the_files_hold(folder):
    result = CliRunner().invoke(app, ["inspect", str(folder / "cells.csv"), *files(folder)])
    assert result.exit_code == 0, result.output
    assert "4 signals" in result.output
    assert "pulses" in result.output


def test_a_run_with_behaviour_writes_all_and_repeats_itself(folder, tmp_path):
    table, first, second = str(folder / "cells.csv"), tmp_path / "first", tmp_path / "second"
    options = ["--frame-rate", "10", "--no-figures", "-o"]
    result = CliRunner().invoke(app, ["run", table, *files(folder), *options, str(first)])
    assert result.exit_code == 0, result.output
    assert "behaviour: aligned by" in result.output
    back = read_results(first)
    assert all(getattr(back, stage) is not None for stage in BEHAVIOUR_STAGES)
    settings = PipelineSettings.from_yaml((first / "pipeline.yaml").read_text(encoding="utf-8"))
    assert settings.behaviour_file.file == "rig/behaviour.csv", "told from where the recording lies"
    again = ["run", table, "--pipeline", str(first / "pipeline.yaml"), "--no-figures", "-o", str(second)]
    result = CliRunner().invoke(app, again)
    assert result.exit_code == 0, result.output
    for path in sorted((first / "behaviour").iterdir()):
        assert path.read_bytes() == (second / "behaviour" / path.name).read_bytes(), path.name


def test_without_the_option_no_stage_of_the_behaviour_runs(folder):
    from napari_calcium.commands.cli_running import settings_for

    plain = settings_for(folder / "cells.csv", {}, None, None, None, None)
    assert plain == PipelineSettings()
    course = settings_for(folder / "cells.csv", {}, None, None, None, "course", {"file": "b.csv"})
    assert all(getattr(course, stage) is not None for stage in BEHAVIOUR_STAGES)
    assert course.baseline == PipelineSettings.course().baseline


@pytest.mark.parametrize("command", ["run", "inspect"])
def test_a_file_that_is_not_there_is_told_in_one_line(folder, command, tmp_path):
    extra = ["-o", str(tmp_path / "r")] if command == "run" else []
    given = [command, str(folder / "cells.csv"), "--behaviour", "nowhere.csv", *extra]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 1
    assert result.output.strip().count("\n") == 0 or "nowhere.csv: cannot be opened" in result.output
