from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pydantic import TypeAdapter

from napari_calcium.ensembles.coactivity import CoactivitySettings, coactivity
from napari_calcium.ensembles.significance import ConditionalNull, MaximumNull, PooledNull, significance
from napari_calcium.results.tables import Events

RATE = 10.0
SLIDING, BINS = CoactivitySettings(), CoactivitySettings(sliding=False)
ALL = [ConditionalNull(), PooledNull(), PooledNull(shuffles=200), MaximumNull(shuffles=200)]


def make(ids, onsets):
    order = np.lexsort((onsets, ids))
    onset = np.asarray(onsets, float)[order]
    blank = np.ones(len(onset))
    return Events(
        roi_id=np.asarray(ids, np.int64)[order],
        onset_s=onset,
        peak_s=onset,
        end_s=onset,
        amplitude=blank,
        fwhm_s=blank,
    )


def background(seed, n_rois=100, n_frames=6000, rate=0.05, relative=None):
    """Independent Poisson trains, with a rate that all cells share where `relative` is given."""
    random = np.random.default_rng(seed)
    chance = np.full(n_frames, rate / RATE) if relative is None else rate / RATE * relative
    rows, frames = np.nonzero(random.random((n_rois, n_frames)) < chance)
    return rows, frames / RATE


def planted(seed, times=(100.0, 200.0, 300.0, 400.0), cells=range(20), **kwargs):
    rows, onsets = background(seed, **kwargs)
    ids = np.concatenate([rows, np.tile(list(cells), len(times))])
    return make(ids, np.concatenate([onsets, np.repeat(times, len(cells))]))


def run(events, settings, windows=SLIDING, n_rois=100, n_frames=6000, **kwargs):
    counts = coactivity(events, np.arange(n_rois), n_frames, RATE, windows)
    return significance(events, np.arange(n_rois), n_frames, RATE, counts, settings, **kwargs)


@pytest.mark.parametrize("windows", [SLIDING, BINS])
@pytest.mark.parametrize("settings", ALL, ids=lambda s: s.method)
def test_planted_events_are_found_where_they_are(settings, windows):
    _, found = run(planted(1), settings, windows)
    for time in (100.0, 200.0, 300.0, 400.0):
        near = np.flatnonzero((found.start_s <= time) & (time < found.end_s))
        assert len(near) == 1
        assert np.isin(np.arange(20), found.members(near[0])).all()


@pytest.mark.parametrize("settings", [ConditionalNull(), MaximumNull(shuffles=500)], ids=lambda s: s.method)
def test_strict_nulls_find_nothing_where_nothing_is(settings):
    with_events = sum(len(run(background_events(seed), settings)[1]) > 0 for seed in range(20))
    # 1 of 20 expected; 5 or more would happen in less than 3 of 1000 such tests.
    assert with_events < 5


def background_events(seed, **kwargs):
    return make(*background(seed, **kwargs))


def test_a_shared_slow_rate_is_not_coactivity():
    time = np.arange(6000) / RATE
    relative = np.exp(np.sin(2 * np.pi * time / 60))
    events = background_events(3, relative=relative)
    assert len(run(events, ConditionalNull())[1]) == 0
    assert len(run(events, PooledNull())[1]) > 20


def test_planted_events_survive_a_shared_slow_rate():
    relative = np.exp(np.sin(2 * np.pi * np.arange(6000) / RATE / 60))
    _, found = run(planted(4, relative=relative), ConditionalNull())
    for time in (100.0, 200.0, 300.0, 400.0):
        assert ((found.start_s <= time) & (time < found.end_s)).sum() == 1


@pytest.mark.parametrize("windows", [SLIDING, BINS])
def test_shuffles_agree_with_the_exact_formula(windows):
    exact, shuffled = (run(planted(5), PooledNull(shuffles=n), windows)[0] for n in (0, 3000))
    assert exact.threshold[0] == shuffled.threshold[0]
    np.testing.assert_array_equal(exact.significant, shuffled.significant)
    assert shuffled.expected[0] == pytest.approx(exact.expected[0], rel=0.01)
    common = exact.p_value > 0.01
    np.testing.assert_allclose(shuffled.p_value[common], exact.p_value[common], rtol=0.05)


def test_pooled_expectation_is_what_chance_gives():
    found, expected = [], []
    for seed in range(30):
        _, events = run(background_events(seed), PooledNull(), BINS)
        found.append(len(events))
        expected.append(events.expected_by_chance)
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=3 * np.std(found) / np.sqrt(30) + 0.5)


