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


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _add_row(
    sampled: _Image,
    gain: np.float32,
    offset: np.float32,
    template: _Image,
    precision: _Image,
    slope_y: _Image,
    slope_x: _Image,
    light: _Image,
    limit: np.float32,
    v: np.float32,
    sums: _Image,
) -> None:
    """Add one row to the sums (6, width): residual times each slope, shared between two rows of nodes."""
    for x in range(sampled.shape[0]):
        z = (gain * sampled[x] + offset - template[x]) * precision[x]
        z = min(max(z, -limit), limit)
        # Pixels beyond the edge and missing ones are NaN and say nothing.
        z = z if z == z else np.float32(0)
        along_y = z * slope_y[x]
        along_x = z * slope_x[x]
        along_light = z * light[x]
        sums[0, x] += along_y - v * along_y
        sums[1, x] += along_x - v * along_x
        sums[2, x] += along_light - v * along_light
        sums[3, x] += v * along_y
        sums[4, x] += v * along_x
        sums[5, x] += v * along_light


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _spread(sums: _Image, ky: int, x0: float, x_step: float, out: _Image) -> None:
    """Share the sums (6, width) of a strip among the nodes left and right of each pixel, and clear them."""
    nx = out.shape[1]
    for x in range(sums.shape[1]):
        place = (x - x0) / x_step
        kx = min(max(math.floor(place), 0), nx - 2)
        u = np.float32(place - kx)
        for c in range(3):
            out[ky, kx, c] += (1 - u) * sums[c, x]
            out[ky, kx + 1, c] += u * sums[c, x]
            out[ky + 1, kx, c] += (1 - u) * sums[3 + c, x]
            out[ky + 1, kx + 1, c] += u * sums[3 + c, x]
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
    template: _Image,
    precision: _Image,
    slope_y: _Image,
    slope_x: _Image,
    light: _Image,
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
    template, precision : (height, width) float32
        Expected value, and 1 / standard deviation, of each pixel.
    slope_y, slope_x, light : (height, width) float32
        How the standardised pixel changes with a move by one pixel along y, along x, and with light.
    limit : float32
        Standardised residuals are cut here, so that flashes and dirt count little.
    """
    row = np.empty(frames.shape[2], np.float32)
    sums = np.zeros((6, frames.shape[2]), np.float32)
    ny = out.shape[1]
    out[:] = 0
    for k in range(frames.shape[0]):
        strip = 0
        for y in range(frames.shape[1]):
            place = (y - y0) / y_step
            ky = min(max(math.floor(place), 0), ny - 2)
            if ky != strip:
                _spread(sums, strip, x0, x_step, out[k])
                strip = ky
            sample_row(frames[k], y, nodes[k], y0, y_step, x0, x_step, _NOTHING, row)
            _add_row(
                row,
                gain[k],
                offset[k],
                template[y],
                precision[y],
                slope_y[y],
                slope_x[y],
                light[y],
                limit,
                np.float32(place - ky),
                sums,
            )
        _spread(sums, strip, x0, x_step, out[k])


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
    out: NDArray[np.float64],
) -> None:
    """Fill `out` (n, 6) with weighted sums over the pixels of each sampled frame that lie inside.

    The sums are of 1, the template T, the frame I, T², I² and T I. Frame and template should be centred
    roughly, since the sums are differences of squares later on.
    """
    row = np.empty(frames.shape[2], np.float32)
    for k in range(frames.shape[0]):
        total = np.zeros(6)
        for y in range(frames.shape[1]):
            sample_row(frames[k], y, nodes[k], y0, y_step, x0, x_step, _NOTHING, row)
            for x in range(row.shape[0]):
                if row[x] == row[x]:
                    w = np.float64(weight[y, x])
                    t = np.float64(template[y, x])
                    i = np.float64(row[x])
                    total[0] += w
                    total[1] += w * t
                    total[2] += w * i
                    total[3] += w * t * t
                    total[4] += w * i * i
                    total[5] += w * t * i
        out[k] = total
