"""How often tests of relations with behaviour pass where there is nothing, beside the usual ones.

Run with ``python -m benchmarks.behaviour_accuracy``; it prints the table of docs/stages/behaviour.md.
"""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.ndimage import gaussian_filter1d

from napari_calcium.behaviour.epochs import prefer
from napari_calcium.behaviour.occupancy import Bins, equal_bins, spatial_information
from napari_calcium.behaviour.relations import relate
from napari_calcium.behaviour.subjects import Subjects
from napari_calcium.behaviour.triggered import trial_windows, trigger
from napari_calcium.behaviour.tuning import TuningSettings, tune
from napari_calcium.results.behaviour_results import Behaviour, Epochs

RATE, N_FRAMES, N_CELLS, ALPHA = 10.0, 3000, 200, 0.05


def slow(rng, shape, sigma):
    series = gaussian_filter1d(rng.standard_normal(shape), sigma, axis=-1)
    return series / series.std(axis=-1, keepdims=True)


def cells(values):
    n = len(values)
    return Subjects(("neuron",) * n, np.arange(n), np.asarray(values, np.float32))


def share(p):
    p = np.asarray(p)
    return f"{100 * np.mean(p[np.isfinite(p)] <= ALPHA):.1f} %"


def correlation(rng):
    ours, usual = [], []
    for _ in range(10):
        activity, signal = slow(rng, (N_CELLS, N_FRAMES), 10), slow(rng, (1, N_FRAMES), 15)
        behaviour = Behaviour(("s",), ("",), signal, Epochs(), np.zeros((1, 0)))
        ours += relate(cells(activity), behaviour, RATE).p_value.tolist()
        usual += [stats.pearsonr(row, signal[0])[1] for row in activity]
    return share(ours), share(usual), "Pearson's p, frames as independent"


def tuning(rng):
    ours, usual = [], []
    for _ in range(60):
        activity = np.exp(slow(rng, (60, N_FRAMES), 20))
        place = 50 + 30 * slow(rng, (1, N_FRAMES), 40)
        behaviour = Behaviour(("s",), ("",), place, Epochs(), np.zeros((1, 0)))
        found = tune(cells(activity), behaviour, RATE, TuningSettings(n_shifts=300))
        ours += found.tuned.p_value.tolist()
        label = equal_bins(place[0], 20, np.ones(N_FRAMES, bool))[0]
        more = np.zeros(60)
        for _ in range(100):
            sums = Bins(rng.permutation(label), 20).sums(activity)
            mean = sums / np.maximum(np.bincount(label, minlength=20), 1)
            bits = spatial_information(found.curves[0].occupancy_s, mean)
            more += bits >= found.tuned.information_bits
        usual += ((1 + more) / 101).tolist()
    return share(ours), share(usual), "shuffle of single frames"


def responses(rng):
    ours, usual = [], []
    for _ in range(6):
        bouts = np.cumsum(rng.uniform(8, 25, 14))
        onsets = np.sort((bouts[:, None] + rng.uniform(0, 1.5, (14, 8))).ravel())
        onsets = onsets[onsets < N_FRAMES / RATE]
        activity = slow(rng, (N_CELLS, N_FRAMES), 15)
        licks = Epochs(np.full(len(onsets), "lick"), onsets, onsets)
        ours += trigger(cells(activity), licks, RATE).responses.p_value.tolist()
        frames, lags = trial_windows(onsets, RATE, N_FRAMES, 2, 4)
        trials = activity[:, frames]
        change = trials[:, :, (lags >= 0) & (lags < 20)].mean(axis=2) - trials[:, :, lags < 0].mean(axis=2)
        usual += stats.ttest_1samp(change, 0, axis=1).pvalue.tolist()
    return share(ours), share(usual), "t-test over trials"


def preference(rng):
    ours, usual = [], []
    for _ in range(6):
        start = np.cumsum(rng.uniform(15, 45, 9))
        epochs = Epochs(np.full(9, "light"), start, start + 10)
        bursts = (rng.uniform(0, 290, (N_CELLS, 6, 1)) + rng.uniform(0, 6, (N_CELLS, 6, 8))).reshape(
            N_CELLS, -1
        )
        rows = np.repeat(np.arange(N_CELLS), bursts.shape[1])
        ids = np.arange(N_CELLS)
        found = prefer(("neuron",) * N_CELLS, ids, rows, bursts.ravel(), epochs, N_FRAMES, RATE)
        ours += found.p_value.tolist()
        pairs = zip(found.n_inside, found.n_total, found.share_of_time, strict=True)
        usual += [stats.binomtest(int(k), int(n), float(s)).pvalue for k, n, s in pairs]
    return share(ours), share(usual), "binomial test, events as independent"


def main():
    for name, measure in (
        ("correlation with a signal", correlation),
        ("tuning to a signal", tuning),
        ("response to bouts of licks", responses),
        ("preference for epochs, bursting", preference),
    ):
        ours, usual, what = measure(np.random.default_rng(0))
        print(f"| {name} | {ours} | {usual} ({what}) |")


if __name__ == "__main__":
    main()
