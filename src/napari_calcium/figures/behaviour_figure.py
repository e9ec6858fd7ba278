"""Behaviour below neural activity on one time axis: signals, epochs, and what was decoded of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import latest_trace, unit_scale
from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.figures.decimate import outline
from napari_calcium.figures.drawing import WIDTH, draw_message, legend_above, time_axis
from napari_calcium.figures.epoch_colors import epoch_color, signal_color
from napari_calcium.figures.palette import TRACE_COLORS
from napari_calcium.recording import Recording
from napari_calcium.results.behaviour_results import Behaviour, Epochs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "BehaviourData",
    "SignalLane",
    "behaviour_size",
    "draw_behaviour",
    "prepare_behaviour",
]

_MOST_CELLS = 3
_ALPHA = 0.05
_PAD = 0.08


@dataclass(frozen=True, eq=False)
class SignalLane:
    """One strip of the plot.

    Attributes
    ----------
    name, unit : str
    color : str
        As ``"#rrggbb"``.
    values : (n_frames,) float32
        NaN where not known.
    low, high : float
        Values at the bottom and at the top of the lane.
    is_cell : bool
        Whether it is neural activity.
    told_s, told : (n_bins,) float64
        What a decoder said of the signal from neurons, in its unit; empty where none did better than
        chance.
    """

    name: str
    unit: str
    color: str
    values: NDArray[np.float32]
    low: float
    high: float
    is_cell: bool = False
    told_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    told: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def title(self) -> str:
        """Name with unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, eq=False)
class BehaviourData:
    """What the plot of the behaviour shows.

    Attributes
    ----------
    lanes : tuple of SignalLane
        From top to bottom: neural activity first.
    epochs : Epochs
    frame_rate : float
        Hz.
    duration_s : float
    message : str
        Why there is nothing to show; empty otherwise.
    bad_s : (n_spans, 2) float64
        Seconds in which frames are bad.
    """

    lanes: tuple[SignalLane, ...]
    epochs: Epochs
    frame_rate: float
    duration_s: float
    message: str = ""
    bad_s: NDArray[np.float64] = field(default_factory=no_spans)


def prepare_behaviour(
    recording: Recording, cells: Sequence[int] = (), *, decoded: bool = True
) -> BehaviourData:
    """Gather the signals, below some cells or, where none is given, below the mean of all.

    Parameters
    ----------
    recording : Recording
    cells : sequence of int
        Ids; the first three are shown.
    decoded : bool
        Whether to show what decoders said.
    """
    found = recording.behaviour
    if found is None or not recording.frame_rate:
        why = "The behaviour has not been aligned yet."
        return BehaviourData((), Epochs(), 1.0, 0.0, why)
    # The population's mean need not stand above itself.
    neural = _neural_lanes(recording, cells) if len(cells) or not any(found.stand_ins) else []
    lanes = (*neural, *_signal_lanes(recording, found, decoded))
    return BehaviourData(
        lanes, found.epochs, recording.frame_rate, recording.duration_s, bad_s=bad_spans(recording)
    )


def _neural_lanes(recording: Recording, cells: Sequence[int]) -> list[SignalLane]:
    name = "denoised" if "denoised" in recording.traces else latest_trace(recording)
    if name is None or not recording.n_rois:
        return []
    trace = recording.traces[name]
    factor, unit = unit_scale(trace.unit)
    quantity = "ΔF/F" if trace.unit == "ΔF/F" else "F" if name == "raw" else name
    color = TRACE_COLORS.get(name, TRACE_COLORS["raw"])
    rows = recording.rows(tuple(cells)[:_MOST_CELLS])
    if len(rows):
        names = [f"cell {recording.cell_name(int(recording.roi_ids[row]))}" for row in rows]
        series = [trace.values[row] for row in rows]
    else:
        names = ["mean of all cells"]
        with np.errstate(invalid="ignore"):
            series = [np.asarray(trace.values.mean(axis=0, dtype=np.float64), np.float32)]
    unit = f"{quantity}, {unit}" if unit else quantity
    return [
        _lane(title, unit, color, np.asarray(values * np.float32(factor)), is_cell=True)
        for title, values in zip(names, series, strict=True)
    ]


