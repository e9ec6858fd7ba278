"""A recording in a line of plain words, and why its counts differ."""

from __future__ import annotations

import numpy as np

from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording

__all__ = ["overview", "shortcoming", "why_counts_differ"]

_WORDS = {
    "raw": "raw fluorescence",
    "dff": "ΔF/F",
    "background_corrected": "ΔF/F without background",
    "denoised": "denoised",
    "spikes": "spikes",
}
_ORDER = ("raw", "corrected", "dff")
_SHORT_S = 50.0
"""Ten times the slow rate of the population, and twice the cutoff of the background and more, by default."""


def overview(recording: Recording) -> str:
    """Say what a recording is and what is known of it.

    Examples
    --------
    ``74 cells, 6,001 frames at 30 Hz, ΔF/F; 212 events; 3 ensembles, 0.4 expected by chance``

    Parameters
    ----------
    recording : Recording
        In any state, an empty one too.

    Returns
    -------
    str
        One line. Parts of which nothing is known yet are left out.
    """
    parts = [", ".join(part for part in (_size(recording), _kind(recording)) if part)]
    if recording.events is not None:
        parts.append(count_of(len(recording.events), "event"))
    found = recording.ensemble_events
    if found is not None:
        parts.append(count_of(len(found), "ensemble event") + _chance(found.expected_by_chance))
    if recording.ensembles is not None:
        known = recording.ensembles
        parts.append(count_of(len(known), "ensemble") + _chance(known.expected_by_chance))
    return "; ".join(part for part in parts if part)


def shortcoming(recording: Recording) -> str:
    """Say what keeps an analysis from telling much, before it is run; empty where nothing is known to.

    Parameters
    ----------
    recording : Recording
        In any state.
    """
    if recording.frame_rate is None:
        return "Set the frame rate: no stage runs without it."
    if 0 < recording.duration_s < _SHORT_S:
        return (
            f"It lasts {recording.duration_s:.3g} s only. In less than a minute a slow background can hardly "
            "be told from activity, nor ensembles from chance: what is not found may be there."
        )
    return ""


def why_counts_differ(recording: Recording) -> str:
    """Say why there are more or fewer activations of ensembles than ensemble events; empty before both are.

    Parameters
    ----------
    recording : Recording
    """
    events, known = recording.ensemble_events, recording.ensembles
    if events is None or known is None or not (len(events) or len(known)):
        return ""
    n_active, n_events = len(known.activations), len(events)
    none = int(np.count_nonzero(events.ensemble_id < 0))
    counts = f"{count_of(n_active, 'activation')} and {count_of(n_events, 'ensemble event')}"
    text = (
        f"{counts} are counted differently. An ensemble event is a moment when more cells of the whole "
        "recording are active together than chance explains. An activation is a moment when more members of "
        "one ensemble are active than chance explains: the members alone may stand out where all cells "
        "together do not, and several windows above the threshold in a row are one event."
    )
    if none:
        text += f" {none:,} of the {n_events:,} ensemble events belong to no ensemble."
    return text


def _size(recording: Recording) -> str:
    rate = recording.frame_rate
    speed = f"at {rate:.4g} Hz" if rate is not None else "at an unknown rate"
    cells = count_of(recording.n_rois, "cell")
    if recording.movie is not None and not recording.n_rois:
        height, width = recording.movie.data.shape[-2:]
        cells = f"a movie of {height} × {width} pixels"
    return f"{cells}, {count_of(recording.n_frames, 'frame')} {speed}"


def _kind(recording: Recording) -> str:
    """Name what the traces are: what was read, or ΔF/F once it was made."""
    there = [name for name in _ORDER if name in recording.traces] or list(recording.traces)
    return _WORDS.get(there[-1], there[-1].replace("_", " ")) if there else ""


def _chance(expected: float) -> str:
    return f", {expected:.2g} expected by chance" if np.isfinite(expected) else ""
