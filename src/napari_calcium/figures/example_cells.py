"""Which cells and which stretch of time an overview shows when nobody chose them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import latest_trace
from napari_calcium.recording import Recording

__all__ = ["busiest_span", "example_cells"]

_MOST_JUDGED = 500
"""Cells whose traces are looked at where there are no events; more would make an overview slow."""


def example_cells(recording: Recording, number: int) -> tuple[int, ...]:
    """Return ids of cells from lively to average, evenly spread over their rank.

    Cells are ranked by the summed amplitude of their events or, without events, by how far their highest
    sample stands above the middle; so the choice is the same in every run.
    """
    liveliness = _liveliness(recording)
    alive = np.flatnonzero(liveliness > 0)
    ranked = alive[np.argsort(-liveliness[alive], kind="stable")]
    if len(ranked) < number:
        idle = np.setdiff1d(np.arange(recording.n_rois), ranked)
        ranked = np.concatenate([ranked, idle])[:number]
    # The liveliest few percent are often artefacts; the lower half shows little.
    first, last = len(ranked) // 30, max(number, len(ranked) // 2) - 1
    first = max(0, min(first, last - number + 1))
    places = np.unique(np.linspace(first, last, number).round().astype(int))
    return tuple(int(k) for k in recording.roi_ids[ranked[places[places < len(ranked)]]])


def _liveliness(recording: Recording) -> NDArray[np.float64]:
    if recording.events is not None and len(recording.events):
        rows = recording.events.rows(recording.roi_ids)
        amplitude = np.nan_to_num(recording.events.amplitude)
        total: NDArray[np.float64] = np.bincount(rows, amplitude, recording.n_rois).astype(np.float64)
        return total
    score = np.zeros(recording.n_rois)
    name = latest_trace(recording)
    if name is None:
        return score
    step = max(1, recording.n_rois // _MOST_JUDGED)
    for row in range(0, recording.n_rois, step):
        values = recording.traces[name].values[row]
        values = values[np.isfinite(values)]
        if len(values):
            middle, high = np.median(values), values.max()
            scale = np.median(np.abs(values - middle))
            score[row] = (high - middle) / scale if scale > 0 else 0.0
    return score


def busiest_span(recording: Recording, roi_ids: tuple[int, ...], seconds: float) -> tuple[float, float]:
    """Return start and end of the stretch of `seconds` in which the cells have most events.

    The whole recording where it is not longer; its beginning where there are no events.
    """
    if recording.duration_s <= seconds:
        return 0.0, recording.duration_s
    if recording.events is None:
        return 0.0, seconds
    onsets = np.sort(recording.events.onset_s[np.isin(recording.events.roi_id, roi_ids)])
    if not len(onsets):
        return 0.0, seconds
    held = np.searchsorted(onsets, onsets + seconds) - np.arange(len(onsets))
    start = float(np.floor(onsets[int(np.argmax(held))] - 0.02 * seconds))
    start = min(max(start, 0.0), recording.duration_s - seconds)
    return start, start + seconds
