"""Open napari with the workspace of this plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QTimer

from napari_calcium.widgets.viewer_session import session_of

if TYPE_CHECKING:
    from napari_calcium.recording import Recording

__all__ = ["open_window"]

_DOCKS = ("Calcium pipeline", "Traces", "Ensembles")


def open_window(recording: Recording | None = None) -> napari.Viewer:
    """Open a napari window with the docks of the main job, and a recording in it if one is given.

    Returns
    -------
    napari.Viewer
        The caller runs the event loop (``napari.run()``).
    """
    viewer = napari.Viewer(title="napari-calcium")
    session = session_of(viewer)
    docks = [viewer.window.add_plugin_dock_widget("napari-calcium", name)[0] for name in _DOCKS]
    # Work begins in the pipeline; its dock comes to the front once all have found their places.
    QTimer.singleShot(0, docks[0].raise_)
    if recording is not None:
        session.open(recording)
    return viewer
