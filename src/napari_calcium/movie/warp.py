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
_FLAT = np.float32(1e-6)


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
def _sample_run(
    image: _Image,
    row: int,
    shift: int,
    fy: np.float32,
    step_y: np.float32,
    fx: np.float32,
    step_x: np.float32,
    first: int,
    stop: int,
    out: _Image,
) -> None:
    """Fill ``out[first:stop]`` from rows `row` and `row + 1`, `shift` pixels on: all neighbours lie inside.

    The fractions are linear along the run: `fy` and `fx` at its first pixel.
    """
    r = np.uint64(row)
    s = np.uint64(row + 1)
    start = np.uint64(first)
    c = np.uint64(first + shift)
    for j in range(np.uint64(stop - first)):
        along = np.float32(j)
        gx = fx + step_x * along
        a = image[r, c + j]
        b = image[s, c + j]
        top = a + gx * (image[r, c + j + _ONE] - a)
        below = b + gx * (image[s, c + j + _ONE] - b)
        out[start + j] = top + (fy + step_y * along) * (below - top)


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
    v = np.float32(place - ky)
    per_pixel = np.float32(1 / x_step)
    x = 0
    right_y = nodes[ky, 0, 0] + v * (nodes[ky + 1, 0, 0] - nodes[ky, 0, 0])
    right_x = nodes[ky, 0, 1] + v * (nodes[ky + 1, 0, 1] - nodes[ky, 0, 1])
    for kx in range(nx - 1):
        start = np.float32(x0 + kx * x_step)
        end = width if kx == nx - 2 else min(width, math.ceil(x0 + (kx + 1) * x_step))
        left_y = right_y
        left_x = right_x
        right_y = nodes[ky, kx + 1, 0] + v * (nodes[ky + 1, kx + 1, 0] - nodes[ky, kx + 1, 0])
        right_x = nodes[ky, kx + 1, 1] + v * (nodes[ky + 1, kx + 1, 1] - nodes[ky, kx + 1, 1])
        step_y = (right_y - left_y) * per_pixel
        step_x = (right_x - left_x) * per_pixel
        # Pixels from one integer displacement to the next; many where the field is flat.
        reach_y = np.float32(1) / max(abs(step_y), _FLAT)
        reach_x = np.float32(1) / max(abs(step_x), _FLAT)
        while x < end:
            along = np.float32(x) - start
            dy = left_y + step_y * along
            dx = left_x + step_x * along
            iy = math.floor(dy)
            ix = math.floor(dx)
            fy = dy - np.float32(iy)
            fx = dx - np.float32(ix)
            until_y = (np.float32(1) - fy if step_y > 0 else fy) * reach_y
            until_x = (np.float32(1) - fx if step_x > 0 else fx) * reach_x
            stop = min(x + 1 + int(min(until_y, until_x)), end)
            row = y + iy
            inside = min(max(x, -ix), stop)
            beyond = max(min(stop, width - 1 - ix), inside)
            if row < 0 or row + 1 >= height:
                inside = beyond = stop
            for p in range(x, inside):
                way = np.float32(p) - start
                out[p] = _sample_point(image, y + left_y + step_y * way, p + left_x + step_x * way, outside)
            if beyond > inside:
                skipped = np.float32(inside - x)
                _sample_run(
                    image,
                    row,
                    ix,
                    fy + step_y * skipped,
                    step_y,
                    fx + step_x * skipped,
                    step_x,
                    inside,
                    beyond,
                    out,
                )
            for p in range(beyond, stop):
                way = np.float32(p) - start
                out[p] = _sample_point(image, y + left_y + step_y * way, p + left_x + step_x * way, outside)
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