def _signal_lanes(recording: Recording, found: Behaviour, decoded: bool) -> list[SignalLane]:
    told = recording.decoding if decoded else None
    lanes = []
    for place, (name, unit, values) in enumerate(zip(found.names, found.units, found.values, strict=True)):
        shown = {}
        if told is not None:
            scores = told.scores
            better = (scores.measure == "r2") & (scores.p_value <= _ALPHA)
            own = np.flatnonzero((scores.target == name) & (scores.source == "neurons") & better)
            if len(own):
                shown = {"told_s": told.time_s, "told": told.predicted[own[0]]}
        factor, sign = unit_scale(unit)
        words = f"{unit}, {sign}" if sign != unit else unit
        series = (factor * values).astype(np.float32)
        lanes.append(_lane(name, words, signal_color(place), series, **shown))
    return lanes


def _lane(
    name: str,
    unit: str,
    color: str,
    values: NDArray[np.float32],
    *,
    is_cell: bool = False,
    told_s: NDArray[np.float64] | None = None,
    told: NDArray[np.float64] | None = None,
) -> SignalLane:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if high <= low:
        low, high = low - 0.5, low + 0.5
    nothing = np.empty(0)
    return SignalLane(
        name,
        unit,
        color,
        values,
        low,
        high,
        is_cell,
        nothing if told_s is None else told_s,
        nothing if told is None else told,
    )


def behaviour_size(data: BehaviourData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, 1.0 + 0.62 * max(len(data.lanes), 2)


def draw_behaviour(figure: Figure | SubFigure, data: BehaviourData) -> None:
    """Draw the lanes above each other on one time axis, with the epochs as coloured ground."""
    if data.message:
        return draw_message(figure, "Behaviour", data.message)
    axes = np.atleast_1d(figure.subplots(max(len(data.lanes), 1), 1, sharex=True))
    for place, ax in enumerate(axes):
        last = place == len(axes) - 1
        scale = time_axis(ax, 0, data.duration_s, label=last, bad_s=data.bad_s)
        _shade(ax, data.epochs, scale.seconds)
        ax.tick_params(axis="x", labelbottom=last)
        ax.spines["bottom"].set_visible(last)
        if not last:
            ax.tick_params(axis="x", length=0)
        if data.lanes:
            _draw_lane(ax, data.lanes[place], data.frame_rate, scale.seconds)
        else:
            ax.set_yticks([])
    handles = {label: _patch(place) for place, label in enumerate(data.epochs.labels)}
    if any(len(lane.told) for lane in data.lanes):
        from matplotlib.lines import Line2D

        handles["decoded from neurons"] = Line2D([], [], color="black", lw=0.7)
    legend_above(axes[0], "Behaviour", handles)
    return None


def _draw_lane(ax: Axes, lane: SignalLane, rate: float, seconds: float) -> None:
    points = outline(lane.values[None], 1500)
    ax.plot((points.frames[0] + 0.5) / rate / seconds, points.values[0], color=lane.color, lw=0.6)
    if len(lane.told):
        ax.plot(lane.told_s / seconds, lane.told, color="black", lw=0.5)
    margin = _PAD * (lane.high - lane.low)
    ax.set_ylim(lane.low - margin, lane.high + margin)
    ax.locator_params(axis="y", nbins=3)
    label = f"{lane.name}\n({lane.unit})" if lane.unit else lane.name
    ax.set_ylabel(label, rotation=0, ha="right", va="center")
    ax.yaxis.set_label_coords(-0.06, 0.5)


def _shade(ax: Axes, epochs: Epochs, seconds: float) -> None:
    for place, label in enumerate(epochs.labels):
        own = epochs.of(label)
        long = own.end_s > own.start_s
        for start, end in zip(own.start_s[long], own.end_s[long], strict=True):
            ax.axvspan(start / seconds, end / seconds, color=epoch_color(place), alpha=0.25, lw=0)
        if not long.all():
            ax.vlines(
                own.start_s[~long] / seconds,
                0,
                1,
                transform=ax.get_xaxis_transform(),
                color=epoch_color(place),
                lw=0.4,
                alpha=0.7,
            )


def _patch(place: int) -> object:
    from matplotlib.patches import Patch

    return Patch(color=epoch_color(place), alpha=0.5, lw=0)
