import numpy as np
import pytest
from scipy.stats import wilcoxon
from tests.ensembles.planted import RATE, make_events

from napari_calcium.ensembles.coactivity import coactivity
from napari_calcium.ensembles.company import company_features
from napari_calcium.ensembles.significance import significance
from napari_calcium.results.tables import EnsembleEvents, Ensembles, Events, Members

NAMES = ["share_in_company", "share_in_company_above_chance", "lead_s", "lead_q_value", "n_ensembles"]


def moments(contributors, starts, width=1.0):
    """Ensemble events of one second with the given contributors."""
    starts = np.asarray(starts, float)
    n = np.array([len(c) for c in contributors])
    return EnsembleEvents(
        event_id=np.arange(len(starts)),
        start_s=starts,
        end_s=starts + width,
        peak_s=starts + width / 2,
        n_neurons=n,
        p_value=np.zeros(len(starts)),
        ensemble_id=np.full(len(starts), -1),
        member_offsets=np.concatenate([[0], np.cumsum(n)]),
        member_ids=np.concatenate([np.sort(c) for c in contributors]),
    )


def test_by_hand():
    # Cells 7, 3, 5 are together at 10 s and at 20 s; 7 is 0.2 s ahead and has one event alone.
    events = make_events([7, 7, 7, 3, 3, 5, 5], [10.0, 20.0, 50.0, 10.2, 20.2, 10.2, 20.4])
    result = company_features(
        events, [3, 5, 7], 1000, RATE, moments([[3, 5, 7]] * 2, [9.8, 19.8]), Ensembles()
    )
    assert list(result) == NAMES
    np.testing.assert_allclose(result["share_in_company"], [1, 1, 2 / 3])
    np.testing.assert_allclose(result["share_in_company_above_chance"], [0.98, 0.98, 2 / 3 - 0.02])
    np.testing.assert_allclose(result["lead_s"], [(0.1 + 0.0) / 2, (0.1 + 0.3) / 2, -0.25])
    assert np.isnan(result["lead_q_value"]).all()
    assert result["n_ensembles"].tolist() == [0, 0, 0]


def test_leaders_and_followers_are_told_apart():
    random = np.random.default_rng(0)
    starts = np.arange(10.0, 600.0, 20.0)
    delay = np.repeat([-0.15, 0.0, 0.15], 4)
    onset = starts[:, None] + 0.5 + delay + 0.03 * random.standard_normal((len(starts), 12))
    events = make_events(np.tile(np.arange(12), len(starts)), onset.ravel())
    result = company_features(
        events, np.arange(12), 6000, RATE, moments([np.arange(12)] * len(starts), starts), Ensembles()
    )
    assert (result["lead_s"][:4] < -0.1).all()
    assert (result["lead_s"][8:] > 0.1).all()
    assert (np.abs(result["lead_s"][4:8]) < 0.03).all()
    assert (result["lead_q_value"][[*range(4), *range(8, 12)]] < 0.01).all()


def test_no_leaders_among_equals():
    random = np.random.default_rng(1)
    starts = np.arange(10.0, 600.0, 20.0)
    significant = 0
    for _ in range(20):
        onset = starts[:, None] + random.random((len(starts), 10))
        events = make_events(np.tile(np.arange(10), len(starts)), onset.ravel())
        events_of = moments([np.arange(10)] * len(starts), starts)
        result = company_features(events, np.arange(10), 6000, RATE, events_of, Ensembles())
        significant += (result["lead_q_value"] < 0.05).any()
    assert significant <= 4


