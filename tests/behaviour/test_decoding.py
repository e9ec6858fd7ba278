"""Decoders against scikit-learn, truth recovered, and chance where there is nothing to know."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score
from tests.behaviour.made_behaviour import epochs_of, neurons, signals, slow

from napari_calcium.behaviour.decoding import DecodingSettings, binned_mean, decode, features_of
from napari_calcium.behaviour.logistic_decoder import balanced_accuracy, decode_labels, fit_logistic
from napari_calcium.behaviour.ridge_decoder import PENALTIES, decode_values
from napari_calcium.behaviour.time_blocks import TimeBlocks, equal_shifts

RATE = 10.0
QUICK = DecodingSettings(n_shifts=40)


def naive_ridge(features, values, n_blocks, gap):
    """Ridge of scikit-learn in loops: each fold chooses its penalty on the blocks it learns from."""
    blocks = TimeBlocks(len(values), n_blocks, gap)
    pieces = blocks.pieces

    def bins(places):
        return np.concatenate([np.arange(*pieces[p][:2]) for p in places]).astype(int)

    wrong = whole = 0.0
    told = np.empty(len(values))
    for held in range(n_blocks):
        errors = np.zeros(len(PENALTIES))
        for other in range(n_blocks):
            if other == held:
                continue
            train = bins(blocks.learnt_from(held, other))
            check = bins([p for p in blocks.learnt_from(held) if pieces[p][2] == other])
            for k, penalty in enumerate(PENALTIES):
                model = Ridge(alpha=penalty * len(train)).fit(features[train], values[train])
                errors[k] += ((values[check] - model.predict(features[check])) ** 2).sum()
        train, test = bins(blocks.learnt_from(held)), blocks.tested(held)
        model = Ridge(alpha=PENALTIES[errors.argmin()] * len(train)).fit(features[train], values[train])
        told[test] = model.predict(features[test])
        wrong += ((values[test] - told[test]) ** 2).sum()
        whole += ((values[test] - values[train].mean()) ** 2).sum()
    return 1 - wrong / whole, told


def test_ridge_is_that_of_scikit_learn_shift_by_shift(rng):
    features = rng.standard_normal((150, 8))
    values = 50 + features @ rng.standard_normal(8) + 2 * rng.standard_normal(150)
    scores, told = decode_values(features, values, 5, 4, 6)
    for score, shift in zip(scores, equal_shifts(150, 6).tolist(), strict=True):
        expected, line = naive_ridge(features, np.roll(values, shift), 5, 4)
        np.testing.assert_allclose(score, expected, atol=1e-8)
        if shift == 0:
            np.testing.assert_allclose(told, line, atol=1e-8)


def test_logistic_is_that_of_scikit_learn(rng):
    features = rng.standard_normal((200, 5)) * np.array([1, 1, 1, 3, 0.2])
    inside = features[:, 0] + 0.5 * rng.standard_normal(200) > 0.4
    scores, told = decode_labels(features, inside, 4, 5, 2.0, 3)
    blocks = TimeBlocks(200, 4, 5)
    expected, said = np.empty(200), np.empty(200, bool)
    for held in range(4):
        train, test = blocks.training(held), blocks.tested(held)
        model = LogisticRegression(C=1 / 10, tol=1e-8).fit(features[train], inside[train])
        expected[test] = model.predict_proba(features[test])[:, 1]
        said[test] = expected[test] > inside[train].mean()
    np.testing.assert_allclose(told, expected, atol=1e-5)
    assert scores[0] == pytest.approx(balanced_accuracy_score(inside, said))
    assert scores[0] > 0.8


def test_logistic_of_many_targets_is_that_of_each_by_itself(rng):
    features = rng.standard_normal((300, 12))
    strong = features @ rng.standard_normal((12, 6)) > np.array([0, 1, 2, 3, -5, 20])
    together = fit_logistic(features, strong, 3.0)
    for k in range(5):
        model = LogisticRegression(C=1 / 3, tol=1e-9, max_iter=1000).fit(features, strong[:, k])
        np.testing.assert_allclose(together[:-1, k], model.coef_[0], atol=1e-3)
        np.testing.assert_allclose(together[-1, k], model.intercept_[0], atol=1e-3)
    assert np.isfinite(together).all(), "a target that is never inside has weights, be they of no use"


def test_blocks_leave_a_gap_to_what_they_learn_from():
    blocks = TimeBlocks(100, 5, 4)
    for held in range(5):
        train, test = blocks.training(held), blocks.tested(held)
        assert np.abs(train[:, None] - test).min() == 5
        assert not np.intersect1d(train, test).size
    assert sorted(np.concatenate([blocks.tested(k) for k in range(5)]).tolist()) == list(range(100))
    assert TimeBlocks(7, 3, 50).pieces[1] == (0, 2, 0), "a gap never eats a short block"


def test_bins_are_means_without_what_is_missing(rng):
    values = rng.standard_normal((2, 23))
    values[0, 5:10], values[1, 3] = np.nan, np.nan
    found = binned_mean(values, 5)
    assert found.shape == (2, 5)
    assert np.isnan(found[0, 1])
    np.testing.assert_allclose(found[1, 0], np.nanmean(values[1, :5]))
    np.testing.assert_allclose(found[1, 4], values[1, 20:].mean())


def test_many_neurons_become_their_components(rng):
    activity = rng.standard_normal((3, 1)) * rng.standard_normal(300) + 0.3 * rng.standard_normal((3, 300))
    many = np.concatenate([activity, 0.01 * rng.standard_normal((20, 300)), np.ones((2, 300))])
    assert features_of(many, 100).shape == (300, 23), "constant ones say nothing"
    few = features_of(many, 4)
    assert few.shape == (300, 4)
    z = (many[:23] - many[:23].mean(axis=1, keepdims=True)) / many[:23].std(axis=1, keepdims=True)
    first = np.linalg.svd(z)[2][0]
    np.testing.assert_allclose(abs(np.corrcoef(few[:, 0], first)[0, 1]), 1, atol=1e-9)


def test_signals_and_labels_that_are_there_are_told_from_neurons_and_from_ensembles(rng):
    n = 3000
    speed = slow(rng, n, 15)
    light = [(t, t + 6) for t in np.cumsum(rng.uniform(10, 30, 14)) if t < 290]
    inside = np.zeros(n)
    for start, end in light:
        inside[int(start * RATE) : int(end * RATE)] = 1
    activity = slow(rng, (22, n), 5)
    activity[:6] += 1.5 * speed
    activity[6:10] += 2.5 * inside
    activity[20] = 3 * inside + activity[20]
    subjects = neurons(activity, ensembles=2)
    found = decode(subjects, signals(speed, names=("speed",), epochs=epochs_of(light=light)), RATE, QUICK)
    scores = found.scores
    assert list(zip(scores.target.tolist(), scores.source.tolist(), strict=True)) == [
        ("speed", "neurons"), ("speed", "ensembles"), ("light", "neurons"), ("light", "ensembles"),
    ]  # fmt: skip
    assert scores.measure.tolist() == ["r2", "r2", "balanced_accuracy", "balanced_accuracy"]
    assert scores.score[0] > 0.8
    assert scores.score[1] < 0.1
    assert scores.score[2] > 0.85
    assert scores.score[3] > 0.8
    assert (scores.p_value[[0, 2, 3]] <= 0.06).all()
    assert (scores.chance_95[[0, 2, 3]] < scores.score[[0, 2, 3]]).all()
    assert np.corrcoef(found.observed[0], found.predicted[0])[0, 1] > 0.9
    assert found.time_s[1] == 0.75


def test_slow_series_that_know_nothing_are_told_no_better_than_chance():
    """With random frames in place of blocks the same decoder seems to know them well."""
    rng = np.random.default_rng(6)
    p_values = []
    for _ in range(12):
        activity, speed = slow(rng, (15, 1500), 20), slow(rng, 1500, 20)
        found = decode(neurons(activity), signals(speed), RATE, QUICK)
        p_values.append(found.scores.p_value[0])
    assert np.mean(np.array(p_values) <= 0.1) <= 0.34
    features, values = features_of(binned_mean(activity, 5), 100), binned_mean(speed[None], 5)[0]
    order = rng.permutation(len(values))
    train, test = order[:240], order[240:]
    model = Ridge(1.0).fit(features[train], values[train])
    assert model.score(features[test], values[test]) > found.scores.score[0] + 0.1


def test_signals_made_of_the_neurons_are_not_decoded(rng):
    behaviour = signals(rng.standard_normal(400), weights=np.ones((1, 3)))
    assert len(decode(neurons(rng.standard_normal((3, 400))), behaviour, RATE, QUICK).scores) == 0


@pytest.mark.parametrize("case", ["no rois", "one frame", "constant", "nothing known", "constant activity"])
def test_edges_are_results(case, rng):
    n_frames = 1 if case == "one frame" else 400
    speed = {"constant": np.ones(n_frames), "nothing known": np.full(n_frames, np.nan)}
    activity = rng.standard_normal((0 if case == "no rois" else 3, n_frames)) * (case != "constant activity")
    behaviour = signals(
        speed.get(case, rng.standard_normal(n_frames)), epochs=epochs_of(always=[(0, n_frames / RATE)])
    )
    found = decode(neurons(activity), behaviour, RATE, QUICK)
    assert len(found.scores) == (0 if case == "no rois" else 2)
    assert np.isnan(found.scores.score).all()
    assert np.isnan(found.predicted).all()


def test_what_is_not_known_of_the_signal_is_left_out(rng):
    speed = slow(rng, 2000, 10)
    activity = np.stack([speed + 0.3 * slow(rng, 2000, 10), slow(rng, 2000, 10)])
    speed[500:900] = np.nan
    found = decode(neurons(activity), signals(speed), RATE, QUICK)
    assert found.scores.score[0] > 0.7
    assert np.isnan(found.predicted[0, 100:180]).all()
    assert np.isfinite(found.predicted[0, :100]).all()


def test_same_bytes_for_any_workers(rng):
    subjects = neurons(slow(rng, (5, 600), 5))
    behaviour = signals(slow(rng, 600, 5), epochs=epochs_of(a=[(5, 20), (30, 45)]))
    with ThreadPoolExecutor(3) as pool:
        several = decode(subjects, behaviour, RATE, QUICK, executor=pool)
    assert several == decode(subjects, behaviour, RATE, QUICK)


def test_balanced_accuracy_is_half_for_always_the_same():
    truth = np.array([True, False, False, False])
    assert balanced_accuracy(truth, np.zeros(4, bool)) == 0.5
    assert np.isnan(balanced_accuracy(np.ones(3, bool), np.ones(3, bool)))
