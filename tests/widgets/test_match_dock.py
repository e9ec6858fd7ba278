"""The Match sessions dock: another recording's cells on the image, its table, and an ensemble there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from tests.widgets.settling import settle

from napari_calcium.io.results_folder import write_results
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.rois import Rois
from napari_calcium.widgets.match_dock import MatchDock
from napari_calcium.widgets.tissue_layers import layer_role


@pytest.fixture
def other(recording, tmp_path):
    """The same field one day later, 2 px lower, with other ids, as a results folder."""
    labels = np.roll(recording.rois.label_image(), 2, 0)
    labels[:2] = 0
    ids = recording.rois.ids[np.unique(labels[labels > 0]) - 1] + 500
    later = recording.replace(
        name="day 2",
        roi_ids=ids,
        traces={},
        cell_names=(),
        rois=Rois.from_labels(labels, ids=ids),
        images={name: np.roll(image, 2, 0) for name, image in recording.images.items()},
        events=None,
        coactivity=None,
        ensemble_events=None,
        ensembles=None,
        features=None,
        recording_features={},
        log=(),
    )
    folder = tmp_path / "day_2"
    folder.mkdir()
    write_results(later, folder, PipelineSettings().to_yaml())
    return folder


@pytest.fixture
def dock(qtbot, recording):
    viewer = ViewerModel()
    made = MatchDock(viewer)
    qtbot.addWidget(made)
    made.resize(420, 500)
    made.show()
    qtbot.waitExposed(made)
    made.session.open(recording)
    settle()
    return made


def matched(qtbot, dock, other) -> None:
    with qtbot.waitSignal(dock.runner.finished, timeout=60_000) as done:
        dock.match_with(other)
    assert done.args[1] is None
    settle()


def test_another_recording_is_matched_and_its_cells_lie_on_the_image(qtbot, dock, recording, other, tmp_path):
    assert "Choose another recording" in dock.says.text()
    matched(qtbot, dock, other)
    assert (dock.matches.other_roi_id == dock.matches.roi_id + 500).mean() > 0.9
    layer = next(x for x in dock._viewer.layers if x.name == "Cells of day 2")
    assert layer_role(layer) == "matched"
    pixel = recording.pixel_size_um or 1.0
    np.testing.assert_allclose(layer.translate, (-2 * pixel, 0))
    dock.keep(tmp_path / "matches.csv")
    table = pd.read_csv(tmp_path / "matches.csv")
    assert len(table) == len(dock.table.rows) > 0


def test_an_ensemble_of_this_day_is_filled_on_the_other_days_somata(qtbot, dock, recording, other):
    matched(qtbot, dock, other)
    ensemble = recording.ensembles.ids[0]
    dock.session.choose_ensemble(ensemble)
    settle()
    members = recording.ensembles.members_of(ensemble).roi_id
    layer = next(x for x in dock._viewer.layers if x.name == "Cells of day 2")
    filled = np.asarray(layer.data) == 3
    rois = dock.other.rois
    found = dock._sure()
    there = found.other_roi_id[np.isin(found.roi_id, members)]
    expected = np.zeros(rois.shape, bool)
    for row in np.flatnonzero(np.isin(rois.ids, there)):
        expected[rois.pixels(row)] = True
    np.testing.assert_array_equal(filled, expected)
    assert f"Ensemble {ensemble}: {len(there)} of {len(members)} members" in dock.says.text()


def test_a_row_is_a_cell_and_a_stricter_confidence_leaves_out(qtbot, dock, other):
    matched(qtbot, dock, other)
    dock.table.picked.emit((0,))
    assert dock.session.selection.cells == (int(dock._sure().roi_id[0]),)
    dock.least.setValue(0)
    settle()
    all_of_them = len(dock.table.rows)
    dock.least.setValue(1)
    settle()
    assert len(dock.table.rows) <= all_of_them


def test_another_recording_takes_the_matches_away(qtbot, dock, recording, other):
    matched(qtbot, dock, other)
    dock.session.open(recording.replace(name="another"))
    settle()
    assert dock.matches is None and "matched" not in [layer_role(x) for x in dock._viewer.layers]


def test_what_is_no_recording_is_told_in_a_line(qtbot, dock, tmp_path):
    with qtbot.waitSignal(dock.runner.finished):
        dock.match_with(tmp_path / "no such folder")
    assert dock.progress.message.startswith("⚠") and dock.matches is None
