"""How well frames fit the template, and how the misfit changes as the field moves: compiled kernels."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_calcium.movie.warp import sample_row

__all__ = ["misfit_slopes", "moments"]

_Image = NDArray[np.float32]
_NOTHING = np.float32(np.nan)
_ROWS = 8


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _add_row(
    sampled: _Image,
    gain: np.float32,
    offset: np.float32,
    dark: np.float32,
    level: _Image,
    precision: _Image,
    slope_y: _Image,
    slope_x: _Image,
    limit: np.float32,
    v: np.float32,
    sums: _Image,
) -> None:
    """Add one row to the sums (6, width): residual times each slope, shared between two rows of nodes."""
    for x in range(np.uint64(sampled.shape[0])):
        z = (gain * sampled[x] + offset) * precision[x] - level[x]
        z = min(max(z, -limit), limit)
        # Pixels beyond the edge and missing ones are NaN and say nothing.
        z = z if z == z else np.float32(0)
        along_y = z * slope_y[x]
        along_x = z * slope_x[x]
        along_light = z * (level[x] - dark * precision[x])
        sums[0, x] += along_y
        sums[1, x] += along_x
        sums[2, x] += along_light
        sums[3, x] += v * along_y
        sums[4, x] += v * along_x
        sums[5, x] += v * along_light


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _spread(sums: _Image, ky: int, x0: float, x_step: float, out: _Image) -> None:
    """Share the sums (6, width) of a strip among the nodes left and right of each pixel, and clear them.

    The first three sums are over all of the strip, the last three weighted by the lower row of nodes.
    """
    nx = out.shape[1]
    for x in range(sums.shape[1]):
        place = (x - x0) / x_step
        kx = min(max(math.floor(place), 0), nx - 2)
        u = np.float32(place - kx)
        for c in range(3):
            lower = sums[3 + c, x]
            upper = sums[c, x] - lower
            out[ky, kx, c] += (1 - u) * upper
            out[ky, kx + 1, c] += u * upper
            out[ky + 1, kx, c] += (1 - u) * lower
            out[ky + 1, kx + 1, c] += u * lower
    sums[:] = 0


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def misfit_slopes(
    frames: _Image,
    nodes: _Image,
    y0: float,
    y_step: float,
    x0: float,
    x_step: float,
    gain: _Image,
    offset: _Image,
    dark: np.float32,
    level: _Image,
    precision: _Image,
    slope_y: _Image,
    slope_x: _Image,
    limit: np.float32,
    out: _Image,
) -> None:
    """Fill `out` (n, ny, nx, 3) with the products of standardised residuals and slopes, node by node.

    Parameters
    ----------
    frames : (n, height, width) float32
        NaN where a pixel is missing.
    nodes : (n, ny, nx, 2) float32
        Field on which each frame is sampled.
    gain, offset : (n,) float32
        A sampled pixel is compared as ``gain * pixel + offset``.
    dark : float32
        Template without light.
    level, precision : (height, width) float32
        Expected value / standard deviation, and 1 / standard deviation, of each pixel.
    slope_y, slope_x : (height, width) float32
        How the standardised pixel changes with a move by one pixel along y and along x. The third slope,
        that of light, is ``level - dark * precision``.
    limit : float32
        Standardised residuals are cut here, so that flashes and dirt count little.
    """
    n, height, width = frames.shape
    ny = out.shape[1]
    row = np.empty(width, np.float32)
    sums = np.zeros((n, 6, width), np.float32)
    out[:] = 0
    strip = 0
    start = 0
    while start < height:
        ky = min(max(math.floor((start - y0) / y_step), 0), ny - 2)
        if ky != strip:
            for k in range(n):
                _spread(sums[k], strip, x0, x_step, out[k])
            strip = ky
        end = height if ky == ny - 2 else min(height, math.ceil(y0 + (ky + 1) * y_step))
        # A few rows of all frames in turn: the template's rows stay in the cache.
        stop = min(max(end, start + 1), start + _ROWS)
        for k in range(n):
            for y in range(start, stop):
                sample_row(frames[k], y, nodes[k], y0, y_step, x0, x_step, _NOTHING, row)
                v = np.float32((y - y0) / y_step - ky)
                _add_row(
                    row,
                    gain[k],
                    offset[k],
                    dark,
                    level[y],
                    precision[y],
                    slope_y[y],
                    slope_x[y],
                    limit,
                    v,
                    sums[k],
                )
        start = stop
    for k in range(n):
        _spread(sums[k], strip, x0, x_step, out[k])


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def moments(
    frames: _Image,
    nodes: _Image,
    y0: float,
    y_step: float,
    x0: float,
    x_step: float,
    template: _Image,
    weight: _Image,
    centre: np.float32,
    centres: _Image,
    out: NDArray[np.float64],
) -> None:
    """Fill `out` (n, 6) with weighted sums over the pixels of each sampled frame that lie inside.

    The sums are of 1, the template T, the frame I, T², I² and T I, where first `centre` is subtracted from T
    and `centres` (n,) from the frames: the variances are differences of these sums.
    """
    width = frames.shape[2]
    row = np.empty(width, np.float32)
    for k in range(frames.shape[0]):
        sums = np.zeros((6, width), np.float32)
        for y in range(frames.shape[1]):
            sample_row(frames[k], y, nodes[k], y0, y_step, x0, x_step, _NOTHING, row)
            weights = weight[y]
            expected = template[y]
            for x in range(np.uint64(width)):
                i = row[x] - centres[k]
                w = weights[x] if i == i else np.float32(0)
                i = i if i == i else np.float32(0)
                t = expected[x] - centre
                sums[0, x] += w
                sums[1, x] += w * t
                sums[2, x] += w * i
                sums[3, x] += w * t * t
                sums[4, x] += w * i * i
                sums[5, x] += w * t * i
        for c in range(6):
            out[k, c] = sums[c].astype(np.float64).sum()
