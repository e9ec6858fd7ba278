"""Which epochs ensembles and cells prefer, beside what shifted epochs give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.drawing import NOTE_COLOR, WIDTH, draw_message, note_size
from napari_calcium.figures.palette import EXPECTED_COLOR, ensemble_color
from napari_calcium.recording import Recording
from napari_calcium.results.behaviour_findings import Preferences

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "PreferenceRow",
    "PreferencesData",
    "draw_preferences",
    "places_of",
    "preferences_size",
    "prepare_preferences",
]

_ALPHA = 0.05
_MOST = 12


@dataclass(frozen=True, eq=False)
class PreferenceRow:
    """Preference of one ensemble or cell for each label.

    Attributes
    ----------
    name, color : str
    enrichment : (n_labels,) float64
        Rate inside over rate at all times; NaN where it was never active.
    chance_low, chance_high : (n_labels,) float64
        Between these lie 95 % of what shifted epochs give.
    significant : (n_labels,) bool
        q ≤ 0.05.
    """

    name: str
    color: str
    enrichment: NDArray[np.float64]
    chance_low: NDArray[np.float64]
    chance_high: NDArray[np.float64]
    significant: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PreferencesData:
    """What the plot of preferred epochs shows.

    Attributes
    ----------
    labels : tuple of str
    rows : tuple of PreferenceRow
    of : str
        ``"ensembles"`` or ``"cells"``.
    told : str
        How many there are, and how many prefer something.
    message : str
        Why there is nothing to show; empty otherwise.
    """

    labels: tuple[str, ...] = ()
    rows: tuple[PreferenceRow, ...] = ()
    of: str = ""
    told: str = ""
    message: str = ""


def prepare_preferences(
    recording: Recording, cells: Sequence[int] = (), *, ensemble: int | None = None
) -> PreferencesData:
    """Gather the preferences of an ensemble, of some cells, or of all ensembles.

    Parameters
    ----------
    recording : Recording
    cells : sequence of int
        Ids; the first twelve are shown.
    ensemble : int, optional
        Show this ensemble in place of cells. With neither, all ensembles are shown (the surest twelve), or,
        where there are none, the surest cells.
    """
    table = recording.preferences
    if table is None:
        return PreferencesData(message="Preferred epochs have not been computed yet.")
    labels = tuple(dict.fromkeys(table.label.tolist()))
    if not labels:
        return PreferencesData(message="There are no epochs to prefer.")
    kind = (
        "ensemble" if ensemble is not None or (not cells and (table.kind == "ensemble").any()) else "neuron"
    )
    chosen = [int(ensemble)] if ensemble is not None else [int(cell) for cell in cells]
    ids = chosen or _surest(table, kind)
    rows = [_row(recording, table, kind, who, place, labels) for place, who in enumerate(ids[:_MOST])]
    known = tuple(row for row in rows if row is not None)
    if not known:
        return PreferencesData(labels, message="There is no ensemble and no cell to prefer an epoch.")
    of = "ensembles" if kind == "ensemble" else "cells"
    return PreferencesData(labels, known, of, _told(table, kind, of))


def _surest(table: Preferences, kind: str) -> list[int]:
    own = table.take(table.kind == kind)
    ids = np.unique(own.id)
    best = np.full(len(ids), np.inf)
    np.minimum.at(best, np.searchsorted(ids, own.id), np.nan_to_num(own.p_value, nan=2.0))
    surest = ids[np.argsort(best, kind="stable")][:_MOST]
    return [int(who) for who in np.sort(surest)]


def _row(
    recording: Recording, table: Preferences, kind: str, who: int, place: int, labels: tuple[str, ...]
) -> PreferenceRow | None:
    at = np.flatnonzero((table.kind == kind) & (table.id == who))
    if not len(at):
        return None
    at = at[np.argsort([labels.index(label) for label in table.label[at].tolist()])]
    name = f"ensemble {who}" if kind == "ensemble" else f"cell {recording.cell_name(who)}"
    color = ensemble_color(who if kind == "ensemble" else place)
    significant = np.nan_to_num(table.q_value[at], nan=1.0) <= _ALPHA
    return PreferenceRow(
        name, color, table.enrichment[at], table.chance_low[at], table.chance_high[at], significant
    )


def _told(table: Preferences, kind: str, of: str) -> str:
    own = table.take(table.kind == kind)
    beyond = len(np.unique(own.id[np.nan_to_num(own.q_value, nan=1.0) <= _ALPHA]))
    return f"{beyond:,} of {len(np.unique(own.id)):,} {of} beyond chance"


def places_of(data: PreferencesData) -> tuple[NDArray[np.float64], float]:
    """Return where each row stands beside each label, (n_rows, n_labels), and the width it has."""
    n = max(1, len(data.rows))
    width = 0.8 / n
    beside = (np.arange(n) - (n - 1) / 2) * width
    places: NDArray[np.float64] = beside[: len(data.rows), None] + np.arange(
        len(data.labels), dtype=np.float64
    )
    return places, float(width)


def preferences_size(data: PreferencesData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, 2.6


def draw_preferences(figure: Figure | SubFigure, data: PreferencesData) -> None:
    """Draw each preference over the range that shifted epochs give."""
    if data.message:
        return draw_message(figure, "Preferred epochs", data.message)
    ax: Axes = figure.subplots()
    places, width = places_of(data)
    for at, row in zip(places, data.rows, strict=True):
        height = row.chance_high - row.chance_low
        ax.bar(at, height, 0.7 * width, bottom=row.chance_low, color=EXPECTED_COLOR, alpha=0.35, lw=0)
        for chosen, fill in ((row.significant, row.color), (~row.significant, "white")):
            ax.scatter(
                at[chosen], row.enrichment[chosen], s=14, color=fill, edgecolors=row.color, lw=0.9, zorder=3
            )
        ax.scatter([], [], s=14, color=row.color, label=row.name)
    ax.axhline(1, color=EXPECTED_COLOR, lw=0.6)
    ax.set_ylim(bottom=0)
    ax.set_xlim(-0.6, len(data.labels) - 0.4)
    ax.set_xticks(range(len(data.labels)), data.labels)
    ax.set_ylabel("Rate inside / rate at all times")
    ax.set_title(f"Preferred epochs: {data.told}")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    note = (
        "Filled: beyond chance (q ≤ 0.05). Grey: 95 % of what epochs shifted in time give. 1: no preference."
    )
    figure.supxlabel(note, x=0.01, ha="left", fontsize=note_size(), color=NOTE_COLOR)
    return None
