from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.figures.cell_numbers import CellColumn, cell_columns, fitting_rows, sorted_rows
from napari_calcium.numerics.noise import noise_level
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Activations, Ensembles, Members
from napari_calcium.rois import Rois


@pytest.fixture
def recording() -> Recording:
    labels = np.zeros((10, 12), int)
    labels[1:3, 1:5], labels[6:9, 7:8] = 1, 2
    rois = Rois.from_labels(labels, [30, 10])
    rois = Rois(rois.ids, rois.footprints, rois.shape, quality={"compactness": np.array([0.5, 0.25])})
    owner, cell = np.array([0, 1, 1]), np.array([10, 10, 20])
    members = Members(owner, cell, np.array([0.5, 0.75, 1.0]), np.ones(3), np.ones(3), np.ones(3, bool))
    features = {
        "roi_id": np.array([10, 20, 30]),
        "n_events": np.array([3, 0, 12]),
        "snr": np.array([4.5, np.nan, 9.0]),
        "share_in_company": np.array([0.25, 0.5, np.nan]),
        "my_new_number": np.array([1.0, 2.0, 3.0]),
    }
    return Recording(
        "r",
        np.array([10, 20, 30]),
        5.0,
        rois=rois,
        pixel_size_um=2.0,
        ensembles=Ensembles(members, Activations()),
        features=features,
        cell_names=("a10", "b2", "c"),
    )


def by_key(recording: Recording) -> dict[str, CellColumn]:
    return {column.key: column for column in cell_columns(recording)}


def shown(column: CellColumn) -> list[str]:
    return [column.text(row) for row in range(len(column.values))]


def test_every_number_is_there_in_the_order_of_the_recording(recording):
    table = by_key(recording)
    assert shown(table["cell"]) == ["a10", "b2", "c"]
    assert shown(table["n_events"]) == ["3", "0", "12"]
    assert shown(table["snr"]) == ["4.5", "", "9"]
    assert shown(table["share_in_company"]) == ["25", "50", ""]
    assert (
        shown(table["my_new_number"]) == ["1", "2", "3"] and table["my_new_number"].title == "my new number"
    )
    assert shown(table["ensembles"]) == ["0, 1", "1", ""]
    assert shown(table["participation"]) == ["75", "100", ""]
    assert shown(table["area"]) == ["12", "", "32"] and table["area"].title == "Area (µm²)"
    assert shown(table["y"]) == ["14", "", "3"]
    assert shown(table["compactness"]) == ["0.25", "", "0.5"]
    assert "roi_id" not in table


def test_every_heading_is_there_once_and_explained(recording):
    columns = cell_columns(recording)
    assert len({c.title for c in columns}) == len({c.key for c in columns}) == len(columns)
    assert all(c.about for c in columns)


def test_where_no_ensemble_was_found_there_are_no_columns_about_them(recording):
    assert "ensembles" not in by_key(recording.replace(ensembles=Ensembles()))


def test_before_anything_was_measured_there_are_names():
    columns = cell_columns(Recording("r", np.array([7, 3]), None))
    assert [(c.key, shown(c)) for c in columns] == [("cell", ["7", "3"])]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [0, 1, 2]),
        ("  ,", [0, 1, 2]),
        ("snr > 4.5", [2]),
        ("snr>=4.5", [0, 2]),
        ("SNR != 9", [0]),
        ("events < 10, snr > 1", [0]),
        ("events <= 3 and in ensemble = 1", [0, 1]),
        ("ensembles != 1", [2]),
        ("in comp >= 25%", [0, 1]),
        ("b", [1]),
        ("A1", [0]),
        ("c", [2]),
        ("nobody", []),
    ],
)
def test_conditions(recording, text, rows):
    assert fitting_rows(text, cell_columns(recording)).tolist() == rows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour > 1", "no column “colour”"),
        ("snr > much", "“much” is not a number"),
        ("in ensemble > 1", "use = or !="),
        ("e > 1", "could be"),
    ],
)
def test_what_cannot_be_understood_is_said(recording, text, words):
    with pytest.raises(ValueError, match=words):
        fitting_rows(text, cell_columns(recording))


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.one_of(st.floats(-5, 5), st.just(float("nan"))), max_size=12), descending=st.booleans()
)
def test_sorting_is_stable_and_leaves_the_unknown_last(values, descending):
    column = CellColumn("k", "k", "", np.array(values, float))
    rows = np.arange(len(values))[::-1]
    found = sorted_rows(column, rows, descending=descending)
    key = {r: (np.isnan(values[r]), -values[r] if descending else values[r]) for r in rows.tolist()}
    expected = sorted(rows.tolist(), key=lambda r: (key[r][0], 0 if key[r][0] else key[r][1]))
    assert found.tolist() == expected


