"""How many neurons are active together, against what chance explains, with the ensemble events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.figures.decimate import outline, pool_mean
from napari_calcium.figures.drawing import (
    MANY_MARKS,
    WIDTH,
    draw_message,
    legend_above,
    legend_height,
    time_axis,
)
from napari_calcium.figures.palette import (
    EXPECTED_COLOR,
    THRESHOLD_COLOR,
    ensemble_color,
)
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "CoactivityData",
    "coactivity_height",
    "coactivity_on",
    "coactivity_size",
    "draw_coactivity",
    "prepare_coactivity",
]

_INK = "#3a3a3a"

_LABELS = [
    "active neurons",
    "expected by chance",
    "threshold",
    "event in no ensemble",
    "event in an ensemble, in its colour",
]

_SHOWN_COLORS = 3
"""How many ensembles' colours stand in the legend for all of them."""


@dataclass(frozen=True)
class CoactivityData:
    """What the coactivity plot shows; counts and threshold keep the extremes of each pixel.

    Attributes
    ----------
    time_s, active_neurons : (n_points,) arrays
        Centre of a window, and how many neurons were active in it.
    expected_time_s, expected : (n_points,) arrays
        Mean under the null, averaged over a few pixels; empty before the test.
    threshold_time_s, threshold : (n_points,) arrays
        More active neurons than this are significant; empty before the test.
    event_time_s : (n_ensemble_events,) float64
    event_neurons : (n_ensemble_events,) int64
    event_ensemble : (n_ensemble_events,) int64
        −1 for events that belong to no ensemble.
    window_s, duration_s : float
    by_chance : float
        Ensemble events that chance alone would give; NaN where not known.
    message : str
        Why there is nothing to show; empty otherwise.
    bad_s : (n_spans, 2) float64
        Seconds in which frames are bad.
    """

    time_s: NDArray[np.float64]
    active_neurons: NDArray[np.float32]
    expected_time_s: NDArray[np.float64]
    expected: NDArray[np.float32]
    threshold_time_s: NDArray[np.float64]
    threshold: NDArray[np.float32]
    event_time_s: NDArray[np.float64]
    event_neurons: NDArray[np.int64]
    event_ensemble: NDArray[np.int64]
    window_s: float
    duration_s: float
    by_chance: float = float("nan")
    message: str = ""
    bad_s: NDArray[np.float64] = field(default_factory=no_spans)


