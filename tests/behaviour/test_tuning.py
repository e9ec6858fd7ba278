"""Tuning curves and place maps against loops, and planted tuning recovered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from tests.behaviour.made_behaviour import neurons, signals, slow

from napari_calcium.behaviour import occupancy
from napari_calcium.behaviour.occupancy import Bins, equal_bins, halves, spatial_information
from napari_calcium.behaviour.time_blocks import dividing_shifts
from napari_calcium.behaviour.tuning import TuningSettings, map_axes, tune

RATE = 10.0
PLAIN = TuningSettings(min_occupancy=0, n_shifts=100)


def walk(rng, n_frames):
    """Return a smooth path in a box of 0 … 100."""
    path = np.cumsum(slow(rng, (2, n_frames), 15) * 3, axis=1)
    return 100 - np.abs(path % 200 - 100)


def test_curve_is_the_mean_in_each_bin(rng):
    speed, activity = rng.uniform(0, 30, 900), rng.standard_normal((3, 900)).astype(np.float32)
    speed[40:60] = np.nan
    found = tune(neurons(activity), signals(speed, names=("speed",), units=("cm/s",)), RATE, PLAIN)
    (curve,) = found.curves
    known = np.isfinite(speed)
    low, high = np.percentile(speed[known], [1, 99])
    np.testing.assert_allclose(curve.edges, np.linspace(low, high, 21))
    place = np.clip(np.digitize(speed, curve.edges) - 1, 0, 19)
    for b in range(20):
        inside = known & (place == b)
        np.testing.assert_allclose(curve.occupancy_s[b], inside.sum() / RATE)
        np.testing.assert_allclose(curve.mean[:, b], activity[:, inside].mean(axis=1), atol=1e-5)
    assert curve.unit == "cm/s"
    assert found.map is None


def test_bins_that_were_hardly_visited_are_empty(rng):
    speed = np.concatenate([np.full(500, 1.0), np.linspace(1, 30, 500)])
    speed[600:950] = 2.0
    found = tune(neurons(rng.uniform(0, 1, (1, 1000))), signals(speed), RATE, TuningSettings(n_shifts=20))
    curve = found.curves[0]
    np.testing.assert_array_equal(np.isnan(curve.mean[0]), curve.occupancy_s < 0.5)
    assert np.isnan(curve.mean).any()


def test_map_is_smoothed_activity_over_smoothed_time(rng):
    x, y = walk(rng, 2000)
    activity = rng.uniform(0, 1, (2, 2000)).astype(np.float32)
    found = tune(neurons(activity), signals(x, y, names=("x", "y")), RATE, PLAIN)
    place = found.map
    assert place is not None
    assert place.signal == "x × y"
    column = np.clip(np.digitize(x, place.x_edges) - 1, 0, 19)
    row = np.clip(np.digitize(y, place.y_edges) - 1, 0, 19)
    time, total = np.zeros((20, 20)), np.zeros((20, 20))
    np.add.at(time, (row, column), 1 / RATE)
    np.add.at(total, (row, column), activity[1] / RATE)
    np.testing.assert_allclose(place.occupancy_s, time)
    options = {"sigma": 1.0, "mode": "constant", "truncate": 3.0}
    with np.errstate(invalid="ignore"):
        expected = np.where(
            time > 0, gaussian_filter(total, **options) / gaussian_filter(time, **options), np.nan
        )
    np.testing.assert_allclose(place.mean[1], expected, rtol=1e-5)


def test_information_is_skaggs_formula():
    occupancy, mean = (
        np.array([1.0, 3, 4, 2]),
        np.array([[2.0, 0.0, 1.0, np.nan], [5, 5, 5, 5], [0, 0, 0, 0]]),
    )
    p = np.array([1, 3, 4]) / 8
    rate = np.array([2.0, 0, 1])
    average = (p * rate).sum()
    by_hand = sum(p[k] * rate[k] / average * np.log2(rate[k] / average) for k in (0, 2))
    bits = spatial_information(occupancy, mean)
    np.testing.assert_allclose(bits[:2], [by_hand, 0], atol=1e-12)
    assert np.isnan(bits[2])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_information_ignores_gain_and_is_at_most_that_of_one_bin(seed, gain):
    rng = np.random.default_rng(seed)
    occupancy, mean = rng.uniform(0.1, 5, 12), rng.uniform(0, 3, (4, 12))
    bits = spatial_information(occupancy, mean)
    np.testing.assert_allclose(spatial_information(7 * occupancy, gain * mean), bits, atol=1e-9)
    assert (bits >= 0).all()
    assert (bits <= np.log2(occupancy.sum() / occupancy.min()) + 1e-9).all()


def test_sums_after_a_shift_are_those_of_rolled_behaviour(rng):
    label = rng.integers(-1, 6, 80)
    label[label == 4] = -1  # a bin that was never visited
    activity = rng.standard_normal((3, 80))
    shifts = np.array([0, 1, 33, 79])
    together = Bins(label, 6).shifted_sums(activity, shifts)
    for k, shift in enumerate(shifts.tolist()):
        rolled = np.roll(label, shift)
        expected = np.array([activity[:, rolled == b].sum(axis=1) for b in range(6)]).T
        np.testing.assert_allclose(Bins(label, 6).sums(activity, shift), expected, atol=1e-12)
        np.testing.assert_allclose(together[:, k], expected, atol=1e-12)


@pytest.mark.parametrize("n_frames", [60, 75, 64, 7, 97])
@pytest.mark.parametrize("number", [1, 2, 3, 5, 12, 60])
def test_sums_at_even_shifts_are_those_of_the_whole_circle(rng, monkeypatch, n_frames, number):
    """Where the step of the shifts divides the frames, and where it does not; whatever fits into memory."""
    bins, activity = Bins(rng.integers(0, 4, n_frames), 4), rng.standard_normal((2, n_frames))
    shifts = dividing_shifts(n_frames, number)
    assert shifts[0] == 0
    assert len(shifts) <= max(number, 1)
    expected = np.stack([bins.sums(activity, int(k)) for k in shifts], axis=1)
    for cost, size in ((0.0, 2**20), (0.0, 1), (1e9, 2**20)):
        monkeypatch.setattr(occupancy, "_BLOCKED", cost)
        monkeypatch.setattr(occupancy, "_LABEL_BYTES", size)
        monkeypatch.setattr(occupancy, "_SUM_BYTES", size)
        np.testing.assert_allclose(bins.shifted_sums(activity, shifts), expected, atol=1e-12)


def test_there_are_about_as_many_shifts_as_were_asked_for():
    for n_frames in (1, 7, 997, 1000, 1009, 20_011):
        for number in (1, 2, 20, 1000):
            shifts = dividing_shifts(n_frames, number)
            assert min(number, n_frames) / 2 <= len(shifts) <= number
            assert shifts[0] == 0 and shifts[-1] < n_frames
            assert len(set(np.diff(shifts).tolist())) <= 1


def test_bins_of_nothing_and_of_one_value():
    label, edges = equal_bins(np.full(5, np.nan), 4, np.ones(5, bool))
    assert (label == -1).all()
    assert (np.diff(edges) > 0).all()
    label, edges = equal_bins(np.full(5, 3.0), 4, np.ones(5, bool))
    assert len(set(label.tolist())) == 1
    assert edges[0] < 3 < edges[-1]


def test_a_signal_that_is_on_or_off_has_two_bins_whose_centres_are_its_values(rng):
    lick = np.repeat(rng.random(300) < 0.3, 10).astype(float)
    frames = lick.copy()
    changes = np.flatnonzero(np.diff(lick)) + 1
    frames[changes] = rng.choice([0.25, 0.75], len(changes))
    activity = (1 + 2 * lick + 0.1 * rng.standard_normal((2, 3000))).astype(np.float32)
    behaviour = signals(frames, names=("lick",), units=("",))
    (curve,) = tune(neurons(activity), behaviour, RATE, PLAIN, two_valued={"lick"}).curves
    assert curve.centres.tolist() == [0, 1]
    off = frames < 0.5
    expected = [[row[off].mean(), row[~off].mean()] for row in activity]
    np.testing.assert_allclose(curve.mean, expected, rtol=1e-5)
    assert len(tune(neurons(activity), behaviour, RATE, PLAIN).curves[0].centres) == 20


@pytest.mark.parametrize("values", [[np.nan] * 4, [2.0] * 4, [0, np.nan, 5, 5]])
def test_halves_of_nothing_of_one_value_and_of_two(values):
    label, edges = halves(np.array(values, float), 2, np.ones(4, bool))
    assert (label == np.where(np.isfinite(values), np.array(values) == 5, -1)).all()
    assert (np.diff(edges) > 0).all() and len(edges) == 3


def test_planted_tuning_is_recovered_and_the_others_are_not(rng):
    n = 6000
    speed = 10 + 5 * slow(rng, n, 20)
    rates = 0.1 + np.stack([np.exp(-((speed - centre) ** 2) / 8) for centre in (5, 10, 15)])
    tuned = rng.poisson(rates)
    others = rng.poisson(0.4, (20, n))
    found = tune(neurons(np.concatenate([tuned, others])), signals(speed), RATE, TuningSettings(n_shifts=400))
    np.testing.assert_allclose(found.tuned.preferred[:3], [5, 10, 15], atol=1.6)
    assert (found.tuned.q_value[:3] <= 0.05).all()
    assert (found.tuned.q_value[3:] <= 0.05).mean() <= 0.1
    bits, chance = found.tuned.information_bits, found.tuned.information_by_chance_bits
    assert (bits[:3] > 3 * chance[:3]).all()


def test_place_cells_are_found_where_they_are(rng):
    x, y = walk(rng, 8000)
    centres = np.array([[25.0, 70.0], [75.0, 30.0]])
    rates = np.stack([2 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 10**2)) for cx, cy in centres])
    activity = np.concatenate([rng.poisson(rates), rng.poisson(0.2, (10, 8000))])
    behaviour = signals(x, y, names=("pos_x", "pos_y"), units=("cm", "cm"))
    found = tune(neurons(activity), behaviour, RATE, TuningSettings(n_shifts=200))
    own = found.tuned.take(found.tuned.signal == "pos_x × pos_y")
    np.testing.assert_allclose(np.stack([own.preferred[:2], own.preferred_y[:2]], axis=1), centres, atol=8)
    assert (own.q_value[:2] <= 0.05).all()
    assert (own.q_value[2:] <= 0.05).mean() <= 0.1


def test_slow_activity_that_knows_nothing_of_the_place_is_not_tuned():
    """A shuffle of single frames calls most of these tuned; a shift knows that they are slow."""
    rng = np.random.default_rng(11)
    position = 50 + 30 * slow(rng, 2000, 40)
    activity = np.exp(slow(rng, (150, 2000), 25))
    found = tune(neurons(activity), signals(position), RATE, TuningSettings(n_shifts=200))
    assert (found.tuned.q_value <= 0.05).mean() < 0.05
    curve = found.curves[0]
    label = equal_bins(position, 20, np.ones(2000, bool))[0]
    shuffled = np.zeros(150)
    for _ in range(40):
        sums = Bins(rng.permutation(label), 20).sums(activity)
        frames = np.maximum(np.bincount(label, minlength=20), 1)
        shuffled += spatial_information(curve.occupancy_s, sums / frames) >= (found.tuned.information_bits)
    assert (shuffled / 40 <= 0.05).mean() > 0.6


def test_p_values_are_uniform_where_there_is_nothing(rng):
    position = 50 + 30 * slow(rng, 900, 10)
    found = tune(neurons(rng.uniform(0, 1, (200, 900))), signals(position), RATE, PLAIN)
    assert abs(found.tuned.p_value.mean() - 0.5) < 0.08
    assert found.tuned.p_value.min() >= 0.01


def test_only_frames_that_are_fast_enough_count(rng):
    speed = np.where(np.arange(1000) % 100 < 50, 10.0, 0.0)
    activity = np.where(speed > 0, 1.0, 9.0)[None]
    position = rng.uniform(0, 10, 1000)
    chosen = TuningSettings(speed_signal="speed", least_speed=5, min_occupancy=0, n_shifts=20)
    found = tune(neurons(activity), signals(position, speed, names=("position", "speed")), RATE, chosen)
    np.testing.assert_allclose(found.curves[0].mean, 1.0)
    assert found.curves[0].occupancy_s.sum() == pytest.approx(50)


def test_signals_made_of_the_neurons_are_left_out(rng):
    weights = np.array([[0.0, 0], [1, 1]])
    behaviour = signals(rng.uniform(0, 1, 200), rng.uniform(0, 1, 200), weights=weights)
    found = tune(neurons(rng.uniform(0, 1, (2, 200))), behaviour, RATE, PLAIN)
    assert [curve.signal for curve in found.curves] == ["s0"]


@pytest.mark.parametrize(
    ("names", "chosen", "expected"),
    [
        (("speed", "x", "y"), {}, (1, 2)),
        (("X_pos", "Y_pos"), {}, (0, 1)),
        (("position", "speed"), {}, None),
        (("x", "y", "pos_x"), {}, None),
        (("a", "b"), {"map_x": "b", "map_y": "a"}, (1, 0)),
    ],
)
def test_which_signals_make_the_map(names, chosen, expected):
    assert map_axes(names, TuningSettings(**chosen)) == expected


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"map_x": "z", "map_y": "y"}, "no signal 'z'; there are x, y"),
        ({"map_x": "x"}, "needs both"),
        ({"speed_signal": "v"}, "no signal 'v'"),
    ],
)
def test_a_signal_that_is_not_there_is_told(chosen, message, rng):
    behaviour = signals(*rng.uniform(0, 1, (2, 50)), names=("x", "y"))
    with pytest.raises(ValueError, match=message):
        tune(neurons(rng.uniform(0, 1, (1, 50))), behaviour, RATE, TuningSettings(**chosen))


@pytest.mark.parametrize("case", ["no rois", "one frame", "constant", "nothing known", "silent"])
def test_edges_are_results(case, rng):
    n_rois, n_frames = (0, 50) if case == "no rois" else (3, 1 if case == "one frame" else 50)
    position = {"constant": np.full(n_frames, 2.0), "nothing known": np.full(n_frames, np.nan)}
    activity = rng.uniform(0, 1, (n_rois, n_frames)) * (case != "silent")
    behaviour = signals(
        position.get(case, rng.uniform(0, 9, n_frames)), rng.uniform(0, 9, n_frames), names=("x", "y")
    )
    found = tune(neurons(activity), behaviour, RATE, PLAIN)
    assert len(found.tuned) == 3 * n_rois
    if case in ("nothing known", "silent"):
        own = found.tuned.signal != "y"
        assert np.isnan(found.tuned.information_bits[own]).all()
        assert np.isnan(found.tuned.p_value[own]).all()


def test_same_bytes_for_any_workers(rng):
    subjects = neurons(rng.uniform(0, 1, (6, 300)))
    behaviour = signals(*rng.uniform(0, 9, (2, 300)), names=("x", "y"))
    with ThreadPoolExecutor(3) as pool:
        assert tune(subjects, behaviour, RATE, PLAIN, executor=pool) == tune(subjects, behaviour, RATE, PLAIN)
