"""Find calcium events in traces, by any of five methods."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.events.deconvolved import DeconvolvedEvents, deconvolved_onsets
from napari_calcium.events.ridge import RidgeEvents, ridge_onsets
from napari_calcium.events.spike_bursts import SpikeEvents, spike_onsets
from napari_calcium.events.template import TemplateEvents, template_onsets
from napari_calcium.events.threshold import ThresholdEvents, threshold_onsets
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.tables import Events

__all__ = ["EventsSettings", "detect_events"]

# Shorter traces have no rest before an event and no decay after it.
_FEWEST_FRAMES = 5

EventsSettings = Annotated[
    DeconvolvedEvents | ThresholdEvents | TemplateEvents | RidgeEvents | SpikeEvents,
    Field(discriminator="method"),
]
"""Settings of event detection: which class it is decides the method."""


def detect_events(
    traces: ArrayLike,
    frame_rate: float,
    settings: EventsSettings = DeconvolvedEvents(),
    *,
    roi_ids: ArrayLike | None = None,
    unit: str = "ΔF/F",
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Events:
    """Find calcium events and measure their shape.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        The trace that ``settings.input`` names, ΔF/F as a fraction as a rule. NaN marks a missing sample:
        it is interpolated, and no event begins on it. Not changed.
    frame_rate : float
        In Hz.
    settings : DeconvolvedEvents, ThresholdEvents, TemplateEvents, RidgeEvents or SpikeEvents
        The class chooses the method.
    roi_ids : (n_rois,) int, optional
        Id of each row; by default 0, 1, 2 …
    unit : str
        Unit of the traces, handed on to the amplitudes.
    on_progress
        Called with rows done and rows in all, scaled over the stage's parts.
    executor
        Where to compute; threads of our own by default. The result is the same for any number of workers.

    Returns
    -------
    Events
        Sorted by row, then onset. Empty where nothing is found: traces of fewer than five frames, constant
        traces, traces without data, and recordings without ROIs are fine. Onsets lie between the last frame
        before the rise and the first one in it. See :func:`napari_calcium.events.shape.measure_shapes` for
        peak, end, amplitude and width.

    Raises
    ------
    ValueError
        For traces of a wrong shape, infinite values, a frame rate not above zero, or ids that do not fit.

    Notes
    -----
    An event is a transient of calcium, not a spike: it may stand for one spike or a burst. Every method
    misses events that do not stand out of the noise, so event rates of noisy neurons are too low.
    """
    values = check_traces(traces)
    rate = check_frame_rate(frame_rate)
    ids = _ids(roi_ids, values.shape[0])
    if values.shape[1] < _FEWEST_FRAMES:
        return Events(unit=unit)
    row, onset = _onsets(values, rate, settings, part(on_progress, 0.0, 0.9), executor)
    from napari_calcium.events.shape import measure_shapes

    shape = measure_shapes(
        values, rate, row, onset, on_progress=part(on_progress, 0.9, 1.0), executor=executor
    )
    # A jump of the fit that the trace itself does not show is no event.
    real = shape.amplitude > 0
    return Events(
        roi_id=ids[row][real],
        onset_s=onset[real],
        peak_s=shape.peak_s[real],
        end_s=shape.end_s[real],
        amplitude=shape.amplitude[real],
        fwhm_s=shape.fwhm_s[real],
        unit=unit,
    )


def _onsets(
    traces: NDArray[np.float32],
    frame_rate: float,
    settings: EventsSettings,
    on_progress: Progress,
    executor: Executor | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return row and onset (s) of every event, sorted."""
    if isinstance(settings, DeconvolvedEvents):
        return deconvolved_onsets(traces, frame_rate, settings, on_progress=on_progress, executor=executor)
    if isinstance(settings, ThresholdEvents):
        return threshold_onsets(traces, frame_rate, settings, on_progress=on_progress, executor=executor)
    if isinstance(settings, TemplateEvents):
        return template_onsets(traces, frame_rate, settings, on_progress=on_progress, executor=executor)
    if isinstance(settings, SpikeEvents):
        return spike_onsets(traces, frame_rate, settings, on_progress=on_progress, executor=executor)
    return ridge_onsets(traces, frame_rate, settings, on_progress=on_progress, executor=executor)


def _ids(roi_ids: ArrayLike | None, n_rois: int) -> NDArray[np.int64]:
    if roi_ids is None:
        return np.arange(n_rois)
    ids = np.asarray(roi_ids, dtype=np.int64)
    if ids.shape != (n_rois,):
        raise ValueError(f"roi_ids must have one id for each of the {n_rois} traces, got shape {ids.shape}")
    if len(np.unique(ids)) != n_rois:
        raise ValueError("roi_ids must be different from each other; the same id stands in two rows")
    return ids
