from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pydantic import TypeAdapter
from tests.ensembles.planted import RATE, best, make_events, plant, run, share_found

from napari_calcium.ensembles.coactivity import CoactivitySettings, coactivity
from napari_calcium.ensembles.ensemble_detection import (
    CalibratedEnsembles,
    CourseEnsembles,
    EnsembleSettings,
    IcaEnsembles,
    SimilarityGraphEnsembles,
    WardEnsembles,
    find_ensembles,
)
from napari_calcium.ensembles.significance import PooledNull, significance
from napari_calcium.progress import Cancelled
from napari_calcium.results.tables import Events

THREE = [range(0, 14), range(12, 26), range(40, 52)]
FAST = CalibratedEnsembles(surrogates=10)
ALL = [
    FAST,
    CourseEnsembles(surrogates=3),
    CourseEnsembles(surrogates=3, clusters="silhouette", linkage="ward"),
    IcaEnsembles(surrogates=10),
    IcaEnsembles(surrogates=10, threshold="marcenko_pastur"),
    SimilarityGraphEnsembles(surrogates=3),
    WardEnsembles(surrogates=3),
]


def name(settings):
    return settings.method


@pytest.mark.parametrize("seed", range(3))
def test_planted_ensembles_come_back(seed):
    events, times = plant(THREE, seed)
    ensembles, _ = run(events)
    assert len(ensembles) == 3
    for members, truth in zip(THREE, times, strict=True):
        k, likeness = best(ensembles, members)
        assert likeness > 0.9
        assert share_found(ensembles.activations_of(k).time_s, truth) >= 0.85


@pytest.mark.parametrize("settings", ALL[2:], ids=name)
def test_comparators_find_clear_ensembles(settings):
    events, _ = plant(THREE, 3, joins=0.95)
    ensembles, _ = run(events, settings)
    assert all(best(ensembles, members)[1] > 0.7 for members in THREE)


def test_course_finds_clear_ensembles_in_its_own_setting():
    events, _ = plant(THREE, 3, joins=0.95)
    bins = CoactivitySettings(sliding=False)
    ensembles, _ = run(events, CourseEnsembles(surrogates=3), windows=bins, null=PooledNull())
    assert all(best(ensembles, members)[1] > 0.8 for members in THREE)


def test_no_ensembles_where_there_are_none():
    false = [len(run(plant([], seed)[0])[0]) for seed in range(10)]
    assert sum(n > 0 for n in false) <= 1


def test_no_ensembles_where_all_share_a_slow_rate():
    false = [len(run(plant([], seed, slow=1.0)[0])[0]) for seed in range(10)]
    assert sum(n > 0 for n in false) <= 1


def test_ensembles_survive_a_shared_slow_rate():
    ensembles, _ = run(plant(THREE, 4, slow=0.8)[0])
    assert all(best(ensembles, members)[1] > 0.85 for members in THREE)


def test_an_ensemble_inside_another_one_is_seen():
    inner, outer = range(10, 20), range(10, 34)
    ensembles, _ = run(plant([inner, outer], 5, joins=0.85)[0])
    assert len(ensembles) == 2
    assert best(ensembles, inner)[1] > 0.85
    assert best(ensembles, outer)[1] > 0.85


def test_one_ensemble_is_not_taken_for_two():
    ensembles, _ = run(plant([range(30)], 6, joins=0.6, activations=40)[0])
    assert len(ensembles) == 1
    assert best(ensembles, range(30))[1] > 0.9


def test_rates_alone_do_not_make_members():
    # Twenty neurons ten times as busy as the others, and one ensemble of quiet ones.
    random = np.random.default_rng(7)
    rows, frames = np.nonzero(random.random((20, 6000)) < 0.03)
    quiet, _ = plant([range(40, 55)], 7)
    events = make_events(np.concatenate([quiet.roi_id, rows]), np.concatenate([quiet.onset_s, frames / RATE]))
    ensembles, _ = run(events)
    assert len(ensembles) == 1
    assert best(ensembles, range(40, 55))[1] > 0.85


def test_permuting_and_renaming_cells_permutes_the_result():
    events, _ = plant(THREE, 8)
    plain, _ = run(events)
    names = np.random.default_rng(1).permutation(100) * 7 + 3
    ids = np.sort(names)
    renamed = make_events(names[events.roi_id], events.onset_s)
    counts = coactivity(renamed, ids, 6000, RATE)
    tested, found = significance(renamed, ids, 6000, RATE, counts)
    other, _ = find_ensembles(renamed, ids, 6000, RATE, tested, found, FAST)
    for k in plain:
        _, likeness = best(other, names[plain.members_of(k).roi_id])
        assert likeness > 0.9


