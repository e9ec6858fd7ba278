"""A small ground truth of two datasets, made here, in the layout of the real one."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

# The training stands beside the package, not in it.
sys.path.insert(0, str(Path(__file__).parents[2]))


def pack(path, seed, frame_rate, seconds=40.0, n_neurons=3, irregular=False):
    rng = np.random.default_rng(seed)
    n_frames = int(seconds * frame_rate)
    stored = {"n_neurons": n_neurons, "trial_neuron": np.arange(n_neurons)}
    stored["trial_t0"] = np.full(n_neurons, 0.25)
    stored["trial_dt"] = np.full(n_neurons, 1 / frame_rate)
    time = 0.25 + np.arange(n_frames) / frame_rate
    for k in range(n_neurons):
        spikes = np.sort(rng.uniform(0.25, 0.25 + seconds, 30))
        since = time[:, None] - spikes
        clean = np.where(since >= 0, 0.3 * np.exp(-np.maximum(since, 0) / 0.4), 0).sum(axis=1)
        stored[f"dff_{k}"] = (clean + 0.02 * rng.standard_normal(n_frames)).astype(np.float32)
        stored[f"spikes_{k}"] = spikes
        if irregular:
            stored[f"time_{k}"] = time
    np.savez(path, **stored)


@pytest.fixture(scope="session")
def ground_truth(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ground_truth")
    pack(folder / "DS01-GCaMP6f-m-V1.npz", 1, 30.0)
    pack(folder / "DS02-OGB1-m-PV-V1.npz", 2, 15.0, irregular=True)
    return folder


@pytest.fixture
def small():
    torch = pytest.importorskip("torch")
    # More threads only wait for each other on networks this small.
    torch.set_num_threads(1)
    from training.settings import Band, TrainingSettings

    return replace(
        TrainingSettings(),
        networks=1,
        bands=(Band("all", (0.0, 1e9), (2.0, 45.0), 0.6, 4),),
        channels=4,
        dilations=(1, 2),
        hidden=5,
        segment=96,
        batch=4,
        together=2,
        round=3,
        rounds=4,
        longest_s=20.0,
    )
