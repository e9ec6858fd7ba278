"""Tests of responses against loops; what passes where there is nothing, and where there is something."""

from __future__ import annotations

import numpy as np
import pytest
from tests.behaviour.made_behaviour import epochs_of, neurons, slow

from napari_calcium.behaviour.response_tests import ByMoving, ByShift
from napari_calcium.behaviour.triggered import TriggeredSettings, trigger

RATE = 10.0
LAGS = np.arange(-20, 41)
AFTER, BEFORE = LAGS[(LAGS >= 0) & (LAGS < 20)], LAGS[LAGS < 0]


def at(times):
    return [(t, t + 1) for t in times]


def responses(row, onsets):
    n = len(row)
    return np.mean([row[(o + AFTER) % n].mean() - row[(o + BEFORE) % n].mean() for o in onsets])


def two_sided(values):
    return min(1, 2 * min((values >= values[0] - 1e-9).mean(), (values <= values[0] + 1e-9).mean()))


def test_p_is_the_two_sided_rank_among_all_far_shifts_of_the_events(rng):
    """In loops: all events move together, round the end, by every shift of at least 5 s to either side."""
    activity = rng.standard_normal((3, 300)).astype(np.float32)
    onsets = np.array([40, 45, 90, 130, 222])
    settings = TriggeredSettings(test=ByShift(least_shift=5))
    found = trigger(neurons(activity), epochs_of(light=at(onsets / RATE)), RATE, settings)
    for p_value, row in zip(found.responses.p_value, activity.astype(np.float64), strict=True):
        values = np.array([responses(row, onsets + k) for k in (0, *range(50, 251))])
        assert p_value == pytest.approx(two_sided(values))


def test_p_is_the_two_sided_rank_among_events_that_were_moved(rng):
    """The same draws in loops: bouts move together, and round the end."""
    activity = rng.standard_normal((2, 300)).astype(np.float32)
    onsets = np.array([40, 45, 90, 130, 222])
    settings = TriggeredSettings(test=ByMoving(n_surrogates=200, seed=3))
    found = trigger(neurons(activity), epochs_of(light=at(onsets / RATE)), RATE, settings)
    by = np.random.default_rng([3, 0]).integers(-100, 101, (200, 4))[:, [0, 0, 1, 2, 3]]
    for p_value, row in zip(found.responses.p_value, activity.astype(np.float64), strict=True):
        values = np.array([responses(row, moved) for moved in (onsets, *(onsets + by))])
        assert p_value == pytest.approx(two_sided(values))


def test_the_seed_chooses_the_surrogates(rng):
    subjects = neurons(slow(rng, (5, 900), 5))
    epochs = epochs_of(light=at([10, 21, 35, 50, 66]))
    one, same, other = (
        trigger(subjects, epochs, RATE, TriggeredSettings(test=ByMoving(seed=seed, n_surrogates=300)))
        for seed in (1, 1, 2)
    )
    assert one == same
    assert (one.responses.p_value != other.responses.p_value).any()


def test_shifting_behaviour_and_activity_together_changes_no_p_value(rng):
    activity = slow(rng, (4, 1200), 5)
    onsets = np.array([20.0, 31, 47, 60, 81])
    here = trigger(neurons(activity), epochs_of(light=at(onsets)), RATE).responses
    later = trigger(neurons(np.roll(activity, 70, axis=1)), epochs_of(light=at(onsets + 7)), RATE).responses
    np.testing.assert_allclose(here.p_value, later.p_value)


def test_periodic_events_have_no_power_by_shift_and_have_it_moved_one_by_one(rng):
    onsets = np.arange(5, 600, 10.0)
    activity = slow(rng, (6, 6000), 3)
    for onset in onsets:
        activity[0, int(onset * RATE) : int(onset * RATE) + 15] += 3
    epochs = epochs_of(flash=at(onsets))
    shifted = trigger(neurons(activity), epochs, RATE).responses
    moved = trigger(neurons(activity), epochs, RATE, TriggeredSettings(test=ByMoving())).responses
    assert shifted.p_value[0] > 0.02
    assert moved.p_value[0] == pytest.approx(2 / 2001)


def test_a_recording_too_short_to_shift_has_no_p_value(rng):
    found = trigger(neurons(rng.standard_normal((2, 150))), epochs_of(light=at([5.0])), RATE)
    assert np.isnan(found.responses.p_value).all()
    assert np.isfinite(found.responses.response).all()
