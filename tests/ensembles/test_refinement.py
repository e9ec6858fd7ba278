import numpy as np
import pytest
from tests.ensembles.planted import RATE, jaccard_of, make_events, plant, share_found

from napari_calcium.ensembles.activation import candidate_windows, contest
from napari_calcium.ensembles.description import active_matrix, gain, halves
from napari_calcium.ensembles.membership import membership
from napari_calcium.ensembles.patterns import event_groups
from napari_calcium.ensembles.refinement import Rules, refine
from napari_calcium.ensembles.trains import Trains

RULES = Rules(4, 5, 0.05, 0.05, 2)


def trains_of(events, n_rois=100, n_frames=6000):
    key = np.sort(events.roi_id * n_frames + np.round(events.onset_s * RATE).astype(int))
    return Trains(key // n_frames, key % n_frames, n_rois, n_frames, 5, RATE, 50.0, 10.0)


def starts_of(times):
    return np.round(np.asarray(times) * RATE).astype(int) - 2


def candidate(trains, members, participation=None, background=None):
    members = np.asarray(members)
    joins = None if participation is None else np.full(len(members), participation)
    chance = trains.coverage if background is None else background
    return candidate_windows(trains, members, joins, chance, 0.05)


def test_a_set_is_active_when_it_was_planted():
    events, times = plant([range(15)], 0)
    found = candidate(trains_of(events), np.arange(15))
    assert share_found((found.windows + 2.5) / RATE, times[0]) > 0.9
    assert len(found.windows) <= 22


def test_counts_are_those_of_the_windows():
    trains = trains_of(plant([range(15)], 1)[0])
    found = candidate(trains, np.arange(15))
    naive = [
        len(np.unique(trains.rows[(trains.frames >= s) & (trains.frames < s + 5) & (trains.rows < 15)]))
        for s in found.windows
    ]
    assert found.count.tolist() == naive


def test_random_sets_are_hardly_ever_active():
    trains = trains_of(plant([], 2)[0])
    random = np.random.default_rng(0)
    number = [
        len(candidate(trains, np.sort(random.choice(100, 15, replace=False))).windows) for _ in range(20)
    ]
    assert np.mean(number) < 0.3


def test_windows_with_far_too_few_members_are_another_ensemble():
    events, _ = plant([range(30), range(6)], 3, joins=0.9)
    trains = trains_of(events)
    assert len(candidate(trains, np.arange(30)).windows) > 30
    assert 18 <= len(candidate(trains, np.arange(30), 0.85).windows) <= 22


def test_the_score_is_the_log_likelihood_ratio():
    trains = trains_of(plant([range(10)], 4)[0])
    found = candidate(trains, np.arange(10), 0.7)
    chance = np.clip(trains.coverage[:10], 1e-5, 0.9)
    active = active_matrix(trains, found.windows, np.arange(10))
    naive = np.where(active, np.log(0.7 / chance), np.log(0.3 / (1 - chance))).sum(axis=1)
    np.testing.assert_allclose(found.score, naive, rtol=1e-9)


def test_a_contested_window_goes_to_the_better_explanation():
    inner, outer = np.arange(10), np.arange(24)
    events, times = plant([inner, outer], 5, joins=0.9)
    trains = trains_of(events)
    kept = contest(trains, [candidate(trains, inner, 0.9), candidate(trains, outer, 0.9)])
    windows = [candidate(trains, m, 0.9).windows[k] for m, k in zip((inner, outer), kept, strict=True)]
    for mine, truth, other in zip(windows, times, times[::-1], strict=True):
        centres = (mine + 2.5) / RATE
        assert share_found(centres, truth) > 0.9
        assert share_found(centres, other) < 0.1


def test_two_ensembles_at_once_both_get_the_window():
    _, times = plant([range(12)], 6)
    a, b = np.arange(12), np.arange(20, 32)
    ids = np.tile(np.concatenate([a, b]), 20)
    events = make_events(ids, np.repeat(times[0], 24))
    trains = trains_of(events)
    kept = contest(trains, [candidate(trains, a), candidate(trains, b)])
    assert [len(k) for k in kept] == [20, 20]


def test_members_are_told_from_busy_neurons():
    events, times = plant([range(15)], 7, joins=0.6)
    random = np.random.default_rng(0)
    rows, frames = np.nonzero(random.random((10, 6000)) < 0.04)
    events = make_events(
        np.concatenate([events.roi_id, rows + 50]), np.concatenate([events.onset_s, frames / RATE])
    )
    trains, starts = trains_of(events), starts_of(times[0])
    count = active_matrix(trains, starts, np.arange(15)).sum(axis=1)
    background = trains.background(starts, 2)
    table = membership(trains, starts, count, np.arange(15), background, 2, 0.05)
    assert table.member[:15].all()
    assert table.member[15:].sum() <= 1
    assert table.expected[50:60].mean() > 3 * table.expected[60:].mean()


def test_a_rise_of_everybody_makes_no_members():
    random = np.random.default_rng(8)
    times = np.arange(20.0, 580.0, 15.0)
    rows, frames = np.nonzero(random.random((100, 6000)) < 0.003)
    lifted = [(np.flatnonzero(random.random(100) < 0.12), t) for t in times]
    events = make_events(
        np.concatenate([rows, *(who for who, _ in lifted)]),
        np.concatenate([frames / RATE, *(np.full(len(who), t) for who, t in lifted)]),
    )
    trains = trains_of(events)
    guesses = [np.sort(random.choice(100, 20, replace=False)) for _ in range(10)]
    assert refine(trains, guesses, RULES) == []


def test_noise_costs_more_than_it_explains():
    trains = trains_of(plant([], 9)[0])
    random = np.random.default_rng(1)
    for _ in range(20):
        starts = np.sort(random.integers(0, 5990, 15))
        # The most flattering members: those that happen to be active most often.
        often = np.bincount(trains.active(starts, starts + 5)[1], minlength=100)
        members = np.sort(np.argsort(-often, kind="stable")[:12])
        assert gain(trains, starts, members, trains.coverage) < 0


def test_an_ensemble_is_worth_naming_and_more_than_half_of_it():
    events, times = plant([range(20)], 10)
    trains, starts = trains_of(events), starts_of(times[0])
    background = trains.background(starts, 2)
    whole = gain(trains, starts, np.arange(20), background)
    assert whole > gain(trains, starts, np.arange(10), background) > 0
    assert whole > gain(trains, starts[:10], np.arange(20), background) > 0
    assert gain(trains, starts[:0], np.arange(20), background) == -np.inf


def test_halves_are_the_two_ensembles_that_were_thrown_together():
    events, times = plant([range(15), range(10, 25)], 11, joins=0.9)
    trains = trains_of(events)
    starts = np.concatenate([starts_of(t) for t in times])
    one, other = halves(trains, starts, np.arange(25))
    truth = {frozenset(range(20)), frozenset(range(20, 40))}
    assert {frozenset(one.tolist()), frozenset(other.tolist())} == truth


@pytest.mark.parametrize("joins", [0.55, 0.8])
def test_rough_guesses_become_the_ensembles(joins):
    sets = [range(15), range(12, 27), range(40, 55)]
    events, times = plant(sets, 12, joins=joins, activations=25)
    random = np.random.default_rng(2)
    guesses = []
    for members in sets:
        kept = random.choice(list(members), 9, replace=False)
        guesses.append(np.unique(np.concatenate([kept, random.integers(0, 100, 4)])))
    found = refine(trains_of(events), guesses, RULES)
    assert len(found) == 3
    for members, truth in zip(sets, times, strict=True):
        like = [jaccard_of(f.members, members) for f in found]
        assert max(like) > 0.85
        assert share_found((found[int(np.argmax(like))].starts + 2.5) / RATE, truth) > 0.8


def test_copies_become_one():
    trains = trains_of(plant([range(18)], 13)[0])
    guesses = [np.arange(12), np.arange(6, 18), np.arange(0, 18, 2), np.arange(18)]
    found = refine(trains, guesses, RULES)
    assert len(found) == 1
    assert jaccard_of(found[0].members, range(18)) > 0.9


def test_a_union_is_taken_apart():
    trains = trains_of(plant([range(15), range(50, 65)], 14)[0])
    found = refine(trains, [np.concatenate([np.arange(15), np.arange(50, 65)])], RULES)
    assert len(found) == 2
    for members in (range(15), range(50, 65)):
        assert max(jaccard_of(f.members, members) for f in found) > 0.85


def test_no_guesses_and_guesses_too_small():
    trains = trains_of(plant([range(15)], 15)[0])
    assert refine(trains, [], RULES) == []
    assert refine(trains, [np.array([1, 2])], RULES) == []


def test_events_that_share_neurons_are_grouped():
    random = np.random.default_rng(16)
    label = random.permutation(np.repeat([0, 1, 2], [7, 6, 30]))
    x = (random.random((43, 200)) < 0.02).astype(np.float32)
    x[label == 0, :12] = random.random((7, 12)) < 0.8
    x[label == 1, 50:65] = random.random((6, 15)) < 0.8
    groups = event_groups(x, np.ones(200), 5)
    assert len(groups) == 2
    assert jaccard_of(groups[0], range(12)) > 0.8
    assert jaccard_of(groups[1], range(50, 65)) > 0.8


def test_events_of_chance_make_no_groups():
    x = (np.random.default_rng(17).random((60, 200)) < 0.04).astype(np.float32)
    assert event_groups(x, np.ones(200), 5) == []
    assert event_groups(np.zeros((0, 5), np.float32), np.ones(5), 5) == []
