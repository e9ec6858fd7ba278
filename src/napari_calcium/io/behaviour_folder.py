"""The behaviour in the results folder: tables and arrays under ``behaviour/``, written and read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_calcium.io.errors import ReadError
from napari_calcium.io.folder_files import array_of, naming, parts_of, table_of
from napari_calcium.recording import Recording
from napari_calcium.results.behaviour_findings import (
    Decoding,
    DecodingScores,
    Preferences,
    Relations,
    Responses,
    Triggered,
    Tuned,
    Tuning,
    TuningCurve,
    TuningMap,
)
from napari_calcium.results.behaviour_results import Behaviour, BehaviourFile, Epochs, Signal
from napari_calcium.results.tables import Table

__all__ = ["about_behaviour", "read_behaviour_folder", "signal_columns", "write_behaviour"]

_SPELLED = {"%": "percent", "°": "deg", "µm": "um", "ΔF/F": "dff", "a.u.": "au"}

AnyTable = TypeVar("AnyTable", bound=Table)


def write_behaviour(recording: Recording, folder: Path) -> None:
    """Write what there is of behaviour into a folder, which is made if anything is written.

    Parameters
    ----------
    recording : Recording
    folder : Path
        ``behaviour`` in the results folder.
    """
    tables = _tables(recording)
    arrays = _arrays(recording)
    if not tables and not arrays:
        return
    folder.mkdir(exist_ok=True)
    for name, columns in tables.items():
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    for name, parts in arrays.items():
        np.savez_compressed(folder / f"{name}.npz", allow_pickle=False, **parts)


def about_behaviour(recording: Recording) -> dict[str, Any]:
    """Return what the tables do not say, for ``log.json``; empty where there is no behaviour."""
    about: dict[str, Any] = {}
    if (file := recording.behaviour_file) is not None:
        about["behaviour_file"] = {
            "names": [s.name for s in file.signals],
            "units": [s.unit for s in file.signals],
        }
    if (found := recording.behaviour) is not None:
        about["behaviour"] = {
            "names": list(found.names),
            "units": list(found.units),
            "made_of": found.made_of,
            "offset_s": found.offset_s,
            "drift_ppm": found.drift_ppm,
            "residual_s": found.residual_s,
            "covered": found.covered,
        }
    if recording.relations is not None:
        about["relations"] = {"input": recording.relations.input, "max_lag_s": recording.relations.max_lag_s}
    if (tuning := recording.tuning) is not None:
        about["tuning"] = {
            "input": tuning.input,
            "unit": tuning.unit,
            "curves": [[curve.signal, curve.unit] for curve in tuning.curves],
            "map": None if (m := tuning.map) is None else [m.x, m.y, m.x_unit, m.y_unit],
        }
    if (triggered := recording.triggered) is not None:
        about["triggered"] = {
            "input": triggered.input,
            "unit": triggered.unit,
            "labels": list(triggered.labels),
            "confidence_percent": triggered.confidence_percent,
        }
    for name in ("preferences", "decoding"):
        if getattr(recording, name) is not None:
            about[name] = {}
    return about


def read_behaviour_folder(folder: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a recording that :func:`write_behaviour` wrote.

    Parameters
    ----------
    folder : Path
    about : mapping
        What :func:`about_behaviour` gave.

    Raises
    ------
    ReadError
        If a column is missing.
    """
    readers = {
        "behaviour_file": _read_file,
        "behaviour": _read_aligned,
        "relations": lambda f, a: _read(f / "relations.csv", Relations, **a),
        "tuning": _read_tuning,
        "triggered": _read_triggered,
        "preferences": _read_preferences,
        "decoding": _read_decoding,
    }
    return {name: reader(folder, about[name]) for name, reader in readers.items() if name in about}


def _tables(recording: Recording) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    if (found := recording.behaviour) is not None:
        tables["signals"] = signal_columns(recording)
        tables["epochs"] = found.epochs.columns()
    if recording.relations is not None:
        tables["relations"] = recording.relations.columns()
    if recording.tuning is not None:
        tables["tuning"] = recording.tuning.tuned.columns()
        tables["tuning_curves"] = _curve_columns(recording.tuning)
    if recording.triggered is not None:
        tables["triggered_responses"] = recording.triggered.responses.columns()
    if recording.preferences is not None:
        tables["preferences"] = recording.preferences.columns()
    if (decoding := recording.decoding) is not None:
        tables["decoding"] = decoding.scores.columns()
        n_rows, n_bins = len(decoding.scores), len(decoding.time_s)
        tables["decoding_predictions"] = {
            "target": np.repeat(decoding.scores.target, n_bins),
            "source": np.repeat(decoding.scores.source, n_bins),
            "time_s": np.tile(decoding.time_s, n_rows),
            "observed": decoding.observed.ravel(),
            "predicted": decoding.predicted.ravel(),
        }
    return tables


