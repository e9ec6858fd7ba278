"""The image all frames are registered to, built from a sample of the recording itself and refined."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_calcium.movie.chunks import Chunk, MovieSource, map_chunks, movie_shape, spread_frames
from napari_calcium.movie.field_prior import learn_covariance, rigid_covariance, smooth_covariance
from napari_calcium.movie.grid import Grid, grid_for
from napari_calcium.movie.nonrigid import Alignment, FieldAligner
from napari_calcium.movie.preparation import Preparation
from napari_calcium.movie.pyramid import level_factors, pyramid
from napari_calcium.movie.rigid import LONGEST_WAVE, RigidAligner
from napari_calcium.progress import Progress, part, silent

__all__ = ["Template", "build_template", "read_sample"]

_SAMPLE_MB = 160.0
_LEAST_FRAMES = 60
_SEED_FRAMES = 20
_RIGID_ROUNDS = 4
_FIELD_ROUNDS = 2
# Pixels by which frames and their parts move, before anything is known of the recording.
_RIGID_SD = 20.0
_FIELD_SD = 1.0
# Of the median: no pixel is taken for more certain.
_LEAST_SD = 0.3


@dataclass(frozen=True, eq=False)
class Template:
    """What a sample of frames says about the recording, and the aligner made from it.

    Attributes
    ----------
    image, sd : (height, width) float32
        Mean and standard deviation of the sampled frames after alignment, as prepared for the estimation;
        NaN where no sampled frame saw the pixel.
    covariance : (2 n_nodes, 2 n_nodes) float64
        Of the displacement fields.
    aligner : FieldAligner
        Aligns prepared frames.
    plain_image, plain_sd : (height, width) float32
        The same of frames without the spatial filter.
    """

    image: NDArray[np.float32]
    sd: NDArray[np.float32]
    covariance: NDArray[np.float64]
    aligner: FieldAligner
    plain_image: NDArray[np.float32]
    plain_sd: NDArray[np.float32]


def read_sample(movie: MovieSource, number: int, on_progress: Progress = silent) -> NDArray[np.generic]:
    """Return frames spread over the movie, in its own dtype.

    There are at most 160 MiB of them, unless 60 frames are larger.

    Frames without a single finite pixel are left out; one is kept where there is no other.
    """
    n_frames, height, width = movie_shape(movie)
    dtype = np.dtype(movie.dtype)
    room = max(_LEAST_FRAMES, int(_SAMPLE_MB * 2**20) // (height * width * dtype.itemsize))
    frames = spread_frames(n_frames, min(number, room))
    sample = np.empty((len(frames), height, width), dtype)
    kept = 0
    on_progress(0, len(frames))
    for k, frame in enumerate(frames.tolist()):
        sample[kept] = np.asarray(movie[frame : frame + 1])[0]
        if dtype.kind != "f" or np.isfinite(sample[kept]).any():
            kept += 1
        on_progress(k + 1, len(frames))
    return sample[: max(kept, 1)]


def build_template(
    sample: NDArray[np.generic],
    preparation: Preparation,
    *,
    spacing: float | None,
    max_shift: float,
    on_progress: Progress = silent,
) -> Template:
    """Align a sample of frames to each other, and learn what the recording's motion is like.

    The frames most like each other at a coarse scale are averaged; all are aligned to that rigidly, then to
    the average of the aligned ones, and so on. Fields are then estimated against the average in full
    resolution, which sharpens it, twice; each time the covariance of the fields is learned anew. The average
    field is zero, so that the template lies where the tissue is on average.

    Parameters
    ----------
    sample : (n, height, width)
        From :func:`read_sample`.
    preparation : Preparation
        What is done to frames before they are aligned.
    spacing : float or None
        Distance of the nodes in pixels; None for rigid motion.
    max_shift : float
        In pixels.
    """
    n, height, width = movie_shape(sample)
    factors = level_factors(height, width)
    grid = grid_for((height, width), spacing or float(max(height, width)))
    coarse_progress = part(on_progress, 0.0, 0.2)
    fields = _rigid_start(sample, preparation, grid, factors, max_shift, coarse_progress)
    start = rigid_covariance(grid, _RIGID_SD)
    if spacing is not None:
        start += np.kron(smooth_covariance(grid, _FIELD_SD, 2 * spacing), np.eye(2))
    covariance = start
    alignment = Alignment(fields, np.ones(n, np.float32), np.zeros(n, np.float32), np.ones(n, np.float32))
    for k in range(_FIELD_ROUNDS):
        share = [0.2 + 0.8 * (k + edge) / _FIELD_ROUNDS for edge in (0.0, 0.4, 0.4, 1.0)]
        image, sd = _average(sample, preparation, alignment, grid, part(on_progress, *share[:2]))
        aligner = FieldAligner(image, sd, grid, factors, covariance, max_shift)
        alignment, evidence = _align_all(sample, preparation, aligner, part(on_progress, *share[2:]))
        if spacing is not None:
            covariance = learn_covariance(aligner.levels[0].information, evidence, start)
        alignment = _centred(alignment)
    image, sd = _average(sample, preparation, alignment, grid)
    plain = (image, sd) if preparation.keeps_light else _average(sample, preparation.plain, alignment, grid)
    aligner = FieldAligner(image, sd, grid, factors, covariance, max_shift)
    return Template(image, sd, covariance, aligner, *plain)


def _rigid_start(
    sample: NDArray[np.generic],
    preparation: Preparation,
    grid: Grid,
    factors: tuple[int, ...],
    max_shift: float,
    on_progress: Progress,
) -> NDArray[np.float64]:
    """Return rigid fields (n, ny, nx, 2) of the sample, found at the coarsest scale."""
    shrink = partial(_coarse, preparation=preparation, factors=factors)
    small = np.concatenate([result for _, result in map_chunks(shrink, sample, on_progress=on_progress)])
    factor = factors[-1]
    image = _seed(small)
    coarse_grid = grid.binned(factor)
    shape = (len(sample), grid.ny, grid.nx, 2)
    for _ in range(_RIGID_ROUNDS):
        shifts = RigidAligner(image, max_shift / factor, longest_wave=LONGEST_WAVE / factor).shifts(small)
        shifts -= np.median(shifts, axis=0)
        fields = np.broadcast_to(shifts[:, None, None, :], shape)
        moved = _moved(small, fields.astype(np.float32), coarse_grid)
        image = _mean_seen(moved)
    return fields.astype(np.float64) * factor


def _coarse(chunk: Chunk, *, preparation: Preparation, factors: tuple[int, ...]) -> NDArray[np.float32]:
    return pyramid(preparation(chunk.pixels), factors)[-1].copy()


def _seed(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the frames that are most like each other."""
    flat = np.nan_to_num(frames.reshape(len(frames), -1))
    flat = flat - flat.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    flat /= np.where(norms > 0, norms, 1)
    alike = flat @ flat.T
    near = min(_SEED_FRAMES, len(frames))
    best = int(np.sort(alike, axis=1)[:, -near:].mean(axis=1).argmax())
    return _mean_seen(frames[np.argsort(alike[best], kind="stable")[-near:]])


