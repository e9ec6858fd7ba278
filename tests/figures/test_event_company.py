from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.figures.event_company import event_at, event_company, moment_of
from napari_calcium.recording import Recording
from napari_calcium.results.tables import Activations, EnsembleEvents, Ensembles, Members


def events() -> EnsembleEvents:
    return EnsembleEvents(
        np.arange(3),
        np.array([1.0, 1.5, 8.0]),
        np.array([2.0, 2.5, 8.5]),
        np.array([1.5, 2.25, 8.25]),
        np.array([3, 2, 0]),
        np.full(3, 0.01),
        np.array([4, -1, 4]),
        np.array([0, 3, 5, 5]),
        np.array([1, 2, 7, 2, 9]),
    )


def recording() -> Recording:
    members = Members(
        np.array([4, 4, 4, 5]), np.array([7, 1, 3, 2]), *(np.ones(4) for _ in range(3)), np.ones(4, bool)
    )
    return Recording(
        "r", np.arange(10), 10.0, ensemble_events=events(), ensembles=Ensembles(members, Activations())
    )


def test_members_guests_and_silent_members_are_told_apart():
    found = event_company(recording(), 0)
    assert found.ensemble == 4
    assert (found.members.tolist(), found.guests.tolist(), found.silent.tolist()) == ([1, 7], [2], [3])


def test_members_and_guests_are_all_that_were_active_and_none_twice():
    for row in range(3):
        found = event_company(recording(), row)
        assert sorted([*found.members, *found.guests]) == events().members(row).tolist()
        assert not np.intersect1d(found.silent, events().members(row)).size


def test_an_event_of_no_ensemble_has_guests_only():
    found = event_company(recording(), 1)
    assert (found.ensemble, found.guests.tolist(), found.silent.tolist()) == (-1, [2, 9], [])


def test_without_ensembles_all_are_guests():
    assert event_company(recording().replace(ensembles=None), 0).guests.tolist() == [1, 2, 7]


def with_activations(*times):
    made = recording()
    n = len(times)
    table = Activations(np.full(n, 4), np.array(times, float), np.zeros(n), np.zeros(n, int))
    return made.replace(ensembles=Ensembles(made.ensembles.members, table))


def test_an_event_and_the_activation_in_it_have_one_time():
    made = with_activations(1.1, 1.4, 9.0)
    assert moment_of(made, 0) == 1.4
    # None during the event, none of an ensemble, no activations at all: the peak.
    assert (moment_of(made, 1), moment_of(made, 2)) == (2.25, 8.25)
    assert moment_of(recording().replace(ensembles=None), 0) == 1.5


def test_the_time_of_an_event_finds_it_again():
    made = with_activations(1.1, 8.5)
    for row in (0, 2):
        assert event_at(made.ensemble_events, moment_of(made, row)) == row


@pytest.mark.parametrize("row", [-1, 3])
def test_an_event_that_is_not_there_is_refused(row):
    with pytest.raises(ValueError, match="no ensemble event in row"):
        event_company(recording(), row)


def test_the_event_of_a_moment_is_the_one_with_the_nearest_peak():
    table = events()
    at = [event_at(table, s) for s in (0.9, 1.0, 1.6, 2.0, 2.5, 3.0, 8.25)]
    assert at == [None, 0, 0, 1, 1, None, 2]
    assert event_at(table, 0.95, slack=0.1) == 0
    assert event_at(None, 1.0) is None
    assert event_at(EnsembleEvents(), 1.0) is None
