"""How neurons relate to what the animal does: immutable tables, as the results folder names them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_calcium.results.behaviour_results import TextTable
from napari_calcium.results.records import Record
from napari_calcium.results.tables import empty_column

__all__ = [
    "Decoding",
    "DecodingScores",
    "Preferences",
    "Relations",
    "Responses",
    "Triggered",
    "Tuned",
    "Tuning",
    "TuningCurve",
    "TuningMap",
]


@dataclass(frozen=True, eq=False)
class Relations(TextTable):
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

    kind: NDArray[np.str_] = empty_column(np.str_)
    id: NDArray[np.int64] = empty_column(np.int64)
    signal: NDArray[np.str_] = empty_column(np.str_)
    correlation: NDArray[np.float64] = empty_column(np.float64)
    lag_s: NDArray[np.float64] = empty_column(np.float64)
    correlation_at_lag: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    q_value: NDArray[np.float64] = empty_column(np.float64)
    input: str = ""
    max_lag_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Tuned(TextTable):
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

    kind: NDArray[np.str_] = empty_column(np.str_)
    id: NDArray[np.int64] = empty_column(np.int64)
    signal: NDArray[np.str_] = empty_column(np.str_)
    preferred: NDArray[np.float64] = empty_column(np.float64)
    preferred_y: NDArray[np.float64] = empty_column(np.float64)
    information_bits: NDArray[np.float64] = empty_column(np.float64)
    information_by_chance_bits: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    q_value: NDArray[np.float64] = empty_column(np.float64)


@dataclass(frozen=True, eq=False)
class TuningCurve(Record):
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
class TuningMap(Record):
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
class Tuning(Record):
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
class Responses(TextTable):
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

    kind: NDArray[np.str_] = empty_column(np.str_)
    id: NDArray[np.int64] = empty_column(np.int64)
    label: NDArray[np.str_] = empty_column(np.str_)
    n_trials: NDArray[np.int64] = empty_column(np.int64)
    response: NDArray[np.float64] = empty_column(np.float64)
    peak_s: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    q_value: NDArray[np.float64] = empty_column(np.float64)


@dataclass(frozen=True, eq=False)
class Triggered(Record):
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
class Preferences(TextTable):
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
    chance_low, chance_high : (n,) float64
        Between these lie 95 % of the enrichments that shifted epochs give; NaN where nothing can be told.
    """

    kind: NDArray[np.str_] = empty_column(np.str_)
    id: NDArray[np.int64] = empty_column(np.int64)
    label: NDArray[np.str_] = empty_column(np.str_)
    n_inside: NDArray[np.int64] = empty_column(np.int64)
    n_total: NDArray[np.int64] = empty_column(np.int64)
    share_of_time: NDArray[np.float64] = empty_column(np.float64)
    enrichment: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    q_value: NDArray[np.float64] = empty_column(np.float64)
    chance_low: NDArray[np.float64] = empty_column(np.float64)
    chance_high: NDArray[np.float64] = empty_column(np.float64)


@dataclass(frozen=True, eq=False)
class DecodingScores(TextTable):
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

    target: NDArray[np.str_] = empty_column(np.str_)
    source: NDArray[np.str_] = empty_column(np.str_)
    measure: NDArray[np.str_] = empty_column(np.str_)
    n_features: NDArray[np.int64] = empty_column(np.int64)
    score: NDArray[np.float64] = empty_column(np.float64)
    chance: NDArray[np.float64] = empty_column(np.float64)
    chance_95: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)


@dataclass(frozen=True, eq=False)
class Decoding(Record):
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
