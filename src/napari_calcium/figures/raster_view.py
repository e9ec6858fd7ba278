"""What the raster shows of a recording: levels in an order of neurons, and the ensembles beside them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.raster_levels import TraceLevels, event_levels, trace_levels
from napari_calcium.figures.raster_pyramid import RasterPyramid
from napari_calcium.figures.row_order import display_order
from napari_calcium.figures.row_sorting import RowOrder, sort_rows
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording

__all__ = ["EVENTS", "RasterView", "levels_key", "prepare_view"]

EVENTS = "events"
"""Stands for the raster of events where else a stage of the traces is named."""


@dataclass(frozen=True)
class RasterView:
    """A raster in an order.

    Attributes
    ----------
    pyramid : RasterPyramid
    cells : (n_rois,) int64
        Id of the cell in each row from top to bottom.
    homes : (n_rois,) int64
        Ensemble whose colour stands beside each row, −1 for none.
    frame_rate : float
    activations : dict of int to (n,) float64
        Seconds at which each ensemble was active.
    """

    pyramid: RasterPyramid
    cells: NDArray[np.int64]
    homes: NDArray[np.int64]
    frame_rate: float
    activations: dict[int, NDArray[np.float64]] = field(default_factory=dict)


def levels_key(recording: Recording, stage: str, scaled: bool) -> tuple[object, ...]:
    """Return what the levels are made of; the same objects mean the same levels."""
    if stage == EVENTS:
        return (EVENTS, recording.events, recording.ensembles, recording.roi_ids)
    return (recording.traces[stage], scaled)


def prepare_view(
    recording: Recording,
    stage: str,
    order: RowOrder,
    scaled: bool,
    before: RasterPyramid | None,
    made: TraceLevels | None,
    on_progress: Progress = silent,
) -> tuple[RasterView, TraceLevels | None]:
    """Make what the raster shows; linear in the samples, so not for the main thread.

    Parameters
    ----------
    recording : Recording
    stage : str
        A trace, or `EVENTS`.
    order : RowOrder
    scaled : bool
        As in :func:`~napari_calcium.figures.raster_levels.trace_levels`.
    before, made : RasterPyramid, TraceLevels or None
        Of the same :func:`levels_key`: only the order is made anew then.
    on_progress : Progress

    Returns
    -------
    RasterView
    TraceLevels or None
        None for events.
    """
    rows = sort_rows(recording, order)
    if before is not None:
        pyramid = before.reordered(rows, on_progress=on_progress)
    elif stage == EVENTS:
        pyramid = RasterPyramid.build(event_levels(recording), rows, on_progress=on_progress)
    else:
        made = trace_levels(recording.traces[stage], scaled=scaled, on_progress=on_progress)
        pyramid = RasterPyramid.build(made.levels, rows, on_progress=on_progress)
    known = recording.ensembles
    activations = {k: known.activations_of(k).time_s for k in known.ids} if known is not None else {}
    home = np.empty(recording.n_rois, np.int64)
    by_ensemble, homes = display_order(recording)
    home[by_ensemble] = homes
    rate = recording.frame_rate or 1.0
    return RasterView(pyramid, recording.roi_ids[rows], home[rows], rate, activations), made
