import json

import numpy as np
import pandas as pd
import pytest

from napari_calcium.io.results_folder import new_results_folder, write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.pipeline import run_stage
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.population.dimensionality import NonNegativeFactors
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Events
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.stages.pipeline_population import POPULATION_STAGES


def made(n_rois=15, n_frames=400):
    truth = simulate(SimulationSettings(n_rois=n_rois, n_frames=n_frames, n_ensembles=0))
    recording = truth.to_recording()
    return recording.replace(traces={"dff": Trace(truth.dff, "ΔF/F")}, events=Events())


def through(recording, tmp_path):
    with new_results_folder(tmp_path / "results") as folder:
        write_results(recording, folder, "")
    return tmp_path / "results", read_results(tmp_path / "results")


@pytest.fixture(scope="module")
def whole():
    recording = made()
    for stage in POPULATION_STAGES:
        recording = run_stage(recording, stage, default_settings(stage))
    return recording


def test_everything_comes_back(whole, tmp_path):
    assert through(whole, tmp_path)[1].population == whole.population


@pytest.mark.parametrize("stage", POPULATION_STAGES)
@pytest.mark.parametrize("n_rois", [0, 1])
def test_parts_of_no_cell_and_of_one_come_back(stage, n_rois, tmp_path):
    values = np.zeros((n_rois, 30), np.float32)
    recording = Recording("few", np.arange(n_rois), 5.0, {"dff": Trace(values, "ΔF/F")}, events=Events())
    result = run_stage(recording, stage, default_settings(stage))
    assert through(result, tmp_path)[1].population == result.population


def test_another_method_of_dimensions_comes_back(tmp_path):
    result = run_stage(made(), "dimensionality", NonNegativeFactors(components=2, copies=0))
    assert through(result, tmp_path)[1].population == result.population


def test_a_recording_without_population_writes_nothing(tmp_path):
    folder, back = through(made(), tmp_path)
    assert not (folder / "population").exists()
    assert back.population is None


def test_units_stand_in_the_names_of_columns(whole, tmp_path):
    folder, _ = through(whole, tmp_path)
    names = {path.name: list(pd.read_csv(path).columns) for path in (folder / "population").glob("*.csv")}
    assert names["activity.csv"] == ["time_s", "activity_dff", "smoothed_dff", "n_cells"]
    assert names["correlation_distance.csv"][:2] == ["distance_from_um", "distance_to_um"]
    assert "peak_lag_s" in names["correlation_pairs.csv"]
    assert names["component_times.csv"][0] == "time_s"


def test_what_the_tables_do_not_hold_is_in_the_log(whole, tmp_path):
    folder, _ = through(whole, tmp_path)
    about = json.loads((folder / "log.json").read_text(encoding="utf-8"))["tables"]["population"]
    assert about["activity"]["unit"] == "ΔF/F"
    assert about["correlation"]["method"] == "pearson"
    assert set(about) == {"activity", "correlation", "coupling", "dimensionality", "sorting", "clusters"}
