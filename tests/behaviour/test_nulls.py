"""Where behaviour and activity have nothing to do with each other, no test passes more often than it may.

Each p-value is that of one cell in a recording of its own: cells of one recording share its behaviour, so
that their passing goes together and says little of how often it happens. Series are slow, and do not close to
a circle.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter1d
from tests.behaviour.made_behaviour import epochs_of, neurons, signals
from tests.nominal import assert_nominal, most_that_may_pass

from napari_calcium.behaviour.decoding import DecodingSettings, decode
from napari_calcium.behaviour.epochs import prefer
from napari_calcium.behaviour.relations import relate
from napari_calcium.behaviour.response_tests import ByMoving, ByShift
from napari_calcium.behaviour.triggered import TriggeredSettings, trigger
from napari_calcium.behaviour.tuning import TuningSettings, tune

RATE = 10.0


def slow(rng, shape, sigma):
    series = gaussian_filter1d(rng.standard_normal(shape), sigma, axis=-1)
    return series / series.std(axis=-1, keepdims=True)


def licks(rng, n_frames):
    """Bouts of licks: they meet the same slow wave, so that they are not independent."""
    bouts = np.cumsum(rng.uniform(8, 25, n_frames // 100))
    onsets = np.sort((bouts[:, None] + rng.uniform(0, 1.5, (len(bouts), 8))).ravel())
    return epochs_of(lick=[(s, s) for s in onsets[onsets < n_frames / RATE - 5].tolist()])


def correlation(rng):
    found = relate(neurons(slow(rng, (1, 3000), 10)), signals(slow(rng, 3000, 15)), RATE)
    return float(found.p_value[0])


def response(test):
    def one(rng):
        settings = TriggeredSettings(test=test)
        found = trigger(neurons(slow(rng, (1, 3000), 15)), licks(rng, 3000), RATE, settings)
        return float(found.responses.p_value[0])

    return one


def preference(rng):
    """A cell that is active in bursts: these fall into an epoch together."""
    epochs = epochs_of(light=[(s, s + 10) for s in np.cumsum(rng.uniform(15, 45, 12)).tolist()])
    times = np.clip((rng.uniform(0, 390, 8)[:, None] + rng.uniform(0, 6, (8, 8))).ravel(), 0, 399.9)
    found = prefer(("neuron",), np.zeros(1, np.int64), np.zeros(64, np.int64), times, epochs, 4000, RATE)
    return float(found.p_value[0])


def tuning(rng):
    activity, position = np.exp(slow(rng, (1, 2000), 25)), 50 + 30 * slow(rng, 2000, 40)
    found = tune(neurons(activity), signals(position), RATE, TuningSettings(n_shifts=200))
    return float(found.tuned.p_value[0])


def decoding(rng):
    settings = DecodingSettings(n_shifts=39)
    found = decode(neurons(slow(rng, (4, 600), 8)), signals(slow(rng, 600, 10)), RATE, settings)
    return float(found.scores.p_value[0])


@pytest.mark.parametrize(
    ("one", "number", "levels"),
    [
        (correlation, 1000, (0.05, 0.01)),
        (response(ByShift()), 600, (0.05, 0.01)),
        (response(ByMoving(n_surrogates=400)), 600, (0.05, 0.01)),
        (preference, 600, (0.05, 0.01)),
        (tuning, 600, (0.05, 0.01)),
        (decoding, 120, (0.05,)),
    ],
    ids=["correlation", "response by shift", "response by moving", "preference", "tuning", "decoding"],
)
def test_nothing_is_found_no_more_often_than_it_may_be(one, number, levels):
    rng = np.random.default_rng(17)
    assert_nominal([one(rng) for _ in range(number)], levels)


def test_the_bound_would_catch_what_takes_frames_for_independent():
    """Pearson's own p-value, on the series of the first test."""
    rng = np.random.default_rng(17)
    p = np.array([stats.pearsonr(slow(rng, 1500, 10), slow(rng, 1500, 15))[1] for _ in range(200)])
    assert (p <= 0.05).sum() > 5 * most_that_may_pass(200, 0.05)
