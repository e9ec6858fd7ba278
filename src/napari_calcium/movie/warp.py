"""Sample frames at displaced places: compiled kernels, imported only where frames are moved.

A displacement field is given at the nodes of a regular grid and is linear between them. Frames are sampled by
bilinear interpolation at ``(y + dy, x + dx)``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["sample_row", "warp_frames"]

_Image = NDArray[np.float32]
_ONE = np.uint64(1)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _sample_point(image: _Image, y: float, x: float, outside: np.float32) -> np.float32:
    """Bilinear value at (y, x); beyond the edge `outside`, or the nearest pixel where that is infinite."""
    height, width = image.shape
    if not (y >= 0 and y <= height - 1 and x >= 0 and x <= width - 1):
        if not math.isinf(outside):
            return outside
        y = min(max(y, 0.0), height - 1.0)
        x = min(max(x, 0.0), width - 1.0)
    iy = int(y)
    ix = int(x)
    jy = min(iy + 1, height - 1)
    jx = min(ix + 1, width - 1)
    fy = np.float32(y - iy)
    fx = np.float32(x - ix)
    a = image[iy, ix]
    c = image[jy, ix]
    top = a + fx * (image[iy, jx] - a)
    below = c + fx * (image[jy, jx] - c)
    value: np.float32 = top + fy * (below - top)
    return value


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _pixels_until_integer(fraction: float, step: float) -> int:
    """How many pixels until a value in [0, 1) that changes by `step` a pixel leaves that range."""
    if step > 1e-9:
        return int(min(1e9, math.ceil((1.0 - fraction) / step)))
    if step < -1e-9:
        return int(min(1e9, math.floor(-fraction / step) + 1))
    return 1_000_000_000


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _sample_run(
    image: _Image,
    row: int,
    column: int,
    fy: np.float32,
    step_y: np.float32,
    fx: np.float32,
    step_x: np.float32,
    out: _Image,
) -> None:
    """Bilinear values from pixel (row, column) on: all neighbours inside, fractions linear along the run."""
    r = np.uint64(row)
    s = np.uint64(row + 1)
    c = np.uint64(column)
    for j in range(np.uint64(out.shape[0])):
        along = np.float32(j)
        gy = fy + step_y * along
        gx = fx + step_x * along
        a = image[r, c + j]
        b = image[s, c + j]
        top = a + gx * (image[r, c + j + _ONE] - a)
        below = b + gx * (image[s, c + j + _ONE] - b)
        out[j] = top + gy * (below - top)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def sample_row(
    image: _Image,
    y: int,
    nodes: _Image,
    y0: float,
    y_step: float,
    x0: float,
    x_step: float,
    outside: np.float32,
    out: _Image,
) -> None:
    """Fill `out` (width,) with row `y` of the image sampled on the field of `nodes` (ny, nx, 2).

    The field is smooth, so long runs of pixels share their integer displacement: those are sampled with
    vector instructions and without gathers. Only what falls on or beyond the edge goes pixel by pixel.
    """
    ny, nx = nodes.shape[0], nodes.shape[1]
    height, width = image.shape
    place = (y - y0) / y_step
    ky = min(max(math.floor(place), 0), ny - 2)
    v = place - ky
    x = 0
    for kx in range(nx - 1):
        end = width if kx == nx - 2 else min(width, math.ceil(x0 + (kx + 1) * x_step))
        left_y = nodes[ky, kx, 0] * (1 - v) + nodes[ky + 1, kx, 0] * v
        left_x = nodes[ky, kx, 1] * (1 - v) + nodes[ky + 1, kx, 1] * v
        step_y = (nodes[ky, kx + 1, 0] * (1 - v) + nodes[ky + 1, kx + 1, 0] * v - left_y) / x_step
        step_x = (nodes[ky, kx + 1, 1] * (1 - v) + nodes[ky + 1, kx + 1, 1] * v - left_x) / x_step
        start = x0 + kx * x_step
        while x < end:
            dy = left_y + step_y * (x - start)
            dx = left_x + step_x * (x - start)
            iy = math.floor(dy)
            ix = math.floor(dx)
            fy = dy - iy
            fx = dx - ix
            stop = x + min(_pixels_until_integer(fy, step_y), _pixels_until_integer(fx, step_x))
            stop = min(max(stop, x + 1), end)
            row = y + iy
            inside = min(max(x, -ix), stop)
            beyond = max(min(stop, width - 1 - ix), inside)
            if row < 0 or row + 1 >= height:
                inside = beyond = stop
            for p in range(x, inside):
                out[p] = _sample_point(
                    image, y + left_y + step_y * (p - start), p + left_x + step_x * (p - start), outside
                )
            if beyond > inside:
                fy += step_y * (inside - x)
                fx += step_x * (inside - x)
                _sample_run(
                    image,
                    row,
                    inside + ix,
                    np.float32(fy),
                    np.float32(step_y),
                    np.float32(fx),
                    np.float32(step_x),
                    out[inside:beyond],
                )
            for p in range(beyond, stop):
                out[p] = _sample_point(
                    image, y + left_y + step_y * (p - start), p + left_x + step_x * (p - start), outside
                )
            x = stop


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def warp_frames(
    frames: _Image,
    nodes: _Image,
    y0: float,
    y_step: float,
    x0: float,
    x_step: float,
    outside: np.float32,
    out: _Image,
) -> None:
    """Sample every frame (n, height, width) on its own field (n, ny, nx, 2) into `out`."""
    for k in range(frames.shape[0]):
        frame = frames[k]
        field = nodes[k]
        for y in range(frames.shape[1]):
            sample_row(frame, y, field, y0, y_step, x0, x_step, outside, out[k, y])
