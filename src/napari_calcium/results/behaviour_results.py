"""What the animal did: signals and epochs, immutable, as files and the results folder have them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from napari_calcium.results.records import Record
from napari_calcium.results.tables import Table, empty_column

__all__ = [
    "Behaviour",
    "BehaviourFile",
    "Epochs",
    "Signal",
    "TextTable",
]


class TextTable(Table):
    """A table with columns of texts, which are equal whatever room their longest one takes."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray) and value.dtype.kind in "UO":
                object.__setattr__(self, item.name, np.array([str(v) for v in value], np.str_))
        super().__post_init__()


@dataclass(frozen=True, eq=False)
class Signal(Record):
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
class Epochs(TextTable):
    """Stretches of time with a label (a stimulus, a trial), in order of their start.

    Attributes
    ----------
    label : (n_epochs,) str
    start_s, end_s : (n_epochs,) float64
        In seconds; a moment (a lick, a reward) ends where it starts.
    """

    label: NDArray[np.str_] = empty_column(np.str_)
    start_s: NDArray[np.float64] = empty_column(np.float64)
    end_s: NDArray[np.float64] = empty_column(np.float64)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels there are, each once, in the order in which they first come."""
        return tuple(dict.fromkeys(self.label.tolist()))

    def of(self, label: str) -> Epochs:
        """Return the epochs of one label."""
        return self.take(self.label == label)


@dataclass(frozen=True, eq=False)
class BehaviourFile(Record):
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
class Behaviour(Record):
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
