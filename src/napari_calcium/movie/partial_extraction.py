"""Fluorescence of those cells alone that are new or have new neighbours, to the byte as if all were read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from napari_calcium.checks import check_frame_rate
from napari_calcium.movie.chunks import Chunk, MovieSource, map_chunks, movie_shape
from napari_calcium.movie.demixing import Demixing, weighted_sums
from napari_calcium.movie.extraction import (
    Extraction,
    Weights,
    corrected_traces,
    extract,
    noise_variance,
    ring_size,
)
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.movie.mapped_movie import travelling
from napari_calcium.movie.registered_movie import RegisteredMovie
from napari_calcium.progress import Progress, part, silent
from napari_calcium.rois import Rois

__all__ = ["KnownTraces", "extract_changed", "extract_few"]

_ROOM = 1.6
"""A ring among crowded cells is widened: window beyond the gap, in widths of a ring."""
_MOST = 0.5
"""Share of the frame's rows beyond which reading all of it is as quick."""


@dataclass(frozen=True, eq=False)
class KnownTraces:
    """What was read before from the same movie, registered in the same way, with the same settings.

    Attributes
    ----------
    rois : Rois
        All ROIs that were read then.
    raw, neuropil, corrected : (n_rois, n_frames) float32
        In their order.
    coefficients : (n_rois,) float64
    """

    rois: Rois
    raw: NDArray[np.float32]
    neuropil: NDArray[np.float32]
    corrected: NDArray[np.float32]
    coefficients: NDArray[np.float64]


def extract_changed(
    movie: MovieSource,
    rois: Rois,
    frame_rate: float,
    settings: ExtractionSettings = ExtractionSettings(),
    *,
    known: KnownTraces | None = None,
    bad: NDArray[np.bool_] | None = None,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[Extraction, int]:
    """Read the fluorescence of those cells that were not read before, or whose pixels count differently now.

    A cell's trace depends on its neighbours: on those that overlap it, and on those that its ring of neuropil
    avoids. What is the same as before is taken over. Of the frames only the rows around the other cells are
    read and moved, whole rows, which makes the result the same to the byte as that of
    :func:`~napari_calcium.movie.extraction.extract`. Where these are many, all is read.

    Parameters
    ----------
    movie, rois, frame_rate, settings, bad, on_progress, executor
        As for :func:`~napari_calcium.movie.extraction.extract`.
    known : KnownTraces, optional
        None reads all cells, from the rows around them.

    Returns
    -------
    extraction : Extraction
        Of all `rois`.
    n_read : int
        How many cells were read.
    """
    shape = movie_shape(movie)
    if known is None:
        none = Rois(np.empty(0, np.int64), sparse.csr_array((0, shape[1] * shape[2])), (shape[1], shape[2]))
        empty = np.empty((0, shape[0]), np.float32)
        known = KnownTraces(none, empty, empty, empty, np.empty(0))
    if rois.shape != shape[1:] or known.rois.shape != shape[1:] or not _frames_known(movie, bad):
        whole = extract(
            movie, rois, frame_rate, settings, bad=bad, on_progress=on_progress, executor=executor
        )
        return whole, len(rois)
    variance = noise_variance(movie)
    weights = Weights.of(rois, variance, settings)
    changed = _changed(weights, rois, Weights.of(known.rois, variance, settings), known.rois)
    spans = _spans(weights, changed, shape)
    if sum(stop - start for start, stop, _ in spans) > _MOST * shape[1]:
        whole = extract(
            movie, rois, frame_rate, settings, bad=bad, on_progress=on_progress, executor=executor
        )
        return whole, len(rois)
    unusable = np.zeros(shape[0], np.bool_) if bad is None else np.asarray(bad, np.bool_).copy()
    raw = np.empty((len(changed), shape[0]), np.float32)
    neuropil = np.empty_like(raw)
    for k, (start, stop, members) in enumerate(spans):
        progress = part(on_progress, k / len(spans), (k + 1) / len(spans))
        own = _within(_taken(weights, changed[members]), start, stop, shape[2])
        for frames, (cells, around) in map_chunks(
            _Strip(own), _Rows(movie, start, stop), on_progress=progress, executor=executor
        ):
            raw[members, frames], neuropil[members, frames] = cells, around
    few = _taken(weights, changed)
    rate = check_frame_rate(frame_rate)
    fresh = corrected_traces(raw, neuropil, few.rings, rois.take(changed), unusable, rate, settings)
    on_progress(1, 1)
    return _together(fresh, changed, known, rois, unusable), len(changed)


def extract_few(
    movie: MovieSource,
    rois: Rois,
    ids: ArrayLike,
    frame_rate: float,
    settings: ExtractionSettings = ExtractionSettings(),
    *,
    bad: NDArray[np.bool_] | None = None,
    on_progress: Progress = silent,
) -> Extraction:
    """Read the fluorescence of a few cells at once, from the window around each and its ring.

    It is for cells that were just drawn: a few milliseconds each for 1,000 frames of a memory map. The rest
    is left as it is, though the rings of neighbours would now avoid the new cells.

    Parameters
    ----------
    movie, rois, frame_rate, settings, bad
        As for :func:`~napari_calcium.movie.extraction.extract`; `rois` are all cells, which the rings avoid
        and from which overlapping light is told apart.
    ids : (n,) of integers
        Cells to read.
    on_progress
        Called after each cell.

    Returns
    -------
    Extraction
        Of these cells, in the order of `ids`; what :func:`~napari_calcium.movie.extraction.extract` gives but
        for the noise of pixels, which is measured in the window alone.
    """
    wanted = np.atleast_1d(np.asarray(ids, np.int64)).tolist()
    gap, width = ring_size(rois, settings.neuropil)
    own = settings.replace(neuropil=settings.neuropil.replace(gap=gap, width=width))
    place = {int(k): row for row, k in enumerate(rois.ids)}
    n_frames = movie_shape(movie)[0]
    found: list[Extraction] = []
    on_progress(0, len(wanted))
    for k in wanted:
        window = _window(rois, place[k], gap + _ROOM * width)
        near = _seen_in(rois, *window)
        light = extract(_Window(movie, *window), near, frame_rate, own, bad=bad)
        row = int(np.flatnonzero(near.ids == k)[0])
        found.append(_rows_of(light, slice(row, row + 1)))
        on_progress(len(found), len(wanted))
    if not found:
        empty = np.empty((0, n_frames), np.float32)
        return Extraction(empty, empty, empty, np.empty(0), np.zeros(n_frames, np.bool_))
    return Extraction(
        np.concatenate([one.raw for one in found]),
        np.concatenate([one.neuropil for one in found]),
        np.concatenate([one.corrected for one in found]),
        np.concatenate([one.coefficients for one in found]),
        found[0].interpolated,
    )


def _rows_of(light: Extraction, rows: slice) -> Extraction:
    return Extraction(
        light.raw[rows],
        light.neuropil[rows],
        light.corrected[rows],
        light.coefficients[rows],
        light.interpolated,
    )


def _window(rois: Rois, row: int, reach: float) -> tuple[slice, slice]:
    """Return the rows and columns of the pixels up to `reach` from a cell's own."""
    pixels = rois.pixels(row)
    spans = []
    for at, length in zip(pixels, rois.shape, strict=True):
        first, last = (int(at.min()), int(at.max())) if len(at) else (0, 0)
        spans.append(slice(max(0, first - math.ceil(reach)), min(length, last + math.ceil(reach) + 1)))
    return spans[0], spans[1]


def _seen_in(rois: Rois, rows: slice, columns: slice) -> Rois:
    """Return the cells that have a pixel in a window, in its pixels."""
    y, x = np.meshgrid(
        np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop), indexing="ij"
    )
    cut = sparse.csr_array(rois.footprints[:, (y * rois.shape[1] + x).ravel()])
    there = np.flatnonzero(np.diff(cut.indptr))
    return Rois(rois.ids[there], sparse.csr_array(cut[there]), (y.shape[0], y.shape[1]))


