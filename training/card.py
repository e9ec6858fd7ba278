"""The model card that is shipped beside the weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from napari_calcium.spikes.ensemble import Ensemble
from napari_calcium.spikes.inference import infer_spike_rate
from training.settings import TrainingSettings

__all__ = ["false_spikes", "write_card"]

_NOISE = (2.0, 8.0, 20.0)
_TEMPLATE = Path(__file__).with_name("card_template.md")


def false_spikes(ensemble: Ensemble, frame_rate: float = 30.0, **told: str) -> dict[float, float]:
    """Return spikes per second inferred from noise without any spike, for noise levels 2, 8 and 20.

    Parameters
    ----------
    ensemble : Ensemble
    frame_rate : float
        In Hz.
    told
        Indicator and cell type.
    """
    rng = np.random.default_rng(0)
    made = {}
    for level in _NOISE:
        sd = level * np.sqrt(frame_rate) / 95.387
        noise = sd * rng.standard_normal((20, int(120 * frame_rate)))
        made[level] = float(infer_spike_rate(noise, frame_rate, ensemble=ensemble, **told).mean())
    return made


def write_card(
    path: Path, ensemble: Ensemble, settings: TrainingSettings, scores: str, held_out: str
) -> None:
    """Write the card as Markdown.

    Parameters
    ----------
    path : Path
    ensemble : Ensemble
        The networks that are shipped.
    settings : TrainingSettings
        How they were trained.
    scores : str
        Markdown table of scores on held-out datasets.
    held_out : str
        How the networks of that table were trained.
    """
    told = {"indicator": "GCaMP6f", "cell_type": "excitatory"}
    untold, known = false_spikes(ensemble), false_spikes(ensemble, **told)
    false = "\n".join(f"| {level:g} | {untold[level]:.3f} | {known[level]:.3f} |" for level in _NOISE)
    numbers = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in _rows(settings))
    text = _TEMPLATE.read_text(encoding="utf-8").format(
        version=ensemble.card["version"],
        n_weights=sum(_size(network) for network in ensemble.networks),
        n_networks=len(ensemble.networks),
        data=", ".join(ensemble.card["datasets"]),
        numbers=numbers,
        scores=scores,
        held_out=held_out,
        false=false,
    )
    path.write_text(text, encoding="utf-8")


def _rows(settings: TrainingSettings) -> list[tuple[str, object]]:
    """Return names and values; the bands as one line each."""
    plain = {k: v for k, v in asdict(settings).items() if k not in ("bands", "rates", "main_share", "rounds")}
    bands = [
        (
            f"band {band.name}",
            f"serves {band.serves[0]:g} to {band.serves[1]:g} Hz; trained from {band.rates[0]:g} to "
            f"{band.rates[1]:g} Hz, {band.main_share:.0%} at {settings.main_rate:g} Hz; {band.rounds} rounds"
            + "".join(f"; {name.replace('_', ' ')} {value:g}" for name, value in band.own),
        )
        for band in settings.bands
    ]
    return [*bands, *plain.items()]


def _size(network: object) -> int:
    """Return how many numbers a network has learnt."""
    parts = [value if isinstance(value, tuple) else (value,) for value in vars(network).values()]
    return sum(array.size for part in parts for array in part if isinstance(array, np.ndarray))