def signal_columns(recording: Recording) -> dict[str, NDArray[np.float64]]:
    """Return the middle of each frame and every signal there, with units in the names."""
    found = recording.behaviour or Behaviour()
    middle = np.arange(found.values.shape[1]) + 0.5
    time = middle / recording.frame_rate if recording.frame_rate else middle
    names = _column_names(found.names, found.units)
    return {"time_s": time, **dict(zip(names, found.values, strict=True))}


def _arrays(recording: Recording) -> dict[str, dict[str, NDArray[Any]]]:
    arrays: dict[str, dict[str, NDArray[Any]]] = {}
    if (file := recording.behaviour_file) is not None:
        arrays["as_recorded"] = _file_arrays(file)
    if (found := recording.behaviour) is not None and any(found.stand_ins):
        arrays["stand_ins"] = {"weights": found.weights}
    if (tuning := recording.tuning) is not None:
        parts = {"kind": np.array(tuning.kind, np.str_), "id": tuning.id}
        for k, curve in enumerate(tuning.curves):
            parts |= {f"{name}_{k}": getattr(curve, name) for name in ("edges", "occupancy_s", "mean")}
        if tuning.map is not None:
            names = ("x_edges", "y_edges", "occupancy_s", "mean")
            parts |= {f"map_{name}": getattr(tuning.map, name) for name in names}
        arrays["tuning"] = parts
    if (triggered := recording.triggered) is not None:
        arrays["triggered_averages"] = {
            "kind": np.array(triggered.kind, np.str_),
            **{name: getattr(triggered, name) for name in ("id", "time_s", "mean", "low", "high")},
        }
    return arrays


def _file_arrays(file: BehaviourFile) -> dict[str, NDArray[Any]]:
    """Return the file's arrays; signals of one table share their times."""
    parts = {f"epochs_{name}": values for name, values in file.epochs.columns().items()}
    parts |= {name: getattr(file, name) for name in ("pulse_s", "recording_pulse_s", "frame_s")}
    clocks: list[NDArray[np.float64]] = []
    clock_of = []
    for k, signal in enumerate(file.signals):
        same = [c for c, clock in enumerate(clocks) if np.array_equal(clock, signal.time_s)]
        if not same:
            clocks.append(signal.time_s)
        clock_of.append(same[0] if same else len(clocks) - 1)
        parts[f"values_{k}"] = signal.values
    parts |= {f"time_{k}_s": clock for k, clock in enumerate(clocks)}
    return parts | {"clock": np.array(clock_of, np.int64)}


def _curve_columns(tuning: Tuning) -> dict[str, Any]:
    """Return the curves as a long table, a row a subject and bin."""
    n = len(tuning.id)
    parts: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("kind", "id", "signal", "unit", "bin_from", "bin_to", "occupancy_s", "mean")
    }
    for curve in tuning.curves:
        bins = len(curve.occupancy_s)
        columns = (
            np.repeat(np.array(tuning.kind, np.str_), bins),
            np.repeat(tuning.id, bins),
            np.full(n * bins, curve.signal),
            np.full(n * bins, curve.unit),
            np.tile(curve.edges[:-1], n),
            np.tile(curve.edges[1:], n),
            np.tile(curve.occupancy_s, n),
            curve.mean.ravel(),
        )
        for name, values in zip(parts, columns, strict=True):
            parts[name].append(values)
    return {name: np.concatenate(values) if values else np.empty(0) for name, values in parts.items()}


def _column_names(names: tuple[str, ...], units: tuple[str, ...]) -> list[str]:
    """Return names of columns with their units: ``speed_cm_per_s``; each once."""
    found: list[str] = []
    for name, unit in zip(names, units, strict=True):
        word = _SPELLED.get(unit, unit).replace("/", "_per_")
        column = re.sub(r"\W+", "_", f"{name}_{word}" if word else name).strip("_") or "signal"
        found.append(column if column not in (*found, "time_s") else f"{column}_{len(found) + 1}")
    return found


def _text_columns(path: Path, names: list[str]) -> dict[str, NDArray[Any]]:
    frame = table_of(path, dtype=str, keep_default_na=False)
    if missing := set(names) - set(frame.columns):
        raise ReadError(f"{path.parent.name}/{path.name}: column {sorted(missing)[0]} is missing")
    return {name: frame[name].to_numpy(dtype=object) for name in names}


