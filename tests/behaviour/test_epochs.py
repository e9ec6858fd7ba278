"""Which epochs are preferred: counts against loops, and nulls that hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.behaviour.made_behaviour import epochs_of

from napari_calcium.behaviour.epochs import PreferenceSettings, inside_epochs, prefer

RATE = 10.0


def test_inside_are_the_frames_whose_middle_is():
    epochs = epochs_of(a=[(1.0, 2.0), (2.04, 2.06), (4.96, 5.01)], b=[(3, 9)])
    inside = inside_epochs(epochs, "a", 60, RATE)
    assert np.flatnonzero(inside).tolist() == [*range(10, 20), 20, 49]
    wide = inside_epochs(epochs, "a", 60, RATE, widen=0.3)
    assert np.flatnonzero(wide).tolist() == [*range(10, 24), 50, 51, 52]
    assert not inside_epochs(epochs, "c", 60, RATE).any()
    assert inside_epochs(epochs, "b", 0, RATE).shape == (0,)


def test_counts_shares_and_p_are_those_of_the_loop(rng):
    n = 200
    epochs = epochs_of(light=[(2, 5), (9, 12.5)], dark=[(13, 18)])
    rows, times = rng.integers(0, 3, 40), rng.uniform(0, 20, 40)
    found = prefer(("ensemble",) * 3, np.arange(3), rows, times, epochs, n, RATE)
    frames = np.floor(times * RATE).astype(int)
    for k, label in enumerate(("light", "dark")):
        inside = inside_epochs(epochs, label, n, RATE)
        for row in range(3):
            own = frames[rows == row]
            counts = np.array([np.roll(inside, s)[own].sum() for s in range(n)])
            tail = min((counts >= counts[0]).mean(), (counts <= counts[0]).mean())
            place = 3 * k + row
            assert found.n_inside[place] == counts[0]
            np.testing.assert_allclose(found.p_value[place], min(1, 2 * tail))
            np.testing.assert_allclose(found.enrichment[place], counts[0] / len(own) / inside.mean())


def test_planted_preferences_are_found(rng):
    starts = np.cumsum(rng.uniform(12, 32, 25))
    starts = starts[starts < 585]
    epochs = epochs_of(light=[(s, s + 4) for s in starts])
    light = np.concatenate([s + rng.uniform(0, 4, 2) for s in starts])
    dark = rng.uniform(0, 600, 400)
    dark = dark[((dark[:, None] - starts < -0.5) | (dark[:, None] - starts > 4.5)).all(axis=1)][:80]
    anywhere = [rng.uniform(0, 600, 40) for _ in range(20)]
    rows = np.repeat(np.arange(22), [len(light), len(dark), *map(len, anywhere)])
    times = np.concatenate([light, dark, *anywhere])
    found = prefer(("ensemble",) * 22, np.arange(22), rows, times, epochs, 6000, RATE)
    assert found.enrichment[0] > 4
    assert found.enrichment[1] == 0
    assert (found.q_value[:2] <= 0.05).all()
    assert (found.q_value[2:] <= 0.05).mean() <= 0.1


def test_bursts_that_know_nothing_of_the_epochs_pass_no_more_often_than_they_may():
    """Bursts fall into an epoch together; a binomial test takes them for independent."""
    from scipy.stats import binomtest

    rng = np.random.default_rng(4)
    epochs = epochs_of(light=[(s, s + 10) for s in np.cumsum(rng.uniform(15, 45, 18))])
    bursts = [(rng.uniform(0, 590, 8)[:, None] + rng.uniform(0, 6, (8, 8))).ravel() for _ in range(300)]
    rows = np.repeat(np.arange(300), 64)
    found = prefer(("neuron",) * 300, np.arange(300), rows, np.concatenate(bursts), epochs, 6000, RATE)
    naive = [
        binomtest(int(k), 64, s).pvalue for k, s in zip(found.n_inside, found.share_of_time, strict=True)
    ]
    assert (np.array(naive) <= 0.05).mean() > 0.25


@pytest.mark.parametrize("case", ["nobody", "no epochs", "silent", "always inside", "no frames"])
def test_edges_are_results(case):
    epochs = {"no epochs": epochs_of(), "always inside": epochs_of(a=[(0, 20)])}
    kinds, ids = ((), np.empty(0, np.int64)) if case == "nobody" else (("ensemble",), np.zeros(1, np.int64))
    times = np.empty(0) if case in ("silent", "nobody") else np.array([3.0, 8.0])
    rows = np.zeros(len(times), np.int64)
    n_frames = 0 if case == "no frames" else 200
    found = prefer(kinds, ids, rows, times, epochs.get(case, epochs_of(a=[(2, 5)])), n_frames, RATE)
    assert len(found) == (0 if case in ("nobody", "no epochs") else 1)
    assert np.isnan(found.p_value).all()


def test_moments_count_for_a_while():
    found = prefer(
        ("neuron",),
        np.zeros(1, np.int64),
        np.zeros(2, np.int64),
        np.array([5.5, 12.0]),
        epochs_of(reward=[(5, 5)]),
        200,
        RATE,
        PreferenceSettings(widen=1),
    )
    assert found.n_inside.tolist() == [1]


def test_same_bytes_for_any_blocks_and_workers(rng, monkeypatch):
    epochs = epochs_of(light=[(2, 5), (9, 12.5)], dark=[(13, 18)])
    given = (("neuron",) * 9, np.arange(9), np.sort(rng.integers(0, 9, 90)), rng.uniform(0, 20, 90))
    whole = prefer(*given, epochs, 200, RATE)
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 64 * 200 * 2)
    with ThreadPoolExecutor(3) as pool:
        assert prefer(*given, epochs, 200, RATE, executor=pool) == whole


def test_the_range_of_chance_is_that_of_all_shifts_and_holds_19_of_20():
    rng = np.random.default_rng(8)
    epochs = epochs_of(light=[(s, s + 6) for s in np.cumsum(rng.uniform(15, 45, 12)).tolist()])
    times = rng.uniform(0, 400, (200, 40))
    rows = np.repeat(np.arange(200), 40)
    found = prefer(("neuron",) * 200, np.arange(200), rows, times.ravel(), epochs, 4000, RATE)
    inside = inside_epochs(epochs, "light", 4000, RATE)
    frames = np.floor(times[0] * RATE).astype(int)
    counts = np.sort([np.roll(inside, s)[frames].sum() for s in range(4000)])
    expected = 40 * inside.mean()
    np.testing.assert_allclose(found.chance_low[0] * expected, counts[100], atol=1)
    np.testing.assert_allclose(found.chance_high[0] * expected, counts[3900], atol=1)
    within = (found.enrichment >= found.chance_low) & (found.enrichment <= found.chance_high)
    assert within.mean() > 0.9
