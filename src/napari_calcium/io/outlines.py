"""Outlines along the edges of pixels, and the pixels inside outlines: exact inverses of each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["outlines", "pixels_inside"]


def pixels_inside(paths: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.int64]:
    """Return the pixels whose centre lies inside closed paths, by the even-odd rule.

    Parameters
    ----------
    paths : sequence of (n_points, 2) float
        Points (x, y), where pixel (0, 0) reaches from 0 to 1 and has its centre at 0.5. A second path inside
        the first is a hole.
    shape : (height, width)
        What lies outside is left out.

    Returns
    -------
    (n_pixels,) int64
        y * width + x, ascending.
    """
    height, width = shape
    rows, crossings = [np.empty(0, np.int64)], [np.empty(0)]
    for path in paths:
        row, x = _crossings(np.asarray(path, np.float64), height)
        rows.append(row)
        crossings.append(x)
    row, x = np.concatenate(rows), np.concatenate(crossings)
    order = np.lexsort((x, row))
    # Closed paths cross a line an even number of times: in, out, in, out.
    ends = np.clip(np.ceil(x[order] - 0.5), 0, width).astype(np.int64)
    first, stop, row = ends[0::2], ends[1::2], row[order][0::2]
    return _ranges(row * width + first, stop - first)


def _crossings(path: NDArray[np.float64], height: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where a path crosses the lines through the centres of rows."""
    x0, y0 = path.T
    x1, y1 = np.roll(path, -1, axis=0).T
    first, stop = (
        np.clip(np.ceil(y - 0.5), 0, height).astype(np.int64)
        for y in (np.minimum(y0, y1), np.maximum(y0, y1))
    )
    rows = _ranges(first, stop - first)
    edge = np.repeat(np.arange(len(path)), stop - first)
    share = (rows + 0.5 - y0[edge]) / (y1[edge] - y0[edge])
    return rows, x0[edge] + share * (x1[edge] - x0[edge])


def _ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return start, start + 1 … of every range, one after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Return closed paths along the edges of the pixels of a mask, as (n_points, 2) corners (x, y).

    Holes and separate parts are paths of their own; :func:`pixels_inside` of all of them is the mask again.
    """
    padded = np.pad(mask, 1)
    after: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for side, (start, end) in _SIDES.items():
        free = padded[1:-1, 1:-1] & ~padded[1 + side[0] :, 1 + side[1] :][: mask.shape[0], : mask.shape[1]]
        for y, x in np.argwhere(free).tolist():
            after[x + start[0], y + start[1]].append((x + end[0], y + end[1]))
    paths = []
    while after:
        place = next(iter(after))
        path = []
        while place in after:
            path.append(place)
            ends = after[place]
            following = ends.pop()
            if not ends:
                del after[place]
            place = following
        paths.append(_corners(np.array(path, np.int64)))
    return paths


_SIDES = {
    (-1, 0): ((0, 0), (1, 0)),
    (0, 1): ((1, 0), (1, 1)),
    (1, 0): ((1, 1), (0, 1)),
    (0, -1): ((0, 1), (0, 0)),
}
"""Neighbour (y, x) across each side of a pixel, and the side's ends (x, y), clockwise."""


def _corners(path: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leave out points on straight lines."""
    turns = (np.roll(path, -1, axis=0) - path != path - np.roll(path, 1, axis=0)).any(axis=1)
    corners: NDArray[np.int64] = path[turns]
    return corners
