"""Minian's folder of zarr arrays: one array a variable."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.io.clock import read_clock
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.foreign import Parts, make_recording
from napari_calcium.io.zarr2 import ZarrArray
from napari_calcium.recording import Recording, Source

__all__ = ["find_minian", "read_minian"]

_LARGEST_FIELD = 1 << 26
_MOST_UNITS = 1 << 20
_TRACES = {"YrA": "raw", "C": "denoised", "S": "spikes"}


def find_minian(path: str | Path) -> Path | None:
    """Return the folder of Minian's variables that a path means: itself, or that of one of its ``.zarr``."""
    path = Path(path)
    for folder in (path, path.parent if path.suffix == ".zarr" else path):
        described = (folder / "C.zarr" / "C" / name for name in (".zarray", "zarr.json"))
        if any(file.is_file() for file in described) and (folder / "A.zarr").is_dir():
            return folder
    return None


def read_minian(path: str | Path, settings: CsvSettings = CsvSettings()) -> Recording:
    """Read what Minian saved.

    Parameters
    ----------
    path : path
        The folder that holds ``A.zarr``, ``C.zarr`` …; nothing in it is written to.
    settings : CsvSettings
        Its `frame_rate` overrules that of ``timeStamps.csv`` beside or above the folder.

    Returns
    -------
    Recording
        Ids are Minian's ``unit_id``. Traces in a.u.: ``"raw"`` (YrA: demixed and without background, so that
        its baseline lies near 0), ``"denoised"`` (C), ``"spikes"`` (S). Axes go by their names.

    Raises
    ------
    ReadError
        In one line that names the array: missing, damaged, or with a codec that could run a program.
    """
    started = time.perf_counter()
    folder = find_minian(path)
    if folder is None:
        raise ReadError(f"{Path(path).name}: no folder of Minian (A.zarr and C.zarr)")
    notes: list[str] = []
    traces = {
        name: (_by_unit(folder, variable), "a.u.")
        for variable, name in _TRACES.items()
        if (folder / f"{variable}.zarr").is_dir()
    }
    n_rois = len(traces["denoised"][0])
    ids = _ids(folder, "C", n_rois)
    shape, footprints = _footprints(folder, ids)
    if "raw" in traces:
        notes.append("raw (YrA) has no background, so that ΔF/F made of it is relative to a level near 0")
    parts = Parts(
        program="Minian",
        name=folder.absolute().parent.name if folder.name == "minian" else folder.name,
        roi_ids=ids,
        frame_rate=_frame_rate(folder, notes),
        traces=traces,
        footprints=footprints,
        shape=shape,
        images=_images(folder, shape),
        notes=notes,
    )
    files = (p for name in ("A", *_TRACES) for p in (folder / f"{name}.zarr").rglob("*") if p.is_file())
    source = Source(folder.name, sum(p.stat().st_size for p in files))
    return make_recording(parts, folder, source, settings, started)


def _array(folder: Path, variable: str, dimensions: tuple[str, ...]) -> tuple[ZarrArray, tuple[int, ...]]:
    """Return an array and the order in which its axes are the wanted ones."""
    array = ZarrArray.open(folder / f"{variable}.zarr" / variable, f"{variable}.zarr")
    names = array.dimensions or dimensions
    if sorted(names) != sorted(dimensions) or len(array.shape) != len(dimensions):
        raise ReadError(
            f"{variable}.zarr: must have the axes {', '.join(dimensions)}, got {', '.join(names)}"
        )
    return array, tuple(names.index(name) for name in dimensions)


def _by_unit(folder: Path, variable: str) -> NDArray[np.float32]:
    array, order = _array(folder, variable, ("unit_id", "frame"))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array.whole().transpose(order), np.float32)


def _ids(folder: Path, variable: str, n_rois: int) -> NDArray[np.int64]:
    place = folder / f"{variable}.zarr" / "unit_id"
    if not (place / ".zarray").is_file():
        return np.arange(n_rois, dtype=np.int64)
    ids = ZarrArray.open(place, f"{variable}.zarr/unit_id").whole()
    if ids.shape != (n_rois,) or len(np.unique(ids)) < n_rois or ids.dtype.kind not in "iu":
        raise ReadError(f"{variable}.zarr/unit_id: must name each of the {n_rois} cells once")
    return ids.astype(np.int64)


def _footprints(folder: Path, ids: NDArray[np.int64]) -> tuple[tuple[int, int], sparse.csr_array]:
    """Read A chunk by chunk, of which only the chunks that hold something are there."""
    array, order = _array(folder, "A", ("unit_id", "height", "width"))
    n_units, height, width = (array.shape[k] for k in order)
    if height * width > _LARGEST_FIELD or n_units > _MOST_UNITS:
        raise ReadError(f"A.zarr: declares {n_units} units in a field of {height} × {width} pixels")
    rows = _rows(ids, _ids(folder, "A", n_units))
    found: list[list[NDArray[np.int64]]] = [[], []]
    weights = []
    for place, chunk in array.stored():
        block, start = chunk.transpose(order), [place[axis].start for axis in order]
        inside = np.nonzero(block)
        unit, y, x = (inside[k] + start[k] for k in range(3))
        kept = rows[unit] >= 0
        found[0].append(rows[unit][kept])
        found[1].append((y * width + x)[kept])
        weights.append(block[inside][kept])
    row, pixel = (np.concatenate(one) if one else np.empty(0, np.int64) for one in found)
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.concatenate([np.empty(0), *weights]).astype(np.float32)
    return (height, width), sparse.csr_array((values, (row, pixel)), shape=(len(ids), height * width))


def _rows(ids: NDArray[np.int64], units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row of each unit of A among the traces, -1 for one without a trace."""
    row_of = {int(one): k for k, one in enumerate(ids)}
    rows = np.array([row_of.get(int(one), -1) for one in units], np.int64)
    if not np.array_equal(np.sort(rows[rows >= 0]), np.arange(len(ids))):
        raise ReadError("A.zarr: does not hold every cell of C.zarr")
    return rows


def _images(folder: Path, shape: tuple[int, int]) -> dict[str, NDArray[np.float32]]:
    if not (folder / "max_proj.zarr").is_dir():
        return {}
    array, order = _array(folder, "max_proj", ("height", "width"))
    if tuple(array.shape[k] for k in order) != shape:
        return {}
    return {"max_projection": array.whole().transpose(order).astype(np.float32)}


def _frame_rate(folder: Path, notes: list[str]) -> float | None:
    """Return the rate that the miniscope's clock tells, if its file lies in the folder or the one above."""
    for place in (folder, folder.absolute().parent):
        file = place / "timeStamps.csv"
        if not file.is_file():
            continue
        try:
            heading, *lines = file.read_text("utf-8-sig").splitlines()
            column = next(k for k, name in enumerate(heading.split(",")) if "time" in name.lower())
            times = np.array([float(line.split(",")[column]) for line in lines if line.strip()])
        except (StopIteration, ValueError, IndexError, OSError) as error:
            raise ReadError(f"timeStamps.csv: has no column of times ({error})") from None
        clock = read_clock(times, heading.split(",")[column])
        notes += [f"timeStamps.csv: {note}" for note in clock.notes]
        return clock.frame_rate
    return None
