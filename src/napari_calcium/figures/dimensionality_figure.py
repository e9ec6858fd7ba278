"""The population in few dimensions: how many there are, where neurons stand, and the way through them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import time_scale
from napari_calcium.figures.drawing import MANY_MARKS, draw_message, width_of
from napari_calcium.figures.palette import UNASSIGNED_COLOR, ensemble_color
from napari_calcium.recording import Recording
from napari_calcium.results.population_results import Spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "METHOD_WORDS",
    "DimensionalityData",
    "axis_name",
    "dimensionality_height",
    "dimensionality_size",
    "draw_dimensionality",
    "prepare_dimensionality",
]

METHOD_WORDS = {
    "pca": "Principal components",
    "factor_analysis": "Factors",
    "nmf": "Non-negative factors",
    "ica": "Independent components",
    "umap": "UMAP",
}
_SHORT = {"pca": "PC", "factor_analysis": "Factor", "nmf": "NMF", "ica": "IC", "umap": "UMAP"}


def axis_name(method: str, component: int) -> str:
    """Return what to write beside the axis of a component, counted from 0: ``"PC 1"``."""
    return f"{_SHORT[method]} {component + 1}"


@dataclass(frozen=True)
class DimensionalityData:
    """What the figure shows.

    Attributes
    ----------
    spectrum : Spectrum
    edge : float
        Marčenko–Pastur's edge.
    loadings, scores : (n, 2) float32
        Of the first two components; one column of zeros is added where there is but one.
    colors : tuple of str
        One a neuron: that of its cluster, else of its ensemble.
    time_s : (n_bins,) float64
    method : str
    told, message : str
    """

    spectrum: Spectrum = field(default_factory=Spectrum)
    edge: float = float("nan")
    loadings: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 2), np.float32))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 2), np.float32))
    colors: tuple[str, ...] = ()
    time_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    method: str = "pca"
    told: str = ""
    message: str = ""


def prepare_dimensionality(recording: Recording) -> DimensionalityData:
    """Take the first two components, and the colour of each neuron's cluster."""
    found = recording.population.dimensionality if recording.population is not None else None
    if found is None:
        return DimensionalityData(message="The population has not been reduced to few dimensions yet.")
    if not found.loadings.shape[1]:
        return DimensionalityData(message="There is no neuron with activity.")
    clusters = recording.population.clusters if recording.population is not None else None
    groups = clusters.cluster - 1 if clusters is not None else np.full(recording.n_rois, -1)
    beyond = f"{found.n_significant} beyond chance"
    return DimensionalityData(
        found.spectrum,
        found.marchenko_pastur,
        _two(found.loadings),
        _two(found.scores),
        tuple(ensemble_color(int(k)) if k >= 0 else UNASSIGNED_COLOR for k in groups),
        found.time_s,
        found.method,
        f"{beyond}\nparticipation ratio {found.participation_ratio:.3g}",
    )


def _two(values: NDArray[np.float32]) -> NDArray[np.float32]:
    wide = np.zeros((len(values), 2), np.float32)
    k = min(2, values.shape[1])
    wide[:, :k] = values[:, :k]
    return wide


def dimensionality_size(data: DimensionalityData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return 7.2, 2.6


def dimensionality_height(data: DimensionalityData, width: float) -> float:
    """Return the height at a width: panels stand below each other where there is no room beside."""
    return 7.2 if width < 5 else dimensionality_size(data)[1]


def draw_dimensionality(figure: Figure, data: DimensionalityData) -> None:
    """Draw eigenvalues beside chance, the loadings of neurons, and the trajectory in colours of time."""
    if data.message:
        return draw_message(figure, "Dimensionality", data.message)
    axes = figure.subplots(3, 1) if width_of(figure) < 5 else figure.subplots(1, 3)
    _eigenvalues(axes[0], data)
    _loadings(axes[1], data)
    _trajectory(figure, axes[2], data)
    return None


def _eigenvalues(ax: Axes, data: DimensionalityData) -> None:
    table = data.spectrum
    ax.plot(table.component, table.eigenvalue, "o-", ms=2.5, color="#0072b2", label="data")
    if np.isfinite(table.chance).any():
        ax.plot(table.component, table.chance, color="#d55e00", label="chance (95 %)")
    if np.isfinite(data.edge):
        ax.axhline(data.edge, color="#8c8c8c", ls=":", label="Marčenko–Pastur")
    ax.set_xlabel("Principal component")
    ax.set_ylabel("Eigenvalue (1: one neuron)")
    ax.set_ylim(0, None)
    ax.set_title(data.told)
    ax.legend()


def _loadings(ax: Axes, data: DimensionalityData) -> None:
    known = np.asarray(np.isfinite(data.loadings).all(axis=1))
    colors = [color for color, there in zip(data.colors, known.tolist(), strict=True) if there]
    x, y = data.loadings[known].T
    ax.scatter(x, y, s=6, c=colors, lw=0, rasterized=int(known.sum()) > MANY_MARKS)
    ax.set_xlabel(f"{axis_name(data.method, 0)} (weight of neuron)")
    ax.set_ylabel(axis_name(data.method, 1))
    ax.set_title(METHOD_WORDS[data.method])


def _trajectory(figure: Figure, ax: Axes, data: DimensionalityData) -> None:
    known = np.isfinite(data.scores).all(axis=1)
    x, y = data.scores[known].T
    scale = time_scale(float(data.time_s[-1]) if len(data.time_s) else 0.0)
    ax.plot(x, y, color="#c8c8c8", lw=0.3, zorder=1, rasterized=len(x) > MANY_MARKS)
    shown = ax.scatter(x, y, s=2, c=data.time_s[known] / scale.seconds, lw=0, zorder=2, rasterized=True)
    ax.set_xlabel(f"{axis_name(data.method, 0)} (score)")
    ax.set_ylabel(axis_name(data.method, 1))
    ax.set_title("Trajectory of the population")
    bar = figure.colorbar(shown, ax=ax, fraction=0.05, pad=0.02)
    bar.set_label(scale.label)
    bar.outline.set_visible(False)
