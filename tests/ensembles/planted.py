"""Event trains with planted ensembles, for the tests of this folder."""

import numpy as np

from napari_calcium.ensembles.coactivity import CoactivitySettings, coactivity
from napari_calcium.ensembles.ensemble_detection import CalibratedEnsembles, find_ensembles
from napari_calcium.ensembles.significance import ConditionalNull, significance
from napari_calcium.results.tables import Events

RATE = 10.0


def make_events(ids, onsets):
    order = np.lexsort((onsets, ids))
    onset = np.asarray(onsets, float)[order]
    blank = np.ones(len(onset))
    cells = np.asarray(ids, np.int64)[order]
    return Events(roi_id=cells, onset_s=onset, peak_s=onset, end_s=onset, amplitude=blank, fwhm_s=blank)


def plant(
    sets, seed=0, n_rois=100, seconds=600.0, rate=0.03, activations=20, joins=0.75, jitter=0.05, slow=0.0
):
    """Plant sets of neurons that are active together at random times among Poisson trains.

    `slow` is the logarithmic amplitude of a rate that all neurons share, with a period of a minute.
    Returns the events and the times of each set.
    """
    random = np.random.default_rng(seed)
    n_frames = int(seconds * RATE)
    shared = np.exp(slow * np.sin(2 * np.pi * np.arange(n_frames) / RATE / 60))
    rows, frames = np.nonzero(random.random((n_rois, n_frames)) < rate / RATE * shared / shared.mean())
    ids, onsets, times = [rows], [frames / RATE], []
    slots = random.permutation(np.arange(2.0, seconds - 2.0, 2.5))
    for k, members in enumerate(sets):
        mine = np.sort(slots[k * activations : (k + 1) * activations])
        times.append(mine)
        for time in mine:
            who = np.asarray(members)[random.random(len(members)) < joins]
            ids.append(who)
            onsets.append(np.clip(time + jitter * random.standard_normal(len(who)), 0, seconds - 0.1))
    return make_events(np.concatenate(ids), np.concatenate(onsets)), times


FAST = CalibratedEnsembles(surrogates=10)


def run(events, settings=FAST, n_rois=100, seconds=600.0, **kwargs):
    windows = kwargs.pop("windows", CoactivitySettings())
    null = kwargs.pop("null", ConditionalNull())
    ids, n_frames = np.arange(n_rois), int(seconds * RATE)
    counts = coactivity(events, ids, n_frames, RATE, windows)
    tested, found = significance(events, ids, n_frames, RATE, counts, null)
    return find_ensembles(events, ids, n_frames, RATE, tested, found, settings, **kwargs)


def jaccard_of(a, b):
    a, b = set(map(int, a)), set(map(int, b))
    return len(a & b) / max(len(a | b), 1)


def best(ensembles, members):
    """Return the ensemble most like a set, and how like it is."""
    values = {k: jaccard_of(ensembles.members_of(k).roi_id, members) for k in ensembles}
    winner = max(values, key=values.get, default=None)
    return winner, values.get(winner, 0.0)


def share_found(times, truth, reach=0.5):
    return np.mean([np.abs(times - t).min(initial=np.inf) <= reach for t in truth])