def test_sliding_expectation_is_what_chance_gives():
    found, expected = [], []
    for seed in range(30):
        _, events = run(background_events(seed), PooledNull(percentile=99.9))
        found.append(len(events))
        expected.append(events.expected_by_chance)
    # Crossings that follow each other within a window are merged, so chance gives somewhat fewer events.
    assert 0.5 * np.mean(expected) < np.mean(found) < 1.3 * np.mean(expected)


def test_pooled_percentile_by_hand():
    # One cell in half of all windows, the other never: counts of 0 and 1 are equally frequent.
    events = make([0] * 50, np.arange(50) * 2 / RATE)
    tested, _ = run(events, PooledNull(percentile=49.0), CoactivitySettings(window=0.1), 2, 100)
    assert tested.threshold[0] == 0
    tested, _ = run(events, PooledNull(percentile=51.0), CoactivitySettings(window=0.1), 2, 100)
    assert tested.threshold[0] == 1
    assert tested.p_value[tested.active_neurons == 1][0] == pytest.approx(0.5)


@pytest.mark.parametrize("windows", [SLIDING, BINS])
@pytest.mark.parametrize("settings", ALL, ids=lambda s: s.method)
def test_columns_agree_with_each_other(settings, windows):
    tested, found = run(planted(6), settings, windows)
    np.testing.assert_array_equal(tested.significant, tested.active_neurons > tested.threshold)
    assert ((tested.p_value >= 0) & (tested.p_value <= 1)).all()
    assert (np.diff(found.peak_s) > 0).all()
    assert (found.start_s <= found.peak_s).all()
    assert (found.peak_s <= found.end_s).all()
    assert (found.ensemble_id == -1).all()
    np.testing.assert_array_equal(found.n_neurons, np.diff(found.member_offsets))
    for k in range(len(found)):
        assert (np.diff(found.members(k)) > 0).all()


def test_contributors_are_the_cells_active_in_the_window():
    events = planted(7)
    _, found = run(events, ConditionalNull())
    for k in range(len(found)):
        inside = np.abs(events.onset_s - found.peak_s[k]) < 0.25 + 1e-6
        at_edge = np.isclose(events.onset_s, found.peak_s[k] + 0.25)
        assert set(found.members(k)) == set(events.roi_id[inside & ~at_edge]) | set(
            events.roi_id[np.isclose(events.onset_s, found.peak_s[k] - 0.25)]
        )


def test_neighbouring_bins_are_one_event():
    events = make(np.r_[np.arange(10), np.arange(10, 20)], np.r_[np.full(10, 10.4), np.full(10, 10.6)])
    _, found = run(events, PooledNull(), BINS)
    assert len(found) == 1
    assert found.n_neurons[0] == 20
    assert (found.start_s[0], found.end_s[0]) == pytest.approx((10.0, 11.0))


def test_renaming_and_permuting_cells_renames_the_contributors():
    events = planted(8)
    _, plain = run(events, ConditionalNull())
    names = np.random.default_rng(0).permutation(100) * 3 + 5
    renamed = make(names[events.roi_id], events.onset_s)
    ids = np.sort(names)[::-1]
    counts = coactivity(renamed, ids, 6000, RATE)
    _, other = significance(renamed, ids, 6000, RATE, counts)
    np.testing.assert_allclose(other.p_value, plain.p_value, rtol=1e-9)
    for k in range(len(plain)):
        assert other.members(k).tolist() == sorted(names[plain.members(k)].tolist())


@pytest.mark.parametrize("settings", ALL, ids=lambda s: s.method)
@pytest.mark.parametrize("windows", [SLIDING, BINS])
def test_little_or_nothing_to_test(settings, windows):
    for n_rois, n_frames in ((0, 1), (1, 1), (3, 2), (0, 50)):
        tested, found = run(Events(), settings, windows, n_rois, n_frames)
        assert len(found) == 0
        assert not tested.significant.any()
    one = make([0], [0.0])
    tested, found = run(one, settings, windows, 1, 1)
    assert len(tested) == 1
    assert len(found) == 0


@pytest.mark.parametrize("settings", ALL[2:], ids=lambda s: s.method)
def test_any_number_of_workers(settings):
    events = planted(9)
    results = []
    for workers in (1, 4):
        with ThreadPoolExecutor(workers) as pool:
            results.append(run(events, settings, executor=pool))
    assert results[0] == results[1]


def test_settings_are_told_apart_by_method():
    from napari_calcium.ensembles.significance import SignificanceSettings

    adapter = TypeAdapter(SignificanceSettings)
    for settings in ALL:
        assert adapter.validate_python(settings.model_dump()) == settings