def _moved(frames: NDArray[np.float32], fields: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """Return frames sampled on their fields; NaN beyond the edge."""
    from napari_calcium.movie.warp import warp_frames

    moved = np.empty_like(frames)
    warp_frames(frames, np.ascontiguousarray(fields), *grid.numbers, np.float32(np.nan), moved)
    return moved


def _mean_seen(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean over frames of the pixels that were seen, and the mean of all where none was."""
    seen = np.isfinite(frames)
    total = np.where(seen, frames, 0).sum(axis=0, dtype=np.float64)
    count = seen.sum(axis=0)
    overall = total.sum() / max(1, count.sum())
    mean: NDArray[np.float32] = np.where(count > 0, total / np.maximum(count, 1), overall).astype(np.float32)
    return mean


def _align_all(
    sample: NDArray[np.generic], preparation: Preparation, aligner: FieldAligner, on_progress: Progress
) -> tuple[Alignment, NDArray[np.float64]]:
    work = partial(_align_chunk, preparation=preparation, aligner=aligner)
    parts = [result for _, result in map_chunks(work, sample, on_progress=on_progress)]
    names = ("fields", "gain", "offset", "correlation")
    joined = (np.concatenate([getattr(alignment, name) for alignment, _ in parts]) for name in names)
    return Alignment(*joined), np.concatenate([evidence for _, evidence in parts])


def _align_chunk(
    chunk: Chunk, *, preparation: Preparation, aligner: FieldAligner
) -> tuple[Alignment, NDArray[np.float64]]:
    frames = preparation(chunk.pixels)
    alignment = aligner.align(frames)
    return alignment, aligner.evidence(frames, alignment)


def _centred(alignment: Alignment) -> Alignment:
    """Return the alignment with a mean field of zero, and brightness that leaves the middle frame as it is.

    Without the second, a template that is less sharp than its frames would gain contrast in each round.
    """
    fields = alignment.fields - alignment.fields.mean(axis=0)
    scale, level = np.median(alignment.gain), np.median(alignment.offset)
    return Alignment(
        fields, alignment.gain / scale, (alignment.offset - level) / scale, alignment.correlation
    )


_Sums = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def _average(
    sample: NDArray[np.generic],
    preparation: Preparation,
    alignment: Alignment,
    grid: Grid,
    on_progress: Progress = silent,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation of the sample on its fields, brightness made equal.

    Interpolation averages the noise of neighbouring pixels; the standard deviation is that of a pixel
    before, since sums over a neighbourhood (all the estimation uses) keep their noise. NaN where never seen.
    """
    work = partial(_sum_chunk, preparation=preparation, alignment=alignment, grid=grid)
    total = square = count = None
    for _, (first, second, number) in map_chunks(work, sample, on_progress=on_progress):
        if total is None or square is None or count is None:
            total, square, count = first, second, number
        else:
            total += first
            square += second
            count += number
    assert total is not None and square is not None and count is not None
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
        variance = np.where(count > 0, np.maximum(square / count - mean**2, 0), np.nan)
    sd = np.sqrt(variance / _noise_kept(alignment.fields))
    positive = sd[np.isfinite(sd) & (sd > 0)]
    # Few frames may agree by chance, and saturated pixels always do: no pixel is trusted without bound.
    least = _LEAST_SD * float(np.median(positive)) if len(positive) else 1.0
    return mean.astype(np.float32), np.maximum(sd, least).astype(np.float32)


def _sum_chunk(chunk: Chunk, *, preparation: Preparation, alignment: Alignment, grid: Grid) -> _Sums:
    part_of = slice(chunk.frames.start, chunk.frames.stop)
    fields = alignment.fields[part_of].astype(np.float32)
    moved = _moved(preparation(chunk.pixels), fields, grid)
    moved *= alignment.gain[part_of, None, None]
    moved += alignment.offset[part_of, None, None]
    seen = np.isfinite(moved)
    np.nan_to_num(moved, copy=False, nan=0.0)
    total = moved.sum(axis=0, dtype=np.float64)
    return total, np.einsum("tyx,tyx->yx", moved, moved, dtype=np.float64), seen.sum(axis=0)


def _noise_kept(fields: NDArray[np.float64]) -> float:
    """Return the mean share of a pixel's noise variance that bilinear sampling on these fields keeps."""
    fraction = fields - np.floor(fields)
    kept = ((1 - fraction) ** 2 + fraction**2).prod(axis=-1)
    return float(kept.mean())
