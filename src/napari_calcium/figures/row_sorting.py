"""Orders in which neurons can stand below each other."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import latest_trace
from napari_calcium.figures.decimate import pool_mean
from napari_calcium.figures.row_order import display_order
from napari_calcium.recording import Recording

__all__ = ["ORDERS", "RowOrder", "missing_for", "sort_rows"]

RowOrder = Literal["ensemble", "id", "rate", "component", "position"]
ORDERS: tuple[RowOrder, ...] = get_args(RowOrder)

_COLUMNS = 600


def missing_for(recording: Recording, by: RowOrder) -> str:
    """Return what must be done before neurons can be put in this order, empty if they can."""
    if by == "ensemble" and (recording.ensembles is None or not len(recording.ensembles)):
        return "find ensembles first"
    if by == "rate" and recording.events is None:
        return "detect events first"
    if by == "position" and not recording.has_positions:
        return "the cells have no positions"
    if by == "component" and not recording.traces:
        return "there are no traces"
    return ""


def sort_rows(recording: Recording, by: RowOrder) -> NDArray[np.int64]:
    """Return the rows of a recording from top to bottom.

    Parameters
    ----------
    recording : Recording
    by : {"ensemble", "id", "rate", "component", "position"}
        ``"ensemble"``: as in the figures, members together; ``"id"``: ascending; ``"rate"``: most events
        first; ``"component"``: by weight in the first principal component of the most processed trace, each
        neuron scaled to unit variance, so that neurons that go together stand at one end; ``"position"``:
        from the top of the image to the bottom, cells without a position last. What is equal stays in the
        order of the file; where something is missing for an order, all of it does.

    Returns
    -------
    (n_rois,) int64

    Notes
    -----
    The first component often is movement or the brain's state, not an ensemble. It is worked out on the
    means of at most 600 stretches of the recording: faster changes do not count.
    """
    n = recording.n_rois
    if missing_for(recording, by):
        return np.arange(n)
    if by == "ensemble":
        return display_order(recording)[0]
    key = recording.roi_ids.astype(np.float64)
    if by == "rate" and recording.events is not None:
        key = -np.bincount(recording.events.rows(recording.roi_ids), minlength=n).astype(np.float64)
    elif by == "position" and recording.rois is not None:
        key = np.full(n, np.inf)
        key[recording.rows(recording.rois.ids)] = np.nan_to_num(recording.rois.centroids[:, 0], nan=np.inf)
    elif by == "component":
        key = -_first_component(recording)
    return np.argsort(key, kind="stable")


def _first_component(recording: Recording) -> NDArray[np.float64]:
    """Return the weight of each neuron, positive for the majority of what weighs."""
    name = latest_trace(recording) or next(iter(recording.traces))
    values = recording.traces[name].values
    if values.size == 0:
        return np.zeros(len(values))
    means = np.nan_to_num(pool_mean(values, len(values), _COLUMNS)).astype(np.float64)
    means -= means.mean(axis=1, keepdims=True)
    spread = means.std(axis=1, keepdims=True)
    means /= np.where(spread > 0, spread, 1.0)
    # The smaller of the two covariances has the same component.
    if len(means) <= means.shape[1]:
        weights = np.linalg.eigh(means @ means.T)[1][:, -1]
    else:
        weights = means @ np.linalg.eigh(means.T @ means)[1][:, -1]
    sign = 1.0 if weights.sum() >= 0 else -1.0
    scaled: NDArray[np.float64] = sign * weights
    return scaled
