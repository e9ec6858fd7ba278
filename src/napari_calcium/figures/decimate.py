"""Fewer points, same picture: extremes kept per pixel, so no one-frame event vanishes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outline", "outline", "pool_max", "pool_mean"]


@dataclass(frozen=True)
class Outline:
    """Lines with as many points as the screen can show.

    Attributes
    ----------
    frames : (n_rows, n_points) int64
        Frame of each point, ascending in each row.
    values : (n_rows, n_points) float32
        The sample at that frame; NaN breaks the line.
    """

    frames: NDArray[np.int64]
    values: NDArray[np.float32]


def outline(traces: NDArray[np.float32], pixels: int, *, start: int = 0, stop: int | None = None) -> Outline:
    """Keep of each pixel's frames the lowest and the highest sample, in the order in which they came.

    Parameters
    ----------
    traces : (n_rows, n_frames) float32
        NaN are skipped; a pixel of nothing but NaN is NaN.
    pixels : int
        Width of the picture. Where it has two pixels or more for each frame, every sample is returned.
    start, stop : int
        First frame and the one after the last; they are cut to the recording.

    Notes
    -----
    All points are samples of the trace, so nothing is invented and no peak is lost; a gap narrower than a
    pixel is bridged. Time is linear in the samples of the span, 10 rows of 15,000 take under a millisecond.
    """
    if pixels < 1:
        raise ValueError(f"pixels must be at least 1, got {pixels}")
    length = traces.shape[1]
    first, last, _ = slice(start, stop).indices(length)
    last = max(first, last)
    if last - first <= 2 * pixels:
        frames = np.broadcast_to(np.arange(first, last), (len(traces), last - first))
        return Outline(frames, np.asarray(traces[:, first:last], np.float32))
    from napari_calcium.figures.extremes import extremes

    edges = first + np.arange(pixels + 1) * (last - first) // pixels
    frames, values = extremes(np.ascontiguousarray(traces, np.float32), edges)
    return Outline(frames, values)


def pool_max(image: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Shrink an image to at most `height` × `width`, each pixel the highest of those it stands for.

    NaN are skipped; a pixel of nothing but NaN is NaN. A side that is small enough is left as it is.
    """
    pooled: NDArray[np.float32] = image
    for axis, size in ((1, width), (0, height)):
        edges = _edges(pooled.shape[axis], size)
        if edges is not None:
            pooled = np.fmax.reduceat(pooled, edges[:-1], axis=axis)
    return pooled


def pool_mean(image: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Shrink an image to at most `height` × `width`, each pixel the mean of those it stands for.

    A NaN makes its pixel NaN. A side that is small enough is left as it is.
    """
    pooled: NDArray[np.float32] = image
    for axis, size in ((1, width), (0, height)):
        edges = _edges(pooled.shape[axis], size)
        if edges is not None:
            total = np.add.reduceat(pooled, edges[:-1], axis=axis, dtype=np.float64)
            counts = np.diff(edges).reshape((-1, 1) if axis == 0 else (1, -1))
            pooled = (total / counts).astype(np.float32)
    return pooled


def _edges(length: int, size: int) -> NDArray[np.int64] | None:
    """Return the borders of `size` nearly equal parts, None where there is nothing to shrink."""
    if size < 1:
        raise ValueError(f"an image needs at least one pixel, got {size}")
    if length <= size:
        return None
    edges: NDArray[np.int64] = np.arange(size + 1) * length // size
    return edges
