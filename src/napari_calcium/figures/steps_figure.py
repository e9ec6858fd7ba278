"""The processing of a few neurons, step by step: raw with F0, ΔF/F, without background, denoised, events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import baseline_note, trace_label, unit_scale
from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.figures.decimate import outline
from napari_calcium.figures.drawing import WIDTH, draw_message, note_size, time_axis, width_of
from napari_calcium.figures.example_cells import busiest_span, example_cells
from napari_calcium.figures.palette import BASELINE_COLOR, EVENT_COLOR, TRACE_COLORS
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["Step", "StepsData", "draw_steps", "prepare_steps", "steps_size"]

_CELL_WIDTH = 1.9
"""Inches that the panels of one cell need at least, with their labels."""
_TICK_WIDTH = 0.45
"""Inches from one tick of the time axis to the next, at least."""

_TITLES = {
    "raw": "Raw",
    "dff": "ΔF/F",
    "background_corrected": "Background removed",
    "denoised": "Denoised",
}


@dataclass(frozen=True)
class Step:
    """One step of some cells.

    Attributes
    ----------
    name : str
        Name of the trace: ``"raw"``, ``"dff"`` …
    title, label : str
        What it is called, and its axis with the unit.
    time_s, values : tuple of (n_points,) arrays
        A line for each cell, in the unit of the label.
    baseline_time_s, baseline : tuple of (n_points,) arrays
        F0 on the raw trace; empty where there is none.
    """

    name: str
    title: str
    label: str
    time_s: tuple[NDArray[np.float64], ...]
    values: tuple[NDArray[np.float32], ...]
    baseline_time_s: tuple[NDArray[np.float64], ...] = ()
    baseline: tuple[NDArray[np.float32], ...] = ()


@dataclass(frozen=True)
class StepsData:
    """What the figure of the processing steps shows.

    Attributes
    ----------
    roi_ids : tuple of int
    cell_labels : tuple of str
    steps : tuple of Step
        In the order in which they were made.
    onset_s : tuple of (n_events,) float64
        Onsets of each cell's events within the span.
    span : (float, float)
        Seconds shown.
    note : str
        How F0 was taken.
    message : str
        Why there is nothing to show; empty otherwise.
    bad_s : (n_spans, 2) float64
        Seconds in which frames are bad.
    """

    roi_ids: tuple[int, ...]
    cell_labels: tuple[str, ...]
    steps: tuple[Step, ...]
    onset_s: tuple[NDArray[np.float64], ...]
    span: tuple[float, float]
    note: str
    message: str = ""
    bad_s: NDArray[np.float64] = field(default_factory=no_spans)


def prepare_steps(
    recording: Recording,
    roi_ids: Sequence[int] | None = None,
    span: tuple[float, float] | None = None,
    *,
    pixels: int = 900,
) -> StepsData:
    """Gather every step of a few cells.

    Parameters
    ----------
    recording : Recording
    roi_ids : sequence of int, optional
        By default three cells, from lively to average.
    span : (start, stop) in seconds, optional
        By default the two minutes in which these cells have most events.
    pixels : int
        Width of a panel; lines keep the extremes of each pixel.
    """
    cells = example_cells(recording, 3) if roi_ids is None else tuple(int(k) for k in roi_ids)
    rows = recording.rows(cells)
    cells = tuple(int(k) for k in recording.roi_ids[rows])
    names = [name for name in _TITLES if name in recording.traces]
    if not cells or not names or not recording.frame_rate:
        return StepsData((), (), (), (), (0.0, 0.0), "", _why(recording, names))
    shown = span or busiest_span(recording, cells, 120.0)
    steps = tuple(_step(recording, name, rows, shown, pixels) for name in names)
    labels = tuple(f"Neuron {recording.cell_name(k)}" for k in cells)
    onsets, note = _onsets(recording, cells, shown), baseline_note(recording)
    return StepsData(cells, labels, steps, onsets, shown, note, bad_s=bad_spans(recording))


def _why(recording: Recording, names: list[str]) -> str:
    if not recording.n_rois:
        return "The recording has no neurons."
    return "There are no traces yet." if not names else "The frame rate is not known."


def _step(
    recording: Recording, name: str, rows: NDArray[np.int64], span: tuple[float, float], pixels: int
) -> Step:
    time, values = _lines(recording, name, rows, span, pixels)
    title, label = _TITLES[name], trace_label(recording, name)
    if name != "raw" or "baseline" not in recording.traces:
        return Step(name, title, label, time, values)
    return Step(name, title, label, time, values, *_lines(recording, "baseline", rows, span, pixels))


def _lines(
    recording: Recording, name: str, rows: NDArray[np.int64], span: tuple[float, float], pixels: int
) -> tuple[tuple[NDArray[np.float64], ...], tuple[NDArray[np.float32], ...]]:
    rate = recording.frame_rate or 1.0
    trace = recording.traces[name]
    start, stop = int(np.floor(span[0] * rate)), int(np.ceil(span[1] * rate))
    found = outline(trace.values[rows], pixels, start=max(start, 0), stop=stop)
    scale = np.float32(unit_scale(trace.unit)[0])
    return tuple(found.frames / rate), tuple(found.values * scale)


def _onsets(
    recording: Recording, cells: tuple[int, ...], span: tuple[float, float]
) -> tuple[NDArray[np.float64], ...]:
    """Return the onsets of each cell's events within the span."""
    events = recording.events
    if events is None:
        return (np.empty(0),) * len(cells)
    inside = (events.onset_s >= span[0]) & (events.onset_s <= span[1])
    return tuple(events.onset_s[inside & (events.roi_id == cell)] for cell in cells)


