"""What the animal did, and how neurons relate to it: immutable tables, as the results folder names them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.results import Table, freeze, same_array

__all__ = [
    "Behaviour",
    "BehaviourFile",
    "Decoding",
    "DecodingScores",
    "Epochs",
    "Preferences",
    "Relations",
    "Responses",
    "Signal",
    "Triggered",
    "Tuned",
    "Tuning",
    "TuningCurve",
    "TuningMap",
]


def _none(dtype: type) -> Any:
    return field(default_factory=lambda: np.empty(0, dtype))


class _TextTable(Table):
    """A table with columns of texts, which are equal whatever room their longest one takes."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray) and value.dtype.kind in "UO":
                object.__setattr__(self, item.name, np.array([str(v) for v in value], np.str_))
        super().__post_init__()


class _Arrays:
    """Values compare, where NaN equals NaN; arrays are read-only."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, item.name, freeze(value))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        names = [item.name for item in fields(self)]  # type: ignore[arg-type]
        return all(_equal(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # type: ignore[assignment]


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return same_array(a, b)
    return bool(a == b or (isinstance(a, float) and isinstance(b, float) and a != a and b != b))


@dataclass(frozen=True, eq=False)
class Signal(_Arrays):
    """One measured quantity on the clock it was measured with.

    Attributes
    ----------
    name, unit : str
        ``"speed"`` and ``"cm/s"``; the unit is empty where the file does not tell it.
    time_s : (n_samples,) float64
        Ascending, in seconds of the clock of the file.
    values : (n_samples,) float64
        NaN where a sample is missing.
    """

    name: str
    unit: str
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.time_s.ndim != 1 or self.time_s.shape != self.values.shape:
            raise ValueError(
                f"signal {self.name!r}: times and values must be one-dimensional and equally long, "
                f"got {self.time_s.shape} and {self.values.shape}"
            )
        if not (np.isfinite(self.time_s).all() and (np.diff(self.time_s) > 0).all()):
            raise ValueError(f"signal {self.name!r}: times must be known and ascending; sort the samples")


@dataclass(frozen=True, eq=False)
class Epochs(_TextTable):
    """Stretches of time with a label (a stimulus, a trial), in order of their start.

    Attributes
    ----------
    label : (n_epochs,) str
    start_s, end_s : (n_epochs,) float64
        In seconds; a moment (a lick, a reward) ends where it starts.
    """

    label: NDArray[np.str_] = _none(np.str_)
    start_s: NDArray[np.float64] = _none(np.float64)
    end_s: NDArray[np.float64] = _none(np.float64)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels there are, each once, in the order in which they first come."""
        return tuple(dict.fromkeys(self.label.tolist()))

    def of(self, label: str) -> Epochs:
        """Return the epochs of one label."""
        return self.take(self.label == label)


@dataclass(frozen=True, eq=False)
class BehaviourFile(_Arrays):
    """What files say of the behaviour, on their own clock.

    Attributes
    ----------
    signals : tuple of Signal
    epochs : Epochs
    pulse_s : (n_pulses,) float64
        Synchronisation pulses as the computer of the behaviour recorded them.
    recording_pulse_s : (n_recorded,) float64
        The same pulses in seconds from the start of the first frame, as the microscope recorded them.
    frame_s : (n_frames_seen,) float64
        Start of each frame of the microscope, as the computer of the behaviour recorded it.
    """

    signals: tuple[Signal, ...] = ()
    epochs: Epochs = field(default_factory=Epochs)
    pulse_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    recording_pulse_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    frame_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def span_s(self) -> tuple[float, float]:
        """First and last moment of which signals or epochs tell something; (NaN, NaN) where there is none."""
        times = [t for s in self.signals if len(s.time_s) for t in (s.time_s[0], s.time_s[-1])]
        if len(self.epochs):
            times += [float(self.epochs.start_s.min()), float(self.epochs.end_s.max())]
        return (float(min(times)), float(max(times))) if times else (float("nan"), float("nan"))


@dataclass(frozen=True, eq=False)
class Behaviour(_Arrays):
    """Behaviour on the clock of the recording.

    Attributes
    ----------
    names, units : tuple of str
        Of the signals.
    values : (n_signals, n_frames) float64
        Each signal at each frame; NaN where it is not known.
    epochs : Epochs
        In seconds from the start of the first frame.
    weights : (n_signals, n_rois) float64
        How much each neuron's trace makes up of a signal that is made of the neurons themselves (a stand-in
        for behaviour); 0 for signals that were measured.
    made_of : str
        Trace of which the stand-ins are made; empty where there are none.
    offset_s, drift_ppm : float
        Recording's time = offset + (1 + drift / 10⁶) × file's time.
    residual_s : float
        Root mean square by which pulses or frames miss that line; NaN where there were none.
    covered : float
        Share of the recording, 0 to 1, of which some signal or epoch tells.
    """

    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    epochs: Epochs = field(default_factory=Epochs)
    weights: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    made_of: str = ""
    offset_s: float = 0.0
    drift_ppm: float = 0.0
    residual_s: float = float("nan")
    covered: float = 0.0

    @property
    def stand_ins(self) -> tuple[bool, ...]:
        """For each signal whether it is made of the neurons themselves."""
        return tuple(bool(np.any(row != 0)) for row in self.weights)

    @property
    def measured(self) -> tuple[int, ...]:
        """Places of the signals that were measured."""
        return tuple(k for k, made in enumerate(self.stand_ins) if not made)

    def title(self, signal: int) -> str:
        """Return a signal's name with its unit, as axes show it."""
        unit = self.units[signal]
        return f"{self.names[signal]} ({unit})" if unit else self.names[signal]


