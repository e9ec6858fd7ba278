"""Fluorescence of cells: a pass over the registered movie, and traces of a few cells at once."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, sparse

from napari_calcium.checks import check_frame_rate
from napari_calcium.movie.chunks import Chunk, MovieSource, map_chunks, movie_shape, read_chunk, spread_frames
from napari_calcium.movie.demixing import Demixing, weighted_sums
from napari_calcium.movie.extraction_settings import (
    EstimatedNeuropil,
    ExtractionSettings,
    FixedNeuropil,
    NeuropilSettings,
)
from napari_calcium.movie.neuropil import estimate_coefficients, neuropil_rings, smoothed
from napari_calcium.movie.registered_movie import RegisteredMovie
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.tables import freeze
from napari_calcium.rois import Rois

__all__ = [
    "EstimatedNeuropil",
    "Extraction",
    "ExtractionSettings",
    "FixedNeuropil",
    "NeuropilSettings",
    "Weights",
    "corrected_traces",
    "extract",
    "noise_variance",
    "ring_size",
    "traces_of",
]

_GAP_DIAMETERS = 11 / 12
_WIDTH_DIAMETERS = 13 / 12
_NOISE_PAIRS = 48
_NOISE_SMOOTHING = 1.5
_LEAST_VARIANCE = 0.05
_WINDOW_FRAMES = 256


@dataclass(frozen=True, eq=False)
class Extraction:
    """Fluorescence of cells, float32, rows in the order of the ROIs, in the movie's own unit.

    Attributes
    ----------
    raw : (n_rois, n_frames) float32
        Weighted mean over the footprint, overlaps told apart as the settings say.
    neuropil : (n_rois, n_frames) float32
        Mean over the ring around the cell, not smoothed; NaN for a cell around which no pixel is free.
    corrected : (n_rois, n_frames) float32
        Raw minus coefficient times the smoothed neuropil (about its median, if the level is kept).
    coefficients : (n_rois,) float64
        0 where there is no neuropil.
    interpolated : (n_frames,) bool
        Frames that were bad or missing: all traces are linear over them.
    """

    raw: NDArray[np.float32]
    neuropil: NDArray[np.float32]
    corrected: NDArray[np.float32]
    coefficients: NDArray[np.float64]
    interpolated: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name in ("raw", "neuropil", "corrected", "coefficients", "interpolated"):
            object.__setattr__(self, name, freeze(getattr(self, name)))


@dataclass(frozen=True, eq=False)
class Weights:
    """What turns the pixels of a frame into one number a cell.

    Attributes
    ----------
    demixing : Demixing
        For the cells.
    rings : (n_rois, height * width) csr_array of float64
        For the neuropil around them; no entries for a cell around which no pixel is free.
    """

    demixing: Demixing
    rings: sparse.csr_array

    @classmethod
    def of(cls, rois: Rois, variance: NDArray[np.float32], settings: ExtractionSettings) -> Self:
        """Make the weights of all ROIs.

        Parameters
        ----------
        rois : Rois
        variance : (height * width,) float32
            See :func:`noise_variance`.
        settings : ExtractionSettings
        """
        demixing = Demixing.of(_positive(rois.footprints), variance, settings.overlap)
        return cls(demixing, _rings(rois, settings.neuropil))


@dataclass(frozen=True, eq=False)
class _Pass:
    """The work on one chunk: move its frames into place if need be, and weigh their pixels."""

    weights: Weights
    registered: RegisteredMovie | None

    def __call__(self, chunk: Chunk) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        pixels = chunk.pixels
        if self.registered is not None:
            pixels = self.registered.move(pixels, chunk.frames)
        flat = pixels.reshape(len(pixels), -1)
        around = weighted_sums(self.weights.rings, flat).astype(np.float32)
        return self.weights.demixing(flat), around, chunk.missing


def extract(
    movie: MovieSource,
    rois: Rois,
    frame_rate: float,
    settings: ExtractionSettings = ExtractionSettings(),
    *,
    bad: NDArray[np.bool_] | None = None,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Extraction:
    """Read the fluorescence of all cells in one pass over the movie.

    Pixels are weighted by footprint / noise variance, the best linear estimate of a cell's brightness where
    noise is that of photons. Time is O(pixels + footprints and rings) a frame; memory is that of the chunks
    and of the traces.

    Parameters
    ----------
    movie : MovieSource
        (n_frames, height, width) in the coordinates of the ROIs: a
        :class:`~napari_calcium.movie.registered_movie.RegisteredMovie`, whose frames are moved by the
        workers, or any other movie.
    rois : Rois
        All of them are read, accepted or not, and demixed from each other: leave out what is no cell.
    frame_rate : float
        Hz.
    settings : ExtractionSettings
    bad : (n_frames,) bool, optional
        Frames not to be trusted; traces are interpolated over them, and over missing frames.
    on_progress
        An exception from it ends the work.
    executor : Executor, optional
        Where chunks are worked on, as for :func:`~napari_calcium.movie.chunks.map_chunks`.

    Returns
    -------
    Extraction
        The same bytes for any number of workers. Zero ROIs give traces of shape (0, n_frames).

    Raises
    ------
    ValueError
        If the movie cannot be streamed, the ROIs are of another frame, or `bad` does not fit.

    Notes
    -----
    Where a whole region flashes with a cell, the ring takes the cell's own signal for neuropil. Rings near
    bright dendrites or undetected cells subtract those. The coefficients say what was subtracted.
    """
    shape = movie_shape(movie)
    rate = check_frame_rate(frame_rate)
    _check_fit(shape, rois)
    unusable = np.zeros(shape[0], np.bool_) if bad is None else np.asarray(bad, np.bool_).copy()
    if unusable.shape != (shape[0],):
        raise ValueError(f"bad must have shape ({shape[0]},), one a frame, got {unusable.shape}")
    weights = Weights.of(rois, noise_variance(movie), settings)
    registered = movie if isinstance(movie, RegisteredMovie) else None
    source = movie if registered is None else registered.source
    raw = np.empty((len(rois), shape[0]), np.float32)
    neuropil = np.empty_like(raw)
    chunks = map_chunks(
        _Pass(weights, registered),
        source,
        on_progress=part(on_progress, 0.05, 0.95),
        executor=executor,
    )
    for frames, (cells, around, missing) in chunks:
        raw[:, frames], neuropil[:, frames] = cells, around
        unusable[frames] |= missing
    result = corrected_traces(raw, neuropil, weights.rings, rois, unusable, rate, settings)
    on_progress(1, 1)
    return result


def _check_fit(shape: tuple[int, int, int], rois: Rois) -> None:
    if rois.shape != shape[1:]:
        raise ValueError(f"the ROIs are of frames of shape {rois.shape}, but the movie's have {shape[1:]}")


def ring_size(rois: Rois, settings: EstimatedNeuropil | FixedNeuropil) -> tuple[float, float]:
    """Return gap and width of the rings of neuropil in pixels, where the settings leave them open."""
    areas = rois.areas[rois.areas > 0]
    diameter = 2 * float(np.sqrt(np.median(areas) / np.pi)) if len(areas) else 12.0
    return settings.gap or _GAP_DIAMETERS * diameter, settings.width or _WIDTH_DIAMETERS * diameter


def _rings(rois: Rois, settings: EstimatedNeuropil | FixedNeuropil) -> sparse.csr_array:
    return neuropil_rings(rois.footprints, rois.shape, *ring_size(rois, settings))


def _positive(footprints: sparse.csr_array) -> sparse.csr_array:
    if not len(footprints.data) or footprints.data.min() >= 0:
        return footprints
    positive = footprints.copy()
    positive.data = np.maximum(positive.data, 0)
    positive.eliminate_zeros()
    return positive


def noise_variance(movie: MovieSource) -> NDArray[np.float32]:
    """Return the noise variance of each pixel over its mean, (height * width,), from pairs of frames.

    Differences of neighbouring frames hold noise twice and little else; they are smoothed over a few pixels.
    """
    n_frames, height, width = movie_shape(movie)
    squares = np.zeros((height, width))
    count = np.zeros((height, width))
    for frame in spread_frames(n_frames - 1, _NOISE_PAIRS).tolist() if n_frames > 1 else []:
        pair = read_chunk(movie, slice(frame, frame + 2)).pixels
        change = pair[1].astype(np.float64) - pair[0]
        known = np.isfinite(change)
        squares += np.where(known, change, 0) ** 2
        count += known
    squares, count = (ndimage.gaussian_filter(a, _NOISE_SMOOTHING, mode="nearest") for a in (squares, count))
    variance = np.divide(squares, count, out=np.zeros_like(squares), where=count > 1e-6)
    mean = float(variance.mean())
    if mean <= 0:
        return np.ones(height * width, np.float32)
    # A saturated or dead pixel has no noise, and no information either.
    return np.asarray(np.maximum(variance / mean, _LEAST_VARIANCE).ravel(), np.float32)


def _bridged(traces: NDArray[np.float32], unusable: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return traces that are linear over unusable frames and missing samples; NaN if all are."""
    if unusable.any():
        traces[:, unusable] = np.nan
    empty = np.isnan(traces).all(axis=1)
    filled, _ = fill_gaps(traces)
    result = np.array(filled, np.float32)
    result[empty] = np.nan
    return result


