"""The traces of all neurons as an image: the activity behind the events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import (
    baseline_note,
    counted,
    latest_trace,
    trace_label,
    unit_scale,
)
from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.figures.decimate import pool_max
from napari_calcium.figures.drawing import draw_message, rows_axis, rows_size, set_titles, time_axis
from napari_calcium.figures.row_order import display_order
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

__all__ = ["HeatmapData", "draw_heatmap", "heatmap_size", "prepare_heatmap"]

_GAP = "#6a7b8c"
"""Colour of missing samples in the heatmap, which its colour scale does not hold."""


@dataclass(frozen=True)
class HeatmapData:
    """What the heatmap of the traces shows.

    Attributes
    ----------
    image : (n_rows, n_columns) float32
        Highest value in each pixel's frames and neurons, in the unit of the label; NaN where none is known.
    n_rois : int
        Rows before pooling.
    duration_s : float
    limits : (low, high)
        Values of the two ends of the colour scale.
    label : str
        Quantity and unit.
    ordered : bool
        Whether members of an ensemble stand together.
    note : str
        How F0 was taken.
    message : str
        Why there is nothing to show; empty otherwise.
    n_frames : int
        Frames before pooling: they are the axis where the frame rate is not known.
    bad_s : (n_spans, 2) float64
        Seconds in which frames are bad.
    """

    image: NDArray[np.float32]
    n_rois: int
    duration_s: float
    limits: tuple[float, float]
    label: str
    ordered: bool = False
    note: str = ""
    message: str = ""
    n_frames: int = 0
    bad_s: NDArray[np.float64] = field(default_factory=no_spans)


def prepare_heatmap(
    recording: Recording, name: str | None = None, *, height: int = 800, width: int = 1600
) -> HeatmapData:
    """Pool traces into an image of at most `height` × `width`; rows stand as in the raster.

    The default trace is the most processed one. Colours end at the 99.8th percentile of the image and begin
    at zero for ΔF/F, else at the first percentile.
    """
    chosen = name or latest_trace(recording)
    if chosen is None or not recording.n_rois:
        why = "The recording has no neurons." if not recording.n_rois else "There are no traces yet."
        return HeatmapData(np.empty((0, 0), np.float32), 0, 0.0, (0.0, 1.0), "", message=why)
    trace = recording.traces[chosen]
    order, home = display_order(recording)
    columns = pool_max(trace.values, recording.n_rois, width)
    image = pool_max(columns[order], height, width) * np.float32(unit_scale(trace.unit)[0])
    return HeatmapData(
        image,
        recording.n_rois,
        recording.duration_s,
        _limits(image, from_zero=trace.unit == "ΔF/F"),
        trace_label(recording, chosen),
        bool((home >= 0).any()),
        baseline_note(recording) if trace.unit == "ΔF/F" else "",
        n_frames=recording.n_frames,
        bad_s=bad_spans(recording),
    )


def _limits(image: NDArray[np.float32], *, from_zero: bool) -> tuple[float, float]:
    filled = image[np.isfinite(image)]
    if not len(filled):
        return 0.0, 1.0
    low = 0.0 if from_zero else float(np.percentile(filled, 1))
    high = float(np.percentile(filled, 99.8))
    return low, high if high > low else low + 1.0


def heatmap_size(data: HeatmapData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return rows_size(data.n_rois)


def draw_heatmap(figure: Figure | SubFigure, data: HeatmapData) -> None:
    """Draw the traces as an image with its colour scale."""
    if data.message:
        return draw_message(figure, "Activity heatmap", data.message)
    from matplotlib import colormaps

    ax = figure.subplots()
    scale = time_axis(ax, 0, data.duration_s, bad_s=data.bad_s)
    length = data.duration_s / scale.seconds
    if not data.duration_s:
        length = max(float(data.n_frames), 1.0)
        ax.set_xlim(0, length)
        ax.set_xlabel("Frame (the frame rate is not known)")
    shown = ax.imshow(
        data.image,
        aspect="auto",
        interpolation="nearest",
        extent=(0, length, data.n_rois - 0.5, -0.5),
        vmin=data.limits[0],
        vmax=data.limits[1],
        cmap=colormaps["magma"].with_extremes(bad=_GAP),
    )
    rows_axis(ax, data.n_rois, ordered=data.ordered)
    bar = figure.colorbar(
        shown, ax=ax, pad=0.015, fraction=0.03, aspect=12 * heatmap_size(data)[1], extend="max"
    )
    bar.set_label(data.label)
    bar.outline.set_visible(False)
    gaps = "blue-grey: no data" if np.isnan(data.image).any() else ""
    note = "; ".join(part for part in (data.note, gaps) if part)
    set_titles(ax, f"Activity of {counted(data.n_rois, 'neuron')}", note)
    return None
