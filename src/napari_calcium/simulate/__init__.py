"""Synthetic recordings with known truth: sample data, tests, benchmarks."""

from napari_calcium.simulate.activity import TrueActivations, TrueEvents
from napari_calcium.simulate.simulation import Simulation, simulate
from napari_calcium.simulate.simulation_settings import (
    SimulationSettings,
    course_settings,
    demo_settings,
    raw_movie_settings,
)
from napari_calcium.simulate.synthetic_movie import SyntheticMovie

__all__ = [
    "Simulation",
    "SimulationSettings",
    "SyntheticMovie",
    "TrueActivations",
    "TrueEvents",
    "course_settings",
    "demo_settings",
    "raw_movie_settings",
    "simulate",
]
