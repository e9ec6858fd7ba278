"""What the user looked at, to be kept in a file with the recording."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_calcium.session import Session
from napari_calcium.widgets.viewer_session import viewer_of

__all__ = ["select_again", "selection_of"]


def selection_of(session: Session) -> dict[str, Any]:
    """Return the selection, and where one looks, as plain data."""
    chosen = session.selection
    return {
        "cells": list(chosen.cells),
        "focus": chosen.focus,
        "ensemble": chosen.ensemble,
        "time": chosen.time,
        "span": None if chosen.span is None else list(chosen.span),
        "marked": None if chosen.marked is None else list(chosen.marked),
        "view": _closer_look(session),
    }


def select_again(session: Session, kept: Mapping[str, Any]) -> None:
    """Select what was selected when the file was saved, and look where one looked, if it is still there."""
    # A file may say anything; what it selects is not worth an error.
    with contextlib.suppress(TypeError, ValueError, IndexError, AttributeError):
        _select(session, kept)
    with contextlib.suppress(TypeError, ValueError):
        _look_again(session, kept.get("view"))


def _closer_look(session: Session) -> list[float] | None:
    """Return the middle (y, x) of what is in view in world units, and the zoom; None where all is in view."""
    viewer = viewer_of(session)
    if viewer is None or viewer.dims.ndisplay != 2 or not len(viewer.layers):
        return None
    low, high = np.asarray(viewer.layers.extent.world)[:, -2:]
    camera = viewer.scene.camera
    if (np.asarray(viewer.canvas.size) / camera.zoom >= high - low).all():
        return None
    # Not how much is in view: docks that open later take room from the canvas.
    return [float(camera.center[-2]), float(camera.center[-1]), float(camera.zoom)]


def _look_again(session: Session, view: Any) -> None:
    viewer = viewer_of(session)
    if viewer is None or view is None or viewer.dims.ndisplay != 2:
        return
    y, x, zoom = (float(number) for number in view)
    if np.isfinite([y, x, zoom]).all() and zoom > 0:
        viewer.scene.camera.center = (0.0, y, x)
        viewer.scene.camera.zoom = zoom


def _select(session: Session, kept: Mapping[str, Any]) -> None:
    recording, chosen = session.recording, session.selection
    if recording is None:
        return
    there = set(recording.roi_ids.tolist())
    chosen.cells = tuple(cell for cell in kept.get("cells", ()) if cell in there)
    if kept.get("focus") in chosen.cells:
        chosen.focus = kept["focus"]
    ensembles = recording.ensembles
    if ensembles is not None and kept.get("ensemble") in set(ensembles.members.ensemble_id.tolist()):
        chosen.ensemble = kept["ensemble"]
    chosen.time = kept.get("time", 0.0)
    span, marked = kept.get("span"), kept.get("marked")
    chosen.span = None if span is None else (span[0], span[1])
    chosen.marked = None if marked is None else (marked[0], marked[1])