@dataclass(frozen=True, eq=False)
class Relations(_TextTable):
    """How each subject goes with each signal.

    A subject is a neuron (`kind` ``"neuron"``, `id` its ROI), an ensemble's activation (``"ensemble"``) or
    the mean of all neurons (``"population"``, id −1).

    Attributes
    ----------
    kind, signal : (n,) str
    id : (n,) int64
    correlation : (n,) float64
        Pearson correlation without lag; NaN where undefined.
    lag_s : (n,) float64
        Lag at which the correlation is farthest from 0; above 0 the subject follows the signal.
    correlation_at_lag : (n,) float64
    p_value, q_value : (n,) float64
        Of the relation within the lags allowed, against circular shifts of the signal; q over all subjects
        of a kind and all signals.
    input : str
        What was correlated: ``"denoised"``, ``"events"`` …
    max_lag_s : float
    """

    kind: NDArray[np.str_] = _none(np.str_)
    id: NDArray[np.int64] = _none(np.int64)
    signal: NDArray[np.str_] = _none(np.str_)
    correlation: NDArray[np.float64] = _none(np.float64)
    lag_s: NDArray[np.float64] = _none(np.float64)
    correlation_at_lag: NDArray[np.float64] = _none(np.float64)
    p_value: NDArray[np.float64] = _none(np.float64)
    q_value: NDArray[np.float64] = _none(np.float64)
    input: str = ""
    max_lag_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Tuned(_TextTable):
    """How much each subject tells of each signal, a row a subject and signal.

    Attributes
    ----------
    kind, signal : (n,) str
        A place map's signal is ``"x × y"``.
    id : (n,) int64
    preferred, preferred_y : (n,) float64
        Centre of the bin in which it is most active, in the unit of the signal; the second is NaN except for
        place maps.
    information_bits : (n,) float64
        Skaggs' information per unit of activity.
    information_by_chance_bits : (n,) float64
        Mean of the same over circular shifts of the behaviour: how much of it is bias.
    p_value, q_value : (n,) float64
    """

    kind: NDArray[np.str_] = _none(np.str_)
    id: NDArray[np.int64] = _none(np.int64)
    signal: NDArray[np.str_] = _none(np.str_)
    preferred: NDArray[np.float64] = _none(np.float64)
    preferred_y: NDArray[np.float64] = _none(np.float64)
    information_bits: NDArray[np.float64] = _none(np.float64)
    information_by_chance_bits: NDArray[np.float64] = _none(np.float64)
    p_value: NDArray[np.float64] = _none(np.float64)
    q_value: NDArray[np.float64] = _none(np.float64)


