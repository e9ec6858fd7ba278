from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.figures.row_order import display_order
from napari_calcium.figures.row_sorting import ORDERS, missing_for, sort_rows
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Activations, Ensembles, Events, Members
from napari_calcium.rois import Rois


@pytest.fixture
def recording() -> Recording:
    rng = np.random.default_rng(0)
    ids = np.array([40, 10, 30, 20])
    wave = np.sin(np.arange(300) / 9)
    values = 0.05 * rng.standard_normal((4, 300)) + np.array([1, 0, 2, 0.0])[:, None] * wave
    labels = np.zeros((20, 20), int)
    for row, y in enumerate((15, 5, 10, 1)):
        labels[y : y + 2, 3:5] = row + 1
    owner = np.array([40, 10, 10, 10, 20, 20])
    time = np.array([1.0, 1.0, 2.0, 3.0, 1.0, 2.0])
    members = Members(
        np.zeros(2, int), np.array([30, 20]), np.array([0.4, 0.9]), *(np.ones(2),) * 2, np.ones(2, bool)
    )
    return Recording(
        "r",
        ids,
        10.0,
        {"dff": Trace(values.astype(np.float32), "ΔF/F")},
        rois=Rois.from_labels(labels, ids),
        events=Events(owner, time, time, time, np.ones(6), np.ones(6)),
        ensembles=Ensembles(members, Activations()),
    )


def test_orders_are_what_they_say(recording):
    ids = recording.roi_ids
    assert ids[sort_rows(recording, "id")].tolist() == [10, 20, 30, 40]
    assert ids[sort_rows(recording, "rate")].tolist() == [10, 20, 40, 30]
    assert ids[sort_rows(recording, "position")].tolist() == [20, 10, 30, 40]
    assert ids[sort_rows(recording, "ensemble")].tolist() == ids[display_order(recording)[0]].tolist()
    assert set(ids[sort_rows(recording, "component")[:2]].tolist()) == {40, 30}


@pytest.mark.parametrize("by", ORDERS)
def test_every_order_is_a_permutation_whatever_is_missing(recording, by):
    bare = Recording("b", np.arange(5), None, {"raw": Trace(np.full((5, 3), np.nan, np.float32), "a.u.")})
    nobody = Recording("n", np.empty(0, int), 10.0, {"raw": Trace(np.empty((0, 4), np.float32), "a.u.")})
    for one in (recording, bare, nobody, Recording("t", np.arange(3), 1.0)):
        assert sorted(sort_rows(one, by).tolist()) == list(range(one.n_rois))


def test_it_says_what_is_missing(recording):
    bare = Recording("b", np.arange(2), 10.0)
    assert [bool(missing_for(bare, by)) for by in ORDERS] == [True, False, True, True, True]
    assert not any(missing_for(recording, by) for by in ORDERS)


def test_the_component_is_the_first_of_numpy_whichever_side_is_longer():
    rng = np.random.default_rng(2)
    for shape in ((30, 200), (900, 200)):
        values = rng.standard_normal((shape[0], 1)) * rng.standard_normal(shape[1]) + rng.standard_normal(
            shape
        )
        rec = Recording("r", np.arange(shape[0]), 10.0, {"dff": Trace(values.astype(np.float32), "ΔF/F")})
        scaled = values - values.mean(axis=1, keepdims=True)
        scaled /= scaled.std(axis=1, keepdims=True)
        weight = np.linalg.svd(scaled, full_matrices=False)[0][:, 0]
        found = weight[sort_rows(rec, "component")]
        steps = np.diff(found * (1 if found[0] > found[-1] else -1))
        assert (steps <= 1e-5).all()
