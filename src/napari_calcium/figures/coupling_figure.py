"""How each neuron goes with the others, over the recording and moment by moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.figures.decimate import pool_mean
from napari_calcium.figures.diverging import diverging_colors, symmetric_limit
from napari_calcium.figures.drawing import draw_message, rows_size, time_axis
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CHORISTER", "SOLOIST", "CouplingData", "coupling_size", "draw_coupling", "prepare_coupling"]

CHORISTER, SOLOIST = "#d55e00", "#8c8c8c"
"""Colours of cells that are significantly coupled, and of those that are not."""


@dataclass(frozen=True)
class CouplingData:
    """What the figure shows.

    Attributes
    ----------
    image : (n_rows, n_columns) float32
        Sliding coupling, most coupled neuron on top; NaN where not defined.
    coupling : (n_rois,) float64
        Over the whole recording, in the same order; NaN last.
    chorister : (n_rois,) bool
    start_s, stop_s : float
        What the image's borders stand for.
    duration_s, window_s : float
    limit : float
    told, message : str
    bad_s : (n_spans, 2) float64
        Seconds in which frames are bad.
    """

    image: NDArray[np.float32]
    coupling: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    chorister: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    start_s: float = 0.0
    stop_s: float = 1.0
    duration_s: float = 1.0
    window_s: float = 30.0
    limit: float = 1.0
    told: str = ""
    message: str = ""
    bad_s: NDArray[np.float64] = field(default_factory=no_spans)


def prepare_coupling(recording: Recording, *, height: int = 800, width: int = 1600) -> CouplingData:
    """Sort neurons by their coupling and pool the sliding one to the pixels of a figure."""
    found = recording.population.coupling if recording.population is not None else None
    blank = np.empty((0, 0), np.float32)
    if found is None:
        return CouplingData(blank, message="Population coupling has not been computed yet.")
    if len(found.cells) < 2:
        return CouplingData(blank, message="Coupling needs two neurons at least.")
    value = found.cells.coupling
    order = np.argsort(-np.nan_to_num(value, nan=-np.inf), kind="stable")
    step = float(found.time_s[1] - found.time_s[0]) if len(found.time_s) > 1 else found.window_s
    known = int(np.isfinite(value).sum())
    singing = int(found.cells.chorister.sum())
    return CouplingData(
        pool_mean(found.sliding[order], height, width),
        value[order],
        found.cells.chorister[order],
        float(found.time_s[0] - step / 2) if len(found.time_s) else 0.0,
        float(found.time_s[-1] + step / 2) if len(found.time_s) else 1.0,
        recording.duration_s,
        found.window_s,
        symmetric_limit(found.sliding, least=0.2),
        f"{singing:,} choristers, {known - singing:,} soloists ({found.input.replace('_', '-')})",
        bad_s=bad_spans(recording),
    )


def coupling_size(data: CouplingData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return rows_size(len(data.coupling))


def draw_coupling(figure: Figure, data: CouplingData) -> None:
    """Draw the coupling of each neuron as bars, and beside them the sliding coupling."""
    if data.message:
        return draw_message(figure, "Population coupling", data.message)
    from matplotlib.colors import ListedColormap

    n = len(data.coupling)
    left, right = figure.subplots(1, 2, width_ratios=[1, 4.5], sharey=True)
    colors = np.where(data.chorister, CHORISTER, SOLOIST)
    left.barh(np.arange(n), np.nan_to_num(data.coupling), height=1.0, color=colors, lw=0)
    left.axvline(0, color="#3a3a3a", lw=0.4)
    left.set_xlabel("Coupling (r)")
    left.set_ylabel("Neuron, most coupled first")
    left.set_ylim(n - 0.5, -0.5)
    left.set_yticks([])
    scale = time_axis(right, 0, data.duration_s, bad_s=data.bad_s)
    shown = right.imshow(
        data.image,
        aspect="auto",
        interpolation="nearest",
        cmap=ListedColormap(diverging_colors() / 255).with_extremes(bad="white"),
        vmin=-data.limit,
        vmax=data.limit,
        extent=(data.start_s / scale.seconds, data.stop_s / scale.seconds, n - 0.5, -0.5),
    )
    right.set_xlim(0, data.duration_s / scale.seconds)
    bar = figure.colorbar(
        shown, ax=right, pad=0.015, fraction=0.04, extend="both" if data.limit < 1 else "neither"
    )
    bar.set_label(f"Coupling in windows of {data.window_s:g} s (r)")
    bar.outline.set_visible(False)
    right.set_title(f"Population coupling: {data.told}; white: not defined")
    return None