@dataclass(frozen=True, eq=False)
class TuningCurve(_Arrays):
    """Mean activity of every subject at each value of a signal.

    Attributes
    ----------
    signal, unit : str
    edges : (n_bins + 1,) float64
        In the unit of the signal; values beyond the ends count into the first and last bin.
    occupancy_s : (n_bins,) float64
        Seconds spent in each bin.
    mean : (n_subjects, n_bins) float64
        NaN in bins that were visited too shortly.
    """

    signal: str
    unit: str
    edges: NDArray[np.float64]
    occupancy_s: NDArray[np.float64]
    mean: NDArray[np.float64]

    @property
    def centres(self) -> NDArray[np.float64]:
        """Middle of each bin."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])


@dataclass(frozen=True, eq=False)
class TuningMap(_Arrays):
    """Mean activity of every subject at each place.

    Attributes
    ----------
    x, y : str
        Names of the signals.
    x_unit, y_unit : str
    x_edges, y_edges : (n_x + 1,), (n_y + 1,) float64
    occupancy_s : (n_y, n_x) float64
        Seconds in each bin, not smoothed.
    mean : (n_subjects, n_y, n_x) float64
        Activity over time, both smoothed; NaN in bins that were visited too shortly.
    """

    x: str
    y: str
    x_unit: str
    y_unit: str
    x_edges: NDArray[np.float64]
    y_edges: NDArray[np.float64]
    occupancy_s: NDArray[np.float64]
    mean: NDArray[np.float64]

    @property
    def signal(self) -> str:
        """What the table of tuned subjects calls it."""
        return f"{self.x} × {self.y}"


@dataclass(frozen=True, eq=False)
class Tuning(_Arrays):
    """Tuning curves and place maps, with how much each subject tells.

    Attributes
    ----------
    kind : tuple of str
        Of the subjects, in the order of the rows of curves and map.
    id : (n_subjects,) int64
    tuned : Tuned
    curves : tuple of TuningCurve
    map : TuningMap or None
    input, unit : str
        Activity that was averaged, and its unit.
    """

    kind: tuple[str, ...] = ()
    id: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    tuned: Tuned = field(default_factory=Tuned)
    curves: tuple[TuningCurve, ...] = ()
    map: TuningMap | None = None
    input: str = ""
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Responses(_TextTable):
    """What each subject does after each kind of event, a row a subject and label.

    Attributes
    ----------
    kind, label : (n,) str
    id : (n,) int64
    n_trials : (n,) int64
        Events whose window lies inside of the recording and holds a known sample.
    response : (n,) float64
        Mean after the event minus mean before it, in the unit of the activity.
    peak_s : (n,) float64
        When the average is farthest from the level before the event, in seconds from the event.
    p_value, q_value : (n,) float64
        Two-sided, against events moved by random times.
    """

    kind: NDArray[np.str_] = _none(np.str_)
    id: NDArray[np.int64] = _none(np.int64)
    label: NDArray[np.str_] = _none(np.str_)
    n_trials: NDArray[np.int64] = _none(np.int64)
    response: NDArray[np.float64] = _none(np.float64)
    peak_s: NDArray[np.float64] = _none(np.float64)
    p_value: NDArray[np.float64] = _none(np.float64)
    q_value: NDArray[np.float64] = _none(np.float64)


@dataclass(frozen=True, eq=False)
class Triggered(_Arrays):
    """Averages around events, with confidence bands.

    Attributes
    ----------
    kind : tuple of str
        Of the subjects, in the order of the rows.
    id : (n_subjects,) int64
    labels : tuple of str
        Kinds of events.
    time_s : (n_lags,) float64
        From the event.
    mean, low, high : (n_labels, n_subjects, n_lags) float64
        Average, and the ends of its pointwise confidence interval; NaN with fewer than two trials.
    responses : Responses
    confidence_percent : float
    input, unit : str
        Activity that was averaged, and its unit.
    """

    kind: tuple[str, ...] = ()
    id: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    labels: tuple[str, ...] = ()
    time_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    mean: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0, 0)))
    low: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0, 0)))
    high: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0, 0)))
    responses: Responses = field(default_factory=Responses)
    confidence_percent: float = 95.0
    input: str = ""
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Preferences(_TextTable):
    """Which epochs each ensemble and each neuron prefers, a row a subject and label.

    Attributes
    ----------
    kind, label : (n,) str
    id : (n,) int64
    n_inside : (n,) int64
        Activations (of a neuron: events) inside of epochs of the label.
    n_total : (n,) int64
    share_of_time : (n,) float64
        Share of the recording that the epochs of the label take.
    enrichment : (n,) float64
        Rate inside over the rate in the whole recording: 1 is no preference; NaN without activations.
    p_value, q_value : (n,) float64
        Two-sided, against circular shifts of the epochs.
    """

    kind: NDArray[np.str_] = _none(np.str_)
    id: NDArray[np.int64] = _none(np.int64)
    label: NDArray[np.str_] = _none(np.str_)
    n_inside: NDArray[np.int64] = _none(np.int64)
    n_total: NDArray[np.int64] = _none(np.int64)
    share_of_time: NDArray[np.float64] = _none(np.float64)
    enrichment: NDArray[np.float64] = _none(np.float64)
    p_value: NDArray[np.float64] = _none(np.float64)
    q_value: NDArray[np.float64] = _none(np.float64)


@dataclass(frozen=True, eq=False)
class DecodingScores(_TextTable):
    """How well behaviour can be told from activity, a row a target and source.

    Attributes
    ----------
    target, source, measure : (n,) str
        Signal or label of epochs; ``"neurons"`` or ``"ensembles"``; ``"r2"`` for signals, and
        ``"balanced_accuracy"`` for epochs.
    n_features : (n,) int64
    score : (n,) float64
        On data that the decoder has not seen.
    chance, chance_95 : (n,) float64
        Mean and 95th percentile of the score on circularly shifted behaviour.
    p_value : (n,) float64
    """

    target: NDArray[np.str_] = _none(np.str_)
    source: NDArray[np.str_] = _none(np.str_)
    measure: NDArray[np.str_] = _none(np.str_)
    n_features: NDArray[np.int64] = _none(np.int64)
    score: NDArray[np.float64] = _none(np.float64)
    chance: NDArray[np.float64] = _none(np.float64)
    chance_95: NDArray[np.float64] = _none(np.float64)
    p_value: NDArray[np.float64] = _none(np.float64)


@dataclass(frozen=True, eq=False)
class Decoding(_Arrays):
    """Scores of the decoders, and what they said of data they had not seen.

    Attributes
    ----------
    scores : DecodingScores
    time_s : (n_bins,) float64
        Centre of each bin.
    observed, predicted : (n_rows_of_scores, n_bins) float64
        In the unit of the signal; for epochs 0 or 1, and a probability. NaN where not known.
    """

    scores: DecodingScores = field(default_factory=DecodingScores)
    time_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    observed: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    predicted: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
