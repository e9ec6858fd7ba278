"""How exported figures look: one style, sizes of a journal's columns, no hidden state of matplotlib's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_calcium.figures.axis_labels import TimeScale, time_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "MANY_MARKS",
    "STYLE",
    "WIDTH",
    "draw_message",
    "new_figure",
    "rows_axis",
    "rows_size",
    "time_axis",
]

WIDTH = 7.2
"""Width of two journal columns, in inches."""

MANY_MARKS = 3000
"""More marks than this become pixels inside an SVG, so that it stays small and quick to open."""

_EVERY_ROW = 8
"""Up to so many neurons each row is numbered."""

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8.0,
    "axes.titlelocation": "left",
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "legend.borderaxespad": 0.0,
    "lines.linewidth": 0.7,
    "image.cmap": "viridis",
    "svg.fonttype": "none",
    # Ids inside an SVG come from this and not from chance: the same figure is the same file.
    "svg.hashsalt": "napari-calcium",
}
"""Matplotlib's settings for every figure, on top of its defaults."""


def new_figure(width: float = WIDTH, height: float = 3.0) -> Figure:
    """Return an empty figure of a size in inches, which no window and no global state knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def time_axis(ax: Axes, start_s: float, stop_s: float, *, label: bool = True) -> TimeScale:
    """Limit and label a time axis; return the unit in which to draw on it."""
    scale = time_scale(stop_s - start_s)
    stop_s = max(stop_s, start_s + 1e-9)
    ax.set_xlim(start_s / scale.seconds, stop_s / scale.seconds)
    if label:
        ax.set_xlabel(scale.label)
    return scale


def rows_size(n_rows: int) -> tuple[float, float]:
    """Return width and height, in inches, of a figure with a row for each neuron."""
    return WIDTH, float(min(max(1.0 + 0.02 * n_rows, 2.2), 6.0))


def rows_axis(ax: Axes, n_rois: int, *, ordered: bool) -> None:
    """Let row numbers run from the top, as in a list."""
    from matplotlib.ticker import MaxNLocator

    ax.set_ylim(n_rois - 0.5, -0.5)
    if n_rois <= _EVERY_ROW:
        ax.set_yticks(range(n_rois))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_ylabel("Neuron (ordered by ensemble)" if ordered else "Neuron (row)")


def draw_message(figure: Figure, title: str, message: str) -> None:
    """Fill a figure that has nothing to show with a sentence that says why."""
    ax = figure.subplots()
    ax.set_axis_off()
    ax.set_title(title)
    ax.text(0.5, 0.5, message, ha="center", va="center", transform=ax.transAxes, color="#555555", wrap=True)
