"""NWB files of others: suite2p's, CaImAn's, and whatever follows the standard's ophys part."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from napari_calcium.io.clock import read_clock
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.foreign import Parts, footprints_from_pixels, make_recording, source_of
from napari_calcium.io.hdf5 import Hdf5File
from napari_calcium.io.nwb_facts import read_facts
from napari_calcium.io.nwb_reread import read_turned
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording

__all__ = ["read_foreign_nwb"]

_DEPTH = 6
_MASK_BYTES = 1 << 26
_KINDS = (
    ("neuropil", ("neuropil", "fneu")),
    ("spikes", ("deconv", "spike", "spks", "event")),
    ("dff", ("dfoverf", "df_over_f", "dff", "df/f", "deltaf")),
    ("denoised", ("denois",)),
    ("corrected", ("corrected",)),
)
_BRIGHT = ("local_correlation", "mean", "max_projection")
"""Images in which cells are brighter than what is around them, the surest first."""
_BRIGHTER, _CLEARLY = 0.5, 0.25
"""SD of an image by which cells are brighter, at least, than what is around them and than their mirror."""
_AROUND_PX = 16
_STAGES = ("raw", "neuropil", "corrected", "baseline", "dff", "background_corrected", "denoised", "spikes")
"""A series of one of these names is what we call so."""
_MICROMETRES = {"meters": 1e6, "meter": 1e6, "m": 1e6, "micrometers": 1.0, "micrometer": 1.0, "um": 1.0}
"""In other units (suite2p's "microns") stand numbers that nobody measured."""
_ACCEPTED = ("accepted", "iscell", "is_cell")
_IMAGES = {
    "meanimg": "mean",
    "mean": "mean",
    "average": "mean",
    "correlation": "local_correlation",
    "vcorr": "local_correlation",
    "max_proj": "max_projection",
}


@dataclass
class _Series:
    """One table of traces, before it is read."""

    path: str
    name: str
    table: str
    rows: NDArray[np.int64]
    n_frames: int
    by_rows: bool = False
    notes: list[str] = field(default_factory=list)


def read_foreign_nwb(
    file: Hdf5File, settings: CsvSettings = CsvSettings(), *, on_progress: Progress = silent
) -> Recording:
    """Return what an NWB file of another program holds of a field of view.

    Parameters
    ----------
    file : Hdf5File
    settings : CsvSettings
        Its `frame_rate` and `rejected_cells` count.
    on_progress
        Of reading the traces.

    Returns
    -------
    Recording
        Of the first plane that has traces, and the notes name what was left out. Ids are the plane's own
        where they are unique. Traces by the names of their interfaces: ``"raw"``, ``"neuropil"``, ``"dff"``,
        ``"spikes"`` …; with conversion and offset applied. ΔF/F in percent becomes a fraction.

    Raises
    ------
    ReadError
        If there are no traces, or a field is damaged or does not fit the others; it is named.

    Notes
    -----
    Masks and images have x first in NWB. Files of suite2p have y first, and are known by their description.
    Masks that fit the images only the other way round are turned, and the notes say so.
    """
    started = time.perf_counter()
    y_first = "suite2p" in (file.text("session_description") or "").lower()
    found, left_out = _choose([_series(file, path) for path in _paths(file, "RoiResponseSeries")])
    if not found:
        raise file.error("processing", "there are no traces of cells (RoiResponseSeries)")
    main = found["raw"] if "raw" in found else next(iter(found.values()))
    notes = [note for series in found.values() for note in series.notes]
    notes += [f"{path} is left out: of another plane or kind, or a second one" for path in left_out]
    images = _images(file, y_first)
    shape, footprints = _footprints(file, main, images, y_first, notes)
    ids = file.whole_numbers(f"{main.table}/id")[main.rows]
    if len(np.unique(ids)) < len(ids):
        ids = np.arange(len(main.rows))
        notes.append("the ids of the file repeat; cells are numbered in order")
    parts = Parts(
        program="suite2p (NWB)" if y_first else "another program (NWB)",
        name=file.path.stem,
        roi_ids=ids,
        frame_rate=_frame_rate(file, main, notes),
        traces={name: _values(file, series, on_progress) for name, series in found.items()},
        footprints=footprints,
        shape=shape,
        accepted=_accepted(file, main),
        quality=_quality(file, main),
        images={name: image for name, image in images.items() if image.shape == shape},
        notes=notes,
        # What suite2p says of the session it has made up.
        session_facts={} if y_first else read_facts(file, main.table),
        pixel_size_um=_pixel_size(file, main.table),
    )
    return make_recording(parts, file.path, source_of(file.path), settings, started)


def _paths(file: Hdf5File, kind: str, top: str = "processing", depth: int = _DEPTH) -> Iterator[str]:
    """Yield the places of all groups of one NWB type."""
    for name in file.keys(top):
        path = f"{top}/{name}"
        if not file.is_group(path):
            continue
        if file.attribute(path, "neurodata_type") == kind:
            yield path
        elif depth:
            yield from _paths(file, kind, path, depth - 1)


def _series(file: Hdf5File, path: str) -> _Series:
    stored = file.dataset(f"{path}/data")
    if stored.dtype.kind not in "fiub" or stored.ndim not in (1, 2):
        raise file.error(f"{path}/data", f"must be a table of numbers, got {stored.dtype} of {stored.shape}")
    rows = file.whole_numbers(f"{path}/rois")
    table = file.referred(file.attribute(f"{path}/rois", "table"))
    if table is None:
        raise file.error(f"{path}/rois", "does not say of which plane the cells are")
    n_cells = len(file.array(f"{table}/id", ndim=1))
    if len(np.unique(rows)) < len(rows) or (len(rows) and not 0 <= rows.min() <= rows.max() < n_cells):
        raise file.error(f"{path}/rois", f"must name each of the plane's {n_cells} cells once at most")
    n_frames, n_rois = (*stored.shape, 1)[:2]
    series = _Series(path, _kind(file, path), table, rows, n_frames)
    if n_rois != len(rows):
        if n_frames != len(rows):
            raise file.error(f"{path}/data", f"has the shape {stored.shape}, but names {len(rows)} cells")
        series.by_rows, series.n_frames = True, n_rois
        series.notes.append(f"{path} has a row a cell, against the standard; it is read so")
    return series


def _kind(file: Hdf5File, path: str) -> str:
    parent, name = path.rsplit("/", 2)[-2:]
    if name.lower() in _STAGES:
        return name.lower()
    words = f"{parent}/{name}".lower().replace(" ", "_")
    for kind, signs in _KINDS:
        if any(sign in words for sign in signs):
            return kind
    is_dff = file.attribute(path.rsplit("/", 1)[0], "neurodata_type") == "DfOverF"
    return "dff" if is_dff else "raw"


def _choose(every: list[_Series]) -> tuple[dict[str, _Series], list[str]]:
    """Return the first of each kind that belongs to the main one's plane, and what is left out."""
    if not every:
        return {}, []
    order = {"raw": 0, "dff": 1}
    main = min(every, key=lambda series: order.get(series.name, 2))
    found: dict[str, _Series] = {main.name: main}
    for series in every:
        same = series.table == main.table and np.array_equal(series.rows, main.rows)
        if same and series.n_frames == main.n_frames:
            found.setdefault(series.name, series)
    kept = {series.path for series in found.values()}
    return found, [series.path for series in every if series.path not in kept]


def _values(file: Hdf5File, series: _Series, on_progress: Progress) -> tuple[NDArray[Any], str]:
    name = f"{series.path}/data"
    stored = file.dataset(name)
    if stored.ndim == 1:
        values = file.array(name, ndim=1)[None].astype(np.float32)
    elif series.by_rows:
        values = file.array(name, ndim=2).astype(np.float32)
    else:
        values = read_turned(file, name, on_progress)
    unit = str(file.attribute(name, "unit") or "").strip().lower()
    factor, offset = (
        _number(file.attribute(name, a), default) for a, default in (("conversion", 1.0), ("offset", 0.0))
    )
    if series.name == "dff" and unit in ("%", "percent"):
        factor, offset = factor / 100, offset / 100
    if (factor, offset) != (1.0, 0.0):
        with np.errstate(over="ignore", invalid="ignore"):
            values = values * np.float32(factor) + np.float32(offset)
    of_dff = file.attribute(series.path.rsplit("/", 1)[0], "neurodata_type") == "DfOverF"
    return values, "ΔF/F" if series.name == "dff" or of_dff else "a.u."


def _number(value: Any, default: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    return number if np.isfinite(number) else default


def _frame_rate(file: Hdf5File, series: _Series, notes: list[str]) -> float | None:
    rate = file.attribute(f"{series.path}/starting_time", "rate")
    if rate is not None:
        # NWB keeps rates in single precision, in which 30.03 is 30.030001.
        return float(str(np.float32(_number(rate, 0.0))))
    if not file.is_dataset(f"{series.path}/timestamps"):
        return None
    times = file.array(f"{series.path}/timestamps", ndim=1).astype(np.float64)
    clock = read_clock(times, "time (s)")
    notes += list(clock.notes)
    return clock.frame_rate


def _pixel_size(file: Hdf5File, table: str) -> float | None:
    """Return the side of a pixel where the plane tells it and pixels are square."""
    path = f"{table}/imaging_plane/grid_spacing"
    try:
        if not file.is_dataset(path):
            return None
        sides = file.array(path, ndim=1)[:2]
        factor = _MICROMETRES.get(str(file.attribute(path, "unit") or "meters").lower(), 0.0)
    except ReadError:
        return None
    size = float(np.round(float(sides[0]) * factor, 6)) if len(sides) == 2 and sides[0] == sides[1] else 0.0
    return size if np.isfinite(size) and size > 0 else None


def _accepted(file: Hdf5File, series: _Series) -> NDArray[np.bool_] | None:
    columns = {name.lower(): name for name in file.keys(series.table)}
    for name, wanted in [*((name, True) for name in _ACCEPTED), ("rejected", False)]:
        path = f"{series.table}/{columns.get(name, '')}"
        if name in columns and file.is_dataset(path):
            values = file.array(path, ndim=(1, 2))
            flags = values[:, 0] if values.ndim == 2 and values.shape[1] else values
            if flags.shape[0] <= int(series.rows.max(initial=-1)):
                raise file.error(path, f"has {flags.shape[0]} rows, fewer than there are cells")
            return np.asarray((flags[series.rows] > 0) == wanted)
    return None


def _quality(file: Hdf5File, series: _Series) -> dict[str, NDArray[np.float64]]:
    """Return the plane's further columns of numbers."""
    skipped = {"id", *_ACCEPTED, "rejected"}
    quality = {}
    for name in file.keys(series.table):
        path = f"{series.table}/{name}"
        if name.lower() in skipped or name.endswith(("_index", "_mask")) or not file.is_dataset(path):
            continue
        stored = file.dataset(path)
        if stored.ndim == 1 and stored.dtype.kind in "fiub" and len(stored) > series.rows.max(initial=-1):
            quality[name] = file.array(path, ndim=1)[series.rows].astype(np.float64)
    return quality


def _images(file: Hdf5File, y_first: bool) -> dict[str, NDArray[Any]]:
    images: dict[str, NDArray[Any]] = {}
    for group in _paths(file, "Images"):
        for name in file.keys(group):
            path = f"{group}/{name}"
            if not file.is_dataset(path) or file.dataset(path).ndim != 2:
                continue
            image = file.array(path, ndim=2)
            known = next((v for k, v in _IMAGES.items() if name.lower().startswith(k)), name)
            images.setdefault(known, image if y_first else np.ascontiguousarray(image.T))
    return images


def _footprints(
    file: Hdf5File,
    series: _Series,
    images: dict[str, NDArray[Any]],
    y_first: bool,
    notes: list[str],
) -> tuple[tuple[int, int], sparse.csr_array | None]:
    shape = next((image.shape for image in images.values()), None)
    for name, read in (
        ("pixel_mask", _pixel_masks),
        ("voxel_mask", _pixel_masks),
        ("image_mask", _image_masks),
    ):
        path = f"{series.table}/{name}"
        if not file.is_dataset(path):
            continue
        if read is _pixel_masks and shape is not None and _lie_turned(file, path, images, y_first):
            y_first = not y_first
            notes.append("the masks have x and y exchanged; they are turned, so that they lie on the image")
        return read(file, path, series.rows, shape, y_first)
    notes.append("the file does not tell where the cells lie")
    return (0, 0), None


def _lie_turned(file: Hdf5File, path: str, images: dict[str, NDArray[Any]], y_first: bool) -> bool:
    """Whether masks fit the images only with x and y exchanged, as neuroconv (2026) writes suite2p's cells.

    That is where pixels would lie outside otherwise, or cells are clearly brighter than their surroundings
    when exchanged, and are not as they stand.
    """
    mask = file.read(path, file.dataset(path))
    if mask.dtype.names is None or not {"x", "y"} <= set(mask.dtype.names) or not len(mask):
        return False
    y, x = (mask[name].astype(np.int64) for name in (("x", "y") if y_first else ("y", "x")))
    known = [images[name] for name in _BRIGHT if name in images] or list(images.values())
    height, width = known[0].shape
    stands, turned = (
        bool(min(a.min(), b.min()) >= 0 and a.max() < height and b.max() < width) for a, b in ((y, x), (x, y))
    )
    if not (stands and turned):
        return turned
    as_it_is, exchanged = np.mean([(_brightness(i, y, x), _brightness(i, x, y)) for i in known], axis=0)
    return bool(exchanged > _BRIGHTER and exchanged > as_it_is + _CLEARLY)


def _brightness(image: NDArray[Any], y: NDArray[np.int64], x: NDArray[np.int64]) -> float:
    """Return by how many SD pixels are brighter than what is around them; uneven light does not count."""
    height, width = image.shape
    if min(height, width) < 2 * _AROUND_PX or y.max() >= height or x.max() >= width:
        return 0.0
    values = np.nan_to_num(image.astype(np.float64))
    contrast = values - ndimage.uniform_filter(values, 2 * _AROUND_PX + 1)
    spread = float(contrast.std())
    return float(contrast[y, x].mean() / spread) if np.isfinite(spread) and spread > 0 else 0.0


def _pixel_masks(
    file: Hdf5File, path: str, rows: NDArray[np.int64], shape: tuple[int, ...] | None, y_first: bool
) -> tuple[tuple[int, int], sparse.csr_array]:
    mask = file.read(path, file.dataset(path))
    if mask.dtype.names is None or not {"x", "y", "weight"} <= set(mask.dtype.names):
        raise file.error(path, "must hold x, y and weight of each pixel")
    ends = file.whole_numbers(f"{path}_index")
    offsets = np.concatenate([[0], ends])
    if (np.diff(offsets) < 0).any() or offsets[-1] > len(mask) or len(ends) <= rows.max(initial=-1):
        raise file.error(f"{path}_index", "does not fit the pixels")
    y, x = (mask[name].astype(np.int64) for name in (("x", "y") if y_first else ("y", "x")))
    if shape is None:
        shape = (int(y.max(initial=0)) + 1, int(x.max(initial=0)) + 1)
        if max(shape) > 2**20:
            raise file.error(path, f"has a pixel at {max(shape):,}")
    cuts = [slice(offsets[k], offsets[k + 1]) for k in rows]
    weights = mask["weight"].astype(np.float32)
    try:
        footprints = footprints_from_pixels(
            [y[c] for c in cuts], [x[c] for c in cuts], [weights[c] for c in cuts], (shape[0], shape[1])
        )
    except ReadError as error:
        raise file.error(path, str(error)) from None
    return (shape[0], shape[1]), footprints


def _image_masks(
    file: Hdf5File, path: str, rows: NDArray[np.int64], shape: tuple[int, ...] | None, y_first: bool
) -> tuple[tuple[int, int], sparse.csr_array]:
    """Read whole pictures of the cells, a few at a time, and keep the pixels that are not 0."""
    stored = file.dataset(path)
    if stored.ndim != 3 or stored.dtype.kind not in "fiub" or len(stored) <= rows.max(initial=-1):
        raise file.error(path, f"must be a picture a cell, got {stored.dtype} of {stored.shape}")
    turn = (0, 1, 2) if y_first else (0, 2, 1)
    height, width = (stored.shape[k] for k in turn[1:])
    parts = [sparse.csr_array((0, height * width), dtype=np.float32)]
    step = max(1, _MASK_BYTES // max(1, height * width * stored.dtype.itemsize))
    for start in range(0, len(stored), step):
        block = file.read(path, stored, slice(start, start + step)).transpose(turn)
        parts.append(sparse.csr_array(block.reshape(len(block), height * width).astype(np.float32)))
    return (height, width), sparse.vstack(parts, format="csr")[rows]
