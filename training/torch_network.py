"""The network in PyTorch, for training; `napari_calcium.spikes.network` is the same in NumPy."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from napari_calcium.spikes.families import CELL_TYPES, FAMILIES
from napari_calcium.spikes.trace_traits import N_FEATURES
from training.augmentation import Batch
from training.settings import TrainingSettings

__all__ = ["SpikeNetwork", "conditions", "spike_loss"]

_SMOOTHING_S = ((0.025, 1.0), (0.05, 1.0), (0.2, 2.0))
_FFT = 512
# Of the typical variance: traces without spikes have no correlation, those with few hardly one.
_FLOOR = 0.1
# Spikes a frame: below it the logarithm of a rate counts no more.
_LEAST = 1e-3


class SpikeNetwork(nn.Module):
    """A first convolution and residual dilated ones, modulated by what is known of the trace."""

    def __init__(self, settings: TrainingSettings) -> None:
        super().__init__()
        channels, taps = settings.channels, settings.taps
        self.first = nn.Conv1d(2, channels, settings.first_taps, padding=settings.first_taps // 2)
        self.layers = nn.ModuleList(
            nn.Conv1d(channels, channels, taps, padding=taps // 2 * d, dilation=d) for d in settings.dilations
        )
        self.out = nn.Conv1d(channels, 1, 1)
        self.hidden = nn.Linear(3 + N_FEATURES + len(FAMILIES) + len(CELL_TYPES), settings.hidden)
        self.modulation = nn.Linear(settings.hidden, 2 * channels * (len(settings.dilations) + 1))
        nn.init.constant_(self.out.bias, -3.0)
        nn.init.zeros_(self.modulation.bias)
        self.modulation.weight.data *= 0.3

    def forward(self, inputs: Tensor, known: Tensor, valid: Tensor) -> Tensor:
        """Return spikes per 1/30 s.

        Parameters
        ----------
        inputs : (batch, 2, n_frames)
        known : (batch, n_conditions)
        valid : (batch, n_frames)
            0 beyond the ends of a trace: every layer sees zeros there.

        Returns
        -------
        (batch, n_frames)
        """
        mask = valid[:, None]
        shape = (len(known), len(self.layers) + 1, 2, -1, 1)
        modulation = self.modulation(torch.tanh(self.hidden(known))).view(shape)
        state = F.relu(self.first(inputs * mask) * (1 + modulation[:, 0, 0]) + modulation[:, 0, 1]) * mask
        for k, layer in enumerate(self.layers, start=1):
            made = F.relu(layer(state) * (1 + modulation[:, k, 0]) + modulation[:, k, 1])
            state = state + made * mask
        return F.softplus(self.out(state)[:, 0].float())

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights as `napari_calcium.spikes.network` names and lays them out."""
        made = {
            "first": _flat(self.first.weight),
            "first_bias": self.first.bias,
            "out": self.out.weight.ravel(),
            "out_bias": self.out.bias,
            "hidden": self.hidden.weight.T,
            "hidden_bias": self.hidden.bias,
            "modulation": self.modulation.weight.T,
            "modulation_bias": self.modulation.bias,
        }
        for k, layer in enumerate(self.layers):
            made |= {f"layer{k}": _flat(layer.weight), f"bias{k}": layer.bias}
        return {name: np.ascontiguousarray(value.detach().numpy()).squeeze() for name, value in made.items()}


def _flat(weight: Tensor) -> Tensor:
    """Lay (out, in, taps) out as (taps · in, out), the taps' blocks one below the other."""
    return weight.permute(2, 1, 0).reshape(-1, len(weight))


