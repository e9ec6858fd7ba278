"""Open napari with the workspace of this plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari

from napari_calcium.widgets.viewer_session import session_of

if TYPE_CHECKING:
    from napari_calcium.recording import Recording

__all__ = ["open_window"]

_PLUGIN = "napari-calcium"


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
    return viewer
