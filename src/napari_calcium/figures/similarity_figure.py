"""How alike the ensemble events are: a heatmap ordered by ensemble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.decimate import pool_mean
from napari_calcium.figures.drawing import draw_message, note_size, set_titles, spaced_labels
from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["SimilarityData", "draw_similarity", "prepare_similarity", "similarity_size"]


@dataclass(frozen=True)
class SimilarityData:
    """What the similarity heatmap shows.

    Attributes
    ----------
    image : (n, n) float32
        Jaccard similarity, 0 to 1, rows and columns in `order`; pooled to a mean where there are very many.
    order : (n_events,) int64
        Row of the ensemble-event table for each row of the matrix.
    ensemble_id : (n_events,) int64
        Ensemble of each row, −1 (no ensemble) last.
    high : float
        Where the colour scale ends.
    message : str
        Why there is nothing to show; empty otherwise.
    """

    image: NDArray[np.float32]
    order: NDArray[np.int64]
    ensemble_id: NDArray[np.int64]
    high: float
    message: str = ""

    @property
    def blocks(self) -> tuple[tuple[int, int, int], ...]:
        """Ensemble, first row and the row after the last of each block, from the top."""
        ids, starts = np.unique(self.ensemble_id, return_index=True)
        ends = {int(k): int(a + (self.ensemble_id == k).sum()) for k, a in zip(ids, starts, strict=True)}
        order = np.argsort(starts)
        return tuple((int(ids[k]), int(starts[k]), ends[int(ids[k])]) for k in order)


def prepare_similarity(recording: Recording, *, pixels: int = 900) -> SimilarityData:
    """Order the similarity of the ensemble events by ensemble, within one by likeness to its others."""
    events, ensembles = recording.ensemble_events, recording.ensembles
    none = np.empty(0, np.int64)
    blank = np.empty((0, 0), np.float32)
    if events is None or ensembles is None:
        return SimilarityData(blank, none, none, 1.0, "Ensembles have not been looked for yet.")
    if not len(events):
        return SimilarityData(blank, none, none, 1.0, "There are no ensemble events to compare.")
    matrix = ensembles.similarity
    if matrix.shape != (len(events), len(events)):
        return SimilarityData(blank, none, none, 1.0, "The similarity of the events was not computed.")
    order = _order(matrix, events.ensemble_id)
    sorted_matrix = matrix[np.ix_(order, order)]
    off_diagonal = matrix[~np.eye(len(matrix), dtype=bool)]
    high = float(np.nanpercentile(off_diagonal, 99.5)) if len(off_diagonal) else 1.0
    return SimilarityData(
        pool_mean(sorted_matrix, pixels, pixels),
        order,
        events.ensemble_id[order],
        float(np.clip(np.nan_to_num(high, nan=1.0), 0.1, 1.0)),
    )


def _order(matrix: NDArray[np.float32], ensemble_id: NDArray[np.int64]) -> NDArray[np.int64]:
    likeness = np.zeros(len(matrix))
    for ensemble in np.unique(ensemble_id):
        own = np.flatnonzero(ensemble_id == ensemble)
        likeness[own] = np.nan_to_num(matrix[np.ix_(own, own)]).mean(axis=1)
    block = np.where(ensemble_id < 0, np.iinfo(np.int64).max, ensemble_id)
    return np.lexsort((-likeness, block)).astype(np.int64)


def similarity_size(data: SimilarityData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return 4.2, 3.7


def draw_similarity(figure: Figure | SubFigure, data: SimilarityData) -> None:
    """Draw the matrix with a strip in the ensembles' colours along two sides."""
    if data.message:
        return draw_message(figure, "Similarity of ensemble events", data.message)
    ax = figure.subplots()
    n = len(data.order)
    edge = -0.5, n - 0.5
    shown = ax.imshow(
        data.image,
        vmin=0,
        vmax=data.high,
        interpolation="nearest",
        extent=(edge[0], edge[1], edge[1], edge[0]),
    )
    ax.set_xlabel("Ensemble event")
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    _strips(ax, data)
    bar = figure.colorbar(
        shown, ax=ax, fraction=0.045, pad=0.02, extend="max" if data.high < 1 else "neither"
    )
    bar.set_label("Jaccard similarity\nof contributors")
    bar.outline.set_visible(False)
    found = len([k for k, _, _ in data.blocks if k >= 0])
    set_titles(ax, f"{counted(n, 'ensemble event')}, {counted(found, 'ensemble')}", pad=12)
    return None


def _strips(ax: Axes, data: SimilarityData) -> None:
    colors = np.array([rgb(ensemble_color(int(k))) for k in data.ensemble_id], np.uint8)
    n = len(colors)
    left = ax.inset_axes((-0.035, 0, 0.025, 1))
    left.imshow(colors[:, None], aspect="auto", interpolation="nearest", extent=(0, 1, n - 0.5, -0.5))
    top = ax.inset_axes((0, 1.01, 1, 0.025))
    top.imshow(colors[None], aspect="auto", interpolation="nearest", extent=(-0.5, n - 0.5, 0, 1))
    for strip in (left, top):
        strip.set_axis_off()
    middles = [(start + stop - 1) / 2 for _, start, stop in data.blocks]
    shown = spaced_labels(ax, middles, n)
    for (ensemble, _, _), place, room in zip(data.blocks, middles, shown, strict=True):
        if room:
            name = str(ensemble) if ensemble >= 0 else "–"
            left.text(-0.6, place, name, ha="right", va="center", fontsize=note_size())
