from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

from napari_calcium.figures.similarity_tree import arrange, missing_similarity, similarity_levels
from napari_calcium.recording import Recording
from napari_calcium.results.tables import EnsembleEvents, Ensembles

ORDERS = ("ensemble", "tree", "time")


def matrix(n: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).random((n, n)).astype(np.float32)
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1)
    return values


def owners(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1, 3, n)


def joints(lines: np.ndarray, n: int) -> np.ndarray:
    """Return the distance at which each pair of places is joined, read off the drawn lines."""
    distance = np.full((n, n), np.inf)
    group = {k + 0.5: [k] for k in range(n)}
    for bar in lines[2::3]:
        (at, a), (_, b) = bar
        left, right = group.pop(a), group.pop(b)
        for i in left:
            distance[i, right] = distance[right, i] = at
        group[(a + b) / 2] = left + right
    np.fill_diagonal(distance, 0)
    return distance


@settings(max_examples=30, deadline=None)
@given(n=st.integers(0, 25), by=st.sampled_from(ORDERS), seed=st.integers(0, 99))
def test_every_order_is_a_permutation_with_the_ensembles_of_its_rows(n, by, seed):
    owner = owners(n, seed)
    found = arrange(matrix(n, seed), owner, by)
    assert sorted(found.order.tolist()) == list(range(n))
    np.testing.assert_array_equal(found.ensemble_id, owner[found.order])
    assert sum(stop - start for _, start, stop in found.blocks) == n
    assert all((found.ensemble_id[start:stop] == k).all() for k, start, stop in found.blocks)


def test_ensembles_ascend_and_events_of_none_are_last():
    found = arrange(matrix(30), owners(30), "ensemble")
    assert [k for k, _, _ in found.blocks] == [0, 1, 2, -1]


def test_in_time_nothing_moves_and_there_is_no_tree():
    found = arrange(matrix(9), owners(9), "time")
    assert found.order.tolist() == list(range(9)) and not len(found.lines)


def test_the_tree_drawn_is_the_average_linkage():
    similarity = matrix(14)
    found = arrange(similarity, owners(14), "tree")
    expected = squareform(
        cophenet(linkage(squareform(1 - similarity.astype(float), checks=False), "average"))
    )
    drawn = joints(found.lines, 14)
    np.testing.assert_allclose(drawn, expected[np.ix_(found.order, found.order)], atol=1e-6)


def test_a_tree_never_leaves_its_ensemble():
    found = arrange(matrix(25), owners(25), "ensemble")
    for line in found.lines:
        places = line[:, 1]
        assert any(start <= places.min() and places.max() <= stop for _, start, stop in found.blocks)


def test_alike_events_stand_together():
    group = np.arange(20) % 2
    similarity = np.where(group[:, None] == group, 0.8, 0.1).astype(np.float32)
    found = arrange(similarity, np.full(20, -1), "tree")
    assert np.count_nonzero(np.diff(group[found.order])) == 1


@pytest.mark.parametrize("n", [1, 2])
def test_few_events(n):
    for by in ORDERS:
        assert len(arrange(matrix(n), np.zeros(n, int), by).lines) == (3 * (n - 1) if by != "time" else 0)


def test_missing_similarities_count_as_none():
    values = matrix(5)
    values[0, 1] = values[1, 0] = np.nan
    assert np.isfinite(arrange(values, owners(5), "tree").lines).all()


def test_levels_are_the_matrix_in_order_up_to_its_highest():
    values = matrix(12)
    order = np.random.default_rng(1).permutation(12)
    levels, high = similarity_levels(values, order)
    expected = np.minimum(values[np.ix_(order, order)] / high, 1) * 255
    assert np.abs(levels - expected).max() <= 0.5
    assert 0.1 <= high <= 1
    assert similarity_levels(np.eye(3, dtype=np.float32), np.arange(3))[1] == pytest.approx(0.1)
    assert similarity_levels(np.ones((1, 1), np.float32), np.arange(1))[1] == 1.0


def test_it_says_what_to_do_where_there_is_nothing():
    bare = Recording("b", np.arange(2), 10.0)
    assert "Calcium pipeline" in missing_similarity(bare)
    nothing = bare.replace(ensemble_events=EnsembleEvents(), ensembles=Ensembles())
    assert "No ensemble events" in missing_similarity(nothing)
