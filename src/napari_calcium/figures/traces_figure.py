"""Traces of many neurons above each other, with their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import baseline_note, counted, latest_trace, unit_scale
from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.figures.decimate import outline
from napari_calcium.figures.drawing import MANY_MARKS, WIDTH, draw_message, note_size, set_titles, time_axis
from napari_calcium.figures.example_cells import example_cells
from napari_calcium.figures.palette import EVENT_COLOR, TRACE_COLORS
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["TracesData", "draw_traces", "prepare_traces", "read_for_events", "traces_size"]


@dataclass(frozen=True)
class TracesData:
    """What the figure of stacked traces shows.

    Attributes
    ----------
    roi_ids : tuple of int
        From top to bottom.
    cell_labels : tuple of str
    name : str
        Trace shown: ``"dff"`` …
    quantity, unit : str
        ``"ΔF/F"`` and ``"%"``.
    time_s, values : (n_cells, n_points) arrays
        Lines in the unit above.
    offsets : (n_cells,) float64
        What to add to each line so that they stand above each other.
    levels : (n_cells,) float64
        Where the middle of each line then lies.
    step : float
        Distance of two lines, in the unit.
    event_row : (n_events,) int64
        Line of each event.
    onset_s, peak_s : (n_events,) float64
    duration_s : float
    bar : float
        Height of the scale bar, a round number of the unit.
    note : str
        How F0 was taken.
    message : str
        Why there is nothing to show; empty otherwise.
    start_s : float
        Where the stretch of `duration_s` begins.
    over : tuple of (str, (n_cells, n_points) array, (n_cells, n_points) array)
        Other stages of the same unit, drawn over the first: name, time in seconds, values.
    bad_s : (n_spans, 2) float64
        Seconds in which frames are bad.
    """

    roi_ids: tuple[int, ...]
    cell_labels: tuple[str, ...]
    name: str
    quantity: str
    unit: str
    time_s: NDArray[np.float64]
    values: NDArray[np.float32]
    offsets: NDArray[np.float64]
    levels: NDArray[np.float64]
    step: float
    event_row: NDArray[np.int64]
    onset_s: NDArray[np.float64]
    peak_s: NDArray[np.float64]
    duration_s: float
    bar: float
    note: str = ""
    message: str = ""
    start_s: float = 0.0
    over: tuple[tuple[str, NDArray[np.float64], NDArray[np.float32]], ...] = ()
    bad_s: NDArray[np.float64] = field(default_factory=no_spans)


def prepare_traces(
    recording: Recording,
    roi_ids: Sequence[int] | None = None,
    name: str | None = None,
    *,
    span: tuple[float, float] | None = None,
    over: Sequence[str] = (),
    pixels: int = 1500,
) -> TracesData:
    """Stack the traces of some cells.

    Parameters
    ----------
    recording : Recording
    roi_ids : sequence of int, optional
        From top to bottom; by default 20 cells from lively to average.
    name : str, optional
        Which trace; by default the one the events were found on, else the most processed one that still
        has its noise.
    span : (start, stop) in seconds, optional
        By default the whole recording.
    over : sequence of str
        Traces to draw over it; those of another unit are left out.
    pixels : int
        Width of the picture; lines keep the extremes of each pixel.
    """
    chosen = name or read_for_events(recording) or latest_trace(recording, before="denoised")
    chosen = chosen or latest_trace(recording)
    cells = example_cells(recording, 20) if roi_ids is None else tuple(int(k) for k in roi_ids)
    rows = recording.rows(cells)
    if not len(rows) or chosen is None or not recording.frame_rate:
        why = "The recording has no neurons." if not recording.n_rois else "There are no traces to show."
        none = np.empty(0)
        empty = np.empty((0, 0))
        return TracesData(
            (), (), "", "", "", empty, empty.astype(np.float32), none, none, 1.0, none.astype(np.int64),
            none, none, 0.0, 1.0, message=why,
        )  # fmt: skip
    cells = tuple(int(k) for k in recording.roi_ids[rows])
    trace = recording.traces[chosen]
    factor, unit = unit_scale(trace.unit)
    start, stop = span or (0.0, recording.duration_s)
    rate = recording.frame_rate
    frames = round(start * rate), round(stop * rate)

    def drawn(stage: str) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        some = outline(recording.traces[stage].values[rows], pixels, start=frames[0], stop=frames[1])
        return some.frames / rate, some.values * np.float32(factor)

    time_s, values = drawn(chosen)
    step = _spacing(values)
    levels = -step * np.arange(len(cells), dtype=np.float64)
    row, onset, peak = _events_of(recording, cells, start, stop)
    return TracesData(
        roi_ids=cells,
        cell_labels=tuple(recording.cell_name(k) for k in cells),
        name=chosen,
        quantity=_quantity(chosen, trace.unit),
        unit=unit,
        time_s=time_s,
        values=values,
        offsets=levels - _middles(values),
        levels=levels,
        step=step,
        event_row=row,
        onset_s=onset,
        peak_s=peak,
        duration_s=stop - start,
        bar=_round_number(step),
        note=baseline_note(recording),
        start_s=start,
        bad_s=bad_spans(recording),
        over=tuple(
            (other, *drawn(other))
            for other in over
            if other != chosen and recording.traces[other].unit == trace.unit
        ),
    )


def _quantity(name: str, unit: str) -> str:
    """Return what a trace is called in a title."""
    if name == "spikes":
        return "Inferred spikes" if unit == "spikes/s" else "Deconvolved activity"
    return "ΔF/F" if unit == "ΔF/F" else "F" if name == "raw" else name


def read_for_events(recording: Recording) -> str | None:
    """Return the trace the events were found on, from the log; None where the log does not say."""
    entry = next((e for e in recording.log if e.stage == "events"), None)
    name = None if entry is None else entry.settings.get("input")
    return name if name in recording.traces else None


def _middles(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the median of each line; 0 where it is all NaN."""
    filled = [row[np.isfinite(row)] for row in values]
    return np.array([float(np.median(row)) if len(row) else 0.0 for row in filled])


