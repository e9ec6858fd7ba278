"""How the result moves with each setting: small plots side by side, the present value marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.doubt.stability import StabilityPoint
from napari_calcium.figures.drawing import WIDTH, draw_message, note_size
from napari_calcium.figures.palette import ACCENT_COLOR, EVENT_COLOR

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

__all__ = ["METRICS", "StabilityStrip", "draw_stability", "prepare_stability", "stability_size"]

METRICS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Events", ("n_events",)),
    ("Ensemble\nevents", ("n_ensemble_events",)),
    ("Ensembles", ("n_ensembles",)),
    ("Similarity\nto now", ("agreement", "members")),
)
"""Rows of the figure: title, and which numbers of a point are drawn; the second one dashed."""

STRIP_COLORS = (ACCENT_COLOR, EVENT_COLOR)


@dataclass(frozen=True, eq=False)
class StabilityStrip:
    """One setting: a column of small plots.

    Attributes
    ----------
    title : str
        Stage and setting, with the unit.
    labels : tuple of str
        Its values, in equal steps from left to right.
    current : int
        Place of the present value.
    lines : mapping of str to (n_values,) float64
        By the name of the number in :class:`~napari_calcium.doubt.stability.StabilityPoint`; NaN where it is
        not known yet.
    """

    title: str
    labels: tuple[str, ...]
    current: int
    lines: dict[str, NDArray[np.float64]]


def prepare_stability(points: Sequence[StabilityPoint]) -> tuple[StabilityStrip, ...]:
    """Arrange points as strips, one a setting, in the order of the points."""
    knobs = {(p.knob.stage, p.knob.field): p.knob for p in points}
    strips = []
    for place, knob in knobs.items():
        known = {p.value: p for p in points if (p.knob.stage, p.knob.field) == place}
        lines = {
            name: np.array(
                [float(getattr(known[v], name)) if v in known else np.nan for v in knob.values], np.float64
            )
            for _, names in METRICS
            for name in names
        }
        title = f"{knob.title} ({knob.unit})" if knob.unit else knob.title
        labels = tuple(f"{v:g}" for v in knob.values)
        strips.append(StabilityStrip(title, labels, knob.values.index(knob.current), lines))
    return tuple(strips)


def metric_range(strips: Sequence[StabilityStrip], names: Sequence[str]) -> tuple[float, float]:
    """Return a common range for a row of plots: from 0 to a little above the highest value."""
    if "agreement" in names:
        return -0.1, 1.2
    values = np.concatenate([strip.lines[name] for strip in strips for name in names] or [np.zeros(1)])
    known = values[np.isfinite(values)]
    top = max(1.0, float(known.max(initial=0.0)))
    return -0.1 * top, 1.25 * top


def stability_size(strips: Sequence[StabilityStrip]) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, 4.4


def draw_stability(figure: Figure | SubFigure, strips: Sequence[StabilityStrip]) -> None:
    """Draw a column a setting and a row a number; the present value is a diamond on a vertical line."""
    if not strips:
        return draw_message(figure, "Stability", "Nothing was tried yet.")
    axes = figure.subplots(len(METRICS), len(strips), squeeze=False, sharey="row")
    for row, (label, names) in enumerate(METRICS):
        for ax, strip in zip(axes[row], strips, strict=True):
            ax.axvline(strip.current, color="#999999", lw=0.8, ls=":", zorder=0)
            for name, color, dash in zip(names, STRIP_COLORS, ("-", "--"), strict=False):
                values = strip.lines[name]
                ax.plot(values, dash, color=color, lw=0.8, marker="o", ms=2.5)
                ax.plot(strip.current, values[strip.current], "D", color=color, ms=4.5, mfc="white")
            ax.set_xticks(range(len(strip.labels)), [])
            ax.set_xlim(-0.5, len(strip.labels) - 0.5)
            ax.set_ylim(*metric_range(strips, names))
        axes[row][0].set_ylabel(label)
    for ax, strip in zip(axes[-1], strips, strict=True):
        ax.set_xticks(range(len(strip.labels)), strip.labels, rotation=90, fontsize=note_size())
    for ax, strip in zip(axes[0], strips, strict=True):
        ax.set_title(strip.title.replace(": ", ":\n"))
    axes[-1][0].plot([], "-", color=STRIP_COLORS[0], label="ensembles")
    axes[-1][0].plot([], "--", color=STRIP_COLORS[1], label="members")
    axes[-1][0].legend(loc="lower left", fontsize=note_size(), handlelength=2.2)
    return None
