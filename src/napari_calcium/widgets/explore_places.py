"""The docks of the Explore workspace: which there are, beside which, and when they are of use.

To add a dock to the workspace, add a line to `PLACES` (and the dock itself to ``napari.yaml``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from napari_calcium.recording import Recording

__all__ = ["PLACES", "Group", "Place", "always", "place_of", "when_asked"]

Group = Literal["work", "time", "structure"]
"""Docks of one group are tabs of each other. *work*: at the right, forms and tables; *time*: under the image,
plots over time; *structure*: beside these, or among them where the window is narrow, plots without a time
axis."""


def always(recording: Recording) -> bool:
    """Say that a dock is of use for any recording."""
    return True


def when_asked(recording: Recording) -> bool:
    """Say that a dock is opened by the user only: from the menu Docks, or napari's of plugins."""
    return False


def _has_coactivity(recording: Recording) -> bool:
    return recording.coactivity is not None


def _has_ensemble_events(recording: Recording) -> bool:
    return recording.ensemble_events is not None


def _has_behaviour(recording: Recording) -> bool:
    return recording.behaviour is not None or recording.behaviour_file is not None


def _has_tuning(recording: Recording) -> bool:
    return recording.tuning is not None or recording.triggered is not None


def _has_candidates(recording: Recording) -> bool:
    return recording.candidates is not None


def _has_motion(recording: Recording) -> bool:
    return recording.motion is not None


def _has(*parts: str) -> Callable[[Recording], bool]:
    """Return what tells whether one of these stages of the population has run."""

    def of_use(recording: Recording) -> bool:
        found = recording.population
        return found is not None and any(getattr(found, part) is not None for part in parts)

    return of_use


@dataclass(frozen=True)
class Place:
    """A dock of the workspace.

    Attributes
    ----------
    dock : str
        Its name in ``napari.yaml``.
    group : Group
    of_use : callable
        Whether it has something to show of a recording; until then it is not opened, so that there are not
        more tabs than one can read.
    """

    dock: str
    group: Group
    of_use: Callable[[Recording], bool] = always


PLACES: tuple[Place, ...] = (
    Place("Calcium pipeline", "work"),
    Place("Ensembles", "work"),
    Place("Cells", "work"),
    Place("Choose cells", "work", _has_candidates),
    Place("Edit cells", "work", when_asked),
    Place("History", "work", when_asked),
    Place("Compare", "work", when_asked),
    Place("Help", "work"),
    Place("Single stage", "work", when_asked),
    Place("Traces", "time"),
    Place("Raster", "time"),
    Place("Coactivity", "time", _has_coactivity),
    Place("Spike check", "time", when_asked),
    Place("Stability", "time", when_asked),
    Place("Motion", "time", _has_motion),
    Place("Behaviour", "time", _has_behaviour),
    Place("Similarity", "structure", _has_ensemble_events),
    Place("Activity", "time", _has("activity", "sorting")),
    Place("Coupling", "time", _has("coupling")),
    Place("Correlation", "structure", _has("correlation")),
    Place("Embedding", "structure", _has("dimensionality")),
    Place("Tuning", "structure", _has_tuning),
)
"""In the order of the tabs; the first of each group comes up in front."""


def place_of(dock: str) -> Place | None:
    """Return the place of a dock, None for one that is not of the workspace."""
    return next((place for place in PLACES if place.dock == dock), None)
