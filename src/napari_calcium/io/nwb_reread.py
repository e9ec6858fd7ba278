"""Open again what :func:`~napari_calcium.io.nwb_write.save_nwb` saved: an equal recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.io.csv_settings import MOVIE_FIELDS, CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.hdf5 import Hdf5File
from napari_calcium.io.linked_movie import LinkedMovie
from napari_calcium.io.nwb_facts import read_facts
from napari_calcium.io.nwb_layout import (
    ABOUT,
    CELLS,
    MODULE,
    MORE,
    MOTION_FIELDS,
    SCHEMA_VERSION,
    SIMILARITY,
)
from napari_calcium.io.object_tree import from_plain
from napari_calcium.io.trace_chunks import STORED, Transfer, chunk_places
from napari_calcium.progress import Progress, part, silent
from napari_calcium.recording import LogEntry, Movie, Recording, Source, Trace
from napari_calcium.results.tables import (
    Activations,
    Coactivity,
    EnsembleEvents,
    Ensembles,
    Events,
    Members,
    Motion,
    Table,
)
from napari_calcium.rois import Rois

__all__ = ["is_own_nwb", "read_turned", "reread", "reread_selection"]

_BLOCK_BYTES = 1 << 24
_TILE = 256


def is_own_nwb(file: Hdf5File) -> bool:
    """Whether an NWB file holds a whole recording of this program."""
    return file.is_dataset(f"scratch/{ABOUT}")


def reread(file: Hdf5File, on_progress: Progress = silent) -> Recording:
    """Return the recording in a file that this program saved.

    Raises
    ------
    ReadError
        If it was saved by a later version, or is damaged; it names the field.
    """
    field = f"scratch/{ABOUT}"
    try:
        about = json.loads(file.text(field) or "")
        version = about["schema_version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise file.error(field, "is damaged; copy the file again") from None
    if version not in range(1, SCHEMA_VERSION + 1):
        raise file.error(
            field, f"saved in layout {version}, this program reads layout {SCHEMA_VERSION}; update it"
        )
    try:
        # What cannot be cast to the type it should have is damaged.
        with np.errstate(invalid="raise"):
            return _recording(file, about, on_progress)
    except ReadError:
        raise
    except (
        FloatingPointError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        OverflowError,
    ) as error:
        message = f"does not fit what the file holds ({' '.join(str(error).split())[:200]})"
        raise file.error(field, message) from None


def reread_selection(file: Hdf5File) -> dict[str, Any]:
    """Return what was selected when the file was saved; nothing where that is not known or damaged."""
    try:
        kept = json.loads(file.text(f"scratch/{ABOUT}") or "").get("selection", {})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _recording(file: Hdf5File, about: dict[str, Any], on_progress: Progress) -> Recording:
    ids = file.whole_numbers(f"{CELLS}/id")
    with Transfer(file.path) as transfer:
        # Most of the bytes come while everything else is read.
        begun = _begin_traces(file, about["traces"], len(ids), transfer, part(on_progress, 0.0, 0.5))
        others = _all_but_traces(file, about, ids)
        traces = {}
        for name, _, unit in about["traces"]:
            values, until = begun[name]
            finite = transfer.wait(part(on_progress, 0.5, 1.0), until=until)
            traces[name] = Trace.of_checked(values, unit) if finite else Trace(values, unit)
    return Recording(roi_ids=ids, traces=traces, **others)


def _all_but_traces(file: Hdf5File, about: dict[str, Any], ids: NDArray[np.int64]) -> dict[str, Any]:
    return dict(
        name=about["name"],
        frame_rate=about["frame_rate"],
        cell_names=tuple(about["cell_names"]),
        rois=_rois(file, about["rois"], ids),
        images={
            name: np.ascontiguousarray(file.array(f"processing/ophys/SummaryImages/{safe}", ndim=2).T)
            for name, safe in about["images"]
        },
        movie=_movie(file.path.parent, about["movie"], about["log"]),
        motion=_motion(file, about),
        pixel_size_um=about["pixel_size_um"],
        events=_table(file, about, "events", Events),
        coactivity=_table(file, about, "coactivity", Coactivity),
        ensemble_events=_ensemble_events(file, about),
        ensembles=_ensembles(file, about),
        features=_features(file, about["features"]),
        recording_features=about["recording_features"],
        session_facts=read_facts(file, CELLS),
        source=None if about["source"] is None else Source(**about["source"]),
        log=tuple(_log_entry(entry) for entry in about["log"]),
        **_more(file, about.get(MORE, {})),
    )


def _more(file: Hdf5File, plain: dict[str, Any]) -> dict[str, Any]:
    """Return the results that have no table of their own; files of version 1 have none."""
    return {
        name: from_plain(value, lambda array: file.array(f"scratch/{array}")) for name, value in plain.items()
    }


def _begin_traces(
    file: Hdf5File, listed: list[list[str]], n_rois: int, transfer: Transfer, on_progress: Progress
) -> dict[str, tuple[NDArray[np.float32], int]]:
    """Return the traces, and how many jobs of the transfer have to be over until each is whole."""
    traces = {}
    for k, (name, place, _) in enumerate(listed):
        field = f"processing/ophys/{place}/data"
        share = part(on_progress, k / len(listed), (k + 1) / len(listed))
        values = _begin_turned(file, field, transfer, share)
        if len(values) != n_rois:
            raise file.error(field, f"has {len(values)} cells, but there are {n_rois}")
        traces[name] = values, transfer.begun
    return traces


def read_turned(file: Hdf5File, field: str, on_progress: Progress = silent) -> NDArray[np.float32]:
    """Return a dataset that lies as (frames, cells) as (cells, frames) float32, read in blocks.

    Raises
    ------
    ReadError
        If it is missing, no table of numbers, or damaged.
    """
    with Transfer(file.path) as transfer:
        values = _begin_turned(file, field, transfer, part(on_progress, 0.0, 0.5))
        transfer.wait(part(on_progress, 0.5, 1.0))
    return values


def _begin_turned(
    file: Hdf5File, field: str, transfer: Transfer, on_progress: Progress
) -> NDArray[np.float32]:
    """Return a dataset as :func:`read_turned` does, whole once the transfer is over."""
    stored = file.dataset(field)
    if stored.dtype.kind not in "fiub" or stored.ndim != 2:
        raise file.error(field, f"must be a table of numbers, got {stored.dtype} of {stored.shape}")
    n_frames, n_rois = stored.shape
    values = np.empty((n_rois, n_frames), np.float32)
    whole_traces = stored.chunks is not None and stored.chunks[0] == n_frames
    if whole_traces and stored.chunks[1] == 1 and _is_plain(stored):
        _read_chunks(file, field, stored, values, transfer)
        return values
    along = 1 if whole_traces else 0
    a_line = stored.dtype.itemsize * max(1, stored.shape[1 - along])
    step = max(1, _BLOCK_BYTES // a_line)
    if whole_traces:
        step = -(-step // stored.chunks[1]) * stored.chunks[1]
    for start in range(0, stored.shape[along] if values.size else 0, step):
        part_of = (slice(None),) * along + (slice(start, start + step),)
        block = file.read(field, stored, part_of)
        with np.errstate(over="ignore", invalid="ignore"):
            _turn(block, values[(slice(None),) * (1 - along) + (slice(start, start + step),)])
        on_progress(min(start + step, stored.shape[along]), stored.shape[along])
    return values


def _turn(block: NDArray[Any], out: NDArray[np.float32]) -> None:
    """Write a transposed block, in parts that stay in the processor's cache."""
    for start in range(0, block.shape[1], _TILE):
        out[start : start + _TILE] = block[:, start : start + _TILE].T


