"""ImageJ's ROI files: one ``.roi``, or the ``.zip`` that the ROI manager saves."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium import __version__
from napari_calcium.atomic import replacing
from napari_calcium.io.errors import ReadError
from napari_calcium.io.foreign import footprints_from_pixels
from napari_calcium.io.outlines import outlines, pixels_inside
from napari_calcium.recording import LogEntry, Recording
from napari_calcium.rois import Rois

__all__ = ["is_imagej_rois", "link_imagej_rois", "read_imagej_rois", "write_imagej_rois"]

_LARGEST_ROI = 1 << 24
_LARGEST_ZIP = 1 << 28
_LARGEST_FIELD = 1 << 26
_NO_AREA = {"LINE", "FREELINE", "POLYLINE", "NOROI", "ANGLE", "POINT"}


def is_imagej_rois(path: str | Path) -> bool:
    """Whether a file is a ``.roi``, or a zip that holds some."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            if file.read(4) == b"Iout":
                return True
        with zipfile.ZipFile(path) as archive:
            return any(name.lower().endswith(".roi") for name in archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False


def read_imagej_rois(path: str | Path, shape: tuple[int, int] | None = None) -> tuple[Rois, tuple[str, ...]]:
    """Read areas that were drawn in ImageJ: polygons, freehand, rectangles, ovals, and compositions of them.

    Parameters
    ----------
    path : path
        ``.roi`` or ``.zip``; it is never written to, and nothing is unpacked to disk.
    shape : (height, width), optional
        Of the image they were drawn on; by default up to the outermost ROI.

    Returns
    -------
    rois : Rois
        Ids 0, 1, 2 … in the order of the file; all weights 1. A pixel belongs to a ROI if its centre lies
        inside, as in ImageJ. What lies outside `shape` is cut off.
    names : tuple of str
        As ImageJ calls them.

    Raises
    ------
    ReadError
        If it is no such file or damaged, or an entry is a line or a point; it is named.
    """
    path = Path(path)
    found = [(name, _roi(path, name, data)) for name, data in _entries(path)]
    paths = [_paths(path, name, roi) for name, roi in found]
    field = _field(path, paths) if shape is None else shape
    pixels = [pixels_inside(one, field) for one in paths]
    y, x = ([np.divmod(one, field[1])[k] for one in pixels] for k in (0, 1))
    footprints = footprints_from_pixels(y, x, [np.ones(len(one), np.float32) for one in pixels], field)
    return Rois(np.arange(len(found)), footprints, field), tuple(name for name, _ in found)


def _entries(path: Path) -> list[tuple[str, bytes]]:
    """Return name and bytes of each ROI."""
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                return [(path.stem, file.read(_LARGEST_ROI))]
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".roi")]
            if not members:
                raise ReadError(f"{path.name}: there is no .roi in this zip")
            total = sum(m.file_size for m in members)
            if total > _LARGEST_ZIP:
                raise ReadError(f"{path.name}: declares {total:,} bytes of ROIs; it is not opened")
            return [(_name(m.filename), _unpacked(archive, m)) for m in members]
    except ReadError:
        raise
    except OSError as error:
        raise ReadError(f"{path.name}: {error.strerror or error}") from None
    except Exception as error:
        # A damaged zip fails in many ways.
        raise ReadError(f"{path.name}: the zip is damaged ({_one_line(error)})") from None


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        return file.read(_LARGEST_ROI)


def _name(entry: str) -> str:
    return entry.replace("\\", "/").rsplit("/", 1)[-1][: -len(".roi")]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _roi(path: Path, name: str, data: bytes) -> Any:
    from roifile import ImagejRoi

    try:
        return ImagejRoi.frombytes(data)
    except Exception as error:
        # Whatever the bytes make the parser stumble over.
        raise ReadError(f"{path.name}: {name}: no ROI of ImageJ ({_one_line(error)})") from None


def _paths(path: Path, name: str, roi: Any) -> list[NDArray[np.float64]]:
    """Return the closed outlines of a ROI, in corners of pixels."""
    from roifile import ROI_TYPE

    if roi.roitype.name in _NO_AREA:
        raise ReadError(f"{path.name}: {name}: is a {roi.roitype.name.lower()}, not an area; remove it")
    try:
        if roi.roitype == ROI_TYPE.OVAL:
            paths = [_oval(roi.left, roi.top, roi.right, roi.bottom)]
        else:
            paths = [np.asarray(one, np.float64).reshape(-1, 2) for one in roi.coordinates(multi=True)]
    except Exception as error:
        raise ReadError(f"{path.name}: {name}: is damaged ({_one_line(error)})") from None
    for one in paths:
        if not np.isfinite(one).all() or np.abs(one).max(initial=0) > 2**17:
            raise ReadError(f"{path.name}: {name}: has a corner that lies nowhere")
    return paths


def _oval(left: int, top: int, right: int, bottom: int) -> NDArray[np.float64]:
    """Return an ellipse as the rows of ImageJ: each is as wide as the ellipse at the centre of the row."""
    width, height = right - left, bottom - top
    y = np.arange(top, bottom) + 0.5
    half = width / 2 * np.sqrt(np.clip(1 - ((y - (top + bottom) / 2) / (height / 2)) ** 2, 0, 1))
    centre = (left + right) / 2
    edges = np.column_stack([np.repeat(half, 2), np.repeat(np.arange(top, bottom), 2)])
    edges[1::2, 1] += 1
    right_side = np.column_stack([centre + edges[:, 0], edges[:, 1]])
    left_side = np.column_stack([centre - edges[::-1, 0], edges[::-1, 1]])
    return np.concatenate([right_side, left_side])


