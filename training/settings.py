"""Every number that training depends on, in one frozen place; it is written into the model card."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

__all__ = ["Band", "TrainingSettings"]


@dataclass(frozen=True)
class Band:
    """A range of frame rates that networks of their own are trained for.

    One network for all rates was much worse at low ones (GCaMP8f at 7.5 Hz: r at 50 ms .57 in place of .70),
    and one from 15 to 62 Hz was .005 to .008 worse at 30 Hz than one that sees 30 Hz nearly all the time.
    """

    name: str
    serves: tuple[float, float]
    """From the first up to the second rate in Hz, these networks are used."""
    rates: tuple[float, float]
    main_share: float
    rounds: int
    own: tuple[tuple[str, float], ...] = ()
    """Names and values of settings that this band has for itself."""


@dataclass(frozen=True)
class TrainingSettings:
    """How the network is built, what it is shown and how it is fitted."""

    networks: int = 2
    """In each band."""
    bands: tuple[Band, ...] = (
        Band("low", (0.0, 15.0), (2.0, 16.0), 0.0, 80),
        Band("main", (15.0, 45.0), (14.0, 48.0), 0.85, 80),
        # Held out at 60 Hz, networks trained as for the other bands were no better (r at 50 ms .739, .750).
        Band(
            "fast",
            (45.0, 1e9),
            (40.0, 62.0),
            0.0,
            80,
            (("channels", 24), ("likelihood_weight", 0.0), ("as_another", 0.0)),
        ),
    )
    channels: int = 28
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    taps: int = 5
    first_taps: int = 15
    hidden: int = 24

    main_rate: float = 30.0
    main_share: float = 0.6
    """Share of traces at `main_rate`; the others are drawn log-uniformly from `rates`. A band sets both."""
    rates: tuple[float, float] = (14.0, 62.0)
    longest_s: float = 300.0
    stretch: float = 1.3
    gain: tuple[float, float] = (0.5, 2.0)
    as_another: float = 0.5
    """Share of traces that are changed to what an indicator nobody has recorded would have shown."""
    decays_s: tuple[float, float] = (0.15, 1.2)
    """Range of the decay times that are replaced, in seconds."""
    other_decay: float = 1.6
    """At most so many times as long, or as short."""
    other_curvature: float = 1.3
    """The power is at most this, and at least one over it."""
    drifting: float = 0.7
    drift: float = 0.04
    noisiest: float = 12.0
    feature_noise: float = 0.2
    inhibitory_weight: float = 0.5
    indicator_hidden: float = 0.5
    cell_type_hidden: float = 0.4

    segment: int = 384
    batch: int = 20
    """Segments, of which `together` come from one trace."""
    together: int = 4
    round: int = 30
    """Batches made at once; training can be resumed between rounds."""
    rounds: int = 80
    saved_every: int = 5
    """Rounds between checkpoints."""
    learning_rate: float = 3e-3
    warm_up: float = 0.08
    averaged: float = 0.4
    correlation_weight: float = 5.0
    """Weight of one minus the correlation with the truth over the segments of a trace: their course."""
    course_weight: float = 0.3
    """Weight of the squared error, which also is about the size."""
    count_weight: float = 1.0
    """Weight of the error of a segment's spike count (logarithmic)."""
    likelihood_weight: float = 1.0
    """Weight of the Poisson likelihood of single frames, which sharpens the time of a spike."""
    seed: int = 0

    def for_band(self, band: Band) -> Self:
        """Return the settings with which a band's networks are trained."""
        own: dict[str, Any] = dict(band.own)
        return replace(self, rates=band.rates, main_share=band.main_share, rounds=band.rounds, **own)
