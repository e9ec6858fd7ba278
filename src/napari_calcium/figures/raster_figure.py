"""Every event of every neuron, in the colour of the ensemble it took part in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.figures.drawing import (
    MANY_MARKS,
    draw_message,
    note_size,
    rows_axis,
    rows_size,
    set_titles,
    spaced_labels,
    time_axis,
)
from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.figures.row_order import display_order
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["RasterData", "density_image", "draw_raster", "prepare_raster", "raster_on", "raster_size"]

_INK = "#2b2b2b"

_MOST_LINES = 40_000
"""More events than this are shown as a density of pixels: lines would only cover each other."""


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
    bad_s : (n_spans, 2) float64
        Seconds in which frames are bad.
    """

    roi_ids: NDArray[np.int64]
    home: NDArray[np.int64]
    event_row: NDArray[np.int64]
    onset_s: NDArray[np.float64]
    event_ensemble: NDArray[np.int64]
    duration_s: float
    message: str = ""
    bad_s: NDArray[np.float64] = field(default_factory=no_spans)


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
        bad_s=bad_spans(recording),
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


def raster_size(data: RasterData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return rows_size(len(data.roi_ids))


def draw_raster(figure: Figure | SubFigure, data: RasterData) -> None:
    """Draw a mark for each event, in the colour of the ensemble it took part in, else dark."""
    if data.message:
        return draw_message(figure, "Event raster", data.message)
    return raster_on(figure.subplots(), data)


def raster_on(ax: Axes, data: RasterData) -> None:
    """Draw a raster that has events on given axes."""
    scale = time_axis(ax, 0, data.duration_s, bad_s=data.bad_s)
    if len(data.onset_s) > _MOST_LINES:
        extent = (0, data.duration_s / scale.seconds, len(data.roi_ids) - 0.5, -0.5)
        ax.imshow(density_image(data), aspect="auto", interpolation="nearest", extent=extent)
    else:
        _mark_events(ax, data, scale.seconds)
    rows_axis(ax, len(data.roi_ids), ordered=bool((data.home >= 0).any()))
    _blocks(ax, data.home)
    colored = bool((data.event_ensemble >= 0).any())
    note = "coloured: within an activation of the neuron's ensemble" if colored else ""
    set_titles(ax, f"{counted(len(data.onset_s), 'event')} of {counted(len(data.roi_ids), 'neuron')}", note)


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


def _blocks(ax: Axes, home: NDArray[np.int64]) -> None:
    """Draw a strip right of the rows that shows each ensemble's block in its colour."""
    if not (home >= 0).any():
        return
    strip = np.array([(255, 255, 255) if k < 0 else rgb(ensemble_color(int(k))) for k in home], np.uint8)
    inset = ax.inset_axes((1.006, 0, 0.012, 1))
    inset.imshow(strip[:, None], aspect="auto", interpolation="nearest", extent=(0, 1, len(home) - 0.5, -0.5))
    inset.set_axis_off()
    ensembles = np.unique(home[home >= 0]).tolist()
    middles = [float(np.flatnonzero(home == k).mean()) for k in ensembles]
    for k, place, shown in zip(ensembles, middles, spaced_labels(ax, middles, len(home)), strict=True):
        if shown:
            inset.text(1.5, place, str(k), color=ensemble_color(k), va="center", fontsize=note_size())
