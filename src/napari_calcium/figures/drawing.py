"""What all figures draw alike: time axes, rows of neurons, titles and legends that fit their width."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from napari_calcium.figures.axis_labels import TimeScale, time_scale
from napari_calcium.figures.bad_spans import shade_spans

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import NDArray

__all__ = [
    "MANY_MARKS",
    "NOTE_COLOR",
    "WIDTH",
    "draw_message",
    "legend_above",
    "legend_height",
    "new_figure",
    "note_size",
    "rows_axis",
    "rows_size",
    "set_titles",
    "spaced_labels",
    "time_axis",
    "width_of",
    "wrapped",
]

WIDTH = 7.2
"""Width in inches of a figure that runs the whole width of a page; narrower styles make it narrower."""

MANY_MARKS = 3000
"""More marks than this become pixels inside an SVG, so that it stays small and quick to open."""

NOTE_COLOR = "#555555"
"""Of what is said beside a title."""

_EVERY_ROW = 8
"""Up to so many neurons each row is numbered."""

_BESIDE_AXES = 0.75
"""Inches of a figure's width that labels left and right of the axes take, about."""


def new_figure(width: float = WIDTH, height: float = 3.0) -> Figure:
    """Return an empty figure of a size in inches, which no window and no global state knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def width_of(figure: Figure | SubFigure) -> float:
    """Return the width in inches of a figure or of a part of one."""
    return float(figure.bbox.width / figure.dpi)


def note_size() -> float:
    """Return the size in points of the smallest text: notes, ticks, numbers inside a plot."""
    return _points("legend.fontsize")


def time_axis(
    ax: Axes,
    start_s: float,
    stop_s: float,
    *,
    label: bool = True,
    bad_s: NDArray[np.float64] | None = None,
) -> TimeScale:
    """Limit and label a time axis, shade its bad frames, and return the unit in which to draw on it.

    Parameters
    ----------
    ax : Axes
    start_s, stop_s : float
    label : bool
        Whether the axis says what it is.
    bad_s : (n_spans, 2) float64, optional
        Seconds in which frames are bad, from :func:`~napari_calcium.figures.bad_spans.bad_spans`.
    """
    scale = time_scale(stop_s - start_s)
    stop_s = max(stop_s, start_s + 1e-9)
    ax.set_xlim(start_s / scale.seconds, stop_s / scale.seconds)
    bad = bad_s is not None and shade_spans(ax, bad_s / scale.seconds)
    if label:
        ax.set_xlabel(f"{scale.label}; shaded: bad frames" if bad else scale.label)
    return scale


def rows_size(n_rows: int) -> tuple[float, float]:
    """Return width and height, in inches, of a figure with a row for each neuron."""
    return WIDTH, float(min(max(1.0 + 0.02 * n_rows, 2.2), 6.0))


def rows_axis(ax: Axes, n_rois: int, *, ordered: bool) -> None:
    """Let rows run from the top, as in a list, and say what their numbers are: places, never ids."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_ylim(n_rois - 0.5, -0.5)
    if n_rois <= _EVERY_ROW:
        ax.set_yticks(range(n_rois))
    else:
        places = MaxNLocator(6, integer=True).tick_values(1, n_rois)
        ax.set_yticks([max(place, 1) - 1 for place in places if place <= n_rois])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda row, _: f"{row + 1:.0f}"))
    ax.set_ylabel("Rank, sorted by ensemble" if ordered else "Neuron (row in the file)")


def draw_message(figure: Figure | SubFigure, title: str, message: str) -> None:
    """Fill a figure that has nothing to show with a sentence that says why."""
    ax = figure.subplots()
    ax.set_axis_off()
    ax.set_title(title)
    text = wrapped(message, width_of(figure) - 0.3)
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, color=NOTE_COLOR)