def _spacing(values: NDArray[np.float32]) -> float:
    """Return a distance that keeps nine of ten lines out of the one above."""
    heights = [np.ptp(row[np.isfinite(row)]) for row in values if np.isfinite(row).any()]
    step = float(np.quantile(heights, 0.9)) if heights else 1.0
    return step if step > 0 else 1.0


def _round_number(limit: float) -> float:
    """Return the largest of 1, 2, 5 × a power of ten that is not above `limit`."""
    power = 10.0 ** np.floor(np.log10(limit))
    return float(max(k * power for k in (1.0, 2.0, 5.0) if k * power <= limit * (1 + 1e-9)))


def _events_of(
    recording: Recording, cells: tuple[int, ...], start: float, stop: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    events = recording.events
    if events is None:
        return np.empty(0, np.int64), np.empty(0), np.empty(0)
    own = np.isin(events.roi_id, cells) & (events.onset_s >= start) & (events.onset_s <= stop)
    place = {cell: row for row, cell in enumerate(cells)}
    row = np.array([place[int(cell)] for cell in events.roi_id[own]], np.int64)
    return row, events.onset_s[own], events.peak_s[own]


def traces_size(data: TracesData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, 0.8 + 0.26 * max(len(data.roi_ids), 4)


def draw_traces(figure: Figure | SubFigure, data: TracesData) -> None:
    """Draw the traces with a tick under each event's onset and a bar for scale."""
    if data.message:
        return draw_message(figure, "Traces", data.message)
    ax = figure.subplots()
    scale = time_axis(ax, data.start_s, data.start_s + data.duration_s, bad_s=data.bad_s)
    color = TRACE_COLORS.get(data.name, TRACE_COLORS["raw"])
    for at, values, offset in zip(data.time_s, data.values, data.offsets, strict=True):
        line = ax.plot(at / scale.seconds, values + offset, color=color, lw=0.5)[0]
        line.set_rasterized(data.values.size > 20 * MANY_MARKS)
    for name, times, values in data.over:
        for at, line_values, offset in zip(times, values, data.offsets, strict=True):
            above = ax.plot(at / scale.seconds, line_values + offset, color=TRACE_COLORS.get(name), lw=0.6)[0]
            above.set_rasterized(values.size > 20 * MANY_MARKS)
    if len(data.event_row):
        ax.plot(
            data.onset_s / scale.seconds,
            data.levels[data.event_row] - 0.3 * data.step,
            ls="none",
            marker="|",
            ms=3.0,
            mew=0.7,
            color=EVENT_COLOR,
            clip_on=False,
            rasterized=len(data.event_row) > MANY_MARKS,
        )
    filled = np.where(np.isfinite(data.values), data.values, -np.inf)
    top = float((filled.max(axis=1, initial=-np.inf) + data.offsets).max())
    ax.set_ylim(
        data.levels[-1] - 0.6 * data.step, max(top, float(data.levels[-1]) + data.bar) + 0.1 * data.step
    )
    ax.set_yticks(data.levels, data.cell_labels)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylabel("Neuron")
    _scale_bar(ax, data)
    marks = f", {counted(len(data.event_row), 'event')}" if len(data.event_row) else ""
    names = ", ".join(name.replace("_", "-") for name, _, _ in data.over)
    with_ = f", {names} over it" if names else ""
    set_titles(ax, f"{data.quantity} of {counted(len(data.roi_ids), 'neuron')}{with_}{marks}", data.note)
    return None


def _scale_bar(ax: Axes, data: TracesData) -> None:
    """Draw the bar just right of the axes, from the level of the last line up."""
    x = 1.012
    bottom = float(data.levels[-1])
    transform = ax.get_yaxis_transform()
    ax.plot([x, x], [bottom, bottom + data.bar], color="black", lw=1.2, transform=transform, clip_on=False)
    ax.text(
        x + 0.008, bottom + data.bar / 2, f"{data.bar:g} {data.unit}", transform=transform, va="center",
        rotation=90, fontsize=note_size(),
    )  # fmt: skip
