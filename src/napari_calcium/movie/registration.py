"""Register a movie: one pass that finds the motion and gathers everything that needs moved frames."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from napari_calcium.checks import check_frame_rate
from napari_calcium.movie.bad_frames import fill_missing_fields, find_bad_frames
from napari_calcium.movie.binned_movie import BinnedMovie, frames_per_bin
from napari_calcium.movie.chunks import Chunk, MovieSource, frames_per_chunk, map_chunks, movie_shape
from napari_calcium.movie.grid import Grid
from napari_calcium.movie.line_phase import line_phase
from napari_calcium.movie.preparation import Preparation
from napari_calcium.movie.registered_movie import RegisteredMovie
from napari_calcium.movie.registration_settings import (
    NonRigidRegistration,
    RegistrationSettings,
    RigidRegistration,
)
from napari_calcium.movie.side_by_side import SideBySide, split
from napari_calcium.movie.summary_images import SummaryImages
from napari_calcium.movie.template import Template, build_template, read_sample
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.tables import freeze

__all__ = [
    "NonRigidRegistration",
    "Registration",
    "RegistrationSettings",
    "RigidRegistration",
    "register",
]

_TEMPLATE_SHARE = 0.25
_READ_SHARE = 0.03
_SCALE_FRAMES = 60


@dataclass(frozen=True, eq=False)
class Registration:
    """How each frame of a movie lies on the template, and what was gathered on the way.

    Attributes
    ----------
    shape : (n_frames, height, width)
    grid : Grid
        Where the nodes of the fields are.
    fields : (n_frames, ny, nx, 2) float32
        Total displacement (y, x) in pixels, rigid part included: what to add to a coordinate of the template
        to find it in the frame. Between nodes it is linear. Missing frames lie between their neighbours.
    shifts : (n_frames, 2) float64
        Mean displacement (y, x) of the whole frame.
    correlation : (n_frames,) float32
        Pearson correlation of each registered frame with the template, both averaged over squares of a few
        pixels and weighted by the certainty of each; NaN where a frame is missing or has no contrast.
    bad, missing : (n_frames,) bool
        Frames not to be trusted, and among them those without any pixel.
    template : (height, width) float32
        What frames were aligned to; NaN where it was never seen.
    images : mapping of str to (height, width) float32
        ``mean``, ``max_projection``, ``standard_deviation``, ``local_correlation``, ``enhanced_mean``,
        ``coverage`` (share of frames that saw the pixel), and ``raw_mean``, before registration.
    binned : BinnedMovie
        Means of a few frames each, in registered coordinates.
    line_phase : float
        By how many pixels odd rows were moved left; 0 where not asked for.
    """

    shape: tuple[int, int, int]
    grid: Grid
    fields: NDArray[np.float32]
    shifts: NDArray[np.float64]
    correlation: NDArray[np.float32]
    bad: NDArray[np.bool_]
    missing: NDArray[np.bool_]
    template: NDArray[np.float32]
    images: Mapping[str, NDArray[np.float32]]
    binned: BinnedMovie
    line_phase: float = 0.0

    def __post_init__(self) -> None:
        for name in ("fields", "shifts", "correlation", "bad", "missing", "template"):
            object.__setattr__(self, name, freeze(getattr(self, name)))
        images = {name: freeze(image) for name, image in self.images.items()}
        object.__setattr__(self, "images", MappingProxyType(images))

    def apply(self, movie: MovieSource) -> RegisteredMovie:
        """Return a movie in registered coordinates, moved when it is read.

        Parameters
        ----------
        movie : MovieSource
            The registered movie itself, or another channel recorded with it.

        Raises
        ------
        ValueError
            If it does not have the shape of the movie that was registered.
        """
        if movie_shape(movie) != self.shape:
            raise ValueError(f"the movie has shape {movie_shape(movie)}, but {self.shape} was registered")
        return RegisteredMovie(movie, self.fields, self.grid, line_phase=self.line_phase)


@dataclass(frozen=True, eq=False)
class _Part:
    """What a chunk contributes."""

    fields: NDArray[np.float32]
    correlation: NDArray[np.float32]
    missing: NDArray[np.bool_]
    first_bin: int
    sums: NDArray[np.float32]
    seen: NDArray[np.float32]
    raw_sum: NDArray[np.float64]
    raw_count: NDArray[np.int64] | int


@dataclass(frozen=True)
class _Pass:
    """The work on one chunk: find its fields, and add its moved frames up in bins."""

    template: Template
    preparation: Preparation
    bin_frames: int
    guided: bool = False

    def __call__(self, chunk: Chunk) -> _Part:
        from napari_calcium.movie.binning_kernel import add_to_bins

        chunk, guide = split(chunk) if self.guided else (chunk, chunk)
        straight = self.preparation.plain(chunk.pixels)
        looked_at = self.preparation.plain(guide.pixels) if self.guided else straight
        aligner = self.template.aligner
        alignment = aligner.align(self.preparation.filtered(looked_at))
        fields = alignment.fields.astype(np.float32)
        numbers = np.arange(chunk.frames.start, chunk.frames.stop) // self.bin_frames
        first = int(numbers[0])
        shape = (int(numbers[-1]) - first + 1, *chunk.pixels.shape[1:])
        sums, seen = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        bins = np.where(chunk.missing, -1, numbers - first)
        add_to_bins(straight, fields, *aligner.grid.numbers, bins, sums, seen)
        correlation = np.where(chunk.missing, np.nan, alignment.correlation).astype(np.float32)
        return _Part(fields, correlation, chunk.missing, first, sums, seen, *_raw_sum(chunk))


def _raw_sum(chunk: Chunk) -> tuple[NDArray[np.float64], NDArray[np.int64] | int]:
    total = chunk.pixels.sum(axis=0)
    if not np.isnan(total.sum(dtype=np.float64)):
        return total.astype(np.float64), len(chunk)
    seen = np.isfinite(chunk.pixels)
    return np.where(seen, chunk.pixels, 0).sum(axis=0, dtype=np.float64), seen.sum(axis=0)


class _Gathering:
    """Puts the parts together, in order; a bin may be spread over several."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        scale: tuple[NDArray[np.float32], NDArray[np.float32]],
        bin_frames: int,
        memory_mb: float,
    ):
        offset, sd = scale
        self.binned = BinnedMovie(shape[0], bin_frames, offset, sd, memory_mb=memory_mb)
        self.summary = SummaryImages(offset, (sd / np.sqrt(np.float32(bin_frames))).astype(np.float32))
        self.parts: list[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]] = []
        self._raw_sum = np.zeros(shape[1:])
        self._raw_count = np.zeros(shape[1:], np.int64)
        self._open: tuple[int, NDArray[np.float32], NDArray[np.float32]] | None = None

    def add(self, new: _Part) -> None:
        self.parts.append((new.fields, new.correlation, new.missing))
        self._raw_sum += new.raw_sum
        self._raw_count += new.raw_count
        if self._open is not None:
            number, total, count = self._open
            if number == new.first_bin:
                new.sums[0] += total
                new.seen[0] += count
            else:
                self._close(number, total[None], count[None])
        done = len(new.sums) - 1
        if done:
            self._close(new.first_bin, new.sums[:done], new.seen[:done])
        # The last bin may go on in the next part.
        self._open = (new.first_bin + done, new.sums[done].copy(), new.seen[done].copy())

    def finish(self) -> dict[str, NDArray[np.float32]]:
        if self._open is not None:
            number, total, count = self._open
            self._close(number, total[None], count[None])
        with np.errstate(invalid="ignore"):
            raw_mean = (self._raw_sum / self._raw_count).astype(np.float32)
        return self.summary.images() | {"raw_mean": raw_mean}

    def _close(self, first: int, sums: NDArray[np.float32], seen: NDArray[np.float32]) -> None:
        self.binned.write(first, self.summary.add(sums, seen))


