"""Open napari with the workspace of this plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari

from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workspace import workspace_of

if TYPE_CHECKING:
    from napari_calcium.recording import Recording

__all__ = ["open_window"]


def open_window(recording: Recording | None = None) -> napari.Viewer:
    """Open a napari window with a recording and the Explore docks; without one, with the pipeline alone.

    Returns
    -------
    napari.Viewer
        The caller runs the event loop (``napari.run()``).
    """
    viewer = napari.Viewer(title="napari-calcium")
    workspace = workspace_of(viewer)
    if recording is not None:
        session_of(viewer).open(recording)
    if workspace is not None:
        workspace.open() if recording is not None else workspace.show("Calcium pipeline")
    return viewer
