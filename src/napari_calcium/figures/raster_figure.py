"""Every event of every neuron, as marks, and the traces behind them, as a heatmap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import baseline_note, counted, latest_trace, trace_label, unit_scale
from napari_calcium.figures.decimate import pool_max
from napari_calcium.figures.drawing import MANY_MARKS, draw_message, time_axis
from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "HeatmapData",
    "RasterData",
    "density_image",
    "display_order",
    "draw_heatmap",
    "draw_raster",
    "prepare_heatmap",
    "prepare_raster",
    "raster_size",
]

_INK = "#2b2b2b"

_GAP = "#6a7b8c"
"""Colour of missing samples in the heatmap, which its colour scale does not hold."""

_MOST_LINES = 40_000
"""More events than this are shown as a density of pixels: lines would only cover each other."""

_EVERY_ROW = 8
"""Up to so many neurons each row is numbered."""


@dataclass(frozen=True)
class RasterData:
    """What the event raster shows.

    Attributes
    ----------
    roi_ids : (n_rois,) int64
        Cell of each row, from top to bottom.
    home : (n_rois,) int64
        Ensemble in whose block the row stands, −1 for none.
    event_row : (n_events,) int64
    onset_s : (n_events,) float64
    event_ensemble : (n_events,) int64
        Ensemble in whose activation the event took part, −1 for none.
    duration_s : float
    message : str
        Why there is nothing to show; empty otherwise.
    """

    roi_ids: NDArray[np.int64]
    home: NDArray[np.int64]
    event_row: NDArray[np.int64]
    onset_s: NDArray[np.float64]
    event_ensemble: NDArray[np.int64]
    duration_s: float
    message: str = ""


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
    """

    image: NDArray[np.float32]
    n_rois: int
    duration_s: float
    limits: tuple[float, float]
    label: str
    ordered: bool = False
    note: str = ""
    message: str = ""


