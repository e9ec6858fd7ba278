"""All neurons over time at every zoom: no larger than the screen, and no one-frame event is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_calcium.progress import Progress, silent

__all__ = ["Picture", "RasterPyramid"]

_FACTOR = 4
_ENOUGH_ROWS, _ENOUGH_FRAMES = 400, 1000
"""No coarser level is made of one that has no more than this: a view reads it as fast."""
_BLOCK_BYTES = 1 << 24

Levels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """Part of a raster, pooled to the screen.

    Attributes
    ----------
    image : (height, width) uint8
        Each pixel the maximum of the levels it stands for.
    rows, frames : (first, last) of float
        What the borders of the image stand for, in rows of the order and in frames: pixels are whole
        numbers of rows and frames and begin at multiples of them, so nothing flickers when the view moves.
    """

    image: Levels
    rows: tuple[float, float]
    frames: tuple[float, float]


@dataclass(frozen=True)
class RasterPyramid:
    """A raster of levels (0 … 255) with coarser copies, each sample the maximum of 4 × 1 or 1 × 4 finer ones.

    Attributes
    ----------
    order : (n_rois,) int64
        Row of the recording at each place from top to bottom.
    coarse : tuple of tuple of (n, m) uint8
        ``coarse[r][t]`` stands for ``4**r`` rows and ``4**t`` frames. The copies of ``r = 0`` are in the
        order of the recording, so they stay when neurons are sorted anew; all others are in `order`.

    Notes
    -----
    Memory is at most 16/9 bytes a sample (0.44 of a float32 trace), time linear in the samples. A view
    reads at most nine samples a pixel, whatever the size of the recording.
    """

    order: NDArray[np.int64]
    coarse: tuple[tuple[Levels, ...], ...]

    @classmethod
    def build(cls, levels: Levels, order: NDArray[np.int64], *, on_progress: Progress = silent) -> Self:
        """Make the copies of a raster.

        Parameters
        ----------
        levels : (n_rois, n_frames) uint8
            In the order of the recording. 0 is the lowest: where there is nothing, or nothing is known.
        order : (n_rois,) int64
        on_progress : Progress
            Raises to cancel.
        """
        return cls(order, (_over_time(levels, on_progress),)).reordered(order, on_progress=on_progress)

    def reordered(self, order: NDArray[np.int64], *, on_progress: Progress = silent) -> Self:
        """Return the same raster with its neurons in another order."""
        if len(order) != len(self.coarse[0][0]):
            raise ValueError(f"order must have {len(self.coarse[0][0])} rows, got {len(order)}")
        coarse = [self.coarse[0]]
        while (_size(len(order), len(coarse) - 1)) > _ENOUGH_ROWS:
            before = coarse[-1][0]
            pooled = (
                _pool_ordered(before, order, on_progress) if len(coarse) == 1 else _pool_rows(before, _FACTOR)
            )
            coarse.append(_over_time(pooled, on_progress))
        return type(self)(order, tuple(coarse))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of neurons and of frames."""
        rows, frames = self.coarse[0][0].shape
        return rows, frames

    def view(
        self, rows: tuple[float, float], frames: tuple[float, float], height: int, width: int
    ) -> Picture | None:
        """Return what is in view as a picture of at most about `height` × `width` pixels; None if nothing is.

        Parameters
        ----------
        rows, frames : (first, last) of float
            Borders of the view.
        height, width : int
            Pixels on the screen.
        """
        down = _axis(rows, self.shape[0], height, len(self.coarse))
        across = _axis(frames, self.shape[1], width, len(self.coarse[0]))
        if down is None or across is None:
            return None
        level = self.coarse[down.level][across.level]
        columns = level[:, across.first : across.last]
        rows_read = slice(down.first, down.last)
        part = columns[rows_read] if down.level else columns[self.order[rows_read]]
        image = _pool_columns(_pool_rows(part, down.rest), across.rest)
        return Picture(np.ascontiguousarray(image), down.bounds, across.bounds)


@dataclass(frozen=True)
class _Axis:
    """Which level to read along an axis, from where to where, and by how much to pool what was read."""

    level: int
    first: int
    last: int
    rest: int
    bounds: tuple[float, float]


def _axis(bounds: tuple[float, float], length: int, pixels: int, n_levels: int) -> _Axis | None:
    low, high = max(0.0, bounds[0]), min(float(length), bounds[1])
    if high <= low:
        return None
    step = _step((high - low) / max(1, pixels))
    level = min(n_levels - 1, int(math.log(step, _FACTOR) + 1e-9))
    grain = _FACTOR**level
    first, last = math.floor(low / step) * step, math.ceil(high / step) * step
    last_read = _size(min(last, length), level)
    # The last pixel may stand for less than the others: it is drawn as wide as they are.
    return _Axis(level, first // grain, last_read, step // grain, (first, last))


def _step(ratio: float) -> int:
    """Return the smallest of 1, 2, 3, 4, 8, 12, 16, 32 … that is at least `ratio`."""
    scale = 1
    while ratio > _FACTOR * scale:
        scale *= _FACTOR
    return max(1, math.ceil(ratio / scale)) * scale


def _size(length: int, level: int) -> int:
    return -(-length // _FACTOR**level)


def _over_time(levels: Levels, on_progress: Progress) -> tuple[Levels, ...]:
    copies = [levels]
    while copies[-1].shape[1] > _ENOUGH_FRAMES:
        finer = copies[-1]
        coarser = np.empty((len(finer), _size(finer.shape[1], 1)), np.uint8)
        for start, stop in _blocks(finer):
            on_progress(start, len(finer))
            coarser[start:stop] = _pool_columns(finer[start:stop], _FACTOR)
        copies.append(coarser)
    return tuple(copies)


def _pool_ordered(levels: Levels, order: NDArray[np.int64], on_progress: Progress) -> Levels:
    pooled = np.empty((_size(len(order), 1), levels.shape[1]), np.uint8)
    for start, stop in _blocks(pooled):
        on_progress(start, len(pooled))
        pooled[start:stop] = _pool_rows(levels[order[_FACTOR * start : _FACTOR * stop]], _FACTOR)
    return pooled


def _blocks(levels: Levels) -> list[tuple[int, int]]:
    rows = max(1, _BLOCK_BYTES // max(1, levels.shape[1]))
    return [(start, min(start + rows, len(levels))) for start in range(0, len(levels), rows)]


def _pool_columns(levels: Levels, every: int) -> Levels:
    return _pool_rows(levels.T, every).T if every > 1 else levels


def _pool_rows(levels: Levels, every: int) -> Levels:
    """Return the maximum of each `every` rows; the last group may be smaller."""
    if every == 1:
        return levels
    pooled = levels[::every].copy(order="K")
    for k in range(1, every):
        part = levels[k::every]
        np.maximum(pooled[: len(part)], part, out=pooled[: len(part)])
    return pooled
