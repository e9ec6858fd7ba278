import numpy as np
import pytest
from scipy.stats import spearmanr
from tests.population.neurons import activity, grouped, independent, odd_recordings

from napari_calcium.population.chain_sorting import chain_order, seriated
from napari_calcium.population.sorting import (
    SortAlongChain,
    SortByBehaviour,
    SortByComponent,
    SortByEnsemble,
    SortById,
    SortByLikeness,
    SortByPopulation,
    SortByRate,
    SortBySignal,
    held_in,
    sort_cells,
)
from napari_calcium.population.standardising import standardised

ALL = (
    SortAlongChain(),
    SortByLikeness(),
    SortByComponent(),
    SortByPopulation(),
    SortByRate(),
    SortById(),
    SortAlongChain(held_out=True, block=20),
)


def sequence(n_rois=80, n_bins=1200, noise=0.5, seed=0):
    """Cells that are active one after the other, again and again; returns activity and true places."""
    random = np.random.default_rng(seed)
    place = random.permutation(n_rois) / n_rois
    phase = (np.arange(n_bins) % 60) / 60
    bumps = np.exp(-((place[:, None] - phase[None]) ** 2) / (2 * 0.06**2))
    return (bumps + noise * random.standard_normal(bumps.shape)).astype(np.float32), place


def along(order, place):
    return abs(spearmanr(place[order], np.arange(len(order)))[0])


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("n_rois", [30, 80, 400])
def test_a_sequence_is_found(held_out, n_rois):
    x, place = sequence(n_rois)
    settings = SortAlongChain(held_out=held_out, block=50)
    assert along(sort_cells(activity(x), np.arange(n_rois), settings).roi_id, place) > 0.98


def neighbours(x, order):
    z = standardised(x[order])
    return float((z[:-1] * z[1:]).sum(axis=1).mean())


def test_time_that_was_not_sorted_shows_no_structure_where_there_is_none():
    x = independent(0, 60, 2400)
    shown = ~held_in(2400, 60)
    order = sort_cells(activity(x), np.arange(60), SortAlongChain(held_out=True, block=30)).roi_id
    whole = sort_cells(activity(x), np.arange(60), SortAlongChain()).roi_id
    assert neighbours(x, whole) > 0.015  # sorted noise looks sorted …
    assert abs(neighbours(x[:, shown], order)) < 0.015  # … but not on other time


def test_real_structure_is_there_on_held_out_time_too():
    x, _ = sequence()
    order = sort_cells(activity(x), np.arange(80), SortAlongChain(held_out=True, block=60)).roi_id
    assert neighbours(x[:, ~held_in(1200, 120)], order) > 0.2


def test_held_out_blocks_are_told_and_every_bin_belongs_to_one_side():
    found = sort_cells(activity(grouped()), np.arange(40), SortById(held_out=True, block=100))
    spans = found.held_out_s()
    np.testing.assert_allclose(spans, [[100, 200], [300, 400], [500, 600]])
    middle = activity(grouped()).time_s
    inside = ((middle[:, None] >= spans[:, 0]) & (middle[:, None] < spans[:, 1])).any(axis=1)
    np.testing.assert_array_equal(inside, ~held_in(1200, 200))
    assert not len(sort_cells(activity(grouped()), np.arange(40), SortById()).held_out_s())


@pytest.mark.parametrize("n_bins", [2, 7, 40])
def test_a_recording_shorter_than_two_blocks_is_sorted_by_its_first_half_alone(n_bins):
    x = independent(0, 12, n_bins)
    other = x.copy()
    half = (n_bins + 1) // 2
    other[:, half:] = independent(1, 12, n_bins)[:, half:]
    made = [
        sort_cells(activity(v), np.arange(12), SortAlongChain(held_out=True, block=100)) for v in (x, other)
    ]
    np.testing.assert_array_equal(made[0].roi_id, made[1].roi_id)
    assert made[0].block_s == half * activity(x).bin_s


@pytest.mark.parametrize("seed", range(3))
def test_a_shuffled_line_is_put_in_line_again(seed):
    place = np.random.default_rng(seed).permutation(40)
    similarity = np.exp(-np.abs(place[:, None] - place[None]) / 3.0)
    assert along(seriated(similarity), place) == pytest.approx(1)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_things_stay_where_they_are(n):
    np.testing.assert_array_equal(seriated(np.eye(n)), np.arange(n))


def test_groups_stand_together_along_the_chain():
    x = grouped(groups=3, size=10)
    place = np.argsort(chain_order(standardised(x)))
    for k in range(3):
        own = np.sort(place[10 * k : 10 * k + 10])
        assert own[-2] - own[1] <= 12