def display_order(recording: Recording) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows in the order of display, and for each the ensemble in whose block it stands.

    Members stand together, by ensemble and participation; a cell of several ensembles stands where it takes
    part most. Cells of none follow in the order of the file.
    """
    home = np.full(recording.n_rois, -1)
    best = np.zeros(recording.n_rois)
    if recording.ensembles is not None:
        members = recording.ensembles.members
        members = members.take(np.isin(members.roi_id, recording.roi_ids))
        # In ascending order of participation, so that the highest is written last.
        members = members.take(np.lexsort((-members.ensemble_id, members.participation)))
        rows = recording.rows(members.roi_id)
        home[rows], best[rows] = members.ensemble_id, members.participation
    block = np.where(home < 0, np.iinfo(np.int64).max, home)
    order = np.lexsort((np.arange(recording.n_rois), -best, block))
    return order.astype(np.int64), home[order]


def prepare_raster(recording: Recording) -> RasterData:
    """Gather all events, rows ordered by ensemble where there are ensembles."""
    order, home = display_order(recording)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    events = recording.events
    if events is None or not len(events):
        none = np.empty(0, np.int64)
        why = "No events were found." if events is not None else "Events have not been detected yet."
        ids = recording.roi_ids[order]
        return RasterData(ids, home, none, np.empty(0), none, recording.duration_s, why)
    return RasterData(
        recording.roi_ids[order],
        home,
        place[events.rows(recording.roi_ids)],
        events.onset_s,
        _ensemble_of_events(recording),
        recording.duration_s,
    )


def _ensemble_of_events(recording: Recording) -> NDArray[np.int64]:
    """Return for each event the ensemble of which its cell is a member and which was active around it."""
    assert recording.events is not None
    found = np.full(len(recording.events), -1)
    if recording.ensembles is None:
        return found
    window = recording.coactivity.window_s if recording.coactivity is not None else 0.5
    reach = window / 2 + 1e-9
    for ensemble in recording.ensembles.ids:
        moments = np.sort(recording.ensembles.activations_of(ensemble).time_s)
        if not len(moments):
            continue
        own = np.flatnonzero(
            np.isin(recording.events.roi_id, recording.ensembles.members_of(ensemble).roi_id) & (found < 0)
        )
        onset = recording.events.onset_s[own]
        after = np.searchsorted(moments, onset - reach)
        near = moments[np.minimum(after, len(moments) - 1)]
        found[own[np.abs(near - onset) <= reach]] = ensemble
    return found


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
    )


def _limits(image: NDArray[np.float32], *, from_zero: bool) -> tuple[float, float]:
    filled = image[np.isfinite(image)]
    if not len(filled):
        return 0.0, 1.0
    low = 0.0 if from_zero else float(np.percentile(filled, 1))
    high = float(np.percentile(filled, 99.8))
    return low, high if high > low else low + 1.0


def raster_size(data: RasterData | HeatmapData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    rows = data.n_rois if isinstance(data, HeatmapData) else len(data.roi_ids)
    return 7.2, float(np.clip(1.0 + 0.02 * rows, 2.2, 6.0))


def draw_raster(figure: Figure, data: RasterData) -> None:
    """Draw a mark for each event, in the colour of the ensemble it took part in, else dark."""
    if data.message:
        return draw_message(figure, "Event raster", data.message)
    ax = figure.subplots()
    scale = time_axis(ax, 0, data.duration_s)
    if len(data.onset_s) > _MOST_LINES:
        extent = (0, data.duration_s / scale.seconds, len(data.roi_ids) - 0.5, -0.5)
        ax.imshow(density_image(data), aspect="auto", interpolation="nearest", extent=extent)
    else:
        _mark_events(ax, data, scale.seconds)
    _rows_axis(ax, len(data.roi_ids), ordered=bool((data.home >= 0).any()))
    _blocks(ax, data.home)
    ax.set_title(f"{counted(len(data.onset_s), 'event')} of {counted(len(data.roi_ids), 'neuron')}")
    if (data.event_ensemble >= 0).any():
        note = "coloured: within an activation of the neuron's ensemble"
        ax.set_title(note, loc="right", fontsize=7, color="#555555")
    return None


def density_image(data: RasterData, *, height: int = 900, width: int = 1300) -> NDArray[np.uint8]:
    """Return the raster as a picture of at most `height` × `width` pixels.

    The darker a pixel, the more events it stands for; one that holds an event in an ensemble's activation
    has the colour of that ensemble. The cost is linear in the events, whatever their number.

    Returns
    -------
    (height, width, 3) uint8
    """
    height = min(height, max(len(data.roi_ids), 1))
    row = data.event_row * height // max(len(data.roi_ids), 1)
    column = np.minimum(data.onset_s / max(data.duration_s, 1e-9) * width, width - 1).astype(np.int64)
    pixel = row * width + column
    count = np.bincount(pixel, minlength=height * width)
    full = np.percentile(count[count > 0], 99) if len(pixel) else 1.0
    shade = np.minimum(count / full, 1.0)[:, None] ** 0.7
    image = np.rint(255 + shade * (np.array(rgb(_INK)) - 255)).astype(np.uint8)
    own = np.flatnonzero(data.event_ensemble >= 0)
    palette = {int(k): rgb(ensemble_color(int(k))) for k in np.unique(data.event_ensemble[own])}
    for ensemble, color in palette.items():
        image[pixel[own[data.event_ensemble[own] == ensemble]]] = color
    return image.reshape(height, width, 3)


def _mark_events(ax: Axes, data: RasterData, seconds: float) -> None:
    from matplotlib.collections import LineCollection

    # A mark is never lower than a printed hair, however many rows there are.
    half = max(0.45, 0.0022 * len(data.roi_ids))
    order = np.argsort(data.event_ensemble >= 0, kind="stable")
    x, y = data.onset_s[order] / seconds, data.event_row[order]
    ends = np.stack([np.column_stack([x, y - half]), np.column_stack([x, y + half])], axis=1)
    colors = [_INK if k < 0 else ensemble_color(int(k)) for k in data.event_ensemble[order]]
    width = float(np.clip(2.2 - 0.25 * np.log10(max(len(x), 1)) * 1.6, 0.5, 1.4))
    marks = LineCollection(list(ends), colors=colors, linewidths=width, capstyle="butt")
    marks.set_rasterized(len(x) > MANY_MARKS)
    ax.add_collection(marks, autolim=False)


def _rows_axis(ax: Axes, n_rois: int, *, ordered: bool) -> None:
    """Let row numbers run from the top, as in a list."""
    from matplotlib.ticker import MaxNLocator

    ax.set_ylim(n_rois - 0.5, -0.5)
    if n_rois <= _EVERY_ROW:
        ax.set_yticks(range(n_rois))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_ylabel("Neuron (ordered by ensemble)" if ordered else "Neuron (row)")


def _blocks(ax: Axes, home: NDArray[np.int64]) -> None:
    """Draw a strip right of the rows that shows each ensemble's block in its colour."""
    if not (home >= 0).any():
        return
    strip = np.array([(255, 255, 255) if k < 0 else rgb(ensemble_color(int(k))) for k in home], np.uint8)
    inset = ax.inset_axes((1.006, 0, 0.012, 1))
    inset.imshow(strip[:, None], aspect="auto", interpolation="nearest", extent=(0, 1, len(home) - 0.5, -0.5))
    inset.set_axis_off()
    for ensemble in np.unique(home[home >= 0]):
        rows = np.flatnonzero(home == ensemble)
        if len(rows) < 0.018 * len(home):
            continue
        inset.text(
            1.5, rows.mean(), str(ensemble), color=ensemble_color(int(ensemble)), va="center", fontsize=6.5
        )


def draw_heatmap(figure: Figure, data: HeatmapData) -> None:
    """Draw the traces as an image with its colour scale."""
    if data.message:
        return draw_message(figure, "Activity heatmap", data.message)
    from matplotlib import colormaps

    ax = figure.subplots()
    scale = time_axis(ax, 0, data.duration_s)
    shown = ax.imshow(
        data.image,
        aspect="auto",
        interpolation="nearest",
        extent=(0, max(data.duration_s, 1e-9) / scale.seconds, data.n_rois - 0.5, -0.5),
        vmin=data.limits[0],
        vmax=data.limits[1],
        cmap=colormaps["magma"].with_extremes(bad=_GAP),
    )
    _rows_axis(ax, data.n_rois, ordered=data.ordered)
    bar = figure.colorbar(
        shown, ax=ax, pad=0.015, fraction=0.03, aspect=12 * raster_size(data)[1], extend="max"
    )
    bar.set_label(data.label)
    bar.outline.set_visible(False)
    ax.set_title(f"Activity of {counted(data.n_rois, 'neuron')}")
    gaps = "blue-grey: no data" if np.isnan(data.image).any() else ""
    note = "; ".join(part for part in (data.note, gaps) if part)
    ax.set_title(note, loc="right", fontsize=7, color="#555555")
    return None
