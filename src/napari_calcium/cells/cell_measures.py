"""Numbers that judge each cell: its trace, its shape, and what lies around it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_calcium.numerics.blocks import rows_per_block
from napari_calcium.numerics.measured_cells import (
    MEASURED_TRACES,
    MEASURES,
    known_measures,
    remember_measures,
)
from napari_calcium.numerics.noise import noise_level
from napari_calcium.progress import Progress, part, silent
from napari_calcium.recording import Recording
from napari_calcium.rois import Rois
from napari_calcium.traces.trace_quality import drift, signal_to_noise, skewness

__all__ = ["MEASURES", "compactness", "known_measures", "measure_cells", "overlap_share", "row_correlation"]


def measure_cells(
    recording: Recording, *, on_progress: Progress = silent
) -> Mapping[str, NDArray[np.float64]]:
    """Compute the numbers of :data:`MEASURES` that a recording allows.

    Parameters
    ----------
    recording : Recording
    on_progress : Progress

    Returns
    -------
    mapping of str to (n_rois,) float64
        In the order of the recording's cells; NaN where a number is not known of a cell. A number of which
        nothing is known (no events, no places, no movie) is left out. What was computed is remembered as
        long as the traces, places and events live.

    Notes
    -----
    SNR and skewness are of the background-corrected trace, else of ΔF/F, else of the raw one; noise and drift
    are of ΔF/F. Time is linear in the number of samples; drift takes most of it.
    """
    found = known_measures(recording)
    if found is not None:
        return found
    made: dict[str, NDArray[np.float64]] = {}
    made |= _of_traces(recording, on_progress)
    made |= _of_places(recording)
    on_progress(1, 1)
    return remember_measures(recording, made)


def _of_traces(recording: Recording, on_progress: Progress) -> dict[str, NDArray[np.float64]]:
    made: dict[str, NDArray[np.float64]] = {}
    traces, rate = recording.traces, recording.frame_rate
    name = next((name for name in MEASURED_TRACES if name in traces), None)
    if name is not None and recording.n_frames > 1:
        made["trace_snr"] = signal_to_noise(traces[name].values)
        on_progress(1, 10)
        made["trace_skewness"] = skewness(traces[name].values)
        on_progress(2, 10)
    if "dff" in traces and rate is not None:
        made["noise_level_percent_per_sqrt_hz"] = noise_level(traces["dff"].values, rate)
        on_progress(3, 10)
        made["drift_percent"] = 100 * drift(
            traces["dff"].values, rate, on_progress=part(on_progress, 0.3, 0.9)
        )
    if "raw" in traces and "neuropil" in traces:
        made["neuropil_correlation"] = row_correlation(traces["raw"].values, traces["neuropil"].values)
    if recording.events is not None and recording.duration_s > 0:
        number = np.bincount(recording.rows(recording.events.roi_id), minlength=recording.n_rois)
        made["event_rate_per_min"] = number / (recording.duration_s / 60)
    return made


def _of_places(recording: Recording) -> dict[str, NDArray[np.float64]]:
    rois = recording.rois
    if rois is None:
        return {}
    rows = recording.rows(rois.ids)
    made = {"compactness": compactness(rois), "overlap_percent": 100 * overlap_share(rois)}
    spread = {name: np.full(recording.n_rois, np.nan) for name in made}
    for name, values in made.items():
        spread[name][rows] = values
    return spread


def compactness(rois: Rois) -> NDArray[np.float64]:
    """Compute how close each ROI is to a disc.

    Parameters
    ----------
    rois : Rois

    Returns
    -------
    (n_rois,) float64
        Area over 2π times the mean squared distance of the pixels from their centre, at most 1 (a disc); NaN
        for an empty ROI. Weights do not count.
    """
    entries = rois.footprints.tocoo()
    y, x = np.divmod(entries.col.astype(np.int64), rois.shape[1])
    n, area = len(rois), rois.areas.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        # A pixel is a square: each axis adds its 1/12.
        spread = np.full(n, 2 / 12)
        for place in (y.astype(np.float64), x.astype(np.float64)):
            mean = np.bincount(entries.row, place, n) / area
            spread += np.bincount(entries.row, (place - mean[entries.row]) ** 2, n) / area
        return np.asarray(np.minimum(1.0, area / (2 * math.pi * spread)))


def overlap_share(rois: Rois) -> NDArray[np.float64]:
    """Return which share of each ROI's pixels other ROIs have, too, (n_rois,) float64; NaN if empty."""
    indices, indptr = rois.footprints.indices, rois.footprints.indptr
    owners = np.bincount(indices, minlength=rois.shape[0] * rois.shape[1])
    row = np.repeat(np.arange(len(rois)), np.diff(indptr))
    shared = np.bincount(row, owners[indices] > 1, len(rois))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(shared / rois.areas)


def row_correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the correlation of each row of one array with the same row of another.

    Parameters
    ----------
    a, b : (n_rois, n_frames) float32
        NaN marks a missing sample, which counts in neither.

    Returns
    -------
    (n_rois,) float64
        NaN where either is constant or nothing is there.
    """
    result = np.full(len(a), np.nan)
    step = rows_per_block(a.shape[1], bytes_per_sample=40)
    for start in range(0, len(a), step):
        one, other = (np.asarray(v[start : start + step], np.float64) for v in (a, b))
        there = np.isfinite(one) & np.isfinite(other)
        n = np.maximum(there.sum(axis=1, keepdims=True), 1)
        one, other = (
            np.where(there, v - np.where(there, v, 0).sum(axis=1, keepdims=True) / n, 0.0)
            for v in (one, other)
        )
        spread = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
        known = spread > 1e-12 * np.maximum(1.0, np.abs(spread).max(initial=0.0))
        product = (one * other).sum(axis=1)
        result[start : start + step][known] = product[known] / spread[known]
    return result
