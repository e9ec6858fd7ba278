"""What was measured of the cells of a recording, remembered as long as the recording's arrays live."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Mapping
from threading import Lock
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording
from napari_calcium.results.tables import freeze

__all__ = ["MEASURED_TRACES", "MEASURES", "known_measures", "remember_measures"]

MEASURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "trace_snr": (
            "Trace SNR",
            "How far the trace rises above its middle (99th percentile), in SD of its noise.",
        ),
        "noise_level_percent_per_sqrt_hz": (
            "Noise (%/√Hz)",
            "Noise level ν of ΔF/F: 1 is clean, 8 is noisy.",
        ),
        "trace_skewness": ("Trace skewness", "High for rare transients, about 0 for noise and drift."),
        "event_rate_per_min": ("Events/min", "Events per minute of recording."),
        "compactness": ("Compactness", "1 for a disc, less for what is long, hollow or scattered."),
        "overlap_percent": ("Overlap (%)", "Share of the cell's pixels that other cells have, too."),
        "neuropil_correlation": (
            "Neuropil r",
            "Correlation of the raw trace with the neuropil around the cell.",
        ),
        "drift_percent": ("Drift (%)", "How much the level under the transients wanders, in % of F0."),
    }
)
"""Heading and one sentence of each number, by the name it has in files."""

MEASURED_TRACES = ("background_corrected", "dff", "corrected", "raw")
"""Traces that are measured, the first one that is there before the others."""

_REMEMBERED = 6
_Parts = tuple["weakref.ref[Any] | None", ...]
_memory: deque[tuple[_Parts, float | None, Mapping[str, NDArray[np.float64]]]] = deque(maxlen=_REMEMBERED)
_lock = Lock()


def remember_measures(
    recording: Recording, measures: Mapping[str, NDArray[np.float64]]
) -> Mapping[str, NDArray[np.float64]]:
    """Keep what was measured of a recording's cells.

    Parameters
    ----------
    recording : Recording
    measures : mapping of str to (n_rois,) float64
        In the order of the recording's cells; others than those of :data:`MEASURES` are left out.

    Returns
    -------
    mapping of str to (n_rois,) float64
        The same in the order of :data:`MEASURES`, read-only.
    """
    result = MappingProxyType({name: freeze(measures[name]) for name in MEASURES if name in measures})
    with _lock:
        _memory.append((_parts(recording), recording.frame_rate, result))
    return result


def known_measures(recording: Recording) -> Mapping[str, NDArray[np.float64]] | None:
    """Return what was measured of these cells before or read from a file; None where nothing was."""
    wanted = [None if p is None else p() for p in _parts(recording)]
    with _lock:
        for parts, rate, result in _memory:
            there = [None if p is None else p() for p in parts]
            if rate == recording.frame_rate and all(a is b for a, b in zip(there, wanted, strict=True)):
                lost = any(p is not None and t is None for p, t in zip(parts, there, strict=True))
                if not lost:
                    return result
    return None


def _parts(recording: Recording) -> _Parts:
    """Return references to all that the numbers are computed from."""
    names = (*MEASURED_TRACES, "neuropil")
    parts = [recording.traces.get(name) for name in names] + [recording.rois, recording.events]
    return tuple(None if p is None else weakref.ref(p) for p in parts)
