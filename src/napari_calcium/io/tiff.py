"""Movies from TIFF files of any dialect, never read whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.errors import ReadError
from napari_calcium.io.tiff_metadata import TiffFacts, read_facts
from napari_calcium.io.tiff_pages import FrameStack, PagedTiff, check_complete, open_tiff, read_array

__all__ = ["SUFFIXES", "MovieFile", "contrast_limits", "open_movie"]

_MOST_CHANNELS = 7
"""ImageJ shows no more at once: a file of more means frames."""

_SAMPLED_FRAMES = 5
_SAMPLED_PIXELS = 100_000
SUFFIXES = (".tif", ".tiff", ".btf", ".tf8")
"""How the names of TIFF files end."""


@dataclass(frozen=True, eq=False)
class MovieFile:
    """A movie on disk, ready for a :class:`~napari_calcium.recording.Movie` or a napari layer.

    Attributes
    ----------
    path : str
        File, or folder of numbered files.
    data
        Lazily sliceable, (n_frames, …, height, width) with the axes that `axes` names: a memory map where the
        file is contiguous, else a :class:`~napari_calcium.io.tiff_pages.PagedTiff` or a
        :class:`~napari_calcium.io.tiff_pages.FrameStack`.
    axes : str
        One letter an axis: ``t`` first, then ``z`` (planes) and ``c`` (channels) where there are several,
        then ``yx``.
    frame_rate : float or None
        Frames (of all planes) per second, as the file states it.
    pixel_size_um : float or None
    n_planes, n_channels : int
    contrast_limits : (low, high)
        Of a few frames; high is above low.
    dialect : str
        ``"ImageJ"``, ``"OME"``, ``"ScanImage"``, ``"TIFF"`` or ``"numbered files"``.
    notes : tuple of str
        What was guessed, in plain words.
    """

    path: str
    data: Any
    axes: str
    frame_rate: float | None
    pixel_size_um: float | None
    n_planes: int
    n_channels: int
    contrast_limits: tuple[float, float]
    dialect: str
    notes: tuple[str, ...] = ()

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.data.shape[0])


def open_movie(path: str | Path) -> MovieFile:
    """Open a TIFF movie, or a folder of numbered TIFFs of one frame each.

    Only headers and five frames are read, whatever the size of the movie.

    Parameters
    ----------
    path : str or Path
        It is never written to.

    Raises
    ------
    ReadError
        If it is no TIFF, in colour, ends before its last page (the message names the page), or has axes that
        are no movie.

    Notes
    -----
    A stack that its file calls planes (z) but not frames is taken for a movie, as many programs write movies
    so; the notes say it. Files of several series (pyramids, multi-position OME) are read as their first one.
    """
    path = Path(path)
    if path.is_dir():
        return _open_folder(path)
    with open_tiff(path) as tiff:
        check_complete(path, tiff)
        facts = read_facts(tiff)
        series = tiff.series[0]
        frames: tuple[int, int, int] | None = None
        if facts.dialect == "ScanImage":
            data, axes, notes = _interleaved(path, tiff, facts)
        elif frames := _one_a_series(tiff):
            data, axes, notes = PagedTiff(path, frames, series.dtype, of_series=False), "tyx", []
        else:
            data, axes, notes = _arranged(path, series)
        if len(tiff.series) > 1 and not frames:
            notes.append(f"the file has {len(tiff.series)} series; the first is read")
    if facts.frame_rate is None:
        notes.append("the file does not tell the frame rate; set it")
    return _movie_file(str(path), data, axes, facts, notes)


def contrast_limits(data: Any) -> tuple[float, float]:
    """Return the range in which nearly all samples of five frames lie, spread over the movie.

    Parameters
    ----------
    data
        (n_frames, …, height, width).

    Returns
    -------
    low, high : float
        The 0.5th and 99.9th percentile; high is above low, also for a constant or empty movie.
    """
    n_frames = int(data.shape[0])
    chosen = np.unique(np.linspace(0, n_frames - 1, min(n_frames, _SAMPLED_FRAMES)).astype(np.int64))
    samples = []
    for frame in chosen:
        pixels = np.asarray(data[int(frame)]).ravel().astype(np.float64)
        samples.append(pixels[:: max(1, len(pixels) // _SAMPLED_PIXELS)])
    values = np.concatenate(samples) if samples else np.zeros(0)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = (float(limit) for limit in np.percentile(values, [0.5, 99.9]))
    return low, high if high > low else low + 1.0


def _movie_file(path: str, data: Any, axes: str, facts: TiffFacts, notes: list[str]) -> MovieFile:
    try:
        limits = contrast_limits(data)
    except ReadError:
        raise
    except Exception as error:
        # Which error a damaged page gives depends on how it was compressed.
        raise ReadError(
            f"{Path(path).name}: a page cannot be decoded: {error}; copy the file again"
        ) from None
    return MovieFile(
        path=path,
        data=data,
        axes=axes,
        frame_rate=facts.frame_rate,
        pixel_size_um=facts.pixel_size_um,
        n_planes=int(data.shape[axes.index("z")]) if "z" in axes else 1,
        n_channels=int(data.shape[axes.index("c")]) if "c" in axes else 1,
        contrast_limits=limits,
        dialect=facts.dialect,
        notes=(*facts.notes, *notes),
    )


def _one_a_series(tiff: Any) -> tuple[int, int, int] | None:
    """Return the shape of a movie whose frames were written one by one, each as a series of its own."""
    first, pages = tiff.series[0], tiff.pages
    alone = len(first.pages) == 1 and len(first.shape) == 2 and len(tiff.series) == len(pages) > 1
    # Pages of another size are previews and the like.
    if not alone or any(one.shape != first.shape or one.dtype != first.dtype for one in tiff.series):
        return None
    return len(pages), first.shape[0], first.shape[1]


def _arranged(path: Path, series: Any) -> tuple[Any, str, list[str]]:
    """Return the data of a series with time first and the frame last, its axes, and notes."""
    names, shape = list(series.axes.upper()), list(series.shape)
    if "S" in names and shape[names.index("S")] > 1:
        raise ReadError(f"{path.name}: a movie in colour; save it as grey values, one channel")
    if names[-2:] != ["Y", "X"] and [n for n in names if n != "S"][-2:] != ["Y", "X"]:
        raise ReadError(
            f"{path.name}: axes {''.join(names)} are no movie of frames; save it as an image stack"
        )
    kept = [k for k, name in enumerate(names) if name in "YX" or shape[k] > 1]
    leading = [names[k] for k in kept if names[k] not in "YX"]
    roles, notes = _roles(path, leading, [shape[k] for k in kept if names[k] not in "YX"])
    order = sorted(range(len(roles)), key=lambda k: "tzc".index(roles[k]))
    axes = "".join(roles[k] for k in order) + "yx"
    sizes = [shape[k] for k in kept if names[k] not in "YX"]
    frame = (shape[names.index("Y")], shape[names.index("X")])
    if not min(frame):
        raise ReadError(
            f"{path.name}: a damaged TIFF, its frames have {frame[0]} × {frame[1]} pixels; copy it again"
        )
    if "t" not in axes:
        axes, sizes, order = "t" + axes, [1, *sizes], [0, *(k + 1 for k in order)]
    if series.dataoffset is not None:
        offset, kind = series.dataoffset, np.dtype(series.parent.byteorder + series.dtype.char)
        mapped = np.memmap(path, dtype=kind, mode="r", offset=offset, shape=(*sizes, *frame))
        return mapped.transpose(*order, len(sizes), len(sizes) + 1), axes, notes
    numbers = np.arange(int(np.prod(sizes, dtype=np.int64))).reshape(sizes).transpose(order)
    store = PagedTiff(path, (numbers.size, *frame), series.dtype, of_series=True)
    if numbers.ndim == 1:
        return store, axes, notes
    return FrameStack(store.__getitem__, numbers, frame, series.dtype), axes, notes


def _roles(path: Path, names: list[str], sizes: list[int]) -> tuple[list[str], list[str]]:
    """Say which of the leading axes are time, planes and channels."""
    known = {"T": "t", "Z": "z", "C": "c"}
    roles = [known.get(name, "") for name in names]
    notes: list[str] = []
    for k, role in enumerate(roles):
        if not role and "t" not in roles:
            roles[k] = "t"
    for role, called, least in (("z", "planes (z)", 2), ("c", "channels", _MOST_CHANNELS + 1)):
        if "t" not in roles and role in roles and sizes[roles.index(role)] >= least:
            size = sizes[roles.index(role)]
            notes.append(f"the file calls its {size} images {called}; they are taken for frames")
            roles[roles.index(role)] = "t"
    if "" in roles or len(set(roles)) < len(roles):
        raise ReadError(
            f"{path.name}: axes {''.join(names)} of sizes {' × '.join(map(str, sizes))} are no movie; "
            f"save one movie a file"
        )
    return roles, notes


def _interleaved(path: Path, tiff: Any, facts: TiffFacts) -> tuple[Any, str, list[str]]:
    """Return a ScanImage movie: the channels of a plane follow one another, then the planes of a volume."""
    page = tiff.pages[0]
    per_volume = facts.n_channels * facts.n_planes
    n_pages = len(tiff.pages)
    n_frames, left = divmod(n_pages, per_volume)
    notes = [f"the last {left} pages are no whole frame and left out"] if left else []
    if not n_frames:
        raise ReadError(
            f"{path.name}: {n_pages} pages for {facts.n_planes} planes of {facts.n_channels} channels; "
            f"the recording was stopped within its first volume"
        )
    frame = (page.imagelength, page.imagewidth)
    numbers = np.arange(n_frames * per_volume).reshape(n_frames, facts.n_planes, facts.n_channels)
    axes = "t" + "z" * (facts.n_planes > 1) + "c" * (facts.n_channels > 1) + "yx"
    flat = PagedTiff(path, (n_pages, *frame), page.dtype, of_series=False)
    order = numbers.reshape(n_frames, *[n for n in numbers.shape[1:] if n > 1])
    if order.ndim == 1 and not left:
        return flat, axes, notes
    return FrameStack(flat.__getitem__, order, frame, page.dtype), axes, notes


def _open_folder(folder: Path) -> MovieFile:
    """Open a folder of numbered files of one frame each, in the order of their numbers."""
    files = sorted((f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES), key=_by_number)
    if not files:
        raise ReadError(f"{folder.name}: there is no TIFF in this folder")
    with open_tiff(files[0]) as tiff:
        facts, series = read_facts(tiff), tiff.series[0]
        shape, dtype = tuple(n for n in series.shape if n > 1), np.dtype(series.dtype)
    if len(shape) != 2:
        raise ReadError(
            f"{folder.name}: {files[0].name} has {' × '.join(map(str, shape))} samples, not one frame; "
            f"open the files one by one"
        )

    data = FrameStack(_OneFrameFiles(files, shape), np.arange(len(files)), (shape[0], shape[1]), dtype)
    notes = [f"{len(files)} files, {files[0].name} to {files[-1].name}, are the frames"]
    if facts.frame_rate is None:
        notes.append("the files do not tell the frame rate; set it")
    return _movie_file(str(folder), data, "tyx", replace(facts, dialect="numbered files"), notes)


@dataclass(frozen=True)
class _OneFrameFiles:
    """Reads the frame of one of many files."""

    files: list[Path]
    shape: tuple[int, ...]

    def __call__(self, number: int) -> NDArray[Any]:
        image = read_array(self.files[number])
        if image.shape != self.shape:
            name = self.files[number].name
            raise ReadError(f"{name}: a frame of {image.shape}, the first file has {self.shape}")
        return image


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Sort img_2 before img_10."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
