"""Open napari with the workspace of this plugin."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QTimer

from napari_calcium.widgets.viewer_session import session_of

if TYPE_CHECKING:
    from napari_calcium.recording import Recording

__all__ = ["open_window"]

_PLUGIN = "napari-calcium"
_LAID_OUT_MS = 150


def open_window(recording: Recording | None = None) -> napari.Viewer:
    """Open a napari window with the docks of the main job, and a recording in it if one is given.

    Returns
    -------
    napari.Viewer
        The caller runs the event loop (``napari.run()``).
    """
    viewer = napari.Viewer(title="napari-calcium")
    session = session_of(viewer)
    window = viewer.window
    first, _ = window.add_plugin_dock_widget(_PLUGIN, "Calcium pipeline")
    window.add_plugin_dock_widget(_PLUGIN, "Ensembles", tabify=True)
    window.add_plugin_dock_widget(_PLUGIN, "Population")
    window.add_plugin_dock_widget(_PLUGIN, "Traces")
    first.raise_()  # work begins in the pipeline
    if recording is not None:
        session.open(recording)
        QTimer.singleShot(_LAID_OUT_MS, partial(_fit, weakref.ref(viewer)))
    return viewer


def _fit(window: weakref.ref[napari.Viewer]) -> None:
    """Fit the picture to the canvas that the docks leave, which is known once they are laid out."""
    viewer = window()
    if viewer is not None:
        viewer.reset_view()
