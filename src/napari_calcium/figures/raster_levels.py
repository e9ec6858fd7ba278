"""Traces and events as levels from 0 to 255, which is what a screen tells apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.decimate import pool_max
from napari_calcium.figures.raster_figure import prepare_raster
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording, Trace

__all__ = [
    "MISSING",
    "MOST_ENSEMBLES",
    "NO_EVENT",
    "PLAIN_EVENT",
    "TraceLevels",
    "event_levels",
    "trace_levels",
]

MISSING = 0
"""Level of a sample that is not known; known ones have 1 … 255."""
NO_EVENT, PLAIN_EVENT = 0, 1
"""Levels of an event raster; an event in an activation of the k-th ensemble has ``2 + k``."""
MOST_ENSEMBLES = 254

_ROWS, _COLUMNS = 2000, 1500
_TOP = 99.8
_BLOCK = 1 << 22


@dataclass(frozen=True)
class TraceLevels:
    """A trace in levels.

    Attributes
    ----------
    levels : (n_rois, n_frames) uint8
    low, high : float
        Values of level 1 and level 255, in the trace's unit; 0 and 1 if `scaled`.
    scaled : bool
        Whether each neuron has a scale of its own: its lower quartile is 0, its highest values 1.
    """

    levels: NDArray[np.uint8]
    low: float
    high: float
    scaled: bool


def trace_levels(trace: Trace, *, scaled: bool = False, on_progress: Progress = silent) -> TraceLevels:
    """Put a trace in levels.

    The scale begins at zero (ΔF/F) or at the first percentile (anything else) and ends at the 99.8th
    percentile of the peaks, which is the trace pooled to the width of a screen: so rare events are not beyond
    its end. What is beyond an end gets the level of the end.

    Parameters
    ----------
    trace : Trace
        (n_rois, n_frames); NaN become `MISSING`.
    scaled : bool
        Give each neuron a scale of its own. It makes quiet neurons look as active as others: good for seeing
        when, not how much.
    on_progress : Progress
    """
    values = trace.values
    low, span = _scale(trace, scaled)
    levels = np.empty(values.shape, np.uint8)
    rows = max(1, _BLOCK // max(1, values.shape[1]))
    for start in range(0, len(values), rows):
        on_progress(start, len(values))
        block = slice(start, start + rows)
        part = (values[block] - low[block, None]) * (np.float32(254.0) / span[block, None])
        np.clip(part, 0, 254, out=part)
        part += 1.5
        # Level 0 is what NaN becomes; every number is 1 or more.
        levels[block] = np.nan_to_num(part, copy=False, nan=0.0).astype(np.uint8)
    if scaled:
        return TraceLevels(levels, 0.0, 1.0, True)
    bottom, width = (float(low[0]), float(span[0])) if len(low) else (0.0, 1.0)
    return TraceLevels(levels, bottom, bottom + width, False)


def event_levels(recording: Recording) -> NDArray[np.uint8]:
    """Return a raster of event onsets, in the order of the recording.

    Returns
    -------
    (n_rois, n_frames) uint8
        `NO_EVENT`, `PLAIN_EVENT`, or ``2 + k`` for an event in an activation of the k-th ensemble of
        which the neuron is a member; those of ensembles beyond the 254th are plain.
    """
    levels = np.full((recording.n_rois, recording.n_frames), NO_EVENT, np.uint8)
    data = prepare_raster(recording)
    if not len(data.onset_s) or recording.frame_rate is None or not levels.size:
        return levels
    ids = recording.ensembles.ids if recording.ensembles is not None else ()
    rank = {ensemble: k for k, ensemble in enumerate(ids[:MOST_ENSEMBLES])}
    value = np.array(
        [2 + rank[int(k)] if int(k) in rank else PLAIN_EVENT for k in data.event_ensemble], np.uint8
    )
    rows = recording.rows(data.roi_ids)[data.event_row]
    frames = np.floor(data.onset_s * recording.frame_rate + 1e-6).astype(np.int64)
    frames = np.clip(frames, 0, recording.n_frames - 1)
    np.maximum.at(levels, (rows, frames), value)
    return levels


def _scale(trace: Trace, scaled: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the value of the lowest level and the width of the scale for each neuron."""
    n = len(trace.values)
    low, span = np.zeros(n, np.float32), np.ones(n, np.float32)
    if scaled:
        peaks = pool_max(trace.values, max(1, n), _COLUMNS)
        some = np.flatnonzero(np.isfinite(peaks).any(axis=1))
        if len(some):
            sample = trace.values[some, :: max(1, trace.values.shape[1] // _COLUMNS)]
            sample = np.where(np.isfinite(sample).any(axis=1, keepdims=True), sample, 0)
            low[some] = np.nanpercentile(sample, 25, axis=1)
            span[some] = np.nanpercentile(peaks[some], _TOP, axis=1) - low[some]
    else:
        peaks = pool_max(trace.values[:: max(1, n // _ROWS)], _ROWS, _COLUMNS)
        known = peaks[np.isfinite(peaks)]
        if len(known):
            low[:] = 0.0 if trace.unit == "ΔF/F" else np.percentile(known, 1)
            top = np.percentile(known, _TOP)
            # Where next to nothing ever happens, the percentile is where nothing does.
            span[:] = (top if top > low[0] else known.max()) - low
    span[~(span > 0)] = 1.0
    return low, span
