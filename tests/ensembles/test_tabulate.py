import numpy as np

from napari_calcium.ensembles.tabulate import Group, ordered, tabulated, with_activations
from napari_calcium.results.tables import EnsembleEvents


def group(members, times, participation=None, active=None):
    n = len(members)
    share = np.ones(n) if participation is None else np.asarray(participation, float)
    number = np.full(len(times), n) if active is None else np.asarray(active)
    return Group(
        np.asarray(members), share, share, np.zeros(n), np.asarray(times, float), np.zeros(len(times)), number
    )


def events_at(*peaks):
    n, peak = len(peaks), np.asarray(peaks, float)
    return EnsembleEvents(
        event_id=np.arange(n),
        start_s=peak,
        end_s=peak,
        peak_s=peak,
        n_neurons=np.zeros(n, np.int64),
        p_value=np.zeros(n),
        ensemble_id=np.full(n, -1),
        member_offsets=np.zeros(n + 1, np.int64),
    )


def test_most_activations_come_first_then_most_members_then_the_lowest_rows():
    a, b, c, d = group([5, 6], [1, 2]), group([1, 2, 3], [4]), group([0, 1], [4]), group([0, 2], [4])
    assert ordered([d, c, b, a]) == [a, b, c, d]


def test_members_are_sorted_by_participation_then_id():
    members, _ = tabulated([group([0, 1, 2], [1.0], [0.2, 0.9, 0.9])], np.array([30, 20, 10]), 0.5)
    assert members.roi_id.tolist() == [10, 20, 30]
    assert members.core.tolist() == [True, True, False]


def test_rows_become_ids():
    members, activations = tabulated([group([1], [3.0]), group([0], [1.0, 2.0])], np.array([7, 9]), 0.5)
    assert members.roi_id.tolist() == [9, 7]
    assert activations.ensemble_id.tolist() == [0, 1, 1]
    assert activations.time_s.tolist() == [3.0, 1.0, 2.0]


def test_no_groups_make_empty_tables():
    members, activations = tabulated([], np.arange(3), 0.5)
    assert len(members) == len(activations) == 0


def test_events_go_to_the_nearest_activation_within_reach():
    events = events_at(1.0, 2.0, 3.0, 9.0)
    assigned = with_activations(events, [group([0], [1.2, 8.6]), group([1], [2.1, 2.9])], 0.5)
    assert assigned.ensemble_id.tolist() == [0, 1, 1, 0]
    assert with_activations(events, [group([0], [1.6])], 0.5).ensemble_id.tolist() == [-1, 0, -1, -1]


def test_of_equally_near_activations_the_fuller_one_counts():
    events = events_at(1.0)
    groups = [group([0], [0.8], active=[3]), group([1], [1.2], active=[5])]
    assert with_activations(events, groups, 0.5).ensemble_id.tolist() == [1]
    assert with_activations(events, groups[::-1], 0.5).ensemble_id.tolist() == [0]


def test_no_events_and_no_activations():
    assert len(with_activations(EnsembleEvents(), [group([0], [1.0])], 1.0)) == 0
    assert with_activations(events_at(1.0), [group([0], [])], 1.0).ensemble_id.tolist() == [-1]