def corrected_traces(
    raw: NDArray[np.float32],
    neuropil: NDArray[np.float32],
    rings: sparse.csr_array,
    rois: Rois,
    unusable: NDArray[np.bool_],
    frame_rate: float,
    settings: ExtractionSettings,
) -> Extraction:
    """Bridge what cannot be used in traces as they were read, and take the neuropil off; row by row.

    Parameters
    ----------
    raw, neuropil : (n_rois, n_frames) float32
        Changed in place.
    rings : (n_rois, height * width) csr_array
    rois : Rois
    unusable : (n_frames,) bool
        Bad or missing frames.
    frame_rate : float
        Hz.
    settings : ExtractionSettings
    """
    neuropil[np.diff(rings.indptr) == 0] = np.nan
    raw[np.diff(rois.footprints.indptr) == 0] = np.nan
    raw, neuropil = _bridged(raw, unusable), _bridged(neuropil, unusable)
    choice = settings.neuropil
    known = np.isfinite(raw[:, :1]).ravel() & np.isfinite(neuropil[:, :1]).ravel()
    coefficients = np.zeros(len(raw))
    around = smoothed(neuropil[known], choice.smoothing * frame_rate)
    if isinstance(choice, EstimatedNeuropil):
        coefficients[known] = estimate_coefficients(
            raw[known], around, frame_rate, typical=choice.typical, spread=choice.spread
        )
    else:
        coefficients[known] = choice.coefficient
    if settings.keep_level and len(around):
        around = around - np.median(around, axis=1, keepdims=True)
    corrected = raw.copy()
    corrected[known] -= coefficients[known, None].astype(np.float32) * around
    return Extraction(raw, neuropil, corrected, coefficients, unusable)


