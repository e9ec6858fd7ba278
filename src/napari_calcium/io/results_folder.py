"""The results folder: everything a run found, in files that other programs read; a contract."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium import __version__
from napari_calcium.atomic import umask
from napari_calcium.io.behaviour_folder import about_behaviour, write_behaviour
from napari_calcium.io.event_tables import event_tables
from napari_calcium.io.population_folder import about_population, write_population
from napari_calcium.recording import Recording
from napari_calcium.rois import Rois

__all__ = ["FORMAT_VERSION", "is_results_folder", "new_results_folder", "write_results"]

FORMAT_VERSION = 1


def is_results_folder(path: str | Path) -> bool:
    """Whether a path is a folder that :func:`write_results` wrote."""
    return (Path(path) / "log.json").is_file() and (Path(path) / "traces" / "traces.json").is_file()


@contextmanager
def new_results_folder(path: str | Path) -> Iterator[Path]:
    """Give a folder beside `path` to write into, and put it in the place of `path` when all went well.

    A crash, an error or a full disk leaves what was at `path` before, whole.

    Raises
    ------
    FileExistsError
        If something is at `path` that is neither a results folder nor an empty folder.
    """
    target = Path(path).absolute()
    if (
        target.exists()
        and not is_results_folder(target)
        and not (target.is_dir() and not any(target.iterdir()))
    ):
        raise FileExistsError(
            f"{target.name}: exists and is not a results folder; choose another place so that nothing is lost"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        # mkdtemp makes a private folder; results are as public as the user's other folders.
        staging.chmod(0o777 & ~umask())
        yield staging
        _sync(staging)
        old = staging.with_name(staging.name + "-old")
        if target.exists():
            target.rename(old)
        try:
            staging.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def write_results(
    recording: Recording,
    folder: str | Path,
    pipeline_yaml: str,
    measures: Mapping[str, NDArray[np.float64]] = MappingProxyType({}),
) -> None:
    """Write a recording's results into an existing folder, as section 11 of the design lays down.

    Parameters
    ----------
    recording : Recording
    folder : path
        As a rule one that :func:`new_results_folder` gave.
    pipeline_yaml : str
        The settings that reproduce the folder.
    measures : mapping of str to (n_rois,) float64, optional
        Numbers that judge the cells, as further columns of ``rois.csv``. They are not read back.
    """
    folder = Path(folder)
    (folder / "pipeline.yaml").write_text(pipeline_yaml, encoding="utf-8")
    _write_traces(recording, folder / "traces")
    _write_positions(recording, folder, measures)
    _write_candidates(recording, folder)
    _write_motion(recording, folder)
    _write_tables(recording, folder)
    write_population(recording.population, folder / "population")
    write_behaviour(recording, folder / "behaviour")
    _write_log(recording, folder / "log.json")


def _write_traces(recording: Recording, folder: Path) -> None:
    folder.mkdir()
    np.save(folder / "roi_ids.npy", recording.roi_ids)
    for name, trace in recording.traces.items():
        np.save(folder / f"{name}.npy", trace.values)
    about = {
        "frame_rate_hz": recording.frame_rate,
        "n_rois": recording.n_rois,
        "n_frames": recording.n_frames,
        "units": {name: trace.unit for name, trace in recording.traces.items()},
        "cell_names": list(recording.cell_names),
    }
    _write_json(folder / "traces.json", about)


def _write_positions(recording: Recording, folder: Path, measures: Mapping[str, NDArray[np.float64]]) -> None:
    for name, image in recording.images.items():
        (folder / "images").mkdir(exist_ok=True)
        tifffile.imwrite(folder / "images" / f"{name}.tif", np.asarray(image, np.float32), metadata=None)
    rois = recording.rois
    if rois is None:
        return
    row_of = {int(i): k for k, i in enumerate(rois.ids)}
    rows = np.array([row_of.get(int(i), -1) for i in recording.roi_ids], np.int64)
    placed = rows >= 0
    table: dict[str, Any] = {"roi_id": recording.roi_ids}
    table["label"] = _where(placed, np.arange(1, len(rois) + 1), rows)
    table["y_px"] = _where(placed, rois.centroids[:, 0], rows)
    table["x_px"] = _where(placed, rois.centroids[:, 1], rows)
    table["area_px"] = _where(placed, rois.areas, rows)
    table["accepted"] = _where(placed, rois.accepted, rows)
    table["file_label"] = _where(placed, rois.labels, rows)
    if recording.cell_names:
        table["name"] = list(recording.cell_names)
    for name, values in rois.quality.items():
        table[f"quality_{name}"] = _where(placed, values, rows)
    table |= measures
    _write_csv(folder / "rois.csv", table)
    tifffile.imwrite(folder / "rois_labels.tif", rois.label_image(), metadata=None)
    _write_footprints(folder / "footprints.npz", rois, recording.roi_ids, rows)


def _write_candidates(recording: Recording, folder: Path) -> None:
    found = recording.candidates
    if found is None:
        return
    table: dict[str, Any] = {
        "roi_id": found.ids,
        "y_px": found.centroids[:, 0],
        "x_px": found.centroids[:, 1],
        "area_px": found.areas,
        "accepted": recording.cell_choice.accepts(found),
        "detected_as_cell": found.accepted,
        "file_label": found.labels,
    }
    table |= {f"quality_{name}": values for name, values in found.quality.items()}
    _write_csv(folder / "candidates.csv", table)
    _write_footprints(folder / "candidates.npz", found, found.ids, np.arange(len(found)))


def _write_motion(recording: Recording, folder: Path) -> None:
    motion = recording.motion
    if motion is None:
        return
    _write_csv(folder / "registration.csv", {"frame": np.arange(len(motion)), **motion.columns()})
    np.savez_compressed(
        folder / "registration_blocks.npz",
        shifts_y_px=motion.fields[..., 0],
        shifts_x_px=motion.fields[..., 1],
        centres_y_px=motion.node_y_px,
        centres_x_px=motion.node_x_px,
        line_phase_px=motion.line_phase_px,
        residual_px=motion.residual_px,
    )


def _where(placed: NDArray[np.bool_], values: NDArray[Any], rows: NDArray[np.int64]) -> list[Any]:
    """Return values in the order of the recording's cells, None where a cell has no place."""
    return [values[row].item() if ok else None for ok, row in zip(placed, rows, strict=True)]