def _typed(path: Path, name: str, cells: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "U":
        return np.array([str(cell) for cell in cells], np.str_)
    # By way of Python's numbers, which come back to the last digit.
    known = [cell if cell else "nan" for cell in cells.tolist()]
    with naming(path):
        try:
            return np.array([int(cell) for cell in known] if dtype.kind == "i" else known, dtype)
        except ValueError as error:
            raise ValueError(f"column {name}: {error}") from None


def _read(path: Path, table: type[AnyTable], **more: Any) -> AnyTable:
    empty = table().columns()
    cells = _text_columns(path, list(empty))
    return table(**{n: _typed(path, n, cells[n], column.dtype) for n, column in empty.items()}, **more)


def _read_preferences(folder: Path, about: Mapping[str, Any]) -> Preferences:
    """Read the table; folders of before it held the range of chance have NaN there."""
    path = folder / "preferences.csv"
    there = table_of(path, nrows=0).columns
    if "chance_low" in there:
        return _read(path, Preferences)
    empty = {n: c for n, c in Preferences().columns().items() if not n.startswith("chance_")}
    cells = _text_columns(path, list(empty))
    columns = {name: _typed(path, name, cells[name], column.dtype) for name, column in empty.items()}
    unknown = np.full(len(columns["id"]), np.nan)
    return Preferences(**columns, chance_low=unknown, chance_high=unknown)


def _read_file(folder: Path, about: Mapping[str, Any]) -> BehaviourFile:
    path = folder / "as_recorded.npz"
    stored = parts_of(path)
    with naming(path):
        clocks = {int(k): stored[f"time_{k}_s"] for k in np.unique(stored["clock"])}
        signals = tuple(
            Signal(name, unit, clocks[int(stored["clock"][k])], stored[f"values_{k}"])
            for k, (name, unit) in enumerate(zip(about["names"], about["units"], strict=True))
        )
        epochs = Epochs(**{item.name: stored[f"epochs_{item.name}"] for item in fields(Epochs)})
        moments = {name: stored[name] for name in ("pulse_s", "recording_pulse_s", "frame_s")}
    return BehaviourFile(signals, epochs, **moments)


def _read_aligned(folder: Path, about: Mapping[str, Any]) -> Behaviour:
    path = folder / "signals.csv"
    cells = table_of(path, dtype=str, keep_default_na=False)
    if len(cells.columns) <= len(about["names"]):
        raise ReadError(f"behaviour/{path.name}: column {about['names'][-1]} is missing")
    values = [
        _typed(path, name, cells.iloc[:, k].to_numpy(dtype=object), np.dtype(float))
        for k, name in enumerate(about["names"], 1)
    ]
    shape = (len(values), len(cells))
    weights = np.zeros((len(values), _n_rois(folder)))
    if (folder / "stand_ins.npz").exists():
        weights = parts_of(folder / "stand_ins.npz")["weights"]
    residual = about["residual_s"]
    return Behaviour(
        tuple(about["names"]),
        tuple(about["units"]),
        np.array(values).reshape(shape),
        _read(folder / "epochs.csv", Epochs),
        weights,
        about["made_of"],
        float(about["offset_s"]),
        float(about["drift_ppm"]),
        float("nan") if residual is None else float(residual),
        float(about["covered"]),
    )


def _n_rois(folder: Path) -> int:
    return len(array_of(folder.parent / "traces" / "roi_ids.npy"))


def _read_tuning(folder: Path, about: Mapping[str, Any]) -> Tuning:
    path = folder / "tuning.npz"
    stored = parts_of(path)
    with naming(path):
        curves = tuple(
            TuningCurve(signal, unit, *(stored[f"{name}_{k}"] for name in ("edges", "occupancy_s", "mean")))
            for k, (signal, unit) in enumerate(about["curves"])
        )
        place = None
        if about["map"] is not None:
            names = ("x_edges", "y_edges", "occupancy_s", "mean")
            place = TuningMap(*about["map"], *(stored[f"map_{name}"] for name in names))
        kind, ids = tuple(stored["kind"].tolist()), stored["id"]
    return Tuning(
        kind, ids, _read(folder / "tuning.csv", Tuned), curves, place, about["input"], about["unit"]
    )


def _read_triggered(folder: Path, about: Mapping[str, Any]) -> Triggered:
    path = folder / "triggered_averages.npz"
    stored = parts_of(path)
    with naming(path):
        arrays = {name: stored[name] for name in ("id", "time_s", "mean", "low", "high")}
        kind = tuple(stored["kind"].tolist())
    return Triggered(
        kind=kind,
        **arrays,
        labels=tuple(about["labels"]),
        responses=_read(folder / "triggered_responses.csv", Responses),
        confidence_percent=float(about["confidence_percent"]),
        input=about["input"],
        unit=about["unit"],
    )


def _read_decoding(folder: Path, about: Mapping[str, Any]) -> Decoding:
    scores = _read(folder / "decoding.csv", DecodingScores)
    path = folder / "decoding_predictions.csv"
    cells = _text_columns(path, ["time_s", "observed", "predicted"])
    numbers = {name: _typed(path, name, values, np.dtype(float)) for name, values in cells.items()}
    n_rows = len(scores)
    shape = (n_rows, len(numbers["time_s"]) // n_rows if n_rows else 0)
    time = numbers["time_s"][: shape[1]]
    return Decoding(scores, time, numbers["observed"].reshape(shape), numbers["predicted"].reshape(shape))
