"""Sample data of the File menu: synthetic recordings with known ensembles, made when they are asked for."""

from __future__ import annotations

from typing import Any

import napari
import numpy as np

from napari_calcium.figures.palette import ensemble_color
from napari_calcium.recording import LogEntry, Movie, Recording
from napari_calcium.simulate import (
    Simulation,
    SimulationSettings,
    course_settings,
    demo_settings,
    raw_movie_settings,
    simulate,
)
from napari_calcium.simulate.behaviour_simulation import simulate_behaviour
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workspace import explore

__all__ = ["behaviour_recording", "course_recording", "demo_recording", "raw_movie", "truth_layer"]

LayerData = tuple[Any, dict[str, Any], str]


def demo_recording() -> list[LayerData]:
    """Open a small field of view with ensembles: movie, somata and traces."""
    return _open(demo_settings(), "demo")


def course_recording() -> list[LayerData]:
    """Open a recording of the size of the course's file: 324 cells, 15,000 frames at 4.8 Hz."""
    return _open(course_settings(), "course-like")


def behaviour_recording() -> list[LayerData]:
    """Open a recording with behaviour: running in a box, gratings, tones and licks, aligned by pulses."""
    from napari_calcium.behaviour.alignment import AutomaticAlignment
    from napari_calcium.pipeline import run_stage

    truth = simulate_behaviour()
    viewer = napari.current_viewer()
    if viewer is not None:
        recording = run_stage(truth.to_recording(), "behaviour", AutomaticAlignment())
        session_of(viewer).open(recording)
        explore(viewer)
    return [truth_layer(truth.simulation)]


def raw_movie() -> list[LayerData]:
    """Open a raw movie that moves, with nothing known of its cells: for registration and what follows."""
    simulation = simulate(raw_movie_settings())
    settings = simulation.settings
    viewer = napari.current_viewer()
    if viewer is not None:
        session_of(viewer).open(
            Recording(
                "raw movie",
                np.empty(0, np.int64),
                settings.frame_rate,
                movie=Movie(simulation.movie),
                pixel_size_um=settings.pixel_size,
                log=(LogEntry("simulate", settings.model_dump(mode="json")),),
            )
        )
    return [truth_layer(simulation)]


def truth_layer(simulation: Simulation) -> LayerData:
    """Return the true ensembles as rings around their members, in the ensembles' colours, hidden at first.

    Parameters
    ----------
    simulation : Simulation
        A cell in several ensembles has a ring for each.
    """
    pixel = simulation.settings.pixel_size
    cells = np.concatenate([np.empty(0, np.int64), *simulation.members])
    groups = np.repeat(np.arange(len(simulation.members)), [len(group) for group in simulation.members])
    options = {
        "name": "True ensembles",
        "scale": (pixel, pixel),
        "units": ("um", "um"),
        "size": 1.3 * simulation.settings.soma_diameter,
        "face_color": "transparent",
        "border_color": [ensemble_color(int(k)) for k in groups] or "white",
        "border_width": 0.12,
        "features": {"ensemble": groups, "cell": cells},
        "visible": False,
    }
    return simulation.positions[cells], options, "points"


def _open(settings: SimulationSettings, name: str) -> list[LayerData]:
    """Put a simulated recording into the current viewer's session, whose canvas makes the layers."""
    simulation = simulate(settings)
    viewer = napari.current_viewer()
    if viewer is not None:
        session_of(viewer).open(simulation.to_recording(name))
        explore(viewer)
    return [truth_layer(simulation)]