class _Window:
    """A rectangle of a movie, moved into place where it is a registered one."""

    def __init__(self, movie: MovieSource, rows: slice, columns: slice) -> None:
        self.shape = (movie_shape(movie)[0], rows.stop - rows.start, columns.stop - columns.start)
        self.dtype = movie.dtype
        self._movie, self._rows, self._columns = movie, rows, columns

    def __getitem__(self, frames: slice) -> NDArray[Any]:
        if isinstance(self._movie, RegisteredMovie):
            return self._movie.window(frames, self._rows, self._columns)
        try:
            return np.asarray(self._movie[frames, self._rows, self._columns])
        except (TypeError, IndexError, ValueError, AttributeError):
            return np.asarray(self._movie[frames])[:, self._rows, self._columns]


@dataclass(frozen=True, eq=False)
class _Strip:
    """The work on one chunk of rows that are in place already."""

    weights: Weights

    def __call__(self, chunk: Chunk) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        flat = chunk.pixels.reshape(len(chunk.pixels), -1)
        around = weighted_sums(self.weights.rings, flat).astype(np.float32)
        return self.weights.demixing(flat), around


class _Rows:
    """Some rows of a movie, moved into place where it is a registered one."""

    def __init__(self, movie: MovieSource, start: int, stop: int) -> None:
        n_frames, _, width = movie_shape(movie)
        self.shape = (n_frames, stop - start, width)
        self.dtype = movie.dtype
        self._movie, self._rows = movie, slice(start, stop)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_movie": travelling(self._movie)}

    def __getitem__(self, frames: slice) -> NDArray[Any]:
        if isinstance(self._movie, RegisteredMovie):
            return self._movie.window(frames, self._rows, slice(0, self.shape[2]))
        try:
            return np.asarray(self._movie[frames, self._rows])
        except (TypeError, IndexError, ValueError, AttributeError):
            return np.asarray(self._movie[frames])[:, self._rows]


