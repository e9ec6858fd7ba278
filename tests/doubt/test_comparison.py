"""What differs between two results: laws, and a naive matching on small tables."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.doubt.comparison import agreement, compare, match_ensembles, match_times
from napari_calcium.recording import Recording
from napari_calcium.results.tables import Activations, EnsembleEvents, Ensembles, Events, Members

times = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), max_size=9)


def arrays(pairs):
    return np.array([g for g, _ in pairs], np.int64), np.array([t / 10 for _, t in pairs])


def ensembles(groups):
    pairs = [(k, cell) for k, group in enumerate(groups) for cell in group]
    n = len(pairs)
    members = Members(
        np.array([k for k, _ in pairs], np.int64),
        np.array([c for _, c in pairs], np.int64),
        np.ones(n),
        np.ones(n),
        np.zeros(n),
        np.ones(n, bool),
    )
    return Ensembles(members, Activations())


def events(pairs):
    at = np.array([t for _, t in pairs], float)
    n = len(pairs)
    return Events(np.array([i for i, _ in pairs], np.int64), at, at, at, np.ones(n), np.ones(n))


def moments(peaks):
    at, n = np.array(peaks, float), len(peaks)
    none = np.zeros(n, np.int64)
    return EnsembleEvents(np.arange(n), at, at, at, none, np.zeros(n), none, np.zeros(n + 1, np.int64))


def recording(groups, found=(), peaks=()):
    return Recording(
        "r", np.arange(50), 10.0, events=events(list(found)), ensemble_events=moments(list(peaks)),
        ensembles=ensembles(groups),
    )  # fmt: skip


# --- matching of times


@given(times, times, st.sampled_from([0.0, 0.25, 1.0]))
@settings(deadline=None)
def test_matching_takes_the_nearest_first(a, b, tolerance):
    """As a naive search does: of all free pairs within the tolerance, the nearest, again and again."""
    (ga, ta), (gb, tb) = arrays(a), arrays(b)
    free_a, free_b, away = set(range(len(a))), set(range(len(b))), []
    while True:
        near = [
            abs(ta[i] - tb[j])
            for i, j in itertools.product(free_a, free_b)
            if ga[i] == gb[j] and ta[i] - tolerance <= tb[j] <= ta[i] + tolerance
        ]
        if not near:
            break
        i, j = min(
            (p for p in itertools.product(free_a, free_b)
             if ga[p[0]] == gb[p[1]] and ta[p[0]] - tolerance <= tb[p[1]] <= ta[p[0]] + tolerance),
            key=lambda p: (abs(ta[p[0]] - tb[p[1]]), ta[p[0]], tb[p[1]]),
        )  # fmt: skip
        away.append(abs(ta[i] - tb[j]))
        free_a.remove(i)
        free_b.remove(j)
    found = match_times(ga, ta, gb, tb, tolerance)
    assert (ga[found.a] == gb[found.b]).all()
    np.testing.assert_allclose(sorted(np.abs(ta[found.a] - tb[found.b])), sorted(away))
    assert len(found.only_a) == len(free_a) and len(found.only_b) == len(free_b)
    assert sorted([*found.a, *found.only_a]) == list(range(len(a)))
    assert sorted([*found.b, *found.only_b]) == list(range(len(b)))


@given(times)
def test_a_table_is_itself(a):
    group, time = arrays(a)
    found = match_times(group, time, group, time, 0.25)
    assert len(found.only_a) == len(found.only_b) == 0
    np.testing.assert_array_equal(time[found.a], time[found.b])


@given(times, times)
@settings(deadline=None)
def test_exchanging_both_exchanges_the_result(a, b):
    (ga, ta), (gb, tb) = arrays(a), arrays(b)
    one, other = match_times(ga, ta, gb, tb, 0.25), match_times(gb, tb, ga, ta, 0.25)
    assert len(one.a) == len(other.a) and len(one.only_a) == len(other.only_b)


# --- ensembles

groups = st.lists(st.frozensets(st.integers(0, 15), min_size=1, max_size=6), max_size=4)


@given(groups, groups)
@settings(deadline=None)
def test_ensembles_are_matched_for_the_greatest_sum(a, b):
    pairs = match_ensembles(ensembles(a), ensembles(b))
    total = sum(p.similarity for p in pairs)
    short, long = (a, b) if len(a) <= len(b) else (b, a)
    best = max(
        sum(len(x & y) / len(x | y) for x, y in zip(short, chosen, strict=True))
        for chosen in itertools.permutations(long, len(short))
    )
    assert total == pytest.approx(best)
    for pair in pairs:
        one = set(pair.both) | set(pair.only_a)
        other = set(pair.both) | set(pair.only_b)
        assert one == (set(a[pair.a]) if pair.a is not None else set())
        assert other == (set(b[pair.b]) if pair.b is not None else set())
    assert sorted(p.a for p in pairs if p.a is not None) == list(range(len(a)))
    assert sorted(p.b for p in pairs if p.b is not None) == list(range(len(b)))


@given(groups, groups, st.permutations(range(4)))
@settings(deadline=None)
def test_agreement_is_symmetric_bounded_and_knows_no_order(a, b, order):
    score = agreement(ensembles(a), ensembles(b))
    assert 0 <= score <= 1
    assert score == pytest.approx(agreement(ensembles(b), ensembles(a)))
    shuffled = [a[k] for k in order if k < len(a)]
    assert score == pytest.approx(agreement(ensembles(shuffled), ensembles(b)))
    assert agreement(ensembles(a), ensembles(a)) == pytest.approx(1)


def test_agreement_without_ensembles():
    assert agreement(ensembles([]), ensembles([])) == 1
    assert agreement(ensembles([]), ensembles([{1}])) == 0


# --- whole results


def test_a_result_does_not_differ_from_itself():
    result = recording([{1, 2, 3}, {4, 5}], [(1, 1.0), (1, 1.1), (2, 5.0)], [3.0, 9.0])
    told = compare(result, result)
    assert told.is_same and told.agreement == 1
    assert all(pair.a == pair.b and not pair.only_a and not pair.only_b for pair in told.ensembles)


def test_what_was_gained_and_lost_is_told():
    a = recording([{1, 2, 3}, {4, 5}], [(1, 1.0), (2, 5.0)], [3.0, 9.0])
    b = recording([{7, 8}, {1, 2, 9}], [(1, 1.2), (3, 6.0), (3, 7.0)], [3.2])
    told = compare(a, b)
    assert not told.is_same
    rows = {row.what: (row.a, row.b, row.both, row.only_a, row.only_b) for row in told.rows}
    assert rows == {
        "Events": (2, 3, 1, 1, 2),
        "Cells with events": (2, 2, 1, 1, 1),
        "Ensemble events": (2, 1, 1, 1, 0),
        "Ensembles": (2, 2, 1, 1, 1),
        "Cells in an ensemble": (5, 5, 2, 3, 3),
    }
    first = told.ensembles[0]
    assert (first.a, first.b, first.both, first.only_a, first.only_b) == (0, 1, (1, 2), (3,), (9,))
    assert first.similarity == 0.5
    table = told.to_dataframe()
    assert table["what"].tolist()[5:] == ["Ensemble 0 = 1", "Ensemble 1 of A", "Ensemble 0 of B"]
    assert len(table) == 5 + 3


def test_only_what_both_have_is_compared():
    a = recording([{1}], [(1, 1.0)], [3.0])
    assert [row.what for row in compare(a, replace(a, ensembles=None)).rows] == [
        "Events",
        "Cells with events",
        "Ensemble events",
    ]
    nothing = compare(a, Recording("r", np.arange(3), 10.0))
    assert [row.what for row in nothing.rows] == ["Cells"] and np.isnan(nothing.agreement)


def test_results_of_nothing_do_not_differ():
    assert compare(recording([]), recording([])).is_same
