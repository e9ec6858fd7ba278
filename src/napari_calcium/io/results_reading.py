"""Read a results folder back into a recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.cell_choice import CellChoice
from napari_calcium.io.behaviour_folder import read_behaviour_folder
from napari_calcium.io.errors import ReadError
from napari_calcium.io.event_tables import read_event_choices, read_judged_events
from napari_calcium.io.folder_files import GONE, array_of, image_of, naming, parts_of, table_of, typed
from napari_calcium.io.population_folder import read_population
from napari_calcium.io.results_folder import FORMAT_VERSION, is_results_folder
from napari_calcium.numerics.measured_cells import MEASURES, remember_measures
from napari_calcium.recording import LogEntry, Recording, Source, Trace
from napari_calcium.results.tables import (
    Activations,
    Coactivity,
    EnsembleEvents,
    Ensembles,
    Events,
    Members,
    Motion,
    SpikeTimes,
    Table,
)
from napari_calcium.rois import Rois

__all__ = ["read_results"]

_FILES_OF_TABLES = {
    "events": ("events.csv",),
    "coactivity": ("coactivity.csv",),
    "ensemble_events": ("ensemble_events.csv", "ensemble_event_neurons.csv"),
    "ensembles": ("ensemble_members.csv", "ensemble_activations.csv", "similarity.npy"),
    "features": ("features.csv",),
}
"""What ``log.json`` says was found, and the files that it must then stand in."""
_FILES_OF_RESULTS = {
    "rois": ("rois.csv", "footprints.npz"),
    "motion": ("registration.csv", "registration_blocks.npz"),
}
"""What a step of the log says that it wrote, and the files of it."""
_TOGETHER = (
    ("rois.csv", "footprints.npz"),
    ("candidates.csv", "candidates.npz"),
    ("registration.csv", "registration_blocks.npz"),
)


def read_results(folder: str | Path) -> Recording:
    """Read a results folder back into a recording.

    Raises
    ------
    ReadError
        If it is not a results folder, is of a newer version, or a file in it is damaged or gone.
    """
    folder = Path(folder)
    if not is_results_folder(folder):
        raise ReadError(f"{folder.name}: not a results folder of napari-calcium (no log.json)")
    try:
        log = _json(folder / "log.json")
        version = log.get("format_version")
        if version != FORMAT_VERSION:
            raise ReadError(
                f"log.json: written in format {version}, this program reads format {FORMAT_VERSION}; "
                "update napari-calcium"
            )
        recording = _assemble(folder, log)
        _recall_measures(recording, folder / "rois.csv")
        return recording
    except ReadError as error:
        raise ReadError(f"{folder.name}/{error}") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
        raise ReadError(
            f"{folder.name}: a file in the folder is damaged ({' '.join(str(error).split())})"
        ) from error


def _assemble(folder: Path, log: dict[str, Any]) -> Recording:
    about = _json(folder / "traces" / "traces.json")
    roi_ids = array_of(folder / "traces" / "roi_ids.npy")
    traces = {
        name: Trace(array_of(folder / "traces" / f"{name}.npy", mapped=True), unit)
        for name, unit in about["units"].items()
    }
    tables = log["tables"]
    _check_present(folder, log)
    events = _read_table(folder / "events.csv", Events)
    return Recording(
        log["recording"],
        roi_ids,
        about["frame_rate_hz"],
        traces,
        tuple(about["cell_names"]),
        _read_rois(folder),
        {p.stem: image_of(p) for p in sorted((folder / "images").glob("*.tif"))},
        None,
        log["pixel_size_um"],
        Events(**events, unit=tables["events"]["amplitude_unit"]) if events else None,
        _read_coactivity(folder, tables),
        _read_ensemble_events(folder, tables),
        _read_ensembles(folder, tables),
        _read_features(folder, tables),
        {k: _nan(v) for k, v in tables.get("features", {}).get("recording", {}).items()},
        Source(**log["input"]) if log["input"] else None,
        tuple(_log_entry(step) for step in log["steps"]),
        _read_motion(folder),
        candidates=_read_candidates(folder),
        cell_choice=CellChoice.validated(log.get("cell_choice", {})),
        detected_events=read_judged_events(folder, tables.get("events", {}).get("amplitude_unit", "")),
        event_choices=read_event_choices(folder),
        spike_times=SpikeTimes(**spikes)
        if (spikes := _read_table(folder / "spikes.csv", SpikeTimes))
        else None,
        session_facts={
            name: tuple(fact) if isinstance(fact, list) else fact
            for name, fact in log.get("session", {}).items()
        },
        population=read_population(folder / "population", tables.get("population", {})),
        **read_behaviour_folder(folder / "behaviour", tables),
    )


def _json(path: Path) -> dict[str, Any]:
    with naming(path):
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("expected names and values")
        return found


def _check_present(folder: Path, log: dict[str, Any]) -> None:
    """Refuse a folder that lost a file: without it, a result would look as if it had found nothing."""
    needed = [name for table, names in _FILES_OF_TABLES.items() if table in log["tables"] for name in names]
    written = {result for step in log["steps"] for result in step["writes"]}
    needed += [name for result, names in _FILES_OF_RESULTS.items() if result in written for name in names]
    needed += [f"images/{name}.tif" for name in log["tables"].get("images", ())]
    # What one of them is there of, the other belongs to, whatever the log says.
    needed += [name for pair in _TOGETHER if any((folder / one).exists() for one in pair) for name in pair]
    for name in needed:
        if not (folder / name).exists():
            raise ReadError(f"{name}: {GONE}")


def _read_coactivity(folder: Path, tables: dict[str, Any]) -> Coactivity | None:
    columns = _read_table(folder / "coactivity.csv", Coactivity)
    if not columns:
        return None
    widths = tables["coactivity"]
    return Coactivity(**columns, window_s=float(widths["window_s"]), step_s=float(widths["step_s"]))


def _log_entry(step: dict[str, Any]) -> LogEntry:
    return LogEntry(
        step["stage"],
        step["settings"],
        tuple(step["reads"]),
        tuple(step["writes"]),
        tuple(step["warnings"]),
        step["version"],
        step["seconds"],
        step["peak_memory_mb"],
    )


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _read_motion(folder: Path) -> Motion | None:
    columns = _read_table(folder / "registration.csv", Motion)
    if not columns:
        return None
    path = folder / "registration_blocks.npz"
    stored = parts_of(path)
    with naming(path):
        return Motion(
            **columns,
            fields=np.stack([stored["shifts_y_px"], stored["shifts_x_px"]], axis=-1),
            node_y_px=stored["centres_y_px"],
            node_x_px=stored["centres_x_px"],
            line_phase_px=float(stored["line_phase_px"]),
            residual_px=stored.get("residual_px", np.empty(0)),
        )


def _read_table(path: Path, table: type[Table]) -> dict[str, NDArray[Any]]:
    if not path.exists():
        return {}
    frame = table_of(path)
    empty = table().columns()
    if missing := empty.keys() - set(frame.columns):
        raise ReadError(f"{path.name}: column {sorted(missing)[0]} is missing")
    return {name: typed(frame[name], column.dtype, path) for name, column in empty.items()}


def _read_ensemble_events(folder: Path, tables: dict[str, Any]) -> EnsembleEvents | None:
    columns = _read_table(folder / "ensemble_events.csv", EnsembleEvents)
    if not columns:
        return None
    path = folder / "ensemble_event_neurons.csv"
    pairs = table_of(path)
    with naming(path):
        event, roi_id = (typed(pairs[name], np.dtype(np.int64), path) for name in ("event_id", "roi_id"))
    offsets = np.searchsorted(event, np.arange(len(columns["event_id"]) + 1))
    return EnsembleEvents(
        **columns,
        member_offsets=offsets.astype(np.int64),
        member_ids=roi_id,
        expected_by_chance=_nan(tables["ensemble_events"]["expected_by_chance"]),
    )


def _read_ensembles(folder: Path, tables: dict[str, Any]) -> Ensembles | None:
    members = _read_table(folder / "ensemble_members.csv", Members)
    if not members:
        return None
    return Ensembles(
        Members(**members),
        Activations(**_read_table(folder / "ensemble_activations.csv", Activations)),
        array_of(folder / "similarity.npy"),
        tuple(tables["ensembles"]["notes"]),
        _nan(tables["ensembles"]["expected_by_chance"]),
    )


def _read_features(folder: Path, tables: dict[str, Any]) -> dict[str, NDArray[Any]] | None:
    path = folder / "features.csv"
    if not path.exists():
        return None
    frame = table_of(path)
    types = tables["features"]["types"]
    with naming(path):
        return {name: typed(frame[name], np.dtype(dtype), path) for name, dtype in types.items()}


def _recall_measures(recording: Recording, path: Path) -> None:
    """Remember what the folder says was measured of the cells, so that nothing measures it again."""
    if not path.exists():
        return
    # Numbers come back to the last bit.
    frame = table_of(path)
    there = [name for name in MEASURES if name in frame.columns]
    if there and frame["roi_id"].tolist() == recording.roi_ids.tolist():
        remember_measures(recording, {name: frame[name].to_numpy(np.float64) for name in there})


def _read_rois(folder: Path) -> Rois | None:
    if not (folder / "rois.csv").exists():
        return None
    path = folder / "rois.csv"
    frame = table_of(path)
    with naming(path):
        label = frame["label"].to_numpy(np.float64)
    placed = np.flatnonzero(~np.isnan(label))
    rows = placed[np.argsort(label[placed], kind="stable")]
    return _rois(frame, path, folder / "footprints.npz", rows, "accepted")


def _read_candidates(folder: Path) -> Rois | None:
    if not (folder / "candidates.csv").exists():
        return None
    path = folder / "candidates.csv"
    frame = table_of(path)
    return _rois(frame, path, folder / "candidates.npz", np.arange(len(frame)), "detected_as_cell")


def _rois(frame: pd.DataFrame, table: Path, footprints: Path, rows: NDArray[np.int64], accepted: str) -> Rois:
    stored = parts_of(footprints)
    with naming(footprints):
        shape = (int(stored["height"]), int(stored["width"]))
        weights = sparse.csr_array(
            (stored["data"], stored["indices"], stored["indptr"]), shape=tuple(stored["shape"])
        )[rows]
    part = frame.iloc[rows]
    with naming(table):
        return Rois(
            typed(part["roi_id"], np.dtype(np.int64), table),
            weights,
            shape,
            typed(part["file_label"], np.dtype(np.int64), table),
            typed(part[accepted], np.dtype(bool), table),
            {
                str(name).removeprefix("quality_"): typed(part[name], np.dtype(np.float64), table)
                for name in frame.columns
                if str(name).startswith("quality_")
            },
        )
