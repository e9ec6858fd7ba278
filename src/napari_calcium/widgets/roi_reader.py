"""ImageJ's ROIs dropped on the window: they say where the cells of the open recording lie."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import napari
from qtpy.QtCore import QTimer

from napari_calcium.io.imagej import is_imagej_rois
from napari_calcium.io.positions import PositionSettings, add_positions
from napari_calcium.widgets.notices import show_info, show_warning
from napari_calcium.widgets.viewer_session import session_of

__all__ = ["read_rois"]


def read_rois(path: str | PathLike[str] | list[str]) -> Any | None:
    """Return a reader for a zip of ImageJ's ROI manager or a ``.roi``, if a recording without places is open.

    Else None, and why is said after napari's own line that nothing can read it.
    """
    file = Path(path if isinstance(path, (str, PathLike)) else path[0])
    viewer = napari.current_viewer()
    recording = session_of(viewer).recording if viewer is not None else None
    if viewer is None or not is_imagej_rois(file):
        return None
    if recording is None or not recording.traces:
        reason = "open the fluorescence first, then the ROIs of its cells"
    elif recording.rois is not None:
        reason = f"{recording.name} has places for its cells already; open its table anew to give it others"
    else:
        return _link
    QTimer.singleShot(0, lambda: show_warning(f"{file.name}: {reason}"))
    return None


def _link(path: Any) -> list[tuple[Any, ...]]:
    """Give the cells of the open recording their places; the layers come from the session."""
    file = Path(path if isinstance(path, (str, PathLike)) else path[0]).absolute()
    session = session_of(napari.current_viewer())
    recording = session.recording
    assert recording is not None
    linked = add_positions(recording, PositionSettings(labels=str(file)), file.parent)
    session.apply(linked, f"Link {file.name}")
    show_info("\n".join(note for entry in linked.log if entry.stage == "rois" for note in entry.notes))
    return [(None,)]
