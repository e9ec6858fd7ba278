"""Preferred epochs as they are drawn: who is shown, over what chance gives."""

from __future__ import annotations

import numpy as np
import pytest
from tests.io.test_behaviour_folder import analysed, made

from napari_calcium.figures.export import FIGURES, figure_of
from napari_calcium.figures.preferences_figure import places_of, prepare_preferences
from napari_calcium.results.behaviour_findings import Preferences

KIND = next(kind for kind in FIGURES if kind.stem == "preferences")


@pytest.fixture(scope="module")
def whole():
    return analysed(made())


def table_of(recording, kind, who, column):
    table = recording.preferences
    return getattr(table, column)[(table.kind == kind) & (table.id == who)]


def test_all_ensembles_are_shown_unless_something_is_chosen(whole):
    data = prepare_preferences(whole)
    assert [row.name for row in data.rows] == [f"ensemble {k}" for k in whole.ensembles.ids]
    assert data.labels == tuple(dict.fromkeys(whole.preferences.label.tolist()))
    for row, who in zip(data.rows, whole.ensembles.ids, strict=True):
        np.testing.assert_array_equal(row.enrichment, table_of(whole, "ensemble", who, "enrichment"))
        np.testing.assert_array_equal(row.chance_low, table_of(whole, "ensemble", who, "chance_low"))
        np.testing.assert_array_equal(row.significant, table_of(whole, "ensemble", who, "q_value") <= 0.05)


def test_the_chosen_ensemble_or_cells_are_shown_alone(whole):
    ensemble = whole.ensembles.ids[0]
    assert [row.name for row in prepare_preferences(whole, ensemble=ensemble).rows] == [
        f"ensemble {ensemble}"
    ]
    data = prepare_preferences(whole, (4, 1))
    assert [row.name for row in data.rows] == ["cell 4", "cell 1"]
    assert data.of == "cells"
    np.testing.assert_array_equal(data.rows[1].enrichment, table_of(whole, "neuron", 1, "enrichment"))


def test_without_ensembles_the_surest_cells_stand_in(whole):
    table = whole.preferences
    data = prepare_preferences(whole.replace(preferences=table.take(table.kind == "neuron")))
    assert data.of == "cells"
    assert 0 < len(data.rows) <= 12


def test_rows_stand_side_by_side_and_do_not_touch_the_next_label(whole):
    places, width = places_of(prepare_preferences(whole, tuple(range(10))))
    assert (np.diff(places[:, 0]) >= width - 1e-12).all()
    assert places[-1, 0] + width / 2 < places[0, 1] - width / 2


@pytest.mark.parametrize("case", ["all", "empty", "none", "never active"])
def test_it_is_drawn(whole, case):
    table = whole.preferences
    columns = dict(table.columns())
    for name in ("enrichment", "chance_low", "chance_high", "p_value", "q_value"):
        columns[name] = np.full(len(table), np.nan)
    recording = {
        "all": whole,
        "empty": whole.replace(preferences=Preferences()),
        "none": whole.replace(preferences=None),
        "never active": whole.replace(preferences=Preferences(**columns)),
    }[case]
    data = KIND.prepare(recording)
    assert bool(data.message) == (case in ("empty", "none"))
    if case != "none":
        figure_of(KIND, recording).canvas.draw()
