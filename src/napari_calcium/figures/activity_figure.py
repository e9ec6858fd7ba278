"""All neurons in true bins, in an order that may have been made on other time, with the population below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import counted, unit_scale
from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.figures.decimate import pool_mean
from napari_calcium.figures.drawing import draw_message, rows_size, time_axis
from napari_calcium.figures.row_order import display_order
from napari_calcium.numerics.binning import event_frames
from napari_calcium.population.binned_activity import Activity, bin_events, bin_traces
from napari_calcium.population.population_activity import RateHistogram, rate_histogram
from napari_calcium.recording import Recording
from napari_calcium.results.population_results import CellOrder, PopulationActivity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "ORDER_WORDS",
    "ActivityData",
    "activity_size",
    "binned",
    "draw_activity",
    "event_rates",
    "prepare_activity",
    "quantity_label",
]

ORDER_WORDS = {
    "chain": "along a chain of likeness",
    "hierarchical": "by hierarchical clustering",
    "component": "by a principal component",
    "population": "by population coupling",
    "signal": "by correlation with a cell",
    "behaviour": "by correlation with behaviour",
    "rate": "by mean activity",
    "ensemble": "by ensemble",
    "id": "as in the file",
}


def quantity_label(name: str, unit: str, statistic: str = "") -> str:
    """Return the label of an axis: ``"Mean ΔF/F (%)"``, ``"Mean events (events/s)"``."""
    shown = unit_scale(unit)[1]
    quantity = {"events": "event rate", "spikes": "spike rate", "raw": "F"}.get(name, "ΔF/F")
    words = f"{statistic} {quantity}".strip()
    return f"{words[:1].upper()}{words[1:]} ({shown})"


def binned(recording: Recording, name: str, bin_s: float) -> Activity:
    """Return the activity of all neurons in bins of about `bin_s` seconds; events as rates of onsets."""
    rate = recording.frame_rate or 1.0
    if name == "events" and recording.events is not None:
        frames = event_frames(recording.events.onset_s, rate, max(1, recording.n_frames))
        rows = recording.events.rows(recording.roi_ids)
        values, width = bin_events(rows, frames, recording.n_rois, recording.n_frames, rate, bin_s)
        return Activity(values, width, name, "events/s")
    trace = recording.traces[name]
    values, width = bin_traces(trace.values, rate, bin_s)
    return Activity(values, width, name, trace.unit)


def event_rates(recording: Recording) -> NDArray[np.float64]:
    """Return the events per minute of every neuron; NaN before events were detected."""
    if recording.events is None or recording.duration_s <= 0:
        return np.full(recording.n_rois, np.nan)
    counts = np.bincount(recording.events.rows(recording.roi_ids), minlength=recording.n_rois)
    return np.asarray(counts * 60.0 / recording.duration_s, np.float64)


@dataclass(frozen=True)
class ActivityData:
    """What the figure shows.

    Attributes
    ----------
    image : (n_rows, n_columns) float32
        Mean activity of each pixel's bins and neurons, in the unit of the label.
    n_rois : int
    limits : (low, high)
    label : str
    population : PopulationActivity
    order : str
        In which order the neurons stand.
    held_out_s : (n, 2) float64
        Stretches that had no say in the order; empty where all had.
    rates : RateHistogram
    duration_s : float
    message : str
    bad_s : (n_spans, 2) float64
        Seconds in which frames are bad.
    """

    image: NDArray[np.float32]
    population: PopulationActivity = field(default_factory=PopulationActivity)
    n_rois: int = 0
    limits: tuple[float, float] = (0.0, 1.0)
    label: str = ""
    order: str = ""
    held_out_s: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    rates: RateHistogram = field(default_factory=lambda: rate_histogram([]))
    duration_s: float = 1.0
    message: str = ""
    bad_s: NDArray[np.float64] = field(default_factory=no_spans)


def prepare_activity(recording: Recording, *, height: int = 800, width: int = 1600) -> ActivityData:
    """Bin as the stage did, order as the stage Sorting found, and pool to the pixels of a figure."""
    known = recording.population
    found = known.activity if known is not None else None
    blank = np.empty((0, 0), np.float32)
    if known is None or found is None:
        return ActivityData(blank, message="The activity of the population has not been computed yet.")
    if not recording.n_rois or (found.input not in recording.traces and found.input != "events"):
        return ActivityData(blank, message="The recording has no neurons.")
    activity = binned(recording, found.input, found.bin_s)
    rows = recording.rows(known.sorting.roi_id) if known.sorting is not None else display_order(recording)[0]
    factor = np.float32(unit_scale(found.unit)[0])
    image = pool_mean(pool_mean(activity.values, recording.n_rois, width)[rows], height, width) * factor
    return ActivityData(
        image,
        found,
        recording.n_rois,
        _limits(image, from_zero=found.unit != "a.u."),
        quantity_label(found.input, found.unit),
        _told(known.sorting),
        known.sorting.held_out_s() if known.sorting is not None else np.empty((0, 2)),
        rate_histogram(event_rates(recording)),
        recording.duration_s,
        bad_s=bad_spans(recording),
    )


def _told(order: CellOrder | None) -> str:
    if order is None:
        return "members of an ensemble together"
    return ORDER_WORDS[order.method] + (", made on the dimmed time" if order.block_s else "")


def _limits(image: NDArray[np.float32], *, from_zero: bool) -> tuple[float, float]:
    known = image[np.isfinite(image)]
    if not len(known):
        return 0.0, 1.0
    low = 0.0 if from_zero else float(np.percentile(known, 1))
    high = float(np.percentile(known, 99.5))
    return low, high if high > low else low + 1.0


def activity_size(data: ActivityData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    width, height = rows_size(data.n_rois)
    return width, height + 1.3


def draw_activity(figure: Figure, data: ActivityData) -> None:
    """Draw the heatmap, the population's activity below it, and a histogram of event rates at the side."""
    if data.message:
        return draw_message(figure, "Activity", data.message)
    grid = figure.add_gridspec(2, 2, height_ratios=[3, 1], width_ratios=[4.5, 1])
    top = figure.add_subplot(grid[0, 0])
    below = figure.add_subplot(grid[1, 0], sharex=top)
    scale = time_axis(below, 0, data.duration_s, bad_s=data.bad_s)
    time_axis(top, 0, data.duration_s, label=False, bad_s=data.bad_s)
    shown = top.imshow(
        data.image,
        aspect="auto",
        interpolation="nearest",
        extent=(0, max(data.duration_s, 1e-9) / scale.seconds, data.n_rois - 0.5, -0.5),
        vmin=data.limits[0],
        vmax=data.limits[1],
        cmap="magma",
    )
    _dim(top, data, scale.seconds)
    top.tick_params(labelbottom=False)
    top.set_ylabel("Neuron")
    bin_words = f"bins of {data.population.bin_s:.3g} s"
    top.set_title(f"{counted(data.n_rois, 'neuron')} {data.order}; {bin_words}")
    bar = figure.colorbar(shown, ax=top, pad=0.015, fraction=0.04, extend="max")
    bar.set_label(data.label)
    bar.outline.set_visible(False)
    _population(below, data.population, scale.seconds)
    _rates(figure.add_subplot(grid[:, 1]), data.rates)
    return None


