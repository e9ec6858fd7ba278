"""Networks as the program stores them: one file of arrays with a card in it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from napari_calcium.atomic import replacing
from napari_calcium.spikes.ensemble import Ensemble, ensemble_from
from training.calibration import COUNT_FACTOR, FLOOR, SHARPNESS, TOLD_SHARE
from training.settings import TrainingSettings
from training.torch_network import SpikeNetwork

__all__ = ["VERSION", "ensemble_of", "write"]

VERSION = "3"


def ensemble_of(networks: list[SpikeNetwork], settings: TrainingSettings, **card: Any) -> Ensemble:
    """Return trained networks as the program runs them.

    Parameters
    ----------
    networks : list of SpikeNetwork
        Equally many for each band, band after band.
    settings : TrainingSettings
    card
        What else is known of them: datasets, scale, constants of the error.
    """
    return ensemble_from(_arrays(networks, settings, card))


def write(path: Path, networks: list[SpikeNetwork], settings: TrainingSettings, **card: Any) -> None:
    """Write the file that the program loads; the same networks give the same bytes."""
    arrays = _arrays(networks, settings, card)
    with replacing(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def _arrays(networks: list[SpikeNetwork], settings: TrainingSettings, card: dict[str, Any]) -> dict[str, Any]:
    each = len(networks) // len(settings.bands)
    about = {
        "version": VERSION,
        "serves": [band.serves for band in settings.bands for _ in range(each)],
        "networks": len(networks),
        "dilations": settings.dilations,
        "training": asdict(settings),
        "told_share": TOLD_SHARE,
        "count_factor": COUNT_FACTOR,
        "sharpness": SHARPNESS,
        "floor": FLOOR,
        **card,
    }
    arrays: dict[str, Any] = {"card": np.array(json.dumps(about))}
    for k, network in enumerate(networks):
        arrays |= {f"{k}.{name}": value for name, value in network.arrays().items()}
    return arrays