def test_names_that_are_numbers_sort_as_numbers_before_other_names():
    names = CellColumn("cell", "Cell", "", np.array(["10", "2", "b", "a", "1"]))
    assert names.values[sorted_rows(names, np.arange(5))].tolist() == ["1", "2", "10", "a", "b"]
    empty = CellColumn("cell", "Cell", "", np.empty(0, np.str_))
    assert len(sorted_rows(empty, np.arange(0))) == 0


def test_the_noise_level_of_dff_is_there_before_any_stage_has_run():
    dff = (0.1 * np.random.default_rng(0).standard_normal((3, 400))).astype(np.float32)
    read = Recording("r", np.arange(3), 20.0, {"dff": Trace(dff, "ΔF/F")})
    (noise,) = [c for c in cell_columns(read) if c.key == "noise_level_percent_per_sqrt_hz"]
    assert np.array_equal(noise.values, noise_level(dff, 20.0))
    assert "ν" in noise.about
    featured = read.replace(features={"roi_id": np.arange(3), noise.key: np.full(3, 7.0)})
    (noise,) = [c for c in cell_columns(featured) if c.key == noise.key]
    assert noise.values.tolist() == [7.0] * 3


@pytest.mark.parametrize(("unit", "rate"), [("a.u.", 20.0), ("ΔF/F", None)])
def test_no_noise_level_of_what_is_no_dff_or_has_no_time(unit, rate):
    read = Recording("r", np.arange(2), rate, {"dff": Trace(np.ones((2, 30), np.float32), unit)})
    assert not any("noise" in column.key for column in cell_columns(read))


def test_the_noise_of_a_long_recording_is_that_of_its_middle():
    dff = np.zeros((2, 2_000_000), np.float32)
    dff[:, 900_000:1_100_000] = np.random.default_rng(0).standard_normal(200_000).astype(np.float32)
    read = Recording("long", np.arange(2), 20.0, {"dff": Trace(dff, "ΔF/F")})
    (noise,) = [c for c in cell_columns(read) if "noise" in c.key]
    assert "middle 1,500,000 frames" in noise.about
    assert noise.values.shape == (2,)


def test_ensembles_of_each_neuron_are_those_of_a_loop_over_all_members():
    rng = np.random.default_rng(4)
    ids = np.array([9, 4, 7, 30, 2])
    # Cell 99 was deleted since: ensembles may still name it.
    cell, ensemble = rng.choice([*ids[:-1], 99], 12), rng.integers(0, 11, 12)
    share = rng.random(12)
    ones = np.ones(12)
    members = Members(ensemble, cell, share, ones, ones, ones.astype(bool))
    recording = Recording("made", ids, 10.0, ensembles=Ensembles(members, Activations()))
    found = {column.key: column.values for column in cell_columns(recording)}
    for row, one in enumerate(ids.tolist()):
        own = sorted(k for k, c in zip(ensemble.tolist(), cell.tolist(), strict=True) if c == one)
        assert found["ensembles"][row] == ", ".join(map(str, own))
        best = max((100 * s for s, c in zip(share, cell, strict=True) if c == one), default=np.nan)
        np.testing.assert_allclose(found["participation"][row], best)


def test_ensembles_of_neurons_that_are_all_gone_leave_empty_columns():
    members = Members(np.array([0]), np.array([99]), np.ones(1), np.ones(1), np.ones(1), np.ones(1, bool))
    recording = Recording("made", np.arange(3), 10.0, ensembles=Ensembles(members, Activations()))
    found = {column.key: column.values for column in cell_columns(recording)}
    assert found["ensembles"].tolist() == ["", "", ""]
    assert np.isnan(found["participation"]).all()
