"""Numbers of the behaviour stand in the table of cells."""

from __future__ import annotations

import numpy as np
from tests.io.test_behaviour_folder import analysed, made

from napari_calcium.figures.behaviour_numbers import behaviour_numbers
from napari_calcium.figures.cell_numbers import cell_columns, fitting_rows


def test_every_stage_has_its_columns_in_the_order_of_the_cells():
    recording = analysed(made())
    order = np.array([4, 1, 5, 0, 2, 3])
    shuffled = recording.replace(
        roi_ids=recording.roi_ids[order],
        traces={},
        features=None,
    )
    columns = {key: values for key, _, _, values in behaviour_numbers(recording)}
    relations = recording.relations
    own = (relations.kind == "neuron") & (relations.signal == "speed")
    np.testing.assert_array_equal(columns["r_speed"], relations.correlation[own])
    mixed = {key: values for key, _, _, values in behaviour_numbers(shuffled)}
    for key, values in columns.items():
        np.testing.assert_array_equal(mixed[key], values[order])
    for key in ("lag_x", "q_y", "information_speed", "preferred_speed", "tuning_q_x × y", "response_light"):
        assert key in columns
    assert "preferred_x × y" not in columns, "a place is no single number"
    assert "enrichment_light" in columns


def test_filters_know_them_and_without_behaviour_there_are_none():
    recording = analysed(made())
    columns = cell_columns(recording)
    assert 0 <= len(fitting_rows("r speed > 0", columns)) <= 6
    assert behaviour_numbers(made()) == []
