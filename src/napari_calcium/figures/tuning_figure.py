"""How cells are tuned: curves, place map, averages around events, and single trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.behaviour.triggered import trial_windows
from napari_calcium.figures.axis_labels import latest_trace, unit_scale
from napari_calcium.figures.drawing import NOTE_COLOR, WIDTH, draw_message, note_size, width_of, wrapped
from napari_calcium.figures.palette import ensemble_color
from napari_calcium.recording import Recording
from napari_calcium.results.behaviour_findings import Responses, Tuned, Tuning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "Band",
    "Curve",
    "PlaceMap",
    "Trials",
    "TuningData",
    "best_tuned",
    "draw_tuning",
    "prepare_tuning",
    "tuning_size",
]

_MOST_LINES = 8
_ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class Curve:
    """Tuning of one subject.

    Attributes
    ----------
    label, color : str
    x, y : (n_bins,) float64
        Signal and activity as displayed; NaN where the stay was too short.
    """

    label: str
    color: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Band:
    """Average of one subject around an event, with its confidence interval as displayed."""

    label: str
    color: str
    time_s: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlaceMap:
    """Activity of one subject at each place, rows with y, as displayed."""

    title: str
    x_title: str
    y_title: str
    x_edges: NDArray[np.float64]
    y_edges: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trials:
    """Activity of one cell around every event of a label: trials × time, as displayed."""

    title: str
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str


@dataclass(frozen=True, eq=False)
class TuningData:
    """What the plots of tuning show.

    Attributes
    ----------
    subjects : str
        Of whom.
    signal : str
        Title of the axis of the curves; empty where there are none.
    activity, response : str
        Titles of the axes of activity, of curves and of averages.
    curves : tuple of Curve
    map : PlaceMap or None
        Of the last of the subjects.
    label : str
        Of the events; empty where there are none.
    bands : tuple of Band
    trials : Trials or None
        Of the last of the cells.
    notes : tuple of str
        What the tests say of the last of the subjects.
    message : str
        Why there is nothing to show; empty otherwise.
    """

    subjects: str
    signal: str = ""
    activity: str = ""
    response: str = ""
    curves: tuple[Curve, ...] = ()
    map: PlaceMap | None = None
    label: str = ""
    bands: tuple[Band, ...] = ()
    trials: Trials | None = None
    notes: tuple[str, ...] = ()
    message: str = ""


def best_tuned(recording: Recording, number: int = 3, *, sure: bool = False) -> tuple[int, ...]:
    """Return the cells of which the tests are most certain, the most certain first.

    Parameters
    ----------
    recording : Recording
    number : int
        At most so many.
    sure : bool
        Only cells that are tuned, or respond, beyond chance (q ≤ 0.05); there may be none.
    """
    ids: list[NDArray[np.int64]] = []
    keys: list[NDArray[np.float64]] = []
    tables = [recording.tuning.tuned if recording.tuning is not None else None]
    responses = recording.triggered.responses if recording.triggered is not None else None
    for table in (*tables, responses):
        if table is None:
            continue
        own = (table.kind == "neuron") & np.isfinite(table.p_value)
        if sure:
            own &= table.q_value <= _ALPHA
        ids.append(table.id[own])
        weight = table.information_bits if isinstance(table, Tuned) else np.abs(table.response)
        keys.append(table.p_value[own] - 1e-9 * np.nan_to_num(weight[own]))
    if not ids:
        if sure:
            return ()
        return tuple(recording.roi_ids[:number].tolist())
    order = np.argsort(np.concatenate(keys), kind="stable")
    return tuple(dict.fromkeys(np.concatenate(ids)[order].tolist()))[:number]


def prepare_tuning(
    recording: Recording,
    cells: Sequence[int] = (),
    *,
    ensemble: int | None = None,
    signal: str | None = None,
    label: str | None = None,
) -> TuningData:
    """Gather curves, map and averages of some cells, or of an ensemble's activations.

    Parameters
    ----------
    recording : Recording
    cells : sequence of int
        Ids; the first eight are shown, by default the three that are tuned best.
    ensemble : int, optional
        Show this ensemble's activations in place of cells.
    signal : str, optional
        Of the curves; by default the one of which the shown subjects tell most.
    label : str, optional
        Of the events; by default that to which the last of the subjects responds most surely.
    """
    if recording.tuning is None and recording.triggered is None:
        return TuningData("", message="Neither tuning nor triggered averages have been computed yet.")
    kind, ids = ("ensemble", (ensemble,)) if ensemble is not None else ("neuron", tuple(cells))
    ids = ids if ids else best_tuned(recording)
    who = [int(k) for k in ids[:_MOST_LINES] if k is not None]
    colors = [ensemble_color(k if kind == "ensemble" else place) for place, k in enumerate(who)]
    names = [f"ensemble {k}" if kind == "ensemble" else f"cell {recording.cell_name(k)}" for k in who]
    parts = {"subjects": ", ".join(names)}
    data: dict[str, object] = dict(parts)
    notes: list[str] = []
    if recording.tuning is not None:
        data |= _tuning_part(recording.tuning, kind, who, names, colors, signal, notes)
    if recording.triggered is not None and recording.triggered.labels:
        data |= _triggered_part(recording, kind, who, names, colors, label, notes)
    if who:
        notes += _preference_notes(recording, kind, who[-1], names[-1])
    return TuningData(**data, notes=tuple(notes))  # type: ignore[arg-type]


def _preference_notes(recording: Recording, kind: str, who: int, name: str) -> list[str]:
    table = recording.preferences
    if table is None:
        return []
    own = np.flatnonzero((table.kind == kind) & (table.id == who) & (table.q_value <= _ALPHA))
    told = [f"{table.label[k]} (× {table.enrichment[k]:.2g}, q = {table.q_value[k]:.2g})" for k in own]
    return [f"{name} is more or less active than elsewhere in {'; '.join(told)}"] if told else []


def _rows(kinds: Sequence[str], ids: NDArray[np.int64], kind: str, who: list[int]) -> list[int]:
    place = {int(i): k for k, (i, own) in enumerate(zip(ids, kinds, strict=True)) if own == kind}
    return [place.get(k, -1) for k in who]


def _tuning_part(
    tuning: Tuning,
    kind: str,
    who: list[int],
    names: list[str],
    colors: list[str],
    signal: str | None,
    notes: list[str],
) -> dict[str, object]:
    factor, unit = _shown(tuning.unit, kind)
    rows = _rows(tuning.kind, tuning.id, kind, who)
    part: dict[str, object] = {"activity": _activity(tuning.input, unit, kind)}
    by_name = {curve.signal: curve for curve in tuning.curves}
    chosen = by_name.get(signal or _most_telling(tuning, kind, who) or "")
    if chosen is not None:
        part["signal"] = f"{chosen.signal} ({chosen.unit})" if chosen.unit else chosen.signal
        part["curves"] = tuple(
            Curve(name, color, chosen.centres, factor * chosen.mean[row])
            for name, color, row in zip(names, colors, rows, strict=True)
            if row >= 0
        )
    if tuning.map is not None and rows and rows[-1] >= 0:
        place = tuning.map
        part["map"] = PlaceMap(
            names[-1],
            f"{place.x} ({place.x_unit})" if place.x_unit else place.x,
            f"{place.y} ({place.y_unit})" if place.y_unit else place.y,
            place.x_edges,
            place.y_edges,
            factor * place.mean[rows[-1]],
        )
    if who:
        notes += _tuned_notes(tuning.tuned, kind, who[-1], names[-1])
    return part


def _most_telling(tuning: Tuning, kind: str, who: list[int]) -> str | None:
    """Return the signal of which the last of the subjects tells most beyond chance, else most nearly so."""
    table = tuning.tuned
    names = [curve.signal for curve in tuning.curves]
    own = (table.kind == kind) & (table.id == who[-1]) if who else np.zeros(len(table), bool)
    own &= np.isin(table.signal, names)
    if not own.any():
        return names[0] if names else None
    gain = np.nan_to_num(table.information_bits[own] - table.information_by_chance_bits[own])
    sure = table.q_value[own] <= _ALPHA
    p = np.where(sure, 0.0, np.nan_to_num(table.p_value[own], nan=2.0))
    return str(table.signal[own][np.lexsort((-gain, p))[0]])


def _tuned_notes(table: Tuned, kind: str, who: int, name: str) -> list[str]:
    own = np.flatnonzero((table.kind == kind) & (table.id == who) & (table.q_value <= _ALPHA))
    told = [
        f"{table.signal[k]} ({table.information_bits[k]:.2f} bits, chance "
        f"{table.information_by_chance_bits[k]:.2f}, q = {table.q_value[k]:.2g})"
        for k in own
    ]
    return [
        f"{name} is tuned to {'; '.join(told)}" if told else f"{name} is tuned to no signal beyond chance"
    ]


def _triggered_part(
    recording: Recording,
    kind: str,
    who: list[int],
    names: list[str],
    colors: list[str],
    label: str | None,
    notes: list[str],
) -> dict[str, object]:
    found = recording.triggered
    assert found is not None
    factor, unit = _shown(found.unit, kind)
    table = found.responses
    if label not in found.labels:
        label = _surest(table, kind, who) or found.labels[0]
    place = found.labels.index(label)
    rows = _rows(found.kind, found.id, kind, who)
    bands = tuple(
        Band(
            name,
            color,
            found.time_s,
            factor * found.mean[place, row],
            factor * found.low[place, row],
            factor * found.high[place, row],
        )
        for name, color, row in zip(names, colors, rows, strict=True)
        if row >= 0
    )
    part: dict[str, object] = {
        "label": found.labels[place],
        "bands": bands,
        "response": _activity(found.input, unit, kind),
    }
    if kind == "neuron" and who:
        part["trials"] = _trials(recording, who[-1], found.labels[place], names[-1])
    own = (table.kind == kind) & (table.label == found.labels[place])
    for k in np.flatnonzero(own & (table.id == who[-1])) if who else ():
        notes.append(
            f"{names[-1]} after {found.labels[place]}: {factor * table.response[k]:+.2g} {unit} over "
            f"{table.n_trials[k]:,} trials, q = {table.q_value[k]:.2g}"
        )
    return part


def _surest(table: Responses, kind: str, who: list[int]) -> str | None:
    """Return the label to which the last of the subjects responds most surely."""
    own = (table.kind == kind) & (table.id == who[-1]) if who else np.zeros(len(table), bool)
    if not own.any():
        return None
    p = np.nan_to_num(table.p_value[own], nan=2.0)
    return str(table.label[own][np.lexsort((-np.abs(np.nan_to_num(table.response[own])), p))[0]])


def _trials(recording: Recording, cell: int, label: str, name: str) -> Trials | None:
    """Return the trials of a cell from the trace that the averages read, or the nearest to it."""
    found, behaviour = recording.triggered, recording.behaviour
    if found is None or behaviour is None or not recording.frame_rate:
        return None
    trace_name = found.input if found.input in recording.traces else latest_trace(recording)
    row = recording.rows((cell,))
    if trace_name is None or not len(row):
        return None
    trace = recording.traces[trace_name]
    span = (-float(found.time_s[0]), float(found.time_s[-1])) if len(found.time_s) else (1.0, 1.0)
    onsets = behaviour.epochs.of(label).start_s
    frames, lags = trial_windows(onsets, recording.frame_rate, recording.n_frames, *span)
    factor, unit = unit_scale(trace.unit)
    values = factor * trace.values[row[0]][frames].astype(np.float64)
    return Trials(f"{name}, {label}", lags / recording.frame_rate, values, unit)


def _shown(unit: str, kind: str) -> tuple[float, str]:
    return (1.0, "activations/s") if kind == "ensemble" else unit_scale(unit)


def _activity(name: str, unit: str, kind: str) -> str:
    if kind == "ensemble" or name == "events":
        return f"Rate ({unit})"
    return f"{'ΔF/F' if unit == '%' else name} ({unit})" if unit else name


def tuning_size(data: TuningData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, 2.3 + 0.16 * len(data.notes)


def draw_tuning(figure: Figure | SubFigure, data: TuningData) -> None:
    """Draw curves, place map, averages and trials side by side, and what the tests say below."""
    if data.message:
        return draw_message(figure, "Tuning", data.message)
    parts = [
        draw
        for draw, there in (
            (_draw_curves, bool(data.curves)),
            (_draw_map, data.map is not None),
            (_draw_bands, bool(data.bands)),
            (_draw_trials, data.trials is not None and data.trials.values.size > 0),
        )
        if there
    ]
    if not parts:
        return draw_message(figure, "Tuning", "There is no measured signal and no event to be tuned to.")
    for ax, draw in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
        draw(ax, data)
    if data.notes:
        text = wrapped("\n".join(data.notes), width_of(figure) - 0.2, note_size())
        figure.supxlabel(text, x=0.01, ha="left", fontsize=note_size(), color=NOTE_COLOR)
    return None


def _draw_curves(ax: Axes, data: TuningData) -> None:
    for curve in data.curves:
        ax.plot(curve.x, curve.y, color=curve.color, lw=0.9, label=curve.label)
    ax.set_xlabel(data.signal or "no measured signal")
    ax.set_ylabel(data.activity)
    ax.set_title("Tuning")
    if data.curves:
        ax.legend(loc="best", handlelength=1.2)


def _draw_bands(ax: Axes, data: TuningData) -> None:
    for band in data.bands:
        ax.fill_between(band.time_s, band.low, band.high, color=band.color, alpha=0.25, lw=0)
        ax.plot(band.time_s, band.mean, color=band.color, lw=0.9)
    ax.axvline(0, color="#8c8c8c", lw=0.6)
    ax.set_xlabel(f"Time from {data.label} (s)" if data.label else "no events")
    ax.set_ylabel(data.response)
    ax.set_title("Average")


def _draw_trials(ax: Axes, data: TuningData) -> None:
    trials = data.trials
    if trials is None:
        return
    time = trials.time_s
    image = ax.imshow(
        trials.values,
        aspect="auto",
        extent=(float(time[0]), float(time[-1]), len(trials.values), 0),
        interpolation="nearest",
    )
    ax.axvline(0, color="white", lw=0.6)
    ax.set_xlabel(f"Time from {data.label} (s)")
    ax.set_ylabel("Trial")
    ax.set_title(trials.title)
    ax.figure.colorbar(image, ax=ax, label=trials.unit, shrink=0.8)


def _draw_map(ax: Axes, data: TuningData) -> None:
    place = data.map
    if place is None:
        return
    image = ax.pcolormesh(place.x_edges, place.y_edges, place.values, shading="flat", rasterized=True)
    ax.set_aspect("equal")
    ax.set_xlabel(place.x_title)
    ax.set_ylabel(place.y_title)
    ax.set_title(place.title)
    ax.figure.colorbar(image, ax=ax, label=data.activity, shrink=0.6)
