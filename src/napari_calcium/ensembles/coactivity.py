"""Coactivity: how many neurons have an event in the same short window."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le
from numpy.typing import ArrayLike
from pydantic import Field

from napari_calcium.checks import check_frame_rate
from napari_calcium.numerics.binning import event_frames, frames_in, window_counts
from napari_calcium.results.tables import Coactivity, Events
from napari_calcium.settings import Seconds, Settings

__all__ = ["CoactivitySettings", "coactivity"]


class CoactivitySettings(Settings):
    """Width and placing of the windows in which active neurons are counted."""

    window: Annotated[Seconds, Gt(0), Le(60)] = Field(
        0.5,
        title="Window",
        description="Neurons with an event within one window count as active together. It becomes a whole "
        "number of frames (at least one), and the width really used is stated. Widen it if onsets of one "
        "ensemble spread over more than half a second.",
    )
    sliding: bool = Field(
        True,
        title="Sliding windows",
        description="On: a window starts at every frame, so no moment is cut in two by the edge of a bin. "
        "Off: bins side by side, as the course has it; a last bin that is not full is left out.",
    )


def coactivity(
    events: Events,
    roi_ids: ArrayLike,
    n_frames: int,
    frame_rate: float,
    settings: CoactivitySettings = CoactivitySettings(),
) -> Coactivity:
    """Count the neurons with at least one event onset in every window.

    Parameters
    ----------
    events : Events
        Onsets; a neuron counts once in a window, however many events it has there.
    roi_ids : (n_rois,) int64
        The recording's cells, those without events included.
    n_frames : int
        Length of the recording, at least 1.
    frame_rate : float
        Hz.
    settings : CoactivitySettings

    Returns
    -------
    Coactivity
        `time_s` is the start of each window; `window_s` and `step_s` are the widths really used.
        `expected`, `p_value` and `threshold` are NaN and `significant` is False until
        :func:`~napari_calcium.ensembles.significance.significance` fills them.

    Raises
    ------
    ValueError
        If there is no frame, the frame rate is not above 0, or an event's cell is not in `roi_ids`.

    Notes
    -----
    A window longer than the recording becomes the recording. Cost: events + frames.

    It misleads where events are frames above a threshold instead of onsets (one transient then counts for
    seconds), where motion or neuropil makes all cells rise at once, and where windows are much wider than
    the spread of onsets (chance coincidences grow with the width).
    """
    ids = np.asarray(roi_ids, np.int64)
    rate = check_frame_rate(frame_rate)
    width = window_frames(settings.window, rate, n_frames)
    step = 1 if settings.sliding else width
    frames = event_frames(events.onset_s, rate, n_frames)
    counts = window_counts(events.rows(ids), frames, len(ids), n_frames, width)[::step]
    n = len(counts)
    unknown = np.full(n, np.nan)
    return Coactivity(
        time_s=np.arange(n) * step / rate,
        active_neurons=counts,
        expected=unknown,
        p_value=unknown,
        threshold=unknown,
        significant=np.zeros(n, bool),
        window_s=width / rate,
        step_s=step / rate,
    )


def window_frames(window_s: float, frame_rate: float, n_frames: int) -> int:
    """Return the frames of a window: the nearest whole number, at least 1, at most the recording.

    Raises
    ------
    ValueError
        If there is no frame at all.
    """
    if n_frames < 1:
        raise ValueError(f"a recording needs at least one frame, got n_frames = {n_frames}")
    return min(frames_in(window_s, frame_rate), n_frames)
