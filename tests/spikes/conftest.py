"""Small networks with random weights, and traces with known spikes, made here from scratch."""

import json

import numpy as np
import pytest

from napari_calcium.spikes.ensemble import ensemble_from
from napari_calcium.spikes.families import CELL_TYPES, FAMILIES
from napari_calcium.spikes.trace_traits import N_FEATURES

CHANNELS, HIDDEN, DILATIONS = 5, 7, (1, 2, 4)


def random_arrays(seed=0, networks=2, **card):
    rng = np.random.default_rng(seed)

    def draw(*shape, size=0.3):
        return (size * rng.standard_normal(shape)).astype(np.float32)

    known = 3 + N_FEATURES + len(FAMILIES) + len(CELL_TYPES)
    about = {"networks": networks, "dilations": DILATIONS, **card}
    arrays = {"card": np.array(json.dumps(about))}
    for k in range(networks):
        made = {
            "first": draw(15 * 2, CHANNELS),
            "first_bias": draw(CHANNELS),
            "out": draw(CHANNELS),
            "out_bias": draw(),
            "hidden": draw(known, HIDDEN),
            "hidden_bias": draw(HIDDEN),
            "modulation": draw(HIDDEN, (len(DILATIONS) + 1) * 2 * CHANNELS),
            "modulation_bias": draw((len(DILATIONS) + 1) * 2 * CHANNELS),
        }
        for i in range(len(DILATIONS)):
            made |= {f"layer{i}": draw(5 * CHANNELS, CHANNELS), f"bias{i}": draw(CHANNELS)}
        arrays |= {f"{k}.{name}": value for name, value in made.items()}
    return arrays


@pytest.fixture
def ensemble():
    return ensemble_from(random_arrays())


@pytest.fixture
def make_ensemble():
    return lambda **card: ensemble_from(random_arrays(**card))


def fluorescence(seed=0, n_rois=6, seconds=120.0, frame_rate=30.0, rate=0.5, decay=0.4, noise_level=2.0):
    """ΔF/F of Poisson spikes with noise ν, and the spikes in each frame."""
    rng = np.random.default_rng(seed)
    n_frames = int(seconds * frame_rate)
    spikes = rng.poisson(rate / frame_rate, (n_rois, n_frames)).astype(np.float32)
    time = np.arange(int(6 * decay * frame_rate) + 1) / frame_rate
    kernel = 0.2 * (1 - np.exp(-(time + 1 / frame_rate) / 0.02)) * np.exp(-time / decay)
    clean = np.array([np.convolve(row, kernel)[:n_frames] for row in spikes])
    sd = noise_level * np.sqrt(frame_rate) / 95.387
    return (clean + sd * rng.standard_normal(clean.shape)).astype(np.float32), spikes


@pytest.fixture(scope="session")
def simulated():
    return fluorescence
