"""Find somata in a registered movie."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from napari_calcium.checks import check_frame_rate
from napari_calcium.movie.anatomical_cells import anatomical_footprints
from napari_calcium.movie.cell_quality import (
    judged,
    over_threshold,
    peak_snr,
    skewness,
    sparse_footprints,
)
from napari_calcium.movie.cellpose_cells import cellpose_footprints, check_cellpose
from napari_calcium.movie.chunks import MovieSource, movie_shape
from napari_calcium.movie.focus import focus_half, judge_focus
from napari_calcium.movie.peeling import Peeling
from napari_calcium.movie.segmentation_settings import (
    AnatomicalCells,
    CellposeCells,
    CombinedCells,
    FunctionalCells,
    SegmentationSettings,
)
from napari_calcium.movie.soma_size import DEFAULT_RADIUS, estimate_radius
from napari_calcium.movie.stretches import Found, merged
from napari_calcium.movie.summary_images import enhanced_mean
from napari_calcium.movie.whitened_movie import Level, measure_level, whiten
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.progress import Progress, part, silent
from napari_calcium.rois import Rois

__all__ = [
    "AnatomicalCells",
    "CellposeCells",
    "CombinedCells",
    "FunctionalCells",
    "SegmentationSettings",
    "find_cells",
]

_BYTES_PER_PIXEL = 2.5
_MEGABYTE = 2**20
_LEAST_COVERAGE = 0.5
_FREE_SHARE = 0.2


def find_cells(
    binned: MovieSource,
    images: Mapping[str, NDArray[np.float32]],
    frame_rate: float,
    settings: FunctionalCells | AnatomicalCells | CellposeCells | CombinedCells = FunctionalCells(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Rois:
    """Find somata in the binned movie of a registration, or in its mean image.

    By activity: the movie is whitened (divided by each pixel's noise), freed of what is slow or wide, and
    filtered for flashing discs. The most active place is taken, its footprint and trace are estimated in turn
    and taken out, and so on until nothing active is left. Each candidate is then judged: does it look like a
    disc with an edge, or like a blur out of focus? Time is O(pixels log pixels) a bin and O(bins) a
    candidate; memory depends on the settings, not on the number of bins.

    Parameters
    ----------
    binned : MovieSource
        (n_bins, height, width) in registered coordinates: a
        :class:`~napari_calcium.movie.binned_movie.BinnedMovie`, or any movie, each frame of which is then a
        bin. Missing pixels count as unchanged.
    images : mapping of str to (height, width) float32
        Of the registration: ``coverage`` (pixels seen less than half of the time are left out; may be absent)
        and, for the mean image's cells, ``mean``.
    frame_rate : float
        Of the recording (before binning), in Hz.
    settings : SegmentationSettings
    on_progress
        An exception from it ends the work.
    executor : Executor, optional
        Where bins are whitened, as for :func:`~napari_calcium.movie.chunks.map_chunks`; candidates are
        taken out by threads of this process, since they all change the same movie.

    Returns
    -------
    Rois
        Cells and rejected candidates; ids from 0, the most active first. Weights are in brightness, 1 at the
        brightest pixel. Quality columns: ``quality`` (accepted from 1 on: the smallest ratio of the numbers
        to their thresholds), ``focus_sd``, ``focus_share``, ``disc_share``, ``radius_px``, ``area_px``,
        ``skewness``, ``snr`` (peak of the trace over its noise) and ``contrast_sd``; NaN where a method does
        not know one. None at all is a result, too. The same bytes for any number of workers.

    Raises
    ------
    ValueError
        If the movie cannot be streamed, an image does not fit, or the frame rate is not above 0.
    CellposeMissingError
        If Cellpose is chosen and not installed.

    Notes
    -----
    It misleads in one-photon movies (nothing is in focus there; lower the focus thresholds), where
    somata overlap by more than about half, and where motion was not corrected: edges of bright cells that
    move look active. Cells that never flash are not found by activity.
    """
    shape = movie_shape(binned)
    rate = check_frame_rate(frame_rate)
    for name, image in images.items():
        if image.shape != shape[1:]:
            raise ValueError(f"image {name!r} must have shape {shape[1:]} like the movie, got {image.shape}")
    if isinstance(settings, CombinedCells) and settings.by_shape == "cellpose":
        check_cellpose()  # before the search, not after it
    if isinstance(settings, AnatomicalCells | CellposeCells):
        rois = _from_image(images, shape, settings.diameter / 2, settings)
        on_progress(1, 1)
        return rois
    bin_rate = rate / getattr(binned, "frames_per_bin", 1)
    # The bytes of a product may depend on the number of threads that BLAS uses.
    with threadpool_limits(limits=1, user_api="blas"):
        rois, radius = _functional(binned, images.get("coverage"), bin_rate, settings, on_progress, executor)
    if isinstance(settings, CombinedCells):
        return _joined(rois, _from_image(images, shape, radius, settings))
    return rois


def _functional(
    binned: MovieSource,
    coverage: NDArray[np.float32] | None,
    bin_rate: float,
    settings: FunctionalCells | CombinedCells,
    on_progress: Progress,
    executor: Executor | None,
) -> tuple[Rois, float]:
    """Find active cells, in as many stretches as memory asks for; return them and the radius of somata."""
    n_bins, height, width = movie_shape(binned)
    fitting = max(16, int(settings.memory * _MEGABYTE / (_BYTES_PER_PIXEL * height * width)))
    ends = np.linspace(0, n_bins, -(-n_bins // fitting) + 1).astype(int).tolist()
    radius = settings.diameter / 2
    found: list[Found] = []
    sd = np.zeros((height, width))
    for k, (start, stop) in enumerate(pairwise(ends)):
        progress = part(on_progress, k / (len(ends) - 1), (k + 1) / (len(ends) - 1))
        level = measure_level(
            binned, bin_rate, start, stop, on_progress=part(progress, 0.0, 0.1), executor=executor
        )
        if coverage is not None:
            level.sd[~(coverage >= _LEAST_COVERAGE)] = np.inf
        decay = settings.decay * bin_rate
        radius = radius or estimate_radius(binned, level, bin_rate, decay, start, stop)
        found.append(_search(binned, level, bin_rate, radius, settings, start, stop, progress, executor))
        sd += np.where(np.isfinite(level.sd), level.sd, 0) * (stop - start) / n_bins
    return judged(merged(found), sd.astype(np.float32), radius, settings), radius


def _search(
    binned: MovieSource,
    level: Level,
    bin_rate: float,
    radius: float,
    settings: FunctionalCells | CombinedCells,
    start: int,
    stop: int,
    on_progress: Progress,
    executor: Executor | None,
) -> Found:
    """Find the candidates of one stretch of the movie."""
    white = whiten(
        binned,
        level,
        bin_rate,
        radius,
        start,
        stop,
        on_progress=part(on_progress, 0.1, 0.5),
        executor=executor,
    )
    peeling = Peeling(white, radius, settings.decay * bin_rate, settings.least_activity)
    refinement = settings.refinement
    searched = 0.85 if refinement is None else 0.65
    candidates = peeling.run(on_progress=part(on_progress, 0.5, searched))
    if refinement is not None:
        from napari_calcium.movie.nmf_refinement import refined

        progress = part(on_progress, searched, 0.85)
        rank = settings.refinement_background
        candidates = refined(peeling, candidates, settings.refinement_rounds, rank, on_progress=progress)
    half = focus_half(radius)
    pictures = [
        picture
        for _, picture in map_blocks(
            lambda block: peeling.picture(candidates[block.start], half),
            len(candidates),
            1,
            on_progress=part(on_progress, 0.85, 1.0),
        )
    ]
    side = 2 * half + 1
    images = np.array([p[0] for p in pictures], np.float32).reshape(-1, side, side)
    known = np.isfinite(level.sd)
    seen = [
        p[1] & _cut_out(known, c.corner, len(c.weights), half)
        for p, c in zip(pictures, candidates, strict=True)
    ]
    focus = judge_focus(
        images, np.array([p[2] for p in pictures]), radius, np.array(seen, bool).reshape(-1, side, side)
    )
    norms = np.array([np.linalg.norm(c.weights) for c in candidates])
    return Found(
        sparse_footprints(candidates, norms, level.sd.shape),
        np.sign(focus.score) * focus.score**2,
        focus.disc_share * focus.energy,
        focus.energy,
        np.array([p[2] for p in pictures]) * norms**2,
        focus.radius,
        np.array([skewness(c.trace) for c in candidates]),
        np.array([peak_snr(c.trace) for c in candidates]),
    )


def _cut_out(image: NDArray[np.bool_], corner: tuple[int, int], side: int, half: int) -> NDArray[np.bool_]:
    """Return the square of sides 2 half + 1 about the centre of another one; False outside the image."""
    first = [c + side // 2 - half for c in corner]
    y, x = (f + np.arange(2 * half + 1) for f in first)
    inside = ((y >= 0) & (y < image.shape[0]))[:, None] & ((x >= 0) & (x < image.shape[1]))
    cut = image[np.clip(y, 0, image.shape[0] - 1)][:, np.clip(x, 0, image.shape[1] - 1)]
    return np.asarray(cut & inside)


def _from_image(
    images: Mapping[str, NDArray[np.float32]],
    shape: tuple[int, ...],
    radius: float,
    settings: AnatomicalCells | CellposeCells | CombinedCells,
) -> Rois:
    """Find somata in the mean image; a radius of 0 is not known."""
    if "mean" not in images:
        raise ValueError("the mean image is needed to find cells by their shape, got " + str(sorted(images)))
    if isinstance(settings, CellposeCells) or (
        isinstance(settings, CombinedCells) and settings.by_shape == "cellpose"
    ):
        footprints, heights = cellpose_footprints(
            images["mean"], 2 * radius, settings.flow_threshold, settings.probability
        )
        accepted = np.ones(len(heights))
    else:
        known = radius or DEFAULT_RADIUS
        enhanced = enhanced_mean(images["mean"], known)
        footprints, heights = anatomical_footprints(enhanced, known, settings.contrast)
        accepted = over_threshold(heights, settings.contrast)
    area = np.diff(footprints.indptr).astype(np.float64)
    unknown = np.full(len(heights), np.nan)
    names = ("focus_sd", "focus_share", "disc_share", "radius_px", "skewness", "snr")
    quality: dict[str, Any] = {"quality": accepted} | dict.fromkeys(names, unknown)
    quality |= {"radius_px": np.sqrt(area / np.pi), "area_px": area, "contrast_sd": heights}
    return Rois(np.arange(len(heights)), footprints, (shape[1], shape[2]), quality=quality)


def _joined(active: Rois, bright: Rois) -> Rois:
    """Return the active cells and those of the bright ones that hardly share a pixel with accepted ones."""
    taken = np.zeros(active.footprints.shape[1], bool)
    taken[active.take(np.flatnonzero(active.accepted)).footprints.indices] = True
    rows = np.repeat(np.arange(len(bright)), np.diff(bright.footprints.indptr))
    shared = np.bincount(rows, taken[bright.footprints.indices], minlength=len(bright))
    free = bright.take(np.flatnonzero(shared <= _FREE_SHARE * bright.areas))
    return Rois(
        np.arange(len(active) + len(free)),
        sparse.csr_array(sparse.vstack([active.footprints, free.footprints], format="csr")),
        active.shape,
        accepted=np.concatenate([active.accepted, free.accepted]),
        quality={
            name: np.concatenate([values, free.quality[name]]) for name, values in active.quality.items()
        },
    )
