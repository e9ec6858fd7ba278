"""Sample data of the File menu: synthetic recordings with ensembles, made when they are asked for."""

from __future__ import annotations

from typing import Any

import napari

from napari_calcium.simulate import SimulationSettings, course_settings, demo_settings, simulate
from napari_calcium.widgets.viewer_session import session_of

__all__ = ["course_recording", "demo_recording", "traces_only"]


def demo_recording() -> list[Any]:
    """Open a small field of view with ensembles: movie, somata and traces."""
    return _open(demo_settings(), "demo")


def course_recording() -> list[Any]:
    """Open a recording of the size of the course's file: 324 cells, 15,000 frames at 4.8 Hz."""
    return _open(course_settings(), "course-like")


def traces_only() -> list[Any]:
    """Open the traces of the small field of view alone, as from a table without positions."""
    return _open(demo_settings(), "demo traces", positions=False)


def _open(settings: SimulationSettings, name: str, *, positions: bool = True) -> list[Any]:
    """Put a simulated recording into the current viewer's session, whose canvas makes the layers."""
    recording = simulate(settings).to_recording(name)
    if not positions:
        recording = recording.replace(rois=None, images={}, movie=None)
    viewer = napari.current_viewer()
    if viewer is not None:
        session_of(viewer).open(recording)
    return []
