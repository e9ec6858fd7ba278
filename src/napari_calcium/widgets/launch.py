"""Open napari with the workspace of this plugin."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QTimer

from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workspace import workspace_of

if TYPE_CHECKING:
    from napari_calcium.recording import Recording

__all__ = ["open_window"]

_LAID_OUT_MS = 150


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
    if recording is not None:
        QTimer.singleShot(_LAID_OUT_MS, partial(_fit, weakref.ref(viewer)))
    return viewer


def _fit(window: weakref.ref[napari.Viewer]) -> None:
    """Fit the picture to the canvas that the docks leave, which is known once they are laid out."""
    viewer = window()
    if viewer is not None:
        viewer.reset_view()
