"""How alike the activity of any two neurons is: the matrix, and correlation against distance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.decimate import pool_mean
from napari_calcium.figures.diverging import UNKNOWN, diverging_colors, symmetric_limit
from napari_calcium.figures.drawing import draw_message, width_of
from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.figures.row_order import display_order
from napari_calcium.recording import Recording
from napari_calcium.results.population_results import Correlations, DistanceProfile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "MATRIX_ORDERS",
    "CorrelationData",
    "MatrixOrder",
    "correlation_height",
    "correlation_size",
    "draw_correlation",
    "matrix_groups",
    "matrix_order",
    "off_diagonal",
    "prepare_correlation",
]

MatrixOrder = Literal["likeness", "module", "ensemble", "sorting", "id"]
MATRIX_ORDERS: tuple[MatrixOrder, ...] = get_args(MatrixOrder)

_INK, _BAND = "#3a3a3a", "#c8c8c8"
_WORDS = {"pearson": "Pearson", "spearman": "Spearman", "cosine": "Cosine"}


@dataclass(frozen=True)
class CorrelationData:
    """What the figure shows.

    Attributes
    ----------
    image : (n, n) float32
        Correlations in `order`, pooled to a mean where there are very many; NaN where not defined.
    n_rois : int
    groups : (n_rois,) int64
        Module of each row, 0 for none.
    limit : float
        The scale goes from −limit to limit.
    label : str
        Measure and what was correlated.
    distance : DistanceProfile
    told : str
        How many pairs are significant.
    message : str
        Why there is nothing to show; empty otherwise.
    """

    image: NDArray[np.float32]
    n_rois: int = 0
    groups: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    limit: float = 1.0
    label: str = ""
    distance: DistanceProfile = field(default_factory=DistanceProfile)
    told: str = ""
    message: str = ""


def prepare_correlation(recording: Recording, *, pixels: int = 900) -> CorrelationData:
    """Order the matrix by likeness, and say how many pairs are correlated beyond chance."""
    found = recording.population.correlation if recording.population is not None else None
    blank = np.empty((0, 0), np.float32)
    if found is None:
        return CorrelationData(blank, message="Pairs of neurons have not been correlated yet.")
    if len(found.matrix) < 2:
        return CorrelationData(blank, message="There are no two neurons to correlate.")
    order = matrix_order(recording, found, "likeness")
    n = len(order)
    pairs = n * (n - 1) // 2
    return CorrelationData(
        pool_mean(found.matrix[np.ix_(order, order)], pixels, pixels),
        n,
        found.cells.module[order],
        symmetric_limit(off_diagonal(found.matrix)),
        f"{_WORDS[found.method]} correlation of {found.input.replace('_', '-')}",
        found.distance,
        f"{found.n_pairs:,} of {pairs:,} pairs beyond chance (FDR {100 * found.alpha:.3g} %)",
    )


def off_diagonal(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the correlations of pairs, (n, n − 1): all but those of neurons with themselves. A view."""
    n = len(matrix)
    if n < 2:
        return np.empty((n, 0), np.float32)
    return matrix.reshape(-1)[1:].reshape(n - 1, n + 1)[:, :-1]


def matrix_order(recording: Recording, found: Correlations, by: MatrixOrder) -> NDArray[np.int64]:
    """Return the rows of the matrix from top to bottom; by likeness where an order is not to be had."""
    likeness = np.argsort(found.cells.position, kind="stable")
    if by == "module":
        rank = np.argsort(likeness)
        module = np.where(found.cells.module > 0, found.cells.module, np.iinfo(np.int64).max)
        return np.lexsort((rank, module)).astype(np.int64)
    if by == "ensemble" and recording.ensembles is not None:
        return display_order(recording)[0]
    if by == "sorting" and recording.population is not None and recording.population.sorting is not None:
        return recording.rows(recording.population.sorting.roi_id)
    if by == "id":
        return np.argsort(recording.roi_ids, kind="stable").astype(np.int64)
    return likeness.astype(np.int64)


def matrix_groups(recording: Recording, found: Correlations, by: MatrixOrder) -> NDArray[np.int64]:
    """Return the group whose colour stands beside each row: its ensemble where sorted by it, else its module.

    −1 is none; modules count from 0 here, so that each has the colour of that number in the palette.
    """
    if by == "ensemble":
        rows, homes = display_order(recording)
        groups = np.empty(recording.n_rois, np.int64)
        groups[rows] = homes
        return groups
    return found.cells.module - 1


def correlation_size(data: CorrelationData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return (7.2, 3.2) if len(data.distance) else (4.2, 3.6)


def correlation_height(data: CorrelationData, width: float) -> float:
    """Return the height at a width: panels stand below each other where there is no room beside."""
    return 0.8 * width + (2.4 if len(data.distance) else 0.0) if width < 5 else correlation_size(data)[1]


def draw_correlation(figure: Figure, data: CorrelationData) -> None:
    """Draw the matrix, and beside it the mean correlation of pairs against their distance."""
    if data.message:
        return draw_message(figure, "Correlation", data.message)
    if not len(data.distance):
        return _matrix(figure, figure.subplots(), data)
    if width_of(figure) < 5:
        axes = figure.subplots(2, 1, height_ratios=[2, 1])
    else:
        axes = figure.subplots(1, 2, width_ratios=[1.25, 1])
    _matrix(figure, axes[0], data)
    _distance(axes[1], data.distance)
    return None


def _matrix(figure: Figure, ax: Axes, data: CorrelationData) -> None:
    from matplotlib.colors import ListedColormap

    colors = ListedColormap(diverging_colors() / 255).with_extremes(bad="white")
    edge = -0.5, data.n_rois - 0.5
    shown = ax.imshow(
        data.image,
        cmap=colors,
        vmin=-data.limit,
        vmax=data.limit,
        interpolation="nearest",
        extent=(edge[0], edge[1], edge[1], edge[0]),
    )
    strip = np.array([[rgb(ensemble_color(int(k) - 1)) if k else UNKNOWN for k in data.groups]], np.uint8)
    ax.imshow(strip, extent=(*edge, edge[0], edge[0] - 0.03 * data.n_rois), interpolation="nearest", zorder=2)
    ax.set_ylim(edge[1], edge[0] - 0.03 * data.n_rois)
    ax.set_xlabel("Neuron (ordered by likeness)")
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    bar = figure.colorbar(
        shown, ax=ax, fraction=0.045, pad=0.02, extend="both" if data.limit < 1 else "neither"
    )
    bar.set_label(data.label)
    bar.outline.set_visible(False)
    ax.set_title(f"{counted(data.n_rois, 'neuron')}; colours above: modules\n{data.told}")


def _distance(ax: Axes, profile: DistanceProfile) -> None:
    middle = (profile.distance_from + profile.distance_to) / 2
    ax.axhline(0, color=_INK, lw=0.4)
    ax.fill_between(
        middle, profile.chance_low, profile.chance_high, color=_BAND, lw=0, label="95 % of shifts"
    )
    ax.plot(middle, profile.correlation, "o-", color="#0072b2", ms=2.5, label="mean of pairs")
    ax.set_xlabel(f"Distance of somata ({profile.unit})")
    ax.set_ylabel("Mean correlation")
    ax.set_xlim(0, None)
    ax.legend(loc="best")