def _write_footprints(path: Path, rois: Rois, roi_ids: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
    n_pixels = rois.shape[0] * rois.shape[1]
    empty = sparse.csr_array((1, n_pixels), dtype=np.float32)
    ordered = sparse.vstack([rois.footprints, empty], format="csr")[rows]
    np.savez_compressed(
        path,
        data=ordered.data,
        indices=ordered.indices.astype(np.int32),
        indptr=ordered.indptr.astype(np.int64),
        shape=np.array(ordered.shape),
        format=np.array(b"csr"),
        height=rois.shape[0],
        width=rois.shape[1],
        roi_ids=roi_ids,
    )


def _write_tables(recording: Recording, folder: Path) -> None:
    for name, table in event_tables(recording).items():
        _write_csv(folder / name, table)
    if recording.spike_times is not None:
        _write_csv(folder / "spikes.csv", recording.spike_times.columns())
    if recording.features is not None:
        _write_csv(folder / "features.csv", {"roi_id": recording.roi_ids, **recording.features})
    if recording.coactivity is not None:
        _write_csv(folder / "coactivity.csv", recording.coactivity.columns())
    if (found := recording.ensemble_events) is not None:
        columns: dict[str, Any] = found.columns()
        columns["ensemble_id"] = [None if k < 0 else int(k) for k in found.ensemble_id]
        _write_csv(folder / "ensemble_events.csv", columns)
        event = np.repeat(found.event_id, np.diff(found.member_offsets))
        _write_csv(folder / "ensemble_event_neurons.csv", {"event_id": event, "roi_id": found.member_ids})
    if recording.ensembles is not None:
        _write_csv(folder / "ensemble_members.csv", recording.ensembles.members.columns())
        _write_csv(folder / "ensemble_activations.csv", recording.ensembles.activations.columns())
        np.save(folder / "similarity.npy", recording.ensembles.similarity)


def _write_log(recording: Recording, path: Path) -> None:
    of_tables: dict[str, Any] = {"images": list(recording.images)} if recording.images else {}
    if recording.events is not None:
        of_tables["events"] = {"amplitude_unit": recording.events.unit}
    if recording.coactivity is not None:
        of_tables["coactivity"] = {
            "window_s": recording.coactivity.window_s,
            "step_s": recording.coactivity.step_s,
        }
    if recording.ensemble_events is not None:
        of_tables["ensemble_events"] = {"expected_by_chance": recording.ensemble_events.expected_by_chance}
    if recording.ensembles is not None:
        of_tables["ensembles"] = {
            "notes": list(recording.ensembles.notes),
            "expected_by_chance": recording.ensembles.expected_by_chance,
        }
    if recording.features is not None:
        of_tables["features"] = {
            "recording": dict(recording.recording_features),
            "types": {name: values.dtype.name for name, values in recording.features.items()},
        }
    if recording.population is not None:
        of_tables["population"] = about_population(recording.population)
    of_tables |= about_behaviour(recording)
    log = {
        "format_version": FORMAT_VERSION,
        "program": f"napari-calcium {__version__}",
        "recording": recording.name,
        "pixel_size_um": recording.pixel_size_um,
        "cell_choice": recording.cell_choice.model_dump(mode="json"),
        "session": dict(recording.session_facts),
        "input": asdict(recording.source) if recording.source is not None else None,
        "tables": of_tables,
        "steps": [
            asdict(entry) | {"settings": dict(entry.settings), "warnings": list(entry.notes)}
            for entry in recording.log
        ],
    }
    for step in log["steps"]:  # type: ignore[attr-defined]
        del step["notes"]
    _write_json(path, log)


def _write_json(path: Path, data: Any) -> None:
    text = json.dumps(_plain(data), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(data: Any) -> Any:
    """Return data as JSON knows it: NaN becomes null."""
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    if isinstance(data, np.generic):
        data = data.item()
    if isinstance(data, float) and not np.isfinite(data):
        return None
    return data


def _write_csv(path: Path, columns: Mapping[str, Any]) -> None:
    frame = pd.DataFrame({name: _column(values) for name, values in columns.items()})
    frame.to_csv(path, index=False, lineterminator="\n")


def _column(values: Any) -> Any:
    if isinstance(values, list):
        whole = all(v is None or (isinstance(v, int) and not isinstance(v, bool)) for v in values)
        return pd.array(values, dtype="Int64") if whole else pd.Series(values, dtype=object)
    return values
