"""Correlations with behaviour: true ones are found at their lag, and slow ones that mean nothing are not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats
from tests.behaviour.made_behaviour import neurons, signals, slow

from napari_calcium.behaviour.relations import RelationSettings, relate
from napari_calcium.behaviour.signals import population_signals
from napari_calcium.numerics.fdr import q_values
from napari_calcium.progress import Cancelled
from napari_calcium.results.behaviour_findings import Relations

RATE = 10.0


def test_correlation_is_pearsons_and_lag_is_the_highest(rng):
    speed = slow(rng, 800, 5)
    rows = np.stack([np.roll(speed, 8), -np.roll(speed, -4), slow(rng, 800, 5), speed + slow(rng, 800, 5)])
    found = relate(neurons(rows), signals(speed, names=("speed",)), RATE)
    for k, row in enumerate(rows.astype(np.float32)):
        np.testing.assert_allclose(found.correlation[k], stats.pearsonr(row, speed)[0], atol=1e-6)
        lags = np.arange(-20, 21)
        naive = [stats.pearsonr(row, np.roll(speed, lag))[0] for lag in lags]
        best = int(np.argmax(np.abs(naive)))
        np.testing.assert_allclose(found.correlation_at_lag[k], naive[best], atol=1e-6)
        assert found.lag_s[k] == pytest.approx(lags[best] / RATE)
    assert found.lag_s[0] == 0.8, "the neuron follows"
    assert found.lag_s[1] == -0.4, "the neuron leads"
    assert found.correlation_at_lag[1] < -0.99
    assert found.id.tolist() == [10, 11, 12, 13]


def test_no_more_neurons_than_chance_go_with_a_signal_they_do_not_know():
    """300 slow neurons, 3 slow signals, nothing shared: none after correction."""
    rng = np.random.default_rng(1)
    activity, behaviour = slow(rng, (300, 1500), 10), signals(*slow(rng, (3, 1500), 15))
    found = relate(neurons(activity), behaviour, RATE)
    assert (found.q_value <= 0.05).sum() == 0
    naive = np.array([stats.pearsonr(a, b)[1] for b in behaviour.values for a in activity])
    assert (naive <= 0.05).mean() > 0.4, "taking frames for independent finds relations everywhere"


def test_those_that_do_are_found_among_many_that_do_not(rng):
    speed = slow(rng, 3000, 6)
    activity = slow(rng, (80, 3000), 6)
    activity[:15] = 0.5 * np.roll(speed, 5) + 0.87 * activity[:15]
    found = relate(neurons(activity), signals(speed), RATE)
    hits = found.q_value <= 0.05
    assert hits[:15].all()
    assert hits[15:].mean() <= 0.1


def test_permuting_neurons_permutes_and_gain_does_not_matter(rng):
    activity, speed = slow(rng, (9, 500), 4), slow(rng, 500, 6)
    order = rng.permutation(9)
    first = relate(neurons(activity), signals(speed), RATE)
    second = relate(neurons(3 + 5 * activity[order]), signals(2 - 4 * speed), RATE)
    np.testing.assert_allclose(second.correlation, -first.correlation[order], atol=1e-6)
    np.testing.assert_allclose(second.p_value, first.p_value[order], atol=0.006)
    np.testing.assert_allclose(second.lag_s, first.lag_s[order])


def test_q_is_of_each_kind_over_all_signals(rng):
    activity = slow(rng, (8, 600), 4)
    found = relate(neurons(activity, ensembles=2, population=True), signals(*slow(rng, (2, 600), 4)), RATE)
    assert len(found) == 16
    assert found.kind[:8].tolist() == ["neuron"] * 5 + ["ensemble"] * 2 + ["population"]
    for kind in ("neuron", "ensemble", "population"):
        own = found.kind == kind
        np.testing.assert_allclose(found.q_value[own], q_values(found.p_value[own]))


def test_stand_ins_are_compared_without_the_neurons_own_part(rng):
    activity = rng.standard_normal((20, 2000)).astype(np.float32)
    values, weights = population_signals(activity)
    behaviour = signals(*values, names=("population mean", "first component"), weights=weights)
    own = relate(neurons(activity, population=False), behaviour, RATE)
    rest = relate(neurons(activity), behaviour, RATE, made_of=activity)
    assert np.abs(own.correlation[:20]).min() > 0.1
    assert np.abs(rest.correlation[:20]).max() < 0.1
    assert (rest.q_value[:20] <= 0.05).sum() == 0
    others = np.delete(activity, 3, axis=0).sum(axis=0)
    np.testing.assert_allclose(rest.correlation[3], np.corrcoef(activity[3], others)[0, 1], atol=1e-5)


def test_the_population_is_not_compared_with_itself(rng):
    activity = slow(rng, (6, 300), 3)
    values, weights = population_signals(activity[:5])
    subjects = neurons(activity, population=True)
    found = relate(subjects, signals(*values, weights=weights), RATE, made_of=activity[:5])
    assert np.isnan(found.correlation[found.kind == "population"]).all()
    assert np.isfinite(found.correlation[found.kind == "neuron"]).all()


def test_gaps_are_left_out(rng):
    speed, activity = slow(rng, 700, 5), slow(rng, (2, 700), 5)
    activity[0] += speed
    speed[100:250] = np.nan
    activity[0, 400:420] = np.nan
    found = relate(neurons(activity), signals(speed), RATE)
    both = np.isfinite(speed) & np.isfinite(activity[0])
    expected = stats.pearsonr(activity[0].astype(np.float32)[both], speed[both])[0]
    np.testing.assert_allclose(found.correlation[0], expected, atol=1e-6)
    assert found.p_value[0] < 0.05


@pytest.mark.parametrize("case", ["no rois", "one frame", "constant signal", "nothing known", "no signal"])
def test_edges_are_results(case, rng):
    n_rois, n_frames = (0, 50) if case == "no rois" else (3, 1 if case == "one frame" else 50)
    speed = rng.standard_normal(n_frames)
    speed[:] = {"constant signal": 4.0, "nothing known": np.nan}.get(case, speed)
    behaviour = signals(*([] if case == "no signal" else [speed]))
    if case == "no signal":
        behaviour = type(behaviour)()
    found = relate(neurons(rng.standard_normal((n_rois, n_frames))), behaviour, RATE)
    assert len(found) == (0 if case == "no signal" else n_rois)
    assert np.isnan(found.p_value).all()
    assert np.isnan(found.correlation).all()


def test_same_bytes_for_any_workers_and_cancelling_is_an_exception(rng, monkeypatch):
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 200_000)
    subjects, behaviour = neurons(slow(rng, (30, 400), 4)), signals(slow(rng, 400, 4))
    with ThreadPoolExecutor(3) as pool:
        several = relate(subjects, behaviour, RATE, executor=pool)
    assert isinstance(several, Relations)
    assert several == relate(subjects, behaviour, RATE)

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        relate(subjects, behaviour, RATE, on_progress=stop)


def test_frames_must_agree(rng):
    with pytest.raises(ValueError, match="align it anew"):
        relate(neurons(rng.standard_normal((2, 30))), signals(np.ones(31)), RATE, RelationSettings())


def test_stand_ins_in_blocks_are_those_of_one_block(rng, monkeypatch):
    activity = slow(rng, (25, 300), 3).astype(np.float32)
    values, weights = population_signals(activity[:20])
    subjects = neurons(activity, ensembles=4, population=True)
    behaviour = signals(*values, weights=weights)
    whole = relate(subjects, behaviour, RATE, made_of=activity[:20])
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 160 * 300 * 7)
    assert relate(subjects, behaviour, RATE, made_of=activity[:20]) == whole
