"""Result tables: equal columns, frozen, taken apart and compared by value."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from napari_calcium.results.tables import (
    Activations,
    Coactivity,
    EnsembleEvents,
    Ensembles,
    Events,
    Members,
    freeze,
    same_array,
)

TABLES = [Events, Coactivity, EnsembleEvents, Members, Activations]


def events(n: int = 6, seed: int = 0) -> Events:
    rng = np.random.default_rng(seed)
    onset = np.sort(rng.random(n) * 100)
    return Events(
        roi_id=rng.choice([5, 9, 2], n),
        onset_s=onset,
        peak_s=onset + 0.2,
        end_s=onset + 1,
        amplitude=rng.random(n),
        fwhm_s=np.where(rng.random(n) < 0.3, np.nan, rng.random(n)),
    )


def ensemble_events(members: list[list[int]]) -> EnsembleEvents:
    n = len(members)
    return EnsembleEvents(
        event_id=np.arange(n),
        start_s=np.arange(n) * 1.0,
        end_s=np.arange(n) + 0.5,
        peak_s=np.arange(n) + 0.2,
        n_neurons=np.array([len(m) for m in members], np.int64),
        p_value=np.full(n, 0.01),
        ensemble_id=np.full(n, -1),
        member_offsets=np.cumsum([0, *map(len, members)]),
        member_ids=np.array([k for m in members for k in m], np.int64),
        expected_by_chance=0.5,
    )


# All tables


@pytest.mark.parametrize("table", TABLES)
def test_empty_tables_are_results(table: type):
    empty = table()
    assert len(empty) == 0 and empty == table()
    assert len(empty.to_dataframe()) == 0
    assert list(empty.to_dataframe().columns) == list(empty.columns())
    assert len(empty.take(np.empty(0, np.int64))) == 0


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_frozen_and_of_their_own_type(table: type):
    for name, column in table().columns().items():
        assert not column.flags.writeable and column.ndim == 1, name


def test_columns_must_be_equally_long():
    with pytest.raises(ValueError, match="columns of Events differ in length"):
        Events(roi_id=np.array([1]), onset_s=np.array([1.0, 2.0]))


def test_the_callers_array_stays_writeable():
    given_ = np.array([1, 2])
    kept = freeze(given_)
    given_[0] = 5
    assert not kept.flags.writeable and given_.tolist() == [5, 2]


def test_fields_cannot_be_set():
    with pytest.raises(dataclasses.FrozenInstanceError):
        events().unit = "x"


def test_equality_counts_values_types_and_what_describes_the_table():
    assert events() == events() and events() != events(seed=1) and events() != "events"
    assert events() != dataclasses.replace(events(), unit="a.u.")
    assert Events() != Members()
    assert Coactivity(window_s=0.5) != Coactivity(window_s=0.4)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 12), st.integers(0, 99), st.data())
def test_taking_is_the_same_for_every_column(n: int, seed: int, data: st.DataObject):
    table = events(n, seed)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
    taken = table.take(mask)
    frame = table.to_dataframe()[mask].reset_index(drop=True)
    assert taken.to_dataframe().equals(frame) and taken.unit == table.unit
    assert taken == table.take(np.flatnonzero(mask))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0]), np.array([1], int), False),
        (np.array([1]), np.array([1, 1]), False),
        (np.array(["a"]), np.array(["a"]), True),
        (np.array([0.0]), np.array([-0.0]), True),
    ],
)
def test_same_array(a: np.ndarray, b: np.ndarray, same: bool):
    assert same_array(a, b) is same


# Events


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 50), unique=True, min_size=1, max_size=10), st.data())
def test_rows_of_events_agree_with_a_naive_search(ids: list[int], data: st.DataObject):
    chosen = data.draw(st.lists(st.sampled_from(ids), max_size=10))
    n = len(chosen)
    table = Events(np.array(chosen, np.int64), *(np.zeros(n) for _ in range(5)))
    assert_array_equal(table.rows(np.array(ids)), [ids.index(k) for k in chosen])


def test_events_of_unknown_cells_are_refused():
    for ids in ([5, 9], [], [100]):
        with pytest.raises(ValueError, match="not in the recording"):
            events().rows(np.array(ids, np.int64))
    assert_array_equal(Events().rows(np.empty(0, np.int64)), [])


# Ensemble events

groups = st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=6)


@settings(max_examples=60, deadline=None)
@given(groups, st.data())
def test_members_follow_their_events(members: list[list[int]], data: st.DataObject):
    table = ensemble_events(members)
    assert [table.members(k).tolist() for k in range(len(table))] == members
    mask = data.draw(st.lists(st.booleans(), min_size=len(members), max_size=len(members)))
    taken = table.take(np.array(mask, bool))
    kept = [group for group, yes in zip(members, mask, strict=True) if yes]
    assert [taken.members(k).tolist() for k in range(len(taken))] == kept
    assert taken.expected_by_chance == 0.5


def test_members_are_no_columns_but_count_in_equality():
    table = ensemble_events([[1, 2], [3]])
    assert "member_ids" not in table.columns() and "member_offsets" not in table.columns()
    assert table == ensemble_events([[1, 2], [3]]) and table != ensemble_events([[1, 4], [3]])
    assert table != dataclasses.replace(table, expected_by_chance=0.6) and table != 1
    unknown = dataclasses.replace(table, expected_by_chance=float("nan"))
    assert unknown == dataclasses.replace(table, expected_by_chance=float("nan"))
    assert not table.member_ids.flags.writeable


# Ensembles


def ensembles() -> Ensembles:
    return Ensembles(
        members=Members(
            ensemble_id=np.array([0, 0, 3]),
            roi_id=np.array([5, 2, 5]),
            participation=np.array([0.9, 0.5, 1.0]),
            lift=np.ones(3),
            q_value=np.zeros(3),
            core=np.array([True, False, True]),
        ),
        activations=Activations(
            ensemble_id=np.array([0, 3, 3]),
            time_s=np.array([1.0, 2.0, 3.0]),
            p_value=np.zeros(3),
            n_members_active=np.array([2, 1, 1]),
        ),
        similarity=np.eye(3, dtype=np.float32),
        notes=("two",),
    )


def test_ensembles_by_their_ids():
    found = ensembles()
    assert len(found) == 2 and found.ids == (0, 3) and list(found) == [0, 3]
    assert_array_equal(found.members_of(0).roi_id, [5, 2])
    assert_array_equal(found.activations_of(3).time_s, [2, 3])
    assert len(found.members_of(1)) == 0


def test_no_ensembles_are_a_result():
    none = Ensembles()
    assert len(none) == 0 and none.ids == () and none.similarity.shape == (0, 0) and none == Ensembles()


def test_ensembles_compare_by_value_and_are_frozen():
    assert ensembles() == ensembles() and ensembles() != Ensembles() and ensembles() != 1
    assert ensembles() != dataclasses.replace(ensembles(), notes=())
    assert ensembles() != dataclasses.replace(ensembles(), expected_by_chance=1.0)
    with pytest.raises(ValueError, match="read-only"):
        ensembles().similarity[0, 0] = 2
