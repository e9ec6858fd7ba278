import numpy as np
from numpy.testing import assert_allclose
from scipy import sparse

from napari_calcium.movie.stretches import Found, merged

WIDTH = 100


def run(start, length=10, values=None):
    row = np.zeros(WIDTH)
    row[start : start + length] = 1.0 if values is None else values
    return row / np.linalg.norm(row)


def found(rows, evidence, explained=None, energy=None):
    n = len(rows)
    footprints = sparse.csr_array(np.array(rows, np.float32).reshape(n, WIDTH))
    explained = np.ones(n) if explained is None else np.array(explained, float)
    energy = np.full(n, 100.0) if energy is None else np.array(energy, float)
    return Found(
        footprints,
        np.array(evidence, float),
        energy / 2,
        energy,
        explained,
        np.full(n, 6.0),
        np.ones(n),
        np.ones(n),
    )


def test_one_stretch_is_returned_as_it_is():
    only = found([run(0)], [50])
    assert merged([only]) is only


def test_the_same_cell_in_two_stretches_is_one():
    both = merged([found([run(10)], [40]), found([run(11)], [60])])
    assert len(both) == 1
    assert_allclose(both.evidence, 100)
    assert_allclose(both.energy, 200)
    assert_allclose(both.disc_energy, 100)


def test_faint_evidence_adds_up():
    parts = [found([run(10)], [30.0]) for _ in range(4)]
    assert_allclose(np.sqrt(merged(parts).evidence), np.sqrt(120))


def test_evidence_against_a_cell_counts_too():
    assert merged([found([run(10)], [40]), found([run(10)], [-90])]).evidence[0] == -50


def test_other_cells_stay_apart():
    both = merged([found([run(10), run(40)], [40, 50]), found([run(70), run(41)], [60, 70])])
    assert len(both) == 3
    assert sorted(both.evidence) == [40, 60, 120]


def test_candidates_of_one_stretch_are_never_merged():
    twins = found([run(10), run(11)], [40, 30])
    both = merged([twins, found([run(10)], [5])])
    assert len(both) == 2


def test_footprints_are_averaged_by_energy_and_of_unit_norm():
    a, b = run(10), run(12)
    both = merged([found([a], [1], explained=[3.0]), found([b], [1], explained=[1.0])])
    mean = (3 * a + b) / 4
    assert_allclose(both.footprints.toarray()[0], mean / np.linalg.norm(mean), rtol=1e-5)


def test_the_order_of_stretches_changes_nothing_but_the_order():
    rng = np.random.default_rng(0)
    parts = [
        found([run(s) for s in rng.choice(80, 4, replace=False)], rng.normal(size=4), rng.uniform(1, 2, 4))
        for _ in range(3)
    ]
    there, back = merged(parts), merged(parts[::-1])
    assert_allclose(sorted(there.evidence), sorted(back.evidence))


def test_stretches_without_cells():
    nothing = found([], [])
    assert len(merged([nothing, nothing])) == 0
    assert len(merged([nothing, found([run(3)], [9])])) == 1
