"""What to simulate: the settings of a synthetic recording and its presets."""

from __future__ import annotations

from typing import Annotated, Self

from annotated_types import Ge, Gt, Le
from pydantic import Field, model_validator

from napari_calcium.settings import Hertz, Micrometres, Percent, Pixels, Seconds, Settings, Unit

__all__ = ["SimulationSettings", "course_settings", "demo_settings", "raw_movie_settings"]

Positive = Annotated[Seconds, Gt(0)]
Share = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(0)]


class SimulationSettings(Settings):
    """A synthetic two-photon recording with known truth.

    Every part draws from a random stream of its own, so changing, say, the noise leaves the cells, their
    spikes and the ensembles where they were.
    """

    seed: Count = Field(0, title="Seed", description="Another seed is another recording of the same kind.")
    n_rois: Count = Field(100, title="Neurons", description="Number of neurons in the field of view.")
    n_frames: Annotated[int, Ge(1)] = Field(3000, title="Frames", description="Length in frames.")
    frame_rate: Annotated[Hertz, Gt(0)] = Field(10.0, title="Frame rate", description="Frames per second.")

    height: Annotated[int, Ge(16)] = Field(
        256, title="Height", description="Rows of the field of view, in pixels."
    )
    width: Annotated[int, Ge(16)] = Field(
        256, title="Width", description="Columns of the field of view, in pixels."
    )
    pixel_size: Annotated[Micrometres, Gt(0)] = Field(
        1.2, title="Pixel size", description="Side of a pixel in the tissue."
    )
    soma_diameter: Annotated[Pixels, Ge(2)] = Field(
        11.0, title="Soma diameter", description="Typical diameter of a soma; cells differ by about a tenth."
    )
    n_vessels: Count = Field(2, title="Vessels", description="Blood vessels: dark bands without neurons.")

    n_ensembles: Count = Field(
        5, title="Ensembles", description="Groups of neurons active together; 0 makes a control recording."
    )
    ensemble_size: tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]] = Field(
        (10, 16), title="Ensemble size", description="Fewest and most members of an ensemble."
    )
    participation: tuple[Share, Share] = Field(
        (0.7, 0.95),
        title="Participation",
        description="Range of the share of its ensemble's activations that a member joins.",
    )
    activations: tuple[Count, Count] = Field(
        (12, 18), title="Activations", description="Fewest and most activations of an ensemble."
    )
    overlap: Share = Field(
        0.15, title="Shared members", description="Share of members taken from earlier ensembles."
    )
    clustered: Share = Field(
        0.6,
        title="Clustered ensembles",
        description="Share of ensembles whose members lie together in space; the others are spread out.",
    )
    jitter: Annotated[Seconds, Ge(0)] = Field(
        0.1, title="Jitter", description="SD of a member's event around the activation."
    )

    event_rate: Annotated[Hertz, Ge(0)] = Field(
        0.03, title="Event rate", description="Median rate of events outside ensembles; cells differ widely."
    )
    burst_size: Annotated[float, Ge(1)] = Field(
        2.5,
        title="Events per burst",
        description="Mean number of background events in a burst; 1 makes them independent.",
    )
    refractory: Annotated[Seconds, Ge(0)] = Field(
        0.8, title="Refractory time", description="Least time between two events of one cell."
    )
    extra_spikes: Annotated[float, Ge(0)] = Field(
        0.8, title="Extra spikes", description="Mean number of spikes of an event beyond the first."
    )
    running_gain: Annotated[float, Ge(0)] = Field(
        0.5,
        title="Running gain",
        description="How much running raises the background rate: 0.5 is half as much again, shared by all.",
    )

    amplitude: Annotated[float, Unit("%"), Gt(0)] = Field(
        60.0, title="Spike amplitude", description="ΔF/F at the peak of one spike in a typical cell."
    )
    rise_time: Positive = Field(0.07, title="Rise time", description="Time constant of the indicator's rise.")
    decay_time: Positive = Field(
        1.0, title="Decay time", description="Time constant of the indicator's decay, longer than the rise."
    )
    saturation: Annotated[float, Gt(0)] = Field(
        8.0, title="Saturation", description="Calcium, in spikes, at which the response is half saturated."
    )

    brightness: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] = Field(
        (200.0, 900.0), title="Brightness", description="Range of the somata's resting intensity."
    )
    noise: Annotated[Percent, Ge(0)] = Field(
        8.0,
        title="Noise",
        description="SD of one frame of a typical cell's trace, of its F0; brighter cells have less.",
    )
    drift: Annotated[Percent, Ge(0)] = Field(
        12.0, title="Drift", description="SD of the slow fluctuation of a cell's brightness."
    )
    drift_period: Positive = Field(
        40.0, title="Drift period", description="Shortest period of the slow fluctuation."
    )
    bleaching: Percent = Field(8.0, title="Bleaching", description="Brightness lost by the end.")
    neuropil: Annotated[Percent, Ge(0)] = Field(
        6.0, title="Neuropil signal", description="SD of the shared fluctuation of the neuropil's brightness."
    )
    motion: Annotated[Pixels, Ge(0)] = Field(
        0.0, title="Motion", description="SD of the rigid motion of the movie; traces are free of it."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("ensemble_size", "participation", "activations", "brightness"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} must run from low to high, got ({low}, {high})")
        if self.rise_time >= self.decay_time:
            raise ValueError(
                f"rise_time must be below decay_time, got {self.rise_time} and {self.decay_time} s"
            )
        return self

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_frames / self.frame_rate


def demo_settings(seed: int = 7) -> SimulationSettings:
    """Return a small pretty field: 120 neurons, 256 × 256 px, five minutes at 10 Hz, five ensembles."""
    return SimulationSettings(seed=seed, n_rois=120)


def course_settings(seed: int = 0) -> SimulationSettings:
    """Return a recording of the course's shape: 324 neurons × 15,000 frames at 4.8 Hz, ten ensembles."""
    return SimulationSettings(
        seed=seed,
        n_rois=324,
        n_frames=15_000,
        frame_rate=4.8,
        height=512,
        width=512,
        n_vessels=3,
        n_ensembles=10,
        ensemble_size=(12, 30),
        participation=(0.55, 0.9),
        activations=(20, 45),
        overlap=0.2,
        clustered=0.3,
        jitter=0.12,
        event_rate=0.015,
        running_gain=0.2,
        noise=6.0,
        drift=20.0,
        neuropil=4.0,
    )


def raw_movie_settings() -> SimulationSettings:
    """Return the raw movie of the sample data: 60 cells, two minutes at 10 Hz, moving by a pixel or two."""
    return SimulationSettings(
        seed=11, n_rois=60, n_frames=1200, height=192, width=192, n_ensembles=3, ensemble_size=(8, 12),
        activations=(7, 10), motion=1.5,
    )  # fmt: skip
