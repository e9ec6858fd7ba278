"""How cells and ensembles relate to behaviour: correlations, preferred epochs, and what can be decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.drawing import WIDTH, draw_message
from napari_calcium.figures.palette import ACCENT_COLOR, EXPECTED_COLOR, ensemble_color
from napari_calcium.recording import Recording
from napari_calcium.results.behaviour_findings import DecodingScores, Preferences, Relations

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "RelationsData",
    "draw_relations",
    "prepare_relations",
    "relations_size",
]

_ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class RelationsData:
    """What the figure of relations shows.

    Attributes
    ----------
    signals : tuple of str
    correlation : (n_cells, n_signals) float64
        Sorted such that cells with the highest mean square stand first.
    significant : (n_cells, n_signals) bool
    max_lag_s : float
    labels : tuple of str
        Kinds of epochs.
    ensembles : tuple of int
    enrichment : (n_ensembles, n_labels) float64
        Rate inside over rate at all times.
    enriched : (n_ensembles, n_labels) bool
        Whether it differs from 1 beyond chance.
    targets : tuple of str
        What was decoded from the neurons, with the measure.
    score, chance, chance_95 : (n_targets,) float64
    message : str
        Why there is nothing to show; empty otherwise.
    """

    signals: tuple[str, ...]
    correlation: NDArray[np.float64]
    significant: NDArray[np.bool_]
    max_lag_s: float
    labels: tuple[str, ...]
    ensembles: tuple[int, ...]
    enrichment: NDArray[np.float64]
    enriched: NDArray[np.bool_]
    targets: tuple[str, ...]
    score: NDArray[np.float64]
    chance: NDArray[np.float64]
    chance_95: NDArray[np.float64]
    message: str = ""


def prepare_relations(recording: Recording) -> RelationsData:
    """Gather what the stages after the alignment found; those that did not run are left out."""
    signals, correlation, significant = _of_relations(recording.relations or Relations())
    labels, ensembles, enrichment, enriched = _of_preferences(recording.preferences or Preferences())
    scores = recording.decoding.scores if recording.decoding is not None else DecodingScores()
    scores = scores.take(scores.source == "neurons")
    nothing = not correlation.size and not enrichment.size and not len(scores)
    words = {"r2": "R²", "balanced_accuracy": "accuracy"}
    return RelationsData(
        signals,
        correlation,
        significant,
        recording.relations.max_lag_s if recording.relations is not None else 0.0,
        labels,
        ensembles,
        enrichment,
        enriched,
        tuple(f"{t} ({words[m]})" for t, m in zip(scores.target, scores.measure, strict=True)),
        scores.score,
        scores.chance,
        scores.chance_95,
        "There are no cells, signals or epochs to relate." if nothing else "",
    )


def _of_relations(
    table: Relations,
) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.bool_]]:
    own = table.take(table.kind == "neuron")
    signals = tuple(dict.fromkeys(own.signal.tolist()))
    n = len(own) // max(1, len(signals))
    correlation = own.correlation.reshape(len(signals), n).T
    significant = own.q_value.reshape(len(signals), n).T <= _ALPHA
    order = (
        np.argsort(-np.nan_to_num(correlation**2).mean(axis=1), kind="stable") if signals else np.arange(0)
    )
    return signals, correlation[order], significant[order]


def _of_preferences(
    table: Preferences,
) -> tuple[tuple[str, ...], tuple[int, ...], NDArray[np.float64], NDArray[np.bool_]]:
    own = table.take(table.kind == "ensemble")
    labels = tuple(dict.fromkeys(own.label.tolist()))
    n = len(own) // max(1, len(labels))
    enrichment = own.enrichment.reshape(len(labels), n).T
    enriched = own.q_value.reshape(len(labels), n).T <= _ALPHA
    return labels, tuple(own.id[:n].tolist()), enrichment, enriched


def relations_size(data: RelationsData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, 3.2


def draw_relations(figure: Figure | SubFigure, data: RelationsData) -> None:
    """Draw correlations, preferences and scores side by side; what is beyond chance is marked."""
    if data.message:
        return draw_message(figure, "Relations with behaviour", data.message)
    parts = [
        draw
        for draw, there in (
            (_draw_correlation, data.correlation.size),
            (_draw_enrichment, data.enrichment.size),
            (_draw_scores, len(data.targets)),
        )
        if there
    ]
    axes = figure.subplots(1, len(parts), squeeze=False)[0]
    for ax, draw in zip(axes, parts, strict=True):
        draw(ax, data)
    return None


def _draw_correlation(ax: Axes, data: RelationsData) -> None:
    limit = max(0.05, float(np.nanmax(np.abs(data.correlation), initial=0.0)))
    image = ax.imshow(
        data.correlation, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest"
    )
    row, column = np.nonzero(data.significant)
    ax.scatter(column, row, s=2.0, color="black", linewidths=0, label="beyond chance")
    ax.set_xticks(range(len(data.signals)), data.signals, rotation=45, ha="right")
    ax.set_ylabel("Cell, sorted by correlation")
    found = int(data.significant.any(axis=1).sum())
    ax.set_title("Correlation")
    ax.set_xlabel(f"● beyond chance: {found} of {counted(len(data.correlation), 'cell')}")
    ax.figure.colorbar(image, ax=ax, label="r without lag", shrink=0.8)


def _draw_enrichment(ax: Axes, data: RelationsData) -> None:
    n = len(data.ensembles)
    width = 0.8 / max(1, n)
    for k, ensemble in enumerate(data.ensembles):
        at = np.arange(len(data.labels)) + (k - (n - 1) / 2) * width
        height = np.nan_to_num(data.enrichment[k])
        ax.bar(at, height, 0.9 * width, color=ensemble_color(ensemble))
        marked = data.enriched[k]
        ax.scatter(at[marked], height[marked], s=8, marker="*", color="black", zorder=3, clip_on=False)
    ax.axhline(1, color=EXPECTED_COLOR, lw=0.8)
    ax.set_xticks(range(len(data.labels)), data.labels, rotation=45, ha="right")
    ax.set_ylabel("Rate inside / rate at all times")
    ax.set_title("Ensembles in epochs")
    ax.set_xlabel("★ beyond chance")


def _draw_scores(ax: Axes, data: RelationsData) -> None:
    place = np.arange(len(data.targets))
    ax.barh(place, np.nan_to_num(data.score), 0.6, color=ACCENT_COLOR, label="decoded from neurons")
    ax.vlines(data.chance_95, place - 0.4, place + 0.4, color="black", lw=1.2, label="95 % of chance")
    ax.set_yticks(place, data.targets)
    ax.invert_yaxis()
    ax.set_xlim(min(0.0, float(np.nanmin(data.score, initial=0.0))), 1)
    ax.set_xlabel("Score, and 95 % of chance (│)")
    ax.set_title("Decoded from neurons")
