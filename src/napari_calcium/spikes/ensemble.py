"""Several networks averaged, told what is known of the traces; and the file that they come in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.spikes.families import CELL_TYPES, FAMILIES
from napari_calcium.spikes.network import Network
from napari_calcium.spikes.trace_traits import TraceTraits, measure_traits

__all__ = ["Ensemble", "TraceContext", "compress", "condition_rows", "default_ensemble", "ensemble_from"]

_WEIGHTS = "weights/spike_network.npz"
# Numbers of spikes are compared in the busiest stretch of this many frames: all would take twice as long.
_STRETCH = 512
_LEAST_COUNT = 0.5
_MOST_SCALE = 20.0
# Spikes per 1/30 s that sharpening leaves as they are: those of a burst.
_BURST = 0.3


@dataclass(frozen=True)
class TraceContext:
    """What whole traces tell of themselves, to be handed on where they are worked through in pieces.

    Attributes
    ----------
    traits : TraceTraits
    scale : (n_rois,) float32
        Factor of the number of spikes (see :meth:`Ensemble.counts`).
    """

    traits: TraceTraits
    scale: NDArray[np.float32]


@dataclass(frozen=True)
class Ensemble:
    """Networks whose results are averaged, and what is known of them.

    Attributes
    ----------
    networks : tuple of Network
        Some for low and some for high frame rates.
    card : dict
        Version, the rates that each network ``serves`` in Hz, data, training settings, ``told_share`` by
        family, ``count_factor`` by cell type (and family), ``sharpness``, ``floor``, and
        the constants of the uncertainty.
    """

    networks: tuple[Network, ...]
    card: dict[str, Any]

    def counts(
        self,
        traces: NDArray[np.float32],
        frame_rate: float,
        family: int,
        cell_type: int,
        context: TraceContext | None = None,
    ) -> tuple[NDArray[np.float32], TraceContext]:
        """Return spikes per 1/30 s, and the context that the traces gave.

        Parameters
        ----------
        traces : (n_rois, n_frames) float32
            ΔF/F as a fraction, without NaN, at no more than
            :data:`~napari_calcium.spikes.frame_grid.FASTEST_HZ`.
        frame_rate : float
        family, cell_type : int
            Places in FAMILIES and CELL_TYPES.
        context : TraceContext, optional
            Of the whole traces, where these are pieces of them.

        Returns
        -------
        counts : (n_rois, n_frames) float32
        context : TraceContext

        Notes
        -----
        The course of the rate and the number of spikes are asked for separately. The course is that of
        networks that are told the indicator, where telling it has made held-out datasets better, and are not
        told the cell type, which made them worse. How many spikes there are is asked of the same networks
        without the indicator, but with the cell type: within a family the amplitude of a spike varies so much
        between laboratories that networks told the family trust the few that they have seen too much. The
        numbers are compared in the busiest 512 frames, and the course is multiplied by their ratio and by
        the factor of the cell type, which makes the number right in the middle of the held-out datasets.

        Every rate is raised to the power ``sharpness``, a little above 1, which lowers what lies far below
        that of a burst: networks that learn the course leave a floor of spikes that they cannot rule out.
        What is below ``floor`` (spikes per 1/30 s) after that is set to 0, and the rest lowered by it.
        """
        traits = measure_traits(traces, frame_rate) if context is None else context.traits
        networks = self._serving(frame_rate)
        power = float(self.card.get("sharpness", 1.0))
        floor = float(self.card.get("floor", 0.0))
        told = _Told(networks, traits, frame_rate, self._families(family, len(networks)), 0, power, floor)
        asked = None
        if context is None and (family or cell_type):
            asked = _Told(networks, traits, frame_rate, [0] * len(networks), cell_type, power, floor)
        result = np.empty(traces.shape, np.float32)
        scale = np.full(len(traces), self._factor(family, cell_type), np.float32)
        for row, trace in enumerate(traces):
            inputs = compress(trace, traits.noise_sd[row])
            result[row] = told.mean(inputs, row)
            if asked is not None:
                scale[row] *= _relative_count(inputs, result[row], asked, row)
        context = TraceContext(traits, scale) if context is None else context
        result *= context.scale[:, None]
        return result, context

    def _serving(self, frame_rate: float) -> tuple[Network, ...]:
        """Return the networks for a frame rate."""
        serves = self.card.get("serves", [(0.0, np.inf)] * len(self.networks))
        pairs = zip(self.networks, serves, strict=True)
        return tuple(network for network, (low, high) in pairs if low <= frame_rate < high)

    def _families(self, family: int, n_networks: int) -> list[int]:
        """Return the family that each network is told: all of them, or a share and the rest 0."""
        told = round(self.card.get("told_share", {}).get(FAMILIES[family], 1.0) * n_networks)
        return [family if k < told else 0 for k in range(n_networks)]

    def _factor(self, family: int, cell_type: int) -> float:
        """Return the factor of cell type and family, or else of the cell type."""
        factors, kind = self.card.get("count_factor", {}), CELL_TYPES[cell_type]
        return float(factors.get(f"{kind}, {FAMILIES[family]}", factors.get(kind, 1.0)))


class _Told:
    """Networks, each told a family of its own, and all the rest alike."""

    def __init__(
        self,
        networks: tuple[Network, ...],
        traits: TraceTraits,
        frame_rate: float,
        families: list[int],
        cell_type: int,
        power: float,
        floor: float,
    ) -> None:
        self._networks, self._power, self._floor = networks, power, floor
        self._modulations = [
            network.modulate(condition_rows(traits, frame_rate, family, cell_type))
            for network, family in zip(networks, families, strict=True)
        ]

    def mean(self, inputs: NDArray[np.float32], row: int) -> NDArray[np.float32]:
        """Return the mean of the networks' results for one trace, sharpened and without its floor."""
        total = np.zeros(inputs.shape[1], np.float32)
        for network, modulation in zip(self._networks, self._modulations, strict=True):
            total += network.run(inputs, modulation[row])
        total *= np.float32(1 / len(self._networks))
        if self._power != 1:
            total *= np.power(total / np.float32(_BURST), np.float32(self._power - 1))
        if self._floor:
            total -= np.float32(self._floor)
            np.maximum(total, 0, out=total)
        return total