def test_lead_agrees_with_a_naive_median_and_scipy():
    random = np.random.default_rng(2)
    starts = np.arange(10.0, 400.0, 10.0)
    who = [np.sort(random.choice(8, random.integers(3, 9), replace=False)) for _ in starts]
    onsets = [np.round(s + random.random(len(c)), 1) for s, c in zip(starts, who, strict=True)]
    events = make_events(np.concatenate(who), np.concatenate(onsets))
    result = company_features(events, np.arange(8), 4000, RATE, moments(who, starts, 1.05), Ensembles())
    for cell in range(8):
        leads = [
            times[cells == cell][0] - np.median(times[cells != cell])
            for cells, times in zip(who, onsets, strict=True)
            if cell in cells
        ]
        assert result["lead_s"][cell] == pytest.approx(np.median(leads), abs=1e-6)
    p = []
    for cell in range(8):
        leads = np.round(
            [
                times[cells == cell][0] - np.median(times[cells != cell])
                for cells, times in zip(who, onsets, strict=True)
                if cell in cells
            ],
            6,
        )
        p.append(wilcoxon(leads, correction=True, method="approx").pvalue)
    order = np.argsort(p)
    expected = np.minimum.accumulate((np.array(p)[order] * 8 / np.arange(1, 9))[::-1])[::-1]
    np.testing.assert_allclose(result["lead_q_value"][order], np.minimum(expected, 1), rtol=1e-6)


def test_a_neuron_that_takes_no_notice_is_at_chance():
    random = np.random.default_rng(3)
    rows, frames = np.nonzero(random.random((40, 12_000)) < 0.02)
    events = make_events(rows, frames / RATE)
    ids = np.arange(40)
    starts = np.arange(5.0, 1190.0, 8.0)
    # Every cell contributes whenever it has an event inside, as it would in the real stage.
    inside = [np.unique(rows[(frames / RATE >= s) & (frames / RATE < s + 1)]) for s in starts]
    result = company_features(events, ids, 12_000, RATE, moments(inside, starts), Ensembles())
    assert np.abs(result["share_in_company_above_chance"].mean()) < 0.01


def test_onsets_at_the_edge_of_a_window_belong_to_it():
    n_frames, rate = 15_000, 4.8
    frames = np.repeat(np.arange(100, 14_000, 500), 30)
    events = make_events(np.tile(np.arange(30), len(frames) // 30), frames / rate)
    ids = np.arange(30)
    tested, found = significance(events, ids, n_frames, rate, coactivity(events, ids, n_frames, rate))
    result = company_features(events, ids, n_frames, rate, found, Ensembles())
    assert (result["share_in_company"] == 1).all()
    assert (result["lead_s"] == 0).all()
    assert tested.significant.any()


def test_counts_memberships():
    members = Members(
        np.array([0, 0, 1]), np.array([4, 2, 4]), np.ones(3), np.ones(3), np.zeros(3), np.ones(3, bool)
    )
    result = company_features(Events(), [2, 3, 4], 10, RATE, EnsembleEvents(), Ensembles(members))
    assert result["n_ensembles"].tolist() == [1, 0, 2]


def test_shifting_time_changes_nothing():
    random = np.random.default_rng(4)
    starts = np.arange(10.0, 300.0, 10.0)
    onset = (starts[:, None] + random.random((len(starts), 6))).ravel()
    ids = np.tile(np.arange(6), len(starts))
    results = []
    for shift in (0.0, 128.0):
        events = make_events(ids, onset + shift)
        found = moments([np.arange(6)] * len(starts), starts + shift)
        results.append(company_features(events, np.arange(6), 6000, RATE, found, Ensembles()))
    for column in NAMES:
        np.testing.assert_allclose(results[0][column], results[1][column], atol=1e-6)


@pytest.mark.parametrize("n_rois", [0, 1, 3])
def test_nothing_to_tell(n_rois):
    result = company_features(Events(), np.arange(n_rois), 1, RATE, EnsembleEvents(), Ensembles())
    assert list(result) == NAMES
    for column in NAMES[:4]:
        assert result[column].shape == (n_rois,)
        assert np.isnan(result[column]).all()
    assert (result["n_ensembles"] == 0).all()


def test_a_recording_needs_a_frame():
    with pytest.raises(ValueError, match="at least one frame"):
        company_features(Events(), [], 0, RATE, EnsembleEvents(), Ensembles())