def test_rate_component_population_and_signal_sort_by_their_number():
    x = grouped()
    for settings, numbers in (
        (SortByRate(), x.mean(axis=1)),
        (SortBySignal(cell=7), np.corrcoef(x)[7]),
    ):
        found = sort_cells(activity(x), np.arange(40), settings)
        np.testing.assert_allclose(found.value, np.sort(numbers)[::-1], atol=1e-4)
    for settings in (SortByComponent(component=2), SortByPopulation()):
        assert (np.diff(sort_cells(activity(x), np.arange(40), settings).value) <= 0).all()


def test_a_signal_may_be_followed_at_a_lag():
    random = np.random.default_rng(0)
    signal = random.standard_normal(600)
    x = random.standard_normal((10, 600))
    x[0], x[6] = signal, np.roll(signal, 4)
    at_once = sort_cells(activity(x), np.arange(10), SortBySignal(cell=0)).roi_id
    lagged = sort_cells(activity(x), np.arange(10), SortBySignal(cell=0, most_lag=3.0)).roi_id
    assert lagged[:2].tolist() == [0, 6] and at_once[1] != 6


def test_ensembles_have_their_own_order():
    few, rows = activity(grouped(n_rois=3, groups=0)), np.array([2, 0, 1])
    found = sort_cells(few, np.array([5, 6, 7]), SortByEnsemble(), ensemble_order=rows)
    assert found.roi_id.tolist() == [7, 5, 6]
    with pytest.raises(ValueError, match="find ensembles first"):
        sort_cells(few, np.arange(3), SortByEnsemble())


def test_a_cell_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no cell 99"):
        sort_cells(activity(grouped()), np.arange(40), SortBySignal(cell=99))


@pytest.mark.parametrize("settings", ALL, ids=lambda s: f"{s.method}-{s.held_out}")
def test_an_order_holds_every_cell_once_and_unknown_ones_last(settings):
    x = grouped()
    x[4], x[9] = 1.0, np.nan
    ids = np.random.default_rng(0).permutation(40) + 100
    found = sort_cells(activity(x), ids, settings)
    assert sorted(found.roi_id.tolist()) == sorted(ids.tolist())
    if settings.method not in ("id", "rate"):
        assert set(found.roi_id[-2:].tolist()) == {ids[4], ids[9]}


@pytest.mark.parametrize("settings", ALL[:5], ids=lambda s: s.method)
def test_permuting_cells_does_not_change_who_stands_beside_whom(settings):
    x, _ = sequence(30)
    order = np.random.default_rng(1).permutation(30)
    a = sort_cells(activity(x), np.arange(30), settings).roi_id
    b = sort_cells(activity(x[order]), order, settings).roi_id
    place = np.argsort(a)
    assert abs(spearmanr(place[b], np.arange(30))[0]) > 0.97


@pytest.mark.parametrize("settings", ALL, ids=lambda s: f"{s.method}-{s.held_out}")
def test_odd_recordings_are_results(settings):
    for odd in odd_recordings():
        found = sort_cells(odd, np.arange(len(odd.values)), settings)
        assert sorted(found.roi_id.tolist()) == list(range(len(odd.values)))


def test_behaviour_puts_on_top_who_follows_it_and_at_the_bottom_who_avoids_it():
    random = np.random.default_rng(5)
    x = random.standard_normal((8, 600)).astype(np.float32)
    speed = random.standard_normal(600)
    x[3] += 2 * speed
    x[5] -= 2 * speed
    order = sort_cells(activity(x), np.arange(8), SortByBehaviour(), signal=speed)
    assert (order.roi_id[0], order.roi_id[-1]) == (3, 5)
    expected = np.array([np.corrcoef(row, speed)[0, 1] for row in x])
    np.testing.assert_allclose(order.value, expected[order.roi_id], atol=1e-5)


def test_behaviour_is_held_out_and_lagged_as_the_activity_is():
    random = np.random.default_rng(6)
    x = random.standard_normal((5, 600)).astype(np.float32)
    speed = random.standard_normal(600).astype(np.float32)
    held = held_in(600, 60)
    x[2, held] += 3 * speed[held]
    x[4, ~held] += 9 * speed[~held]
    order = sort_cells(activity(x), np.arange(5), SortByBehaviour(held_out=True, block=30.0), signal=speed)
    assert order.roi_id[0] == 2
    late = np.roll(speed, -4)
    x[1] = np.where(np.isnan(speed), 0, 3 * speed)
    assert sort_cells(activity(x), np.arange(5), SortByBehaviour(most_lag=3.0), signal=late).roi_id[0] == 1


def test_gaps_of_the_behaviour_and_constants_are_results():
    x = np.random.default_rng(7).standard_normal((4, 100)).astype(np.float32)
    speed = x[1].copy()
    speed[20:50] = np.nan
    assert sort_cells(activity(x), np.arange(4), SortByBehaviour(), signal=speed).roi_id[0] == 1
    flat = sort_cells(activity(x), np.arange(4), SortByBehaviour(), signal=np.full(100, np.nan))
    assert flat.roi_id.tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="align the behaviour"):
        sort_cells(activity(x), np.arange(4), SortByBehaviour())
