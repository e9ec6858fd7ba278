"""Simultaneous electrophysiology and imaging: reading it, and what a user would know of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

__all__ = ["Dataset", "Trial", "load_datasets", "short_name", "told"]

_NOISIEST = 12.0
_SHORTEST_S = 4.0
_INHIBITORY = ("SST", "PV", "VIP", "Interneurons", "inhibitory")
_HYPHENATED = ("OGB1", "Cal520", "XCaMPgf", "R-CaMP", "jRCaMP1a", "jGECO1a")


@dataclass(frozen=True)
class Trial:
    """One stretch of a neuron: ΔF/F (n_frames,), frame rate in Hz, spike times in s from frame 0."""

    dff: NDArray[np.float32]
    frame_rate: float
    spikes: NDArray[np.float64]
    neuron: int
    variance: float
    """Of the neuron's spike count per 1/30 s smoothed by 50 ms: the scale of the loss."""


@dataclass(frozen=True)
class Dataset:
    """All usable trials of a dataset, and what a user would tell of it."""

    name: str
    indicator: str
    cell_type: str
    trials: tuple[Trial, ...]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Length of every trial."""
        return np.array([trial.dff.size / trial.frame_rate for trial in self.trials])


def short_name(path: Path) -> str:
    """Return ``DS06`` for ``DS06-GCaMP6f-zf-aDp.npz``."""
    return path.stem.split("-")[0]


def told(name: str) -> tuple[str, str]:
    """Return the indicator and the cell type that a dataset's name tells."""
    kind = name.split("-", 1)[1]
    indicator = next((i for i in _HYPHENATED if kind.startswith(i)), kind.split("-")[0])
    cell_type = "inhibitory" if any(word in kind for word in _INHIBITORY) else "excitatory"
    return "unknown" if kind.startswith("Interneurons") else indicator, cell_type


def load_datasets(folder: Path, *, without: tuple[str, ...] = ()) -> list[Dataset]:
    """Read every dataset but those named (``DS06`` …) and the simulated one.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    paths = [path for path in sorted(folder.glob("DS*.npz")) if short_name(path) not in without]
    if not paths:
        raise FileNotFoundError(f"no DS*.npz in {folder}; give the folder of the ground truth")
    return [_load(path) for path in paths]


def _load(path: Path) -> Dataset:
    trials = []
    with np.load(path, allow_pickle=False) as packed:
        for k, neuron in enumerate(packed["trial_neuron"]):
            dff = packed[f"dff_{k}"].astype(np.float32)
            start, rate = float(packed["trial_t0"][k]), 0.0
            if f"time_{k}" in packed:
                dff, start, rate = _even(dff, packed[f"time_{k}"])
            else:
                rate = 1 / float(packed["trial_dt"][k])
            spikes = np.sort(packed[f"spikes_{k}"].astype(float)) - start
            if _usable(dff, rate):
                trials.append(Trial(dff, rate, spikes, int(neuron), 0.0))
    return Dataset(path.stem, *told(path.stem), _with_variance(trials))


def _even(dff: NDArray[np.float32], time: NDArray[np.float64]) -> tuple[NDArray[np.float32], float, float]:
    """Bring samples of an irregular clock to an even one."""
    grid = np.linspace(time[0], time[-1], dff.size)
    return (
        np.interp(grid, time, dff).astype(np.float32),
        float(time[0]),
        (dff.size - 1) / (time[-1] - time[0]),
    )


def _usable(dff: NDArray[np.float32], rate: float) -> bool:
    if dff.size < 32 or dff.size / rate < _SHORTEST_S or not np.isfinite(dff).all():
        return False
    return bool(np.median(np.abs(np.diff(dff))) * 100 / np.sqrt(rate) <= _NOISIEST)


def _with_variance(trials: list[Trial]) -> tuple[Trial, ...]:
    """Measure how much each neuron's activity varies, over all of its trials."""
    smooth: dict[int, list[NDArray[np.float64]]] = {}
    for trial in trials:
        edges = np.arange(0, trial.dff.size / trial.frame_rate, 1 / 30)
        counts = np.histogram(trial.spikes, edges)[0].astype(float)
        smooth.setdefault(trial.neuron, []).append(gaussian_filter1d(counts, 1.5))
    variance = {neuron: float(np.concatenate(parts).var()) for neuron, parts in smooth.items()}
    return tuple(Trial(t.dff, t.frame_rate, t.spikes, t.neuron, variance[t.neuron]) for t in trials)