def _field(path: Path, paths: list[list[NDArray[np.float64]]]) -> tuple[int, int]:
    points = [one for every in paths for one in every if len(one)]
    if not points:
        return 1, 1
    width, height = (max(1, int(n)) for n in np.ceil(np.concatenate(points).max(axis=0)))
    if width * height > _LARGEST_FIELD:
        raise ReadError(f"{path.name}: ROIs reach to {width} × {height} pixels; give the image as well")
    return height, width


def link_imagej_rois(
    recording: Recording, path: str | Path, shape: tuple[int, int] | None = None
) -> Recording:
    """Give the cells of a recording their places from ImageJ's ROIs: the first ROI is the first row.

    Raises
    ------
    ReadError
        If there are not as many ROIs as rows, or as :func:`read_imagej_rois`.
    """
    rois, names = read_imagej_rois(path, shape)
    if len(rois) != recording.n_rois:
        raise ReadError(
            f"{Path(path).name}: has {len(rois)} ROIs but there are {recording.n_rois} rows of traces; "
            "give the ROIs these traces were measured with"
        )
    linked = Rois(recording.roi_ids, rois.footprints, rois.shape)
    note = f"{len(rois)} ROIs of ImageJ linked by order: {names[0]} is the first row" if names else "no ROI"
    entry = LogEntry("rois", {"by": "order"}, writes=("rois",), notes=(note,), version=__version__)
    return recording.with_step(entry, rois=linked)


def write_imagej_rois(
    rois: Rois, path: str | Path, names: Sequence[str] = (), *, threshold: float = 0.0
) -> int:
    """Write ROIs as a zip that ImageJ's ROI manager opens.

    Parameters
    ----------
    rois : Rois
    path : path
        ``.zip``; replaced whole or not at all.
    names : sequence of str
        One a ROI; by default their ids.
    threshold : float
        Share of a ROI's highest weight above which a pixel belongs to it, 0 to 1; ImageJ knows no weights.

    Returns
    -------
    int
        How many were written: ROIs without pixels cannot be.

    Notes
    -----
    Outlines run along the edges of pixels, so that ImageJ and :func:`read_imagej_rois` find exactly these
    pixels; a ROI with holes or several parts is a composite one.
    """
    called = _unique([_entry_name(n) for n in names] if names else [f"{int(k):04d}" for k in rois.ids])
    written = 0
    with replacing(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for row, name in enumerate(called):
            paths, corner = _outlines_of(rois, row, threshold)
            if paths:
                archive.writestr(f"{name}.roi", _packed(paths, corner, name))
                written += 1
    return written


def _entry_name(name: str) -> str:
    return re.sub(r"[^\w .()-]", "_", name)[:80] or "roi"


def _unique(names: list[str]) -> list[str]:
    seen: set[str] = set()
    unique = []
    for name in names:
        k, chosen = 1, name
        while chosen in seen:
            k += 1
            chosen = f"{name}-{k}"
        seen.add(chosen)
        unique.append(chosen)
    return unique


def _outlines_of(rois: Rois, row: int, threshold: float) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Return the outlines of a ROI, and the corner of its bounding box they are counted from."""
    y, x = rois.pixels(row)
    start, stop = rois.footprints.indptr[row : row + 2]
    weights = rois.footprints.data[start:stop]
    inside = weights > threshold * max(float(weights.max(initial=0)), 0.0)
    y, x = y[inside], x[inside]
    if not len(y):
        return [], np.zeros(2, np.int64)
    mask = np.zeros((int(np.ptp(y)) + 1, int(np.ptp(x)) + 1), bool)
    mask[y - y.min(), x - x.min()] = True
    return outlines(mask), np.array([x.min(), y.min()])


def _packed(paths: list[NDArray[np.int64]], corner: NDArray[np.int64], name: str) -> bytes:
    from roifile import ROI_TYPE, ImagejRoi

    if len(paths) == 1:
        roi = ImagejRoi.frompoints(paths[0] + corner, name=name)
        roi.roitype = ROI_TYPE.TRACED
        # A box's far sides are its outermost corners here, not one pixel beyond.
        roi.right, roi.bottom = (int(n) for n in paths[0].max(axis=0) + corner)
        packed: bytes = roi.tobytes()
        return packed
    everything = np.concatenate(paths) + corner
    roi = ImagejRoi()
    roi.name, roi.roitype = name, ROI_TYPE.RECT
    (roi.left, roi.top), (roi.right, roi.bottom) = (
        (int(one[0]), int(one[1])) for one in (everything.min(axis=0), everything.max(axis=0))
    )
    roi.multi_coordinates = np.concatenate([_segments(one + corner) for one in paths])
    roi.shape_roi_size = len(roi.multi_coordinates)
    composite: bytes = roi.tobytes()
    return composite


def _segments(path: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return a closed path as ImageJ spells it: move, lines, close."""
    steps = np.column_stack([np.ones(len(path)), path]).astype(np.float32)
    steps[0, 0] = 0
    return np.append(steps.ravel(), np.float32(4))
