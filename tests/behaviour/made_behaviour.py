"""Small subjects and behaviours to test with."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from napari_calcium.behaviour.subjects import Subjects
from napari_calcium.results.behaviour_results import Behaviour, Epochs


def slow(rng, shape, sigma):
    """Return circular Gaussian series whose samples depend on each other over some `sigma` frames."""
    series = gaussian_filter1d(rng.standard_normal(shape), sigma, axis=-1, mode="wrap")
    return series / series.std(axis=-1, keepdims=True)


def neurons(values, *, ensembles=0, population=False):
    """Return subjects: the last rows are ensembles and the population."""
    values = np.asarray(values, np.float32)
    n = len(values) - ensembles - int(population)
    kind = ("neuron",) * n + ("ensemble",) * ensembles + ("population",) * int(population)
    ids = np.array([*range(10, 10 + n), *range(ensembles), *([-1] * population)], np.int64)
    return Subjects(kind, ids, values, "denoised", "ΔF/F")


def signals(*rows, names=None, units=None, epochs=None, weights=None):
    """Return a behaviour of these signals."""
    values = np.asarray(rows, np.float64)
    names = names or tuple(f"s{k}" for k in range(len(values)))
    return Behaviour(
        names,
        units or ("",) * len(names),
        values,
        epochs if epochs is not None else Epochs(),
        np.zeros((len(values), 0)) if weights is None else weights,
    )


def epochs_of(**groups):
    """Return epochs by label, in order of time: ``stimulus=[(1, 2), (5, 6)]``."""
    rows = sorted((start, end, label) for label, spans in groups.items() for start, end in spans)
    return Epochs(
        np.array([label for _, _, label in rows], np.str_),
        np.array([start for start, _, _ in rows], np.float64),
        np.array([end for _, end, _ in rows], np.float64),
    )
