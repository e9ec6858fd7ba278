"""Features of each neuron and of the whole recording, from its events."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.noise import noise_level, noise_sd
from napari_calcium.results.tables import Events
from napari_calcium.settings import Settings, TraceName

__all__ = ["FeatureSettings", "neuron_features", "recording_features"]


class FeatureSettings(Settings):
    """What the features of neurons are measured on."""

    input: TraceName = Field(
        "dff",
        title="Read from",
        description="Trace on which rise, decay, noise and signal-to-noise are measured. Not the denoised "
        "one: its noise would look lower than it was.",
    )
    min_events: Annotated[int, Ge(1), Le(1000)] = Field(
        3,
        title="Fewest events",
        description="Medians and interval statistics of neurons with fewer events are left empty.",
    )


def neuron_features(
    traces: ArrayLike,
    frame_rate: float,
    events: Events,
    roi_ids: ArrayLike,
    settings: FeatureSettings = FeatureSettings(),
) -> dict[str, NDArray[Any]]:
    """Compute features of each neuron.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        The trace that ``settings.input`` names, ΔF/F as a fraction; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    events : Events
        Events of these neurons.
    roi_ids : (n_rois,) int
        Id of each row.
    settings : FeatureSettings

    Returns
    -------
    dict of str to (n_rois,) array
        One column a feature, in the order of `roi_ids`; float64 if not said otherwise, NaN where undefined.

        - ``roi_id``, ``n_events`` : int64
        - ``event_rate_per_min`` : events over the time recorded (missing samples do not count)
        - ``amplitude_median`` : in the unit of the events
        - ``rise_s_median`` : onset to peak
        - ``decay_s_median`` : peak until 1/e of the amplitude is left
        - ``fwhm_s_median`` : full width at half of the amplitude
        - ``inter_event_interval_s_median``, ``inter_event_interval_cv`` : from onset to onset; standard
          deviation over mean, 1 for a Poisson process
        - ``burstiness`` : (cv − 1) / (cv + 1) corrected for the number of intervals: −1 regular, 0 Poisson, 1
          bursts
        - ``snr`` : median amplitude over the noise of single samples
        - ``noise_level_percent_per_sqrt_hz`` : see :func:`napari_calcium.numerics.noise.noise_level`

    Raises
    ------
    ValueError
        If traces and ids do not fit, or events name other cells.

    Notes
    -----
    An event is not a spike, and an event rate is no firing rate: weak events are missed and a burst is one
    event. Rates of neurons with different noise do not compare. Intervals across missing samples count as
    they are.

    References
    ----------
    Burstiness for short trains: Kim & Jo (2016), Physical Review E 94, 032311,
    https://doi.org/10.1103/PhysRevE.94.032311, after Goh & Barabási (2008), EPL 81, 48002,
    https://doi.org/10.1209/0295-5075/81/48002
    """
    values = check_traces(traces)
    rate = check_frame_rate(frame_rate)
    ids = np.asarray(roi_ids, dtype=np.int64)
    if ids.shape != values.shape[:1]:
        raise ValueError(
            f"roi_ids must have one id for each of the {len(values)} traces, got shape {ids.shape}"
        )
    from napari_calcium.events.shape import measure_shapes

    row = events.rows(ids)
    order = np.lexsort((events.onset_s, row))
    row, onset = row[order], np.asarray(events.onset_s)[order]
    shape = measure_shapes(values, rate, row, onset)
    groups = _Groups(row, len(ids), settings.min_events)
    n_events = np.bincount(row, minlength=len(ids)).astype(np.int64)
    minutes = np.count_nonzero(~np.isnan(values), axis=1) / rate / 60.0
    amplitude = groups.median(np.asarray(events.amplitude)[order])
    noise = noise_sd(values)
    return {
        "roi_id": ids,
        "n_events": n_events,
        "event_rate_per_min": _ratio(n_events, minutes),
        "amplitude_median": amplitude,
        "rise_s_median": groups.median(shape.rise_s),
        "decay_s_median": groups.median(shape.decay_s),
        "fwhm_s_median": groups.median(np.asarray(events.fwhm_s)[order]),
        **_interval_features(groups, onset),
        "snr": _ratio(amplitude, noise),
        "noise_level_percent_per_sqrt_hz": noise_level(values, rate),
    }


def recording_features(
    features: dict[str, NDArray[Any]], n_frames: int, frame_rate: float
) -> dict[str, float]:
    """Summarise a recording.

    Parameters
    ----------
    features : dict
        What :func:`neuron_features` returned.
    n_frames : int
        Length of the recording.
    frame_rate : float
        In Hz.

    Returns
    -------
    dict of str to float
        ``duration_s``, ``n_neurons``, ``n_active_neurons`` (at least one event), ``n_events``, and the median
        over neurons of every other feature, under the feature's own name; NaN where no neuron has a value.
    """
    summary = {
        "duration_s": n_frames / check_frame_rate(frame_rate),
        "n_neurons": float(len(features["roi_id"])),
        "n_active_neurons": float(np.count_nonzero(features["n_events"])),
        "n_events": float(features["n_events"].sum()),
    }
    for name, column in features.items():
        if name not in ("roi_id", "n_events"):
            summary[name] = _median(column)
    return summary


class _Groups:
    """Values of events, neuron by neuron."""

    def __init__(self, row: NDArray[np.int64], n_rows: int, fewest: int) -> None:
        self._bounds = np.searchsorted(row, np.arange(n_rows + 1))
        self._fewest = fewest

    def each(self, values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return each neuron's values; none for a neuron with too few events."""
        parts = [values[a:b] for a, b in zip(self._bounds[:-1], self._bounds[1:], strict=True)]
        return [part if len(part) >= self._fewest else part[:0] for part in parts]

    def median(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each neuron's median of the values that are not NaN."""
        return np.array([_median(part) for part in self.each(values)], np.float64)


def _interval_features(groups: _Groups, onset: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the statistics of the intervals from onset to onset; they need two intervals."""
    intervals = [np.diff(part) for part in groups.each(onset)]
    cv = np.array([_cv(part) for part in intervals], np.float64)
    count = np.array([len(part) for part in intervals], np.float64)
    return {
        "inter_event_interval_s_median": np.array([_median(part) for part in intervals], np.float64),
        "inter_event_interval_cv": cv,
        "burstiness": _burstiness(cv, count),
    }


def _burstiness(cv: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Kim & Jo's finite-size burstiness: about 0 on average for a Poisson train of any length."""
    more, less = np.sqrt(n + 1), np.sqrt(np.maximum(n - 1, 0))
    return _ratio(more * cv - less, (more - 2) * cv + less)


def _cv(intervals: NDArray[np.float64]) -> float:
    """Return standard deviation over mean, NaN for fewer than two intervals."""
    if len(intervals) < 2 or intervals.mean() == 0:
        return float("nan")
    return float(intervals.std() / intervals.mean())


def _median(values: NDArray[Any]) -> float:
    present = values[~np.isnan(values)]
    return float(np.median(present)) if len(present) else float("nan")


def _ratio(above: NDArray[Any], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide, with NaN where the divisor is 0 or either is missing."""
    result = np.full(len(below), np.nan)
    np.divide(above, below, out=result, where=below != 0)
    return result
