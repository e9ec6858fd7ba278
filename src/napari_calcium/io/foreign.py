"""What the readers of other programs' files share: the parts become a recording, and what is odd is said."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium import __version__
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.recording import LogEntry, Movie, Recording, Source, Trace
from napari_calcium.rois import Rois

__all__ = ["Parts", "footprints_from_pixels", "make_recording", "source_of"]

_HASHED = 1 << 31
"""Files beyond this many bytes are not read a second time for their hash."""


@dataclass
class Parts:
    """What a reader found; the rows of all arrays are the cells in the order of the file.

    Attributes
    ----------
    program : str
        Who wrote the file, for the notes.
    name : str
        Of the recording.
    roi_ids : (n_rois,) int64
    frame_rate : float or None
    traces : dict of str to ((n_rois, n_frames) array, unit)
    footprints : (n_rois, height * width) csr_array, or None
    shape : (height, width)
    accepted : (n_rois,) bool, or None
        None where the file does not tell.
    quality : dict of str to (n_rois,) array
    images : dict of str to (height, width) array
    notes : list of str
        In plain words: what was guessed, chosen or odd.
    session_facts : dict
        Of animal, session and microscope.
    """

    program: str
    name: str
    roi_ids: NDArray[np.int64]
    frame_rate: float | None
    traces: dict[str, tuple[NDArray[Any], str]]
    footprints: sparse.csr_array | None = None
    shape: tuple[int, int] = (0, 0)
    accepted: NDArray[np.bool_] | None = None
    quality: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    images: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    cell_names: tuple[str, ...] = ()
    movie: Movie | None = None
    pixel_size_um: float | None = None
    session_facts: Mapping[str, Any] = field(default_factory=dict)


def make_recording(
    parts: Parts, path: Path, source: Source, settings: CsvSettings, started: float
) -> Recording:
    """Return the recording that a reader's parts make.

    Cells that the other program rejected are left out unless `settings.rejected_cells` is ``"keep"``;
    infinite values become NaN; the frame rate of the settings overrules the file's. All of it is said in the
    notes of the log entry ``"read"``, whose settings read the file again in the same way.

    Raises
    ------
    ReadError
        If the parts do not fit together.
    """
    notes, n_rois = list(parts.notes), len(parts.roi_ids)
    kept = _kept(parts, settings, notes)
    rate = settings.frame_rate if settings.frame_rate is not None else _checked_rate(parts.frame_rate)
    if settings.frame_rate is not None:
        notes.append(f"the frame rate is {settings.frame_rate:g} Hz, as set")
    elif rate is None:
        notes.append(f"the files of {parts.program} do not tell the frame rate; set it")
    try:
        traces = {
            name: _trace(name, values, unit, n_rois, kept, notes)
            for name, (values, unit) in parts.traces.items()
        }
        recording = Recording(
            name=parts.name,
            roi_ids=parts.roi_ids[kept],
            frame_rate=rate,
            traces=traces,
            cell_names=tuple(parts.cell_names[k] for k in kept) if parts.cell_names else (),
            rois=_rois(parts, kept, notes),
            images={name: _image(image) for name, image in parts.images.items()},
            movie=parts.movie,
            pixel_size_um=parts.pixel_size_um,
            session_facts=parts.session_facts,
            source=source,
        )
    except ReadError as error:
        raise ReadError(f"{path.name}: {error}") from None
    except ValueError as error:
        raise ReadError(f"{path.name}: {' '.join(str(error).split())}") from None
    resolved = settings.replace(
        frame_rate=rate, rejected_cells="keep" if settings.rejected_cells == "keep" else "leave_out"
    )
    writes = tuple(f"traces/{name}" for name in traces)
    entry = LogEntry(
        stage="read",
        settings=resolved.model_dump(mode="json"),
        writes=writes,
        notes=(f"written by {parts.program}", *notes),
        version=__version__,
        seconds=time.perf_counter() - started,
    )
    return recording.replace(log=(entry,))


def _checked_rate(rate: Any) -> float | None:
    """Return a frame rate that is a number above zero, None for anything else."""
    try:
        value = float(rate)
    except (TypeError, ValueError):
        return None
    return value if np.isfinite(value) and value > 0 else None


def _kept(parts: Parts, settings: CsvSettings, notes: list[str]) -> NDArray[np.int64]:
    n_rois = len(parts.roi_ids)
    every = np.arange(n_rois)
    if parts.accepted is None or parts.accepted.all():
        return every
    rejected = int(n_rois - parts.accepted.sum())
    told = f"{rejected:,} of {n_rois:,} ROIs are marked as no cell and"
    if settings.rejected_cells == "keep":
        notes.append(f"{told} kept, as set; every stage counts them as cells")
        return every
    notes.append(f"{told} left out; set rejected_cells to keep to have them")
    return np.flatnonzero(parts.accepted)


def _trace(
    name: str, values: NDArray[Any], unit: str, n_rois: int, kept: NDArray[np.int64], notes: list[str]
) -> Trace:
    if values.ndim != 2 or values.shape[0] != n_rois:
        raise ReadError(
            f"{name} has the shape {' × '.join(map(str, values.shape))}, but there are {n_rois:,} cells"
        )
    if values.dtype.kind not in "fiub":
        raise ReadError(f"{name} must be real numbers, got {values.dtype}")
    with np.errstate(over="ignore", invalid="ignore"):
        rows = values if len(kept) == n_rois else values[kept]
        numbers = np.ascontiguousarray(rows, np.float32)
        total = numbers.sum(dtype=np.float64)
    if not np.isfinite(total) and (infinite := np.isinf(numbers)).any():
        notes.append(f"{int(infinite.sum()):,} infinite values in {name} are read as missing")
        numbers = np.where(infinite, np.float32(np.nan), numbers)
    return Trace(numbers, unit)


def _image(image: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(image, np.float32)


def _rois(parts: Parts, kept: NDArray[np.int64], notes: list[str]) -> Rois | None:
    if parts.footprints is None:
        return None
    n_rois = len(parts.roi_ids)
    accepted = parts.accepted if parts.accepted is not None else np.ones(n_rois, bool)
    rois = Rois(
        parts.roi_ids,
        _with_weights(parts.footprints, notes),
        parts.shape,
        accepted=accepted,
        quality={name: np.asarray(values, np.float64) for name, values in parts.quality.items()},
    )
    return rois.take(kept)


def _with_weights(footprints: sparse.csr_array, notes: list[str]) -> sparse.csr_array:
    """Return footprints without pixels whose weight is no number: a cell would have no place otherwise."""
    lacking = ~np.isfinite(footprints.data)
    if not lacking.any():
        return footprints
    notes.append(f"{int(lacking.sum()):,} pixels of ROIs have no weight and are left out")
    known = footprints.copy()
    known.data[lacking] = 0
    known.eliminate_zeros()
    return known


def footprints_from_pixels(
    y: Sequence[NDArray[Any]],
    x: Sequence[NDArray[Any]],
    weights: Sequence[NDArray[Any]],
    shape: tuple[int, int],
) -> sparse.csr_array:
    """Return footprints from the pixels of each ROI.

    Parameters
    ----------
    y, x, weights : one array a ROI
        Whole pixels; weights may be of any scale.
    shape : (height, width)

    Returns
    -------
    (n_rois, height * width) scipy.sparse.csr_array of float32

    Raises
    ------
    ReadError
        If the lengths differ or a pixel lies outside the image; it names the ROI.
    """
    height, width = shape
    pixels, values, lengths = [], [], []
    for k, (rows, columns, weight) in enumerate(zip(y, x, weights, strict=True)):
        rows, columns = np.asarray(rows).ravel(), np.asarray(columns).ravel()
        weight = np.asarray(weight).ravel()
        if not len(rows) == len(columns) == len(weight):
            raise ReadError(f"ROI {k} has {len(rows)} y, {len(columns)} x and {len(weight)} weights")
        if len(rows) and not (
            rows.min() >= 0 and rows.max() < height and columns.min() >= 0 and columns.max() < width
        ):
            raise ReadError(f"ROI {k} has pixels outside the image of {height} × {width}")
        pixels.append(rows.astype(np.int64) * width + columns.astype(np.int64))
        values.append(weight.astype(np.float32))
        lengths.append(len(rows))
    if not lengths:
        return sparse.csr_array((0, height * width), dtype=np.float32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return sparse.csr_array(
        (np.concatenate(values), np.concatenate(pixels), offsets), shape=(len(lengths), height * width)
    )


def source_of(path: Path, *, name: str | None = None) -> Source:
    """Return name, size and hash of a file; no hash beyond 2 GiB, which would take longer than reading it."""
    size = path.stat().st_size
    digest = ""
    if size <= _HASHED:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(name or path.name, size, digest)