def _dim(ax: Axes, data: ActivityData, seconds: float) -> None:
    """Cover the time that made the order: what is shown beside it is the test."""
    if not len(data.held_out_s):
        return
    edges = np.concatenate([[0.0], data.held_out_s.ravel(), [data.duration_s]])
    for start, stop in zip(edges[::2], edges[1::2], strict=False):
        ax.axvspan(start / seconds, stop / seconds, color="white", alpha=0.65, lw=0)


def _population(ax: Axes, found: PopulationActivity, seconds: float) -> None:
    factor = unit_scale(found.unit)[0]
    ax.plot(found.time_s / seconds, factor * found.activity, color="#b0b0b0", lw=0.4, label="bins")
    ax.plot(found.time_s / seconds, factor * found.smoothed, color="#0072b2", label="smoothed")
    ax.set_ylabel(quantity_label(found.input, found.unit, found.statistic).replace(" (", "\n("))
    ax.legend(loc="upper right", ncols=2)


def _rates(ax: Axes, rates: RateHistogram) -> None:
    if not rates.n_cells.sum():
        ax.set_axis_off()
        return
    ax.stairs(rates.n_cells, rates.edges_per_min, fill=True, color="#8c8c8c", orientation="horizontal")
    ax.axhline(rates.median_per_min, color="#d55e00", lw=0.8)
    ax.set_xlabel("Neurons")
    ax.set_ylabel("Events per minute")
    ax.set_title(f"median {rates.median_per_min:.3g}")
