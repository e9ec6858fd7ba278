"""Which cells of two results are the same, and comparing results whose cells were found anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.doubt.comparison import compare
from napari_calcium.doubt.same_cells import same_cells, with_ids_of
from napari_calcium.recording import Recording
from napari_calcium.results.tables import Activations, Ensembles, Events, Members
from napari_calcium.rois import Rois

SIDE = 40


def rois(places, ids=None):
    """Return squares of 6 by 6 pixels with their corners at these places."""
    labels = np.zeros((SIDE, SIDE), np.int64)
    for k, (y, x) in enumerate(places, 1):
        labels[y : y + 6, x : x + 6] = k
    made = Rois.from_labels(labels)
    if ids is None:
        return made
    return Rois(np.array(ids, np.int64), made.footprints, made.shape)


def recording(made, onsets):
    """Return events at these onsets, one a cell, and one ensemble of all cells."""
    ids, n = made.ids, len(made.ids)
    at = np.array(onsets, float)
    members = Members(np.zeros(n, np.int64), ids, np.ones(n), np.ones(n), np.zeros(n), np.ones(n, bool))
    return Recording(
        "r", ids, 10.0, rois=made, events=Events(ids, at, at, at, np.ones(n), np.ones(n)),
        ensembles=Ensembles(members, Activations()),
    )  # fmt: skip


PLACES = [(2, 2), (2, 20), (20, 2), (20, 20)]


def test_each_cell_is_the_same_as_itself_whatever_its_name():
    a, b = rois(PLACES, [0, 1, 2, 3]), rois(PLACES, [7, 5, 9, 4])
    assert same_cells(a, b) == {7: 0, 5: 1, 9: 2, 4: 3}
    assert same_cells(b, a) == {0: 7, 1: 5, 2: 9, 3: 4}


def test_cells_that_hardly_overlap_are_others():
    a = rois([(2, 2), (20, 20)])
    b = rois([(2, 4), (25, 25)])
    ids = a.ids.tolist()
    assert same_cells(a, b) == {b.ids[0]: ids[0]}


def test_of_two_halves_the_larger_is_the_cell():
    labels = np.zeros((SIDE, SIDE), np.int64)
    labels[2:8, 2:8] = 1
    split = labels.copy()
    split[6:8, 2:8] = 2
    a, b = Rois.from_labels(labels), Rois.from_labels(split)
    assert same_cells(a, b) == {int(b.ids[0]): int(a.ids[0])}


@pytest.mark.parametrize("places", [[], [(2, 2)]])
def test_without_cells_nothing_is_the_same(places):
    assert same_cells(rois(places), rois([])) == {}
    assert same_cells(rois([]), rois(places)) == {}


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), unique=True, max_size=12), st.randoms())
@settings(deadline=None, max_examples=40)
def test_matching_is_one_to_one_and_knows_every_cell_in_any_order(grid, shuffled):
    places = [(6 * y, 6 * x) for y, x in grid]
    again = list(places)
    shuffled.shuffle(again)
    found = same_cells(rois(places), rois(again))
    assert len(set(found.values())) == len(found) == len(places)
    here, there = rois(places), rois(again)
    for b_id, a_id in found.items():
        one = here.footprints[[here.ids.tolist().index(a_id)]].indices
        other = there.footprints[[there.ids.tolist().index(b_id)]].indices
        assert set(one) == set(other)


def test_results_with_cells_found_anew_are_compared_by_place():
    a = recording(rois(PLACES, [0, 1, 2, 3]), [1.0, 2.0, 3.0, 4.0])
    b = recording(rois(PLACES[::-1], [0, 1, 2, 3]), [4.0, 3.0, 2.0, 9.0])
    found = {row.what: row for row in compare(a, b).rows}
    assert (found["Events"].both, found["Events"].only_a, found["Events"].only_b) == (3, 1, 1)
    assert found["Cells in an ensemble"].both == 4
    assert "Cells" not in found


def test_cells_of_one_result_only_are_counted():
    a = recording(rois(PLACES, [0, 1, 2, 3]), [1.0, 2.0, 3.0, 4.0])
    b = recording(rois([*PLACES[:3], (30, 30)], [0, 1, 2, 3]), [1.0, 2.0, 3.0, 4.0])
    found = {row.what: row for row in compare(a, b).rows}
    assert (found["Cells"].both, found["Cells"].only_a, found["Cells"].only_b) == (3, 1, 1)
    assert found["Events"].both == 3


def test_the_same_cells_keep_their_recording():
    a = recording(rois(PLACES), [1.0, 2.0, 3.0, 4.0])
    assert with_ids_of(a, a) is a
    other = a.replace(rois=rois(PLACES))
    assert with_ids_of(a, other) is other
    bare = a.replace(rois=None)
    assert with_ids_of(a, bare) is bare