def steps_size(data: StepsData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, 0.7 + 1.15 * max(len(data.steps), 1)


def draw_steps(figure: Figure | SubFigure, data: StepsData) -> None:
    """Draw a column for each cell and a row for each step; ΔF/F panels of a cell share their scale.

    A narrow figure shows the first cells only.
    """
    if data.message:
        return draw_message(figure, "Processing steps", data.message)
    shown = min(len(data.roi_ids), max(1, int(width_of(figure) / _CELL_WIDTH)))
    panels = figure.subplots(len(data.steps), shown, squeeze=False, sharex=True)
    for column, label in enumerate(data.cell_labels[:shown]):
        panels[0, column].set_title(label, pad=14 if data.steps[0].baseline else 6)
        for row in range(len(data.steps)):
            _draw_step(panels[row, column], data, row, column)
        _share_scale(panels[:, column], data)
    # As many as have room from the start: those that come when all is laid out hang over the page.
    panels[0, 0].locator_params(axis="x", nbins=max(2, int(width_of(figure) / shown / _TICK_WIDTH)))
    if data.note and "raw" not in {step.name for step in data.steps}:
        figure.supxlabel(data.note, fontsize=note_size())
    return None


def _draw_step(ax: Axes, data: StepsData, row: int, column: int) -> None:
    step, last = data.steps[row], row == len(data.steps) - 1
    scale = time_axis(ax, *data.span, label=last, bad_s=data.bad_s)
    ax.plot(step.time_s[column] / scale.seconds, step.values[column], color=TRACE_COLORS[step.name], lw=0.6)
    if step.baseline:
        at = step.baseline_time_s[column] / scale.seconds
        ax.plot(at, step.baseline[column], color=BASELINE_COLOR, lw=1.1, label=data.note or "F₀")
        if column == 0:
            # It may be wider than its panel; the panels do not make way for it.
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), handlelength=1.2).set_in_layout(False)
    if last and len(data.onset_s[column]):
        _mark_onsets(ax, data.onset_s[column] / scale.seconds)
        if not any(len(onsets) for onsets in data.onset_s[:column]):
            ax.legend(loc="lower right", bbox_to_anchor=(1.0, 0.97), handletextpad=0.1)
    if column == 0:
        ax.set_ylabel(f"{step.title}\n{step.label}" if step.title not in step.label else step.label)
    ax.margins(y=0.08)


def _mark_onsets(ax: Axes, at: NDArray[np.float64]) -> None:
    """Put a tick for each event at the foot of the panel, as below the stacked traces."""
    foot = np.full(len(at), 0.05)
    ax.plot(
        at,
        foot,
        transform=ax.get_xaxis_transform(),
        ls="none",
        marker="|",
        ms=4.0,
        mew=0.8,
        color=EVENT_COLOR,
        label="event onset",
    )


def _share_scale(panels: NDArray[np.object_], data: StepsData) -> None:
    """Give panels of the same unit one scale, so that what a step takes away is seen."""
    for label in {step.label for step in data.steps}:
        same = [ax for ax, step in zip(panels, data.steps, strict=True) if step.label == label]
        limits = np.array([ax.get_ylim() for ax in same])
        for ax in same:
            ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())