def _is_plain(stored: Any) -> bool:
    """Whether the bytes of a chunk are its numbers as they are wanted."""
    return bool(stored.dtype == STORED == np.float32 and not stored.id.get_create_plist().get_nfilters())


def _read_chunks(
    file: Hdf5File, field: str, stored: Any, values: NDArray[np.float32], transfer: Transfer
) -> None:
    """Read traces that are a chunk each: many at once where they follow one another in the file."""
    if not values.size:
        return
    if (places := chunk_places(stored, len(values), values.strides[0])) is not None:
        transfer.read(values, places, lambda row: _unread(file, field, row, "the file ends before it"))
        return
    for row in range(len(values)):
        try:
            values[row] = np.frombuffer(stored.id.read_direct_chunk((0, row))[1], STORED)
        except Exception as error:
            raise _unread(file, field, row, " ".join(str(error).split())[:200]) from None


def _unread(file: Hdf5File, field: str, row: int, why: str) -> ReadError:
    return file.error(field, f"cell {row} cannot be read ({why})")


def _rois(file: Hdf5File, about: dict[str, Any] | None, ids: NDArray[np.int64]) -> Rois | None:
    if about is None:
        return None
    height, width = (int(n) for n in about["shape"])
    place = file.whole_numbers(f"{CELLS}/place")
    placed = np.flatnonzero(place >= 0)
    rows = placed[np.argsort(place[placed], kind="stable")]
    return Rois(
        ids[rows],
        _footprints(file, len(ids), (height, width))[rows],
        (height, width),
        file.whole_numbers(f"{CELLS}/label")[rows],
        file.array(f"{CELLS}/accepted", ndim=1).astype(bool)[rows],
        {name: file.array(f"{CELLS}/{safe}", ndim=1)[rows] for name, safe in about["quality"].items()},
    )


