import numpy as np
import pytest
from tests.ensembles.planted import RATE, plant

from napari_calcium.ensembles.trains import Trains


def trains_of(events, n_rois=100, n_frames=6000):
    key = np.sort(events.roi_id * n_frames + np.round(events.onset_s * RATE).astype(int))
    return Trains(key // n_frames, key % n_frames, n_rois, n_frames, 5, RATE, 50.0, 10.0)


def test_shifting_keeps_the_number_of_events_of_each_neuron():
    trains = trains_of(plant([range(10)], 0)[0])
    copy = trains.shifted(np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(copy.rows), np.bincount(trains.rows))
    assert (np.diff(copy.rows * 6000 + copy.frames) >= 0).all()


def test_shifting_breaks_up_ensembles():
    trains = trains_of(plant([range(30)], 1, rate=0.005)[0])
    busiest = np.bincount(trains.frames // 5).max()
    copy = trains.shifted(np.random.default_rng(0))
    assert np.bincount(copy.frames // 5).max() < busiest / 2


def test_shifting_keeps_the_slow_rate():
    trains = trains_of(plant([], 2, slow=1.0)[0])
    copies = [trains.shifted(np.random.default_rng(k)) for k in range(10)]
    mean = np.mean([np.bincount(c.frames // 100, minlength=60) for c in copies], axis=0)
    assert np.corrcoef(mean, np.bincount(trains.frames // 100, minlength=60))[0, 1] > 0.9


def test_shifting_at_a_constant_rate_is_a_circular_shift():
    frames = np.arange(0, 6000, 5)
    trains = Trains(np.repeat([0, 1], 1200), np.tile(frames, 2), 2, 6000, 5, RATE, 50.0, 10.0)
    copy = trains.shifted(np.random.default_rng(3))
    for row in (0, 1):
        gaps = np.diff(copy.frames[copy.rows == row])
        assert np.abs(gaps - 5).max() <= 1


def test_equal_generators_give_equal_copies():
    trains = trains_of(plant([range(10)], 4)[0])
    one, other = (trains.shifted(np.random.default_rng([1, 2])) for _ in range(2))
    np.testing.assert_array_equal(one.frames, other.frames)


def test_events_of_some_rows():
    trains = trains_of(plant([range(10)], 5)[0])
    members = np.array([3, 40, 99])
    place, frames = trains.of(members)
    for k, row in enumerate(members):
        np.testing.assert_array_equal(frames[place == k], trains.frames[trains.rows == row])


def test_who_is_active_when():
    trains = trains_of(plant([range(10)], 6)[0])
    begin, end = np.array([0, 100, 5990, 50]), np.array([50, 101, 6100, 50])
    offsets, active = trains.active(begin, end)
    for k in range(4):
        inside = (trains.frames >= begin[k]) & (trains.frames < end[k])
        np.testing.assert_array_equal(active[offsets[k] : offsets[k + 1]], np.unique(trains.rows[inside]))


def test_stretches_are_counted():
    trains = trains_of(plant([], 7)[0])
    counted = trains.stretches(np.array([-5, 10, 12]), np.array([3, 20, 7000]))
    assert counted[[0, 2, 3, 10, 12, 19, 20, 5999]].tolist() == [1, 1, 0, 1, 2, 2, 1, 1]


def test_background_leaves_activations_out():
    events, times = plant([range(10)], 8, joins=1.0, activations=100)
    trains = trains_of(events)
    starts = np.round(np.array(times[0]) * RATE).astype(int) - 2
    background = trains.background(starts, 2)
    # Members are as rarely active as the others outside their activations.
    assert background[:10].mean() == pytest.approx(background[10:].mean(), rel=0.3)
    assert trains.coverage[:10].mean() > 3 * background[:10].mean()
    assert ((background > 0) & (background < 1)).all()