def spaced_labels(ax: Axes, places: list[float], n_rows: int) -> list[bool]:
    """Return which labels beside rows can be written so that none touches the one before.

    Parameters
    ----------
    ax : Axes
        Its height before the layout is taken: labels may come out a little wider apart or closer.
    places : list of float
        Row of each label, ascending.
    n_rows : int
        Rows of the axes.
    """
    height = ax.get_window_extent().height / ax.figure.dpi * 72
    least = 1.15 * note_size() * n_rows / max(height, 1.0)
    shown, last = [], -math.inf
    for place in places:
        shown.append(place - last >= least)
        last = place if shown[-1] else last
    return shown


def wrapped(text: str, width: float, size: float | None = None) -> str:
    """Break text between words so that no line is wider than `width` inches.

    Parameters
    ----------
    text : str
        Lines that it has already stay apart.
    width : float
        A single word that is wider stays whole.
    size : float, optional
        Size of the letters in points; that of axis labels by default.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if line and _text_width(longer, size) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return "\n".join(lines)


def set_titles(
    ax: Axes, title: str, note: str = "", *, pad: float = 6.0, beside: float = _BESIDE_AXES
) -> None:
    """Write a title, and at its right a note; below it where both have no room in one line.

    Parameters
    ----------
    ax : Axes
    title, note : str
        Broken into lines where the figure is narrow.
    pad : float
        Points between the axes and what is written.
    beside : float
        Inches of the figure's width that what stands left and right of the axes takes, about.
    """
    room = width_of(ax.figure) - beside
    title_size = _points("axes.titlesize")
    both = _text_width(title, title_size) + _text_width(note, note_size()) + 0.15
    if note and both <= room:
        ax.set_title(note, loc="right", fontsize=note_size(), color=NOTE_COLOR, pad=pad)
    elif note:
        note = wrapped(note, room, note_size())
        ax.annotate(
            note, (0, 1), xycoords="axes fraction", xytext=(0, pad - 2), textcoords="offset points",
            fontsize=note_size(), color=NOTE_COLOR, va="bottom", annotation_clip=False,
        )  # fmt: skip
        pad += (note.count("\n") + 1) * 1.32 * note_size()
    ax.set_title(wrapped(title, room, title_size), pad=pad)


def legend_above(ax: Axes, title: str, handles: dict[str, Any], **options: Any) -> None:
    """Write a legend over the axes, in as many rows as the width asks for, and a title over it.

    Parameters
    ----------
    ax : Axes
    title : str
    handles : mapping of str to artist
        What stands for each label; none: the title alone.
    **options
        Of :meth:`matplotlib.axes.Axes.legend`.
    """
    if not handles:
        return set_titles(ax, title)
    size = note_size()
    columns, rows = _columns_of(list(handles), width_of(ax.figure), size)
    ax.legend(
        list(handles.values()), list(handles), loc="lower left", bbox_to_anchor=(0, 1.01), ncols=columns,
        handlelength=1.4, columnspacing=1.2, **options,
    )  # fmt: skip
    return set_titles(ax, title, pad=6 + 1.5 * size * rows)


def legend_height(labels: list[str], width: float) -> float:
    """Return how many inches a legend over axes takes beyond its first row, in a figure of some width."""
    size = note_size()
    return (_columns_of(labels, width, size)[1] - 1) * 1.5 * size / 72 if labels else 0.0


def _columns_of(labels: list[str], width: float, size: float) -> tuple[int, int]:
    """Return into how many columns and rows a legend goes."""
    widths = [_text_width(label, size) + 3.4 * size / 72 for label in labels]
    rows = 1
    while rows < len(labels):
        # Labels fill the columns one after the other, and a column is as wide as its widest label.
        taken = sum(max(widths[k : k + rows]) for k in range(0, len(widths), rows))
        if taken <= width - _BESIDE_AXES:
            break
        rows += 1
    return -(-len(labels) // rows), rows


def _text_width(text: str, size: float | None = None) -> float:
    """Return the width in inches of the widest line."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=_points("axes.labelsize") if size is None else size)
    lines = text.split("\n")
    return max(text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] for line in lines) / 72


def _points(key: Literal["axes.titlesize", "axes.labelsize", "legend.fontsize"]) -> float:
    """Return a size of matplotlib's settings, which may be a word, in points."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    return float(FontProperties(size=rcParams[key]).get_size_in_points())