def _footprints(file: Hdf5File, n_rois: int, shape: tuple[int, int]) -> sparse.csr_array:
    field = f"{CELLS}/pixel_mask"
    mask = file.read(field, file.dataset(field))
    ends = file.whole_numbers(f"{field}_index")
    if mask.dtype.names != ("x", "y", "weight") or len(ends) != n_rois:
        raise file.error(field, "has not the form of a pixel mask")
    offsets = np.concatenate([[0], ends])
    if (np.diff(offsets) < 0).any() or offsets[-1] != len(mask):
        raise file.error(f"{field}_index", "does not fit the pixels")
    y, x = mask["y"].astype(np.int64), mask["x"].astype(np.int64)
    if len(mask) and (y.max() >= shape[0] or x.max() >= shape[1]):
        raise file.error(field, f"has pixels outside the image of {shape[0]} × {shape[1]}")
    return sparse.csr_array(
        (mask["weight"].astype(np.float32), y * shape[1] + x, offsets), shape=(n_rois, shape[0] * shape[1])
    )


def _movie(folder: Path, about: dict[str, Any] | None, log: list[dict[str, Any]]) -> Movie | None:
    if about is None:
        return None
    path, shape = about["path"], tuple(int(n) for n in about["shape"])
    read: dict[str, Any] = next((entry["settings"] for entry in log if entry["stage"] == "read"), {})
    part = CsvSettings.validated({name: read[name] for name in MOVIE_FIELDS if name in read})
    return Movie(LinkedMovie(path, folder, shape, about["dtype"], part), path)


def _motion(file: Hdf5File, about: dict[str, Any]) -> Motion | None:
    if "motion" not in about["tables"]:
        return None
    *always, later = MOTION_FIELDS
    stored = (*always, later) if file.is_dataset(f"scratch/motion_{later}") else always
    parts: dict[str, Any] = {name: file.array(f"scratch/motion_{name}") for name in stored}
    parts |= _columns(file, "motion", Motion) | _numbers(about["tables"]["motion"])
    return Motion(**parts)


def _table(file: Hdf5File, about: dict[str, Any], name: str, table: type[Any]) -> Any:
    if name not in about["tables"]:
        return None
    return table(**_columns(file, name, table), **_numbers(about["tables"][name]))


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(value, (int, float, str))}


def _columns(file: Hdf5File, name: str, table: type[Table]) -> dict[str, NDArray[Any]]:
    return {
        column: file.array(f"processing/{MODULE}/{name}/{column}", ndim=1).astype(empty.dtype)
        for column, empty in table().columns().items()
    }


def _ensemble_events(file: Hdf5File, about: dict[str, Any]) -> EnsembleEvents | None:
    if "ensemble_events" not in about["tables"]:
        return None
    field = f"processing/{MODULE}/ensemble_events/roi_ids"
    ends = file.whole_numbers(f"{field}_index")
    columns: dict[str, Any] = {**_columns(file, "ensemble_events", EnsembleEvents)}
    return EnsembleEvents(
        **columns,
        member_offsets=np.concatenate([np.zeros(1, np.int64), ends]),
        member_ids=file.whole_numbers(field),
        **_numbers(about["tables"]["ensemble_events"]),
    )


def _ensembles(file: Hdf5File, about: dict[str, Any]) -> Ensembles | None:
    if about["ensembles"] is None:
        return None
    return Ensembles(
        Members(**_columns(file, "ensemble_members", Members)),
        Activations(**_columns(file, "ensemble_activations", Activations)),
        file.array(f"scratch/{SIMILARITY}", ndim=2),
        tuple(about["ensembles"]["notes"]),
        about["ensembles"]["expected_by_chance"],
    )


def _features(file: Hdf5File, listed: list[list[str]] | None) -> dict[str, NDArray[Any]] | None:
    if listed is None:
        return None
    fields = {name: (f"processing/{MODULE}/features/{safe}", kind) for name, safe, kind in listed}
    return {name: file.array(field, ndim=1).astype(np.dtype(kind)) for name, (field, kind) in fields.items()}


def _log_entry(entry: dict[str, Any]) -> LogEntry:
    lists = {name: tuple(entry[name]) for name in ("reads", "writes", "notes")}
    return LogEntry(**(entry | lists))