def prepare_coactivity(recording: Recording, *, pixels: int = 1500) -> CoactivityData:
    """Gather counts, null and ensemble events."""
    table = recording.coactivity
    if table is None or not len(table):
        why = "Coactivity has not been counted yet." if table is None else "There is not one whole window."
        none, empty = np.empty(0), np.empty(0, np.float32)
        whole = np.empty(0, np.int64)
        return CoactivityData(
            none, empty, none, empty, none, empty, none, whole, whole, 0.0, 0.0, message=why
        )
    centres = table.time_s + table.window_s / 2
    events = recording.ensemble_events
    return CoactivityData(
        *_line(centres, table.active_neurons, pixels),
        *_mean_line(centres, table.expected, pixels // 3),
        *_line(centres, table.threshold, pixels),
        event_time_s=np.empty(0) if events is None else events.peak_s,
        event_neurons=np.empty(0, np.int64) if events is None else events.n_neurons,
        event_ensemble=np.empty(0, np.int64) if events is None else events.ensemble_id,
        window_s=table.window_s,
        duration_s=recording.duration_s,
        by_chance=float("nan") if events is None else events.expected_by_chance,
        bad_s=bad_spans(recording),
    )


def _line(
    time_s: NDArray[np.float64], values: NDArray[np.int64] | NDArray[np.float64], pixels: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return a line with the extremes of each pixel; empty where there is no value at all."""
    row = np.asarray(values, np.float32)
    if not np.isfinite(row).any():
        return np.empty(0), np.empty(0, np.float32)
    found = outline(row[None], pixels)
    return time_s[found.frames[0]], found.values[0]


def _mean_line(
    time_s: NDArray[np.float64], values: NDArray[np.float64], points: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return a slow line by its means, which is what an expectation is; empty where it is nowhere known."""
    row = np.asarray(values, np.float32)[None]
    if not np.isfinite(row).any():
        return np.empty(0), np.empty(0, np.float32)
    middle = pool_mean(time_s[None].astype(np.float32), 1, max(points, 1))[0]
    return middle.astype(np.float64), pool_mean(row, 1, max(points, 1))[0]


def coactivity_size(data: CoactivityData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, coactivity_height(data, WIDTH)


def coactivity_height(data: CoactivityData, width: float) -> float:
    """Return the height in inches at a width: a narrow figure has a high legend."""
    return 2.7 + legend_height(_LABELS, width)


def draw_coactivity(figure: Figure | SubFigure, data: CoactivityData) -> None:
    """Draw counts, expectation and threshold, and a marker on every ensemble event in its colour."""
    if data.message:
        return draw_message(figure, "Coactivity", data.message)
    return coactivity_on(figure.subplots(), data)


def coactivity_on(ax: Axes, data: CoactivityData) -> None:
    """Draw coactivity that has something to show on given axes."""
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.ticker import MaxNLocator

    scale = time_axis(ax, 0, data.duration_s, bad_s=data.bad_s)
    legend: dict[str, Any] = {}
    lines = (
        (data.time_s, data.active_neurons, _INK, 0.5),
        (data.expected_time_s, data.expected, EXPECTED_COLOR, 1.2),
        (data.threshold_time_s, data.threshold, THRESHOLD_COLOR, 0.6),
    )
    for label, (at, values, color, width) in zip(_LABELS, lines, strict=False):
        if len(values):
            legend[label] = ax.plot(at / scale.seconds, values, color=color, lw=width, label=label)[0]
    legend |= _mark(ax, data, scale.seconds)
    top = max([1.0, *data.active_neurons[np.isfinite(data.active_neurons)], *data.event_neurons])
    ax.set_ylim(0, 1.1 * float(top))
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_ylabel(f"Active neurons\nin {1000 * data.window_s:.0f} ms")
    legend_above(ax, _title(data), legend, handler_map={tuple: HandlerTuple(ndivide=None, pad=0.1)})


def _mark(ax: Axes, data: CoactivityData, seconds: float) -> dict[str, Any]:
    """Mark events that belong nowhere first, so that the assigned stay in sight; return the legend's part."""
    area = 12.0 if len(data.event_time_s) < 150 else 7.0
    legend: dict[str, Any] = {}
    for assigned, label, size in ((False, _LABELS[3], 0.6 * area), (True, _LABELS[4], area)):
        chosen = (data.event_ensemble >= 0) == assigned
        if not chosen.any():
            continue
        ax.scatter(
            data.event_time_s[chosen] / seconds,
            data.event_neurons[chosen],
            s=size,
            c=[ensemble_color(int(k)) for k in data.event_ensemble[chosen]],
            linewidths=0.25,
            edgecolors="white",
            zorder=3,
            clip_on=False,
            rasterized=int(chosen.sum()) > MANY_MARKS,
        )
        shown = np.unique(data.event_ensemble[chosen])[:_SHOWN_COLORS]
        legend[label] = tuple(
            ax.scatter([], [], s=size, color=ensemble_color(int(k)), linewidths=0) for k in shown
        )
    return legend


def _title(data: CoactivityData) -> str:
    if not len(data.threshold):
        return "Coactivity"
    events = counted(len(data.event_time_s), "ensemble event")
    chance = f"; chance alone would give {data.by_chance:.2g}" if np.isfinite(data.by_chance) else ""
    return f"Coactivity: {events}{chance}"
