"""Who took part in an ensemble event: members, guests, and the members who stayed silent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording
from napari_calcium.results.tables import EnsembleEvents

__all__ = ["EventCompany", "event_at", "event_company", "moment_of"]


@dataclass(frozen=True)
class EventCompany:
    """The neurons of one ensemble event.

    Attributes
    ----------
    ensemble : int
        −1 where the event belongs to none; then all neurons are guests.
    members, guests : (n,) int64
        Ids of the active neurons that belong to the ensemble, and of those that do not.
    silent : (n,) int64
        Ids of the members that were not active.
    """

    ensemble: int
    members: NDArray[np.int64]
    guests: NDArray[np.int64]
    silent: NDArray[np.int64]


def event_company(recording: Recording, row: int) -> EventCompany:
    """Return the neurons of the event in a row of the recording's ensemble events, ascending."""
    events = recording.ensemble_events
    if events is None or not 0 <= row < len(events):
        raise ValueError(f"there is no ensemble event in row {row}; find ensemble events first")
    active = events.members(row)
    ensemble = int(events.ensemble_id[row])
    belong = np.empty(0, np.int64)
    if ensemble >= 0 and recording.ensembles is not None:
        belong = np.unique(recording.ensembles.members_of(ensemble).roi_id)
    return EventCompany(
        ensemble,
        np.intersect1d(active, belong),
        np.setdiff1d(active, belong),
        np.setdiff1d(belong, active),
    )


def moment_of(recording: Recording, row: int) -> float:
    """Return the one time that views give for an ensemble event, in seconds.

    Parameters
    ----------
    recording : Recording
    row : int
        Of the recording's ensemble events.

    Returns
    -------
    float
        For an event of an ensemble that has an activation during it, the activation's time, which is the
        centre of the window in which most of its members were active; else the event's peak, the centre of
        the window in which all neurons together were most significantly active. The two differ by less than
        the event lasts.
    """
    events, ensembles = recording.ensemble_events, recording.ensembles
    if events is None:
        raise ValueError("there are no ensemble events")
    peak, ensemble = float(events.peak_s[row]), int(events.ensemble_id[row])
    if ensemble < 0 or ensembles is None:
        return peak
    times = ensembles.activations_of(ensemble).time_s
    during = times[(times >= events.start_s[row]) & (times <= events.end_s[row])]
    return float(during[np.argmin(np.abs(during - peak))]) if len(during) else peak


def event_at(events: EnsembleEvents | None, seconds: float, slack: float = 0.0) -> int | None:
    """Return the row of the event during which a moment falls, the nearest peak of several; None for none.

    Parameters
    ----------
    events : EnsembleEvents or None
    seconds : float
    slack : float
        Seconds by which the moment may be off: a slider stands on whole frames.
    """
    if events is None or not len(events):
        return None
    inside = np.flatnonzero((events.start_s - slack <= seconds) & (seconds <= events.end_s + slack))
    if not len(inside):
        return None
    return int(inside[np.argmin(np.abs(events.peak_s[inside] - seconds))])
