"""Behaviour in the results folder comes back as it was."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tests.behaviour.made_behaviour import epochs_of, slow

from napari_calcium.io.errors import ReadError
from napari_calcium.io.results_folder import new_results_folder, write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.pipeline import run_stage
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.behaviour_results import BehaviourFile, Epochs, Signal
from napari_calcium.results.tables import Activations, Ensembles, Events, Members
from napari_calcium.stages.pipeline_behaviour import BEHAVIOUR_STAGES

FIELDS = ("behaviour_file", *BEHAVIOUR_STAGES)


def events_of(n_rois, duration, rng):
    cells = np.sort(rng.integers(0, n_rois, 6 * n_rois)) if n_rois else np.empty(0, np.int64)
    onset = rng.uniform(1, duration - 1, len(cells))
    order = np.lexsort((onset, cells))
    onset = onset[order]
    return Events(cells, onset, onset + 0.2, onset + 1, np.ones(len(cells)), np.ones(len(cells)))


def made(n_rois=6, n_frames=600, *, with_file=True):
    rng = np.random.default_rng(2)
    time = np.arange(0, n_frames / 10 + 1, 0.05)
    signals = tuple(
        Signal(name, unit, time, 20 * slow(rng, len(time), 20))
        for name, unit in (("speed", "cm/s"), ("x", "cm"), ("y", "cm"), ("NA", ""), ("odd; name/µ", "%"))
    )
    file = BehaviourFile(
        signals, epochs_of(light=[(3, 6), (20, 24)], NA=[(30, 30)], none=[(40, 44)]), time[:5]
    )
    ensembles = Ensembles(
        Members(np.zeros(2, np.int64), np.arange(2), *(np.ones(2) for _ in range(3)), np.ones(2, bool)),
        Activations(np.zeros(3, np.int64), np.array([4.0, 21, 50]), np.ones(3), np.ones(3, np.int64)),
    )
    values = slow(rng, (n_rois, n_frames), 4).astype(np.float32)
    return Recording(
        "r",
        np.arange(n_rois),
        10.0,
        {"dff": Trace(values, "ΔF/F"), "denoised": Trace(values, "ΔF/F")},
        events=events_of(n_rois, n_frames / 10, rng),
        ensembles=ensembles if n_rois > 1 else None,
        behaviour_file=file if with_file else None,
    )


def analysed(recording):
    for stage in BEHAVIOUR_STAGES:
        settings = default_settings(stage)
        if stage in ("tuning", "decoding"):
            settings = settings.replace(n_shifts=20)
        recording = run_stage(recording, stage, settings)
    return recording


def through(recording, place):
    with new_results_folder(place / "results") as folder:
        write_results(recording, folder, "")
    return place / "results", read_results(place / "results")


@pytest.fixture(scope="module")
def whole():
    return analysed(made())


@pytest.mark.parametrize("name", FIELDS)
def test_everything_comes_back(whole, name, tmp_path):
    back = through(whole, tmp_path)[1]
    assert getattr(whole, name) is not None
    assert getattr(back, name) == getattr(whole, name)


def test_the_whole_recording_comes_back(whole, tmp_path):
    assert through(whole, tmp_path)[1] == whole


@pytest.mark.parametrize("n_rois", [0, 1])
@pytest.mark.parametrize("with_file", [True, False])
def test_few_cells_and_stand_ins_come_back(n_rois, with_file, tmp_path):
    result = analysed(made(n_rois, with_file=with_file))
    back = through(result, tmp_path)[1]
    for name in FIELDS:
        assert getattr(back, name) == getattr(result, name), name


def test_each_result_comes_back_by_itself(whole, tmp_path):
    for name in FIELDS:
        alone = whole.replace(**{other: None for other in FIELDS if other != name})
        back = through(alone, tmp_path)[1]
        for other in FIELDS:
            assert getattr(back, other) == getattr(alone, other)


def test_units_stand_in_the_names_of_the_columns(whole, tmp_path):
    folder, _ = through(whole, tmp_path)
    table = pd.read_csv(folder / "behaviour" / "signals.csv")
    assert list(table)[:5] == ["time_s", "speed_cm_per_s", "x_cm", "y_cm", "NA"]
    np.testing.assert_allclose(table["time_s"][:2], [0.05, 0.15])
    curves = pd.read_csv(folder / "behaviour" / "tuning_curves.csv")
    assert len(curves) == 5 * len(whole.tuning.id) * 20
    own = curves[(curves["signal"] == "speed") & (curves["kind"] == "neuron") & (curves["id"] == 3)]
    np.testing.assert_allclose(own["mean"], whole.tuning.curves[0].mean[3])


def test_a_recording_without_behaviour_writes_nothing(tmp_path):
    folder, back = through(made().replace(behaviour_file=None), tmp_path)
    assert not (folder / "behaviour").exists()
    assert all(getattr(back, name) is None for name in FIELDS)
    assert "behaviour" not in json.loads((folder / "log.json").read_text())["tables"]


def test_a_missing_column_is_named(whole, tmp_path):
    folder, _ = through(whole, tmp_path)
    path = folder / "behaviour" / "relations.csv"
    pd.read_csv(path).drop(columns="lag_s").to_csv(path, index=False)
    with pytest.raises(ReadError, match=r"behaviour/relations.csv: column lag_s is missing"):
        read_results(folder)


def test_no_epochs_come_back_as_none(tmp_path):
    recording = made().replace(behaviour_file=BehaviourFile(epochs=Epochs()))
    result = run_stage(recording, "behaviour", default_settings("behaviour"))
    back = through(result, tmp_path)[1]
    assert back.behaviour == result.behaviour
    assert len(back.behaviour.epochs) == 0