def _scale(mean: NDArray[Any], sd: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation of each pixel, without the gaps of pixels that no sample saw."""
    known = np.isfinite(mean) & np.isfinite(sd)
    if not known.any():
        return np.zeros(mean.shape, np.float32), np.ones(sd.shape, np.float32)
    typical = float(np.median(sd[known])) or 1.0
    offset = np.where(known, mean, np.median(mean[known]))
    return offset.astype(np.float32), np.where(known & (sd > 0), sd, typical).astype(np.float32)


def _scale_of_sample(movie: MovieSource) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the scale of a movie whose frames were not aligned to each other: about right is enough."""
    sample = read_sample(movie, _SCALE_FRAMES).astype(np.float32)
    sample[~np.isfinite(sample)] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a pixel that no frame saw is filled in above
        mean, sd = np.nanmean(sample, axis=0), np.nanstd(sample, axis=0)
    return _scale(mean, sd)


def register(
    movie: MovieSource,
    frame_rate: float,
    settings: RigidRegistration | NonRigidRegistration = NonRigidRegistration(),
    *,
    guide: MovieSource | None = None,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Registration:
    """Find the motion of a movie, and its summary images and binned movie in registered coordinates.

    A template is built from a sample of frames spread over the movie. The movie is then read once, chunk by
    chunk: each frame is aligned to the template, moved into place and added to its bin. Memory depends on the
    size of a frame and the settings, not on the number of frames; time is O(pixels) a frame.

    Parameters
    ----------
    movie : MovieSource
        (n_frames, height, width) of any real dtype, sliced along time only. NaN and infinity mark missing
        pixels. :meth:`Registration.apply` moves other channels.
    frame_rate : float
        Hz; used for the length of bins and for the running median of the bad frames' test.
    settings : RegistrationSettings
    guide : MovieSource, optional
        Another channel of the same shape, by which the motion is found: template, fields, correlation and bad
        frames are its own; images and binned movie are those of `movie`, moved by it.
    on_progress
        An exception from it (:class:`~napari_calcium.progress.Cancelled`) ends the work.
    executor : Executor, optional
        Where the chunks of the pass are worked on, as for :func:`~napari_calcium.movie.chunks.map_chunks`.
        The template is built here.

    Returns
    -------
    Registration
        The same bytes for any number of workers.

    Raises
    ------
    ValueError
        If the movie cannot be streamed, the frame rate is not above 0, or the guide has another shape.

    Notes
    -----
    It misleads where the tissue changes faster than it moves: most pixels flashing together, or a template
    that mixes two planes after a jump in depth. Motion out of the plane is not corrected. Between rows
    of nodes motion is taken as linear in time, so a jump within one frame leaves a blur of some rows.

    References
    ----------
    Thévenaz, Ruttimann and Unser 1998, doi:10.1109/83.650848; Baker and Matthews 2004,
    doi:10.1023/B:VISI.0000011205.11775.fd; Pnevmatikakis and Giovannucci 2017,
    doi:10.1016/j.jneumeth.2017.07.031.
    """
    shape = movie_shape(movie)
    rate = check_frame_rate(frame_rate)
    max_shift = max(1.0, settings.max_shift / 100 * min(shape[1:]))
    # The bytes of a matrix product may depend on the number of threads.
    with threadpool_limits(limits=1, user_api="blas"):
        source = movie if guide is None else SideBySide(movie, guide)
        template, preparation = _template(movie if guide is None else guide, settings, max_shift, on_progress)
        plain = _scale(template.plain_image, template.plain_sd)
        scale = plain if guide is None else _scale_of_sample(movie)
        bin_frames = frames_per_bin(shape, rate, settings.bin_duration, limit_mb=settings.binned_limit)
        gathering = _Gathering(shape, scale, bin_frames, settings.binned_memory)
        chunks = map_chunks(
            _Pass(template, preparation, bin_frames, guide is not None),
            source,
            chunk_frames=_whole_bins(frames_per_chunk(*shape[1:]), bin_frames),
            on_progress=part(on_progress, _TEMPLATE_SHARE, 1.0),
            executor=executor,
        )
        for _, result in chunks:
            gathering.add(result)
    return _registration(shape, rate, settings, template, gathering, max_shift, preparation.line_phase)


def _template(
    movie: MovieSource,
    settings: RigidRegistration | NonRigidRegistration,
    max_shift: float,
    on_progress: Progress,
) -> tuple[Template, Preparation]:
    sample = read_sample(movie, settings.template_frames, part(on_progress, 0.0, _READ_SHARE))
    phase = line_phase(sample) if settings.correct_line_phase else 0.0
    preparation = Preparation(phase, settings.smoothing, settings.background)
    template = build_template(
        sample,
        preparation,
        spacing=settings.node_spacing if isinstance(settings, NonRigidRegistration) else None,
        max_shift=max_shift,
        on_progress=part(on_progress, _READ_SHARE, _TEMPLATE_SHARE),
    )
    return template, preparation


def _whole_bins(chunk_frames: int, bin_frames: int) -> int:
    """Return a size of chunks near `chunk_frames` that does not cut bins, where bins are shorter."""
    return max(chunk_frames // bin_frames * bin_frames, min(chunk_frames, bin_frames))


def _registration(
    shape: tuple[int, int, int],
    frame_rate: float,
    settings: RigidRegistration | NonRigidRegistration,
    template: Template,
    gathering: _Gathering,
    max_shift: float,
    phase: float,
) -> Registration:
    images = gathering.finish()
    fields, correlation, missing = (np.concatenate(parts) for parts in zip(*gathering.parts, strict=True))
    fields = fill_missing_fields(fields, missing)
    grid = template.aligner.grid
    bad = find_bad_frames(
        correlation, fields, missing, frame_rate, threshold=settings.bad_frames, max_shift=max_shift
    )
    shifts = np.einsum("tnc,n->tc", fields.reshape(len(fields), -1, 2), grid.mean_weights())
    return Registration(
        shape,
        grid,
        fields,
        shifts,
        correlation,
        bad,
        missing,
        template.image,
        images,
        gathering.binned,
        phase,
    )
