"""Fit one network: deterministic for its seed, and resumable between rounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from napari_calcium.atomic import replacing
from training.augmentation import Batch, batches
from training.ground_truth import Dataset
from training.settings import TrainingSettings
from training.torch_network import SpikeNetwork, conditions, spike_loss

__all__ = ["fit", "network_inputs"]


def fit(
    datasets: list[Dataset],
    settings: TrainingSettings,
    member: int,
    checkpoint: Path,
    report: Callable[[str], None] = print,
) -> SpikeNetwork:
    """Train network `member` of an ensemble, from its checkpoint if there is one.

    Parameters
    ----------
    datasets : list of Dataset
    settings : TrainingSettings
    member : int
        Sets the seed of its weights, batches and hidden names, together with ``settings.seed``.
    checkpoint : Path
        Written every few rounds; a training that was broken off goes on from here and ends with the same
        weights. It belongs to these datasets and settings: others need another file.
    report
        Called with a line of progress.
    """
    torch.manual_seed(_seed(settings, member, 0))
    network = SpikeNetwork(settings)
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, betas=(0.9, 0.99))
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    state: dict[str, Any] = {"round": 0, "loss": math.nan, "averaged": 0}
    small = 0.5 * float(np.median([trial.variance for dataset in datasets for trial in dataset.trials]))
    if checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(stored["network"])
        optimiser.load_state_dict(stored["optimiser"])
        average, state = stored["average"], stored["state"]
    while state["round"] < settings.rounds:
        number = state["round"]
        random = torch.Generator().manual_seed(_seed(settings, member, number + 1))
        rng = np.random.default_rng([settings.seed, member, number])
        for k, batch in enumerate(batches(datasets, settings, rng)):
            share = (number + k / settings.round) / settings.rounds
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * _pace(share, settings)
            loss = _step(network, optimiser, batch, small, settings, random)
            state["loss"] = loss if math.isnan(state["loss"]) else 0.99 * state["loss"] + 0.01 * loss
            if share >= 1 - settings.averaged:
                state["averaged"] += 1
                _take_in(average, network, state["averaged"])
        state["round"] = number + 1
        if state["round"] % settings.saved_every == 0 or state["round"] == settings.rounds:
            _save(checkpoint, network, optimiser, average, state)
            report(f"network {member}: round {state['round']}/{settings.rounds}, loss {state['loss']:.3f}")
    network.load_state_dict(average)
    return network.eval()


def _seed(settings: TrainingSettings, member: int, number: int) -> int:
    return (settings.seed * 1000 + member) * 100_000 + number


def _pace(share: float, settings: TrainingSettings) -> float:
    """Return the learning rate's factor: a linear rise, then half a cosine down to zero."""
    if share < settings.warm_up:
        return share / settings.warm_up
    return 0.5 * (1 + math.cos(math.pi * (share - settings.warm_up) / (1 - settings.warm_up)))


def _step(
    network: SpikeNetwork,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    small: float,
    settings: TrainingSettings,
    random: torch.Generator,
) -> float:
    known = conditions(batch, settings, random)
    # Half the time for the same result; the weights themselves stay in 32 bits.
    with torch.autocast("cpu", torch.bfloat16):
        predicted = network(network_inputs(batch), known, torch.from_numpy(batch.valid))
    loss = spike_loss(predicted, batch, small, settings)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def network_inputs(batch: Batch) -> torch.Tensor:
    """Return the compressed trace in ΔF/F and in noise, as `napari_calcium.spikes.network.compress` does."""
    noise = 6 * batch.noise_sd[:, None]
    return torch.from_numpy(3 * np.arcsinh(np.stack([batch.traces / 3, batch.traces / noise], axis=1)))


def _take_in(average: dict[str, torch.Tensor], network: SpikeNetwork, count: int) -> None:
    """Update the running mean of the weights."""
    for name, value in network.state_dict().items():
        average[name] += (value - average[name]) / count


def _save(
    path: Path,
    network: SpikeNetwork,
    optimiser: torch.optim.Optimizer,
    average: dict[str, torch.Tensor],
    state: dict[str, Any],
) -> None:
    stored = {
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average,
        "state": state,
    }
    with replacing(path) as partial:
        torch.save(stored, partial)
