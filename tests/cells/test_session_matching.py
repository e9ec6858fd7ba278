"""Cells of one recording found again in another: by image or by footprints, with their ensembles."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_calcium.cells.session_matching import (
    cells_elsewhere,
    match_recordings,
    matches_columns,
    members_elsewhere,
)
from napari_calcium.cli import app
from napari_calcium.io.results_folder import write_results
from napari_calcium.pipeline import run
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError
from napari_calcium.simulate import SimulationSettings, simulate


@pytest.fixture(scope="module")
def days():
    """One recording, and the same field moved by 3 and −4 px with ids of its own and some cells missing."""
    made = simulate(
        SimulationSettings(
            n_rois=40, n_frames=600, frame_rate=10.0, height=160, width=160, n_ensembles=2, seed=3
        )
    )
    first = run(made.to_recording("day 1").replace(movie=None), PipelineSettings())
    moved = np.roll(first.rois.label_image(), (3, -4), (0, 1))
    moved[:3] = moved[:, -4:] = 0
    moved[moved > 30] = 0
    labels = np.unique(moved[moved > 0])
    ids = first.rois.ids[labels - 1] + 1000
    rois = Rois.from_labels(moved, ids=ids)
    images = {"mean": np.roll(first.images["mean"], (3, -4), (0, 1))}
    empty = first.replace(
        name="day 2",
        traces={},
        roi_ids=ids,
        cell_names=(),
        rois=rois,
        images=images,
        events=None,
        coactivity=None,
        ensemble_events=None,
        ensembles=None,
        features=None,
        log=(),
    )
    return first, empty


def test_cells_are_found_again_wherever_the_field_moved(days):
    found = match_recordings(*days)
    assert (found.other_roi_id == found.roi_id + 1000).all() and len(found.roi_id) >= 25
    assert (found.shift_y_px, found.shift_x_px) == (3.0, -4.0)


def test_without_an_image_in_common_footprints_register_the_field(days):
    first, second = days
    found = match_recordings(first, second.replace(images={}))
    assert (found.other_roi_id == found.roi_id + 1000).all() and len(found.roi_id) >= 25


def test_members_of_an_ensemble_are_known_in_the_other_recording(days):
    first, second = days
    found = match_recordings(first, second)
    assert first.ensembles.ids
    there = members_elsewhere(first, found)
    for ensemble in first.ensembles.ids:
        members = first.ensembles.members_of(ensemble).roi_id
        expected = [k + 1000 for k in members.tolist() if k in found.roi_id]
        assert sorted(there[ensemble].tolist()) == sorted(expected)
    assert members_elsewhere(second, found) == {}
    assert cells_elsewhere(found, [-1]).tolist() == []


def test_the_table_names_cells_and_ensembles(days):
    first, second = days
    found = match_recordings(first, second)
    columns = matches_columns(first, second, found)
    assert all(len(values) == len(found.roi_id) for values in columns.values())
    row = int(np.flatnonzero(columns["ensembles"] != "")[0])
    ensemble = int(columns["ensembles"][row].split()[0])
    assert columns["roi_id"][row] in first.ensembles.members_of(ensemble).roi_id
    assert set(columns["other_ensembles"]) == {""}


def test_what_cannot_be_matched_is_said_in_one_line(days):
    first, second = days
    with pytest.raises(SettingsError, match="day 2: its cells have no places"):
        match_recordings(first, second.replace(rois=None))
    small = Rois.from_labels(np.eye(20, dtype=int), ids=second.roi_ids[:1])
    with pytest.raises(SettingsError, match="20 x 20 pixels"):
        match_recordings(first, second.replace(rois=small, images={}))


def test_the_command_writes_a_table_and_says_what_was_found(days, tmp_path):
    for name, one in zip(("a", "b"), days, strict=True):
        (tmp_path / name).mkdir()
        write_results(one, tmp_path / name, PipelineSettings().to_yaml())
    out = tmp_path / "matches.csv"
    done = CliRunner().invoke(app, ["match", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    table = pd.read_csv(out)
    assert (table["other_roi_id"] == table["roi_id"] + 1000).all()
    assert f"{len(table)} cells are in both" in done.output + str(done.stderr)
    missing = CliRunner().invoke(app, ["match", str(tmp_path / "a"), str(tmp_path / "no")])
    assert missing.exit_code != 0 and "Traceback" not in missing.output
