"""What the user looked at, to be kept in a file with the recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_calcium.session import Session

__all__ = ["select_again", "selection_of"]


def selection_of(session: Session) -> dict[str, Any]:
    """Return the selection as plain data."""
    chosen = session.selection
    return {
        "cells": list(chosen.cells),
        "focus": chosen.focus,
        "ensemble": chosen.ensemble,
        "time": chosen.time,
        "span": None if chosen.span is None else list(chosen.span),
        "marked": None if chosen.marked is None else list(chosen.marked),
    }


def select_again(session: Session, kept: Mapping[str, Any]) -> None:
    """Select what was selected when the file was saved, as far as it is still there."""
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
