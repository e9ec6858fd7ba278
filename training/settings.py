"""Every number that training depends on, in one frozen place; it is written into the model card."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TrainingSettings"]


@dataclass(frozen=True)
class TrainingSettings:
    """How the network is built, what it is shown and how it is fitted."""

    networks: int = 2
    channels: int = 24
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    taps: int = 5
    first_taps: int = 15
    hidden: int = 24

    main_rate: float = 30.0
    main_share: float = 0.6
    """Share of traces at `main_rate`; the others are drawn log-uniformly from `rates`."""
    rates: tuple[float, float] = (2.0, 45.0)
    longest_s: float = 300.0
    stretch: float = 1.3
    gain: tuple[float, float] = (0.5, 2.0)
    drifting: float = 0.7
    drift: float = 0.04
    noisiest: float = 16.0
    feature_noise: float = 0.2
    inhibitory_weight: float = 0.5
    indicator_hidden: float = 0.5
    cell_type_hidden: float = 0.4

    segment: int = 384
    batch: int = 20
    round: int = 30
    """Batches made at once; training can be resumed between rounds."""
    rounds: int = 140
    saved_every: int = 5
    """Rounds between checkpoints."""
    learning_rate: float = 3e-3
    warm_up: float = 0.08
    averaged: float = 0.4
    count_weight: float = 1.0
    """Weight of the error of a segment's spike count (logarithmic) beside that of its course."""
    seed: int = 0
