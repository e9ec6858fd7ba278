"""Members of an ensemble stand together; the rest keeps the order of the file."""

from __future__ import annotations

import numpy as np

from napari_calcium.figures.row_order import display_order
from napari_calcium.results.tables import Ensembles, Members


def test_members_stand_together_and_the_others_below(recording):
    order, home = display_order(recording)
    shown = np.where(home < 0, 99, home)
    assert (np.diff(shown) >= 0).all()
    members = recording.ensembles.members
    for row, ensemble in zip(order, home, strict=True):
        own = members.take(members.roi_id == recording.roi_ids[row])
        if ensemble < 0:
            assert len(own) == 0
        else:
            best = own.participation.max()
            assert own.participation[own.ensemble_id == ensemble][0] == best


def test_order_of_members_table_does_not_matter(recording):
    members = recording.ensembles.members
    shuffled = members.take(np.random.default_rng(0).permutation(len(members)))
    other = recording.replace(ensembles=Ensembles(shuffled, recording.ensembles.activations))
    for a, b in zip(display_order(recording), display_order(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_row_once(recording):
    order, home = display_order(recording)
    np.testing.assert_array_equal(np.sort(order), np.arange(recording.n_rois))
    assert len(home) == recording.n_rois


def test_without_ensembles_the_order_of_the_file(recording):
    order, home = display_order(recording.replace(ensembles=None))
    np.testing.assert_array_equal(order, np.arange(recording.n_rois))
    assert (home == -1).all()


def test_members_that_left_the_recording_are_passed_over(recording):
    gone = Members(np.array([0]), np.array([99_999]), np.ones(1), np.ones(1), np.ones(1), np.ones(1, bool))
    order, _ = display_order(recording.replace(ensembles=Ensembles(gone)))
    np.testing.assert_array_equal(order, np.arange(recording.n_rois))
