"""Traces with events whose onsets, sizes and decay are known."""

import numpy as np


def kernel(since, decay, rise):
    """Transient of unit peak that begins at 0."""
    fine = np.linspace(0, 10 * decay, 20_000)
    peak = (np.exp(-fine / decay) - np.exp(-fine / rise)).max()
    after = np.maximum(since, 0)
    return np.where(since > 0, (np.exp(-after / decay) - np.exp(-after / rise)) / peak, 0.0)


def recording(
    rate=10.0, seconds=200.0, n_rows=6, noise=0.1, decay=1.0, rise=0.05, size=1.0, apart=5.0, seed=0
):
    """Return traces, and row and onset of events about `apart` seconds from each other."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    traces = noise * rng.normal(size=(n_rows, len(time)))
    rows, onsets = [], []
    for row in range(n_rows):
        truth = np.arange(3.0, seconds - 3.0, apart)
        truth = truth + rng.uniform(0, 0.4 * apart, len(truth))
        for onset in truth:
            traces[row] += size * kernel(time - onset, decay, rise)
        rows.extend([row] * len(truth))
        onsets.extend(truth)
    return traces.astype(np.float32), np.array(rows), np.array(onsets)


def score(row, onset, true_row, true_onset, tolerance=0.5):
    """Return precision, recall and the errors of the matched onsets; each event is matched once."""
    errors, n_found = [], len(row)
    for r in np.unique(true_row):
        mine, free = np.sort(onset[row == r]), list(np.sort(true_onset[true_row == r]))
        for t in mine:
            if free:
                k = int(np.argmin(np.abs(np.array(free) - t)))
                if abs(free[k] - t) <= tolerance:
                    errors.append(t - free.pop(k))
    return len(errors) / max(n_found, 1), len(errors) / len(true_row), np.array(errors)