def conditions(batch: Batch, settings: TrainingSettings, random: torch.Generator) -> Tensor:
    """Return what the network is told of each segment; part of it is hidden or blurred at random.

    The order is that of `napari_calcium.spikes.network.condition_rows`.
    """
    n = len(batch.noise_level)
    noise = torch.from_numpy(np.log(batch.noise_level) - 1.4)
    features = torch.from_numpy(batch.features)
    # Few datasets have been recorded: exact features would be fingerprints to learn them by heart from.
    amount = 2 * settings.feature_noise * torch.rand(n, 1, generator=random)
    features = features + amount * torch.randn(features.shape, generator=random)
    family, cell_type = torch.from_numpy(batch.family), torch.from_numpy(batch.cell_type)
    family = family * (torch.rand(n, generator=random) >= settings.indicator_hidden)
    cell_type = cell_type * (torch.rand(n, generator=random) >= settings.cell_type_hidden)
    rate = torch.from_numpy(np.log(batch.frame_rate / np.float32(30)))
    columns = [
        torch.stack([noise, noise**2, rate], dim=1),
        features,
        F.one_hot(family, len(FAMILIES)),
        F.one_hot(cell_type, len(CELL_TYPES)),
    ]
    return torch.cat(columns, dim=1).float()


def spike_loss(predicted: Tensor, batch: Batch, small: float, settings: TrainingSettings) -> Tensor:
    """Return the loss of spikes per 1/30 s, (batch, n_frames).

    Four terms with a weight each. *Correlation*: one minus the correlation (not centred) of smoothed
    prediction and smoothed truth over the segments of a trace, so that the course counts and not how much
    fluorescence a spike gives in this neuron, which no network can know. *Course*: squared difference of the
    two over the neuron's variance plus `small`. *Count*: logarithmic error of a segment's number of spikes.
    *Likelihood*: minus the logarithm of the Poisson probability of the spikes of every frame, unsmoothed,
    over the root of that variance; in 1/30 s.

    Smoothing is by Gaussians of 25, 50 and 200 ms, each weighted by its width (the last doubled). By
    Parseval's theorem it is a weight on the spectrum.
    """
    counted = torch.from_numpy(batch.counted)
    rate = torch.from_numpy(batch.frame_rate)
    made = predicted * (30 / rate)[:, None] * counted
    truth = torch.from_numpy(batch.counts) * counted
    weight = _weight_of_frequencies(rate)
    spectra = [torch.view_as_real(torch.fft.rfft(x, _FFT)) for x in (made, truth)]
    unit = rate / 30 / counted.sum(1).clamp(min=50)
    variance = torch.from_numpy(batch.variance) + small
    squared = _power(spectra[0] - spectra[1], spectra[0] - spectra[1], weight) * unit
    error = torch.log((made.sum(1) + 2) / (truth.sum(1) + 2))
    return (
        settings.correlation_weight * _decorrelation(spectra, weight, unit, small, settings.together)
        + settings.course_weight * (squared / variance).mean()
        + settings.count_weight * F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.2)
        + settings.likelihood_weight * _unlikelihood(made, truth, unit, torch.sqrt(variance))
    )


def _unlikelihood(made: Tensor, truth: Tensor, unit: Tensor, scale: Tensor) -> Tensor:
    """Return minus the Poisson log-likelihood of a 1/30 s, but for a constant, in `scale`, on average."""
    each = (made - truth * torch.log(made + _LEAST)).sum(1) * unit
    return (each / scale).mean()


def _weight_of_frequencies(rate: Tensor) -> Tensor:
    """Return how much each frequency of each segment counts: (batch, n_frequencies)."""
    frequency = torch.arange(_FFT // 2 + 1) / _FFT
    sides = torch.full((_FFT // 2 + 1,), 2.0)
    sides[0] = sides[-1] = 1
    weight = torch.zeros(len(rate), len(sides))
    for seconds, share in _SMOOTHING_S:
        width = (seconds * rate).clamp(min=0.3)[:, None]
        weight += share * width * torch.exp(-((2 * math.pi * frequency * width) ** 2))
    return weight * sides / _FFT


def _power(one: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted product of two spectra, (batch,)."""
    return ((one * other).sum(-1) * weight).sum(1)


def _decorrelation(
    spectra: list[Tensor], weight: Tensor, unit: Tensor, small: float, together: int
) -> Tensor:
    """Return one minus the correlation over the segments of each trace, on average."""
    products = [
        (_power(one, other, weight) * unit).view(-1, together).mean(1)
        for one, other in ((spectra[0], spectra[1]), (spectra[0], spectra[0]), (spectra[1], spectra[1]))
    ]
    floor = _FLOOR * small
    return (1 - products[0] / torch.sqrt((products[1] + floor) * (products[2] + floor))).mean()
