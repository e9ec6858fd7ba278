"""Recordings of a population with known structure, made here and not by the package."""

import numpy as np
from scipy.signal import lfilter

from napari_calcium.population.binned_activity import Activity

BIN = 0.5


def transients(trains, seed=0, noise=0.1, memory=0.8):
    """Give every onset a decay, and add noise: fluorescence that has fewer independent samples than bins."""
    random = np.random.default_rng(seed)
    return (lfilter([1], [1, -memory], trains) + noise * random.standard_normal(trains.shape)).astype(
        np.float32
    )


def independent(seed, n_rois=40, n_bins=1200, rate=0.02):
    """Cells that know nothing of each other."""
    random = np.random.default_rng(seed)
    return transients((random.random((n_rois, n_bins)) < rate) * 1.0, seed)


def grouped(seed=0, n_rois=40, n_bins=1200, groups=2, size=10, rate=0.02, joins=0.8):
    """The first ``groups * size`` cells have onsets in common, group by group; the others have none."""
    random = np.random.default_rng(seed)
    trains = (random.random((n_rois, n_bins)) < rate) * 1.0
    for k in range(groups):
        moments = random.random(n_bins) < 0.03
        trains[k * size : (k + 1) * size] += moments * (random.random((size, n_bins)) < joins)
    return transients(trains, seed)


def activity(values, bin_s=BIN, name="denoised", unit="ΔF/F"):
    return Activity(np.asarray(values, np.float32), bin_s, name, unit)


ODD_SHAPES = [(0, 100), (1, 100), (2, 1), (3, 5), (4, 60)]


def odd_recordings():
    """Recordings at the edge of what there can be: no cell, one, one bin, constant, empty, with gaps."""
    random = np.random.default_rng(0)
    for shape in ODD_SHAPES:
        values = random.standard_normal(shape)
        yield activity(np.ones(shape))
        yield activity(np.full(shape, np.nan))
        yield activity(values)
        gaps = values.copy()
        gaps[random.random(shape) < 0.3] = np.nan
        yield activity(gaps)
        mixed = values.copy()
        mixed[::2] = 7.0
        yield activity(mixed)