def _relative_count(inputs: NDArray[np.float32], told: NDArray[np.float32], asked: _Told, row: int) -> float:
    """Return how many times as many spikes the networks find where they are asked for the number."""
    start = _busiest(told, _STRETCH)
    stretch = slice(start, start + _STRETCH)
    found = float(asked.mean(inputs[:, stretch], row).sum(dtype=np.float64))
    there = float(told[stretch].sum(dtype=np.float64))
    ratio = (found + _LEAST_COUNT) / (there + _LEAST_COUNT)
    return min(max(ratio, 1 / _MOST_SCALE), _MOST_SCALE)


def _busiest(counts: NDArray[np.float32], length: int) -> int:
    """Return where the stretch with most spikes begins."""
    if counts.size <= length:
        return 0
    total = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    return int(np.argmax(total[length:] - total[:-length]))


def compress(trace: NDArray[np.float32], noise_sd: np.float32) -> NDArray[np.float32]:
    """Return the inputs (2, n_frames): ΔF/F, and the trace in units of its noise, large values compressed."""
    three = np.float32(3)
    both = np.stack([trace / three, trace / (np.float32(6) * noise_sd)])
    np.arcsinh(both, out=both)
    both *= three
    return both


def condition_rows(
    traits: TraceTraits, frame_rate: float, family: int, cell_type: int
) -> NDArray[np.float32]:
    """Return what the modulating network is told: noise, frame rate, features, indicator and cell type."""
    n_rois = len(traits.noise_sd)
    noise = np.log(traits.noise_level) - 1.4
    rate = np.full(n_rois, np.log(frame_rate / 30.0))
    told = np.zeros((n_rois, len(FAMILIES) + len(CELL_TYPES)))
    told[:, family] = 1
    told[:, len(FAMILIES) + cell_type] = 1
    columns = [noise[:, None], noise[:, None] ** 2, rate[:, None], traits.features, told]
    return np.concatenate(columns, axis=1).astype(np.float32)


@lru_cache(maxsize=1)
def default_ensemble() -> Ensemble:
    """Return the networks that come with the program; they are read once."""
    place = resources.files("napari_calcium.spikes").joinpath(_WEIGHTS)
    with place.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        return ensemble_from({name: stored[name] for name in stored.files})


def ensemble_from(arrays: dict[str, NDArray[Any]]) -> Ensemble:
    """Return an ensemble from what training exports: ``card`` (JSON) and ``k.name`` for network k."""
    card = json.loads(str(arrays["card"]))
    return Ensemble(tuple(_network_from(arrays, k, card) for k in range(card["networks"])), card)


def _network_from(arrays: dict[str, NDArray[Any]], k: int, card: dict[str, Any]) -> Network:
    part = {name: arrays[f"{k}.{name}"].astype(np.float32) for name in _ARRAYS}
    dilations = tuple(card["dilations"])
    return Network(
        layers=tuple(arrays[f"{k}.layer{i}"].astype(np.float32) for i in range(len(dilations))),
        biases=tuple(arrays[f"{k}.bias{i}"].astype(np.float32) for i in range(len(dilations))),
        dilations=dilations,
        out_bias=float(arrays[f"{k}.out_bias"]),
        **part,
    )


_ARRAYS = (
    "first",
    "first_bias",
    "out",
    "hidden",
    "hidden_bias",
    "modulation",
    "modulation_bias",
)