@pytest.mark.parametrize("settings", ALL, ids=name)
def test_any_number_of_workers_gives_the_same_bytes(settings):
    events, _ = plant(THREE, 9)
    results = []
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            results.append(run(events, settings, executor=pool))
    assert results[0] == results[1]
    assert results[0] == run(events, settings)


@pytest.mark.parametrize("settings", ALL, ids=name)
def test_tables_agree_with_each_other(settings):
    events, _ = plant(THREE, 10)
    ensembles, found = run(events, settings)
    members, activations = ensembles.members, ensembles.activations
    assert ensembles.ids == tuple(range(len(ensembles)))
    assert set(activations.ensemble_id) == set(ensembles.ids)
    assert ((members.participation >= 0) & (members.participation <= 1)).all()
    assert ((members.q_value >= 0) & (members.q_value <= 1)).all()
    assert ((activations.p_value >= 0) & (activations.p_value <= 1)).all()
    counts = []
    for k in ensembles:
        mine = ensembles.members_of(k)
        assert (np.diff(mine.participation) <= 0).all()
        assert len(np.unique(mine.roi_id)) == len(mine)
        times = ensembles.activations_of(k)
        assert (np.diff(times.time_s) > 0).all()
        assert (times.n_members_active <= len(mine)).all()
        counts.append(len(times))
    assert counts == sorted(counts, reverse=True)
    assert set(found.ensemble_id) <= {-1, *ensembles.ids}
    assert ensembles.similarity.shape == (len(found), len(found))
    np.testing.assert_array_equal(ensembles.similarity, ensembles.similarity.T)
    assert ensembles.notes


def test_events_get_the_ensemble_that_is_active_then():
    events, times = plant(THREE, 11)
    ensembles, found = run(events)
    for members, truth in zip(THREE, times, strict=True):
        k, _ = best(ensembles, members)
        near = [np.abs(found.peak_s - t).argmin() for t in truth if np.abs(found.peak_s - t).min() < 0.4]
        assert np.mean(found.ensemble_id[near] == k) > 0.9


def test_core_members_take_part_often():
    events, _ = plant(THREE, 12)
    members = run(events)[0].members
    np.testing.assert_array_equal(members.core, members.participation >= FAST.core_participation)


@pytest.mark.parametrize("settings", ALL, ids=name)
@pytest.mark.parametrize(("n_rois", "n_frames"), [(0, 1), (0, 100), (1, 1), (1, 100), (3, 2), (100, 3)])
def test_nothing_to_find(settings, n_rois, n_frames):
    ids = np.arange(n_rois)
    trains = [Events()] + ([make_events(ids, np.zeros(n_rois))] if n_rois else [])
    for events in trains:
        counts = coactivity(events, ids, n_frames, RATE)
        tested, found = significance(events, ids, n_frames, RATE, counts)
        ensembles, assigned = find_ensembles(events, ids, n_frames, RATE, tested, found, settings)
        assert len(ensembles) == 0
        assert (assigned.ensemble_id == -1).all()


@pytest.mark.parametrize("settings", ALL, ids=name)
def test_every_neuron_in_every_frame(settings):
    ids = np.repeat(np.arange(5), 40)
    events = make_events(ids, np.tile(np.arange(40) / RATE, 5))
    counts = coactivity(events, np.arange(5), 40, RATE)
    tested, found = significance(events, np.arange(5), 40, RATE, counts)
    ensembles, assigned = find_ensembles(events, np.arange(5), 40, RATE, tested, found, settings)
    assert len(assigned) == len(found)
    assert set(ensembles.members.roi_id.tolist()) <= set(range(5))


@pytest.mark.parametrize("settings", ALL, ids=name)
def test_can_be_cancelled(settings):
    def stop(done, total):
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(plant(THREE, 13)[0], settings, on_progress=stop)


def test_notes_say_what_chance_gives():
    events, _ = plant(THREE, 14)
    ensembles, found = run(events, CourseEnsembles(surrogates=3), null=PooledNull())
    text = " ".join(ensembles.notes)
    assert f"{found.expected_by_chance:.2g}" in text
    assert f"{ensembles.expected_by_chance:.2g}" in text
    assert "sliding" in text


def test_settings_are_told_apart_by_method():
    adapter = TypeAdapter(EnsembleSettings)
    for settings in ALL:
        assert adapter.validate_python(settings.model_dump()) == settings
        assert type(settings).from_yaml(settings.to_yaml()) == settings