def _frames_known(movie: MovieSource, bad: NDArray[np.bool_] | None) -> bool:
    """Whether it is known which frames are missing: a few rows cannot tell."""
    source = movie.source if isinstance(movie, RegisteredMovie) else movie
    return bad is not None or np.dtype(source.dtype).kind != "f"


def _changed(new: Weights, rois: Rois, old: Weights, before: Rois) -> NDArray[np.int64]:
    """Return the rows of the ROIs that were not there before, or whose weights were others."""
    place = {int(k): row for row, k in enumerate(before.ids)}
    rows = [
        row
        for row, k in enumerate(rois.ids.tolist())
        if k not in place
        or not (
            _same_row(new.rings, row, old.rings, place[k])
            and _same_sums(new.demixing, row, old.demixing, place[k])
        )
    ]
    return np.array(rows, np.int64)


def _same_row(a: sparse.csr_array, i: int, b: sparse.csr_array, j: int) -> bool:
    one, other = (slice(m.indptr[k], m.indptr[k + 1]) for m, k in ((a, i), (b, j)))
    return bool(
        np.array_equal(a.indices[one], b.indices[other]) and np.array_equal(a.data[one], b.data[other])
    )


def _same_sums(a: Demixing, i: int, b: Demixing, j: int) -> bool:
    """Whether a cell is made of the same weighted means, in the same proportions."""
    one, other = (slice(m.indptr[k], m.indptr[k + 1]) for m, k in ((a.mixing, i), (b.mixing, j)))
    if not np.array_equal(a.mixing.data[one], b.mixing.data[other]):
        return False
    pairs = zip(a.mixing.indices[one].tolist(), b.mixing.indices[other].tolist(), strict=True)
    return all(_same_row(a.weights, p, b.weights, q) for p, q in pairs)


def _taken(weights: Weights, rows: NDArray[np.int64]) -> Weights:
    return Weights(weights.demixing.take(rows), sparse.csr_array(weights.rings[rows]))


def _spans(
    weights: Weights, rows: NDArray[np.int64], shape: tuple[int, int, int]
) -> list[tuple[int, int, NDArray[np.int64]]]:
    """Return spans of image rows that do not overlap, each with the places in `rows` of the cells in it."""
    reach = [_reach(_taken(weights, rows[k : k + 1]), shape[2]) for k in range(len(rows))]
    spans: list[tuple[int, int, NDArray[np.int64]]] = []
    for start, stop, members in _joined(reach):
        spans.append((start, max(stop, start + 1), np.array(sorted(members), np.int64)))
    return spans


def _reach(weights: Weights, width: int) -> tuple[int, int]:
    pixels = np.concatenate([weights.demixing.weights.indices, weights.rings.indices])
    return (int(pixels.min()) // width, int(pixels.max()) // width + 1) if len(pixels) else (0, 1)


def _joined(reach: list[tuple[int, int]]) -> Iterator[tuple[int, int, list[int]]]:
    start = stop = -1
    members: list[int] = []
    for k in sorted(range(len(reach)), key=reach.__getitem__):
        if members and reach[k][0] < stop:
            stop = max(stop, reach[k][1])
            members.append(k)
            continue
        if members:
            yield start, stop, members
        (start, stop), members = reach[k], [k]
    if members:
        yield start, stop, members


def _within(weights: Weights, start: int, stop: int, width: int) -> Weights:
    """Return weights for the pixels of some image rows alone."""

    def cut(matrix: sparse.csr_array) -> sparse.csr_array:
        places = (matrix.indices.astype(np.int64) - start * width).astype(matrix.indices.dtype)
        size = (matrix.shape[0], (stop - start) * width)
        return sparse.csr_array((matrix.data, places, matrix.indptr), shape=size)

    return Weights(Demixing(cut(weights.demixing.weights), weights.demixing.mixing), cut(weights.rings))


def _together(
    fresh: Extraction,
    changed: NDArray[np.int64],
    known: KnownTraces,
    rois: Rois,
    unusable: NDArray[np.bool_],
) -> Extraction:
    place = {int(k): row for row, k in enumerate(known.rois.ids)}
    kept = np.setdiff1d(np.arange(len(rois)), changed)
    source = np.array([place[int(rois.ids[row])] for row in kept], np.int64)

    def join(new: NDArray[Any], old: NDArray[Any]) -> NDArray[Any]:
        whole = np.empty((len(rois), *new.shape[1:]), new.dtype)
        whole[changed], whole[kept] = new, old[source]
        return whole

    return Extraction(
        join(fresh.raw, known.raw),
        join(fresh.neuropil, known.neuropil),
        join(fresh.corrected, known.corrected),
        join(fresh.coefficients, known.coefficients),
        unusable,
    )