def traces_of(
    movie: MovieSource,
    rois: Rois,
    ids: ArrayLike,
    settings: ExtractionSettings = ExtractionSettings(),
    *,
    on_progress: Progress = silent,
) -> NDArray[np.float32]:
    """Read raw traces of a few cells from the part of the movie where they are.

    From a memory map or a registered view of one only the rows and columns around each cell are read, which
    takes well under a second for minutes of recording.

    Parameters
    ----------
    movie : MovieSource
        As for :func:`extract`; a movie that cannot be sliced in space is read whole.
    rois : Rois
    ids : (n,) of integers
        Ids of cells, in any order.
    settings : ExtractionSettings
        Only `overlap` counts here.
    on_progress
        Called with the frames read, per cell.

    Returns
    -------
    (n, n_frames) float32
        Not corrected for neuropil, pixels weighted by the footprint alone (the noise of pixels is not known
        without reading more), NaN where a pixel is missing.

    Raises
    ------
    ValueError
        If there is no cell of an id, or the ROIs are of another frame.
    """
    shape = movie_shape(movie)
    _check_fit(shape, rois)
    wanted = np.atleast_1d(np.asarray(ids, np.int64))
    rows = {int(k): row for row, k in enumerate(rois.ids)}
    unknown = [int(k) for k in wanted if int(k) not in rows]
    if unknown:
        raise ValueError(f"there is no ROI {unknown[0]}; ids are {_some(rois.ids)}")
    even = np.ones(shape[1] * shape[2], np.float32)
    demixing = Demixing.of(_positive(rois.footprints), even, settings.overlap)
    traces = np.full((len(wanted), shape[0]), np.nan, np.float32)
    for k, cell in enumerate(wanted.tolist()):
        own = demixing.take(np.array([rows[cell]]))
        progress = part(on_progress, k / len(wanted), (k + 1) / len(wanted))
        if own.weights.nnz:
            traces[k] = _trace_in_window(movie, own, shape, progress)
    return traces


def _some(ids: NDArray[np.int64]) -> str:
    return (
        ", ".join(str(k) for k in ids[:5].tolist()) + (" …" if len(ids) > 5 else "") if len(ids) else "none"
    )


def _trace_in_window(
    movie: MovieSource, own: Demixing, shape: tuple[int, int, int], on_progress: Progress
) -> NDArray[np.float32]:
    y, x = np.divmod(own.weights.indices.astype(np.int64), shape[2])
    rows, columns = slice(int(y.min()), int(y.max()) + 1), slice(int(x.min()), int(x.max()) + 1)
    width = columns.stop - columns.start
    places = (y - rows.start) * width + x - columns.start
    size = (own.weights.shape[0], (rows.stop - rows.start) * width)
    small = Demixing(sparse.csr_array((own.weights.data, places, own.weights.indptr), shape=size), own.mixing)
    trace = np.empty(shape[0], np.float32)
    for start in range(0, shape[0], _WINDOW_FRAMES):
        frames = slice(start, min(start + _WINDOW_FRAMES, shape[0]))
        window = np.asarray(_read_window(movie, frames, rows, columns), np.float32)
        window[~np.isfinite(window)] = np.nan
        trace[frames] = small(window.reshape(len(window), -1))[0]
        on_progress(frames.stop, shape[0])
    return trace


def _read_window(movie: Any, frames: slice, rows: slice, columns: slice) -> NDArray[Any]:
    if isinstance(movie, RegisteredMovie):
        return movie.window(frames, rows, columns)
    try:
        return np.array(movie[frames, rows, columns])
    except (TypeError, IndexError, ValueError, AttributeError):
        return np.array(movie[frames])[:, rows, columns]
