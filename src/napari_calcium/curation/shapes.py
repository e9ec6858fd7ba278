"""Masks of cells drawn by hand: ellipses, polygons, and a wand that grows from a click."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

__all__ = ["ellipse_mask", "polygon_mask", "wand_mask"]

_LOWEST_CONTRAST = 1e-6


def ellipse_mask(
    shape: tuple[int, int], centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0
) -> NDArray[np.bool_]:
    """Return the pixels whose centre lies in an ellipse.

    Parameters
    ----------
    shape : (height, width)
    centre, radii : (y, x) in pixels
        The part outside of the image is cut off.
    angle : float
        In radians, from y towards x.

    Returns
    -------
    (height, width) bool
    """
    y, x = np.indices(shape, dtype=np.float64)
    y, x = y - centre[0], x - centre[1]
    along, across = np.cos(angle) * y + np.sin(angle) * x, np.cos(angle) * x - np.sin(angle) * y
    if min(radii) <= 0:
        return np.zeros(shape, bool)
    inside: NDArray[np.bool_] = (along / radii[0]) ** 2 + (across / radii[1]) ** 2 <= 1.0
    return inside


def polygon_mask(shape: tuple[int, int], vertices: ArrayLike) -> NDArray[np.bool_]:
    """Return the pixels whose centre lies in a polygon.

    Parameters
    ----------
    shape : (height, width)
    vertices : (n, 2)
        (y, x) in pixels; the last is joined with the first. Fewer than three enclose nothing. The part
        outside of the image is cut off.

    Returns
    -------
    (height, width) bool
    """
    from skimage.draw import polygon2mask

    corners = np.asarray(vertices, np.float64).reshape(-1, 2)
    if len(corners) < 3:
        return np.zeros(shape, bool)
    mask: NDArray[np.bool_] = polygon2mask(shape, corners)
    return mask


def wand_mask(
    image: ArrayLike,
    seed: tuple[float, float],
    *,
    share: float = 0.5,
    radius: float = 12.0,
    taken: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Grow a cell from a click on an image in which cells are bright.

    Parameters
    ----------
    image : (height, width)
        Local correlation as a rule, or the mean image; NaN is never part of a cell.
    seed : (y, x)
        Where the click was, in pixels.
    share : float
        Height of the edge between the level around the cell (0) and its brightest point (1). Lower grows
        more.
    radius : float
        In pixels: a cell does not reach further from the click.
    taken : (height, width) bool, optional
        Pixels of other cells, which are left out unless the click is on them.

    Returns
    -------
    (height, width) bool
        Connected, without holes; the clicked pixel alone where the image has no contrast there, and nothing
        for a click outside of the image.

    Notes
    -----
    The brightest point within a quarter of the radius is the cell's height, the 20th percentile within the
    radius the level around it. The connected pixels above the edge are the cell, smoothed by an opening.
    """
    values = np.asarray(image, np.float64)
    y, x = (round(float(value)) for value in seed)
    mask = np.zeros(values.shape, bool)
    if not (0 <= y < values.shape[0] and 0 <= x < values.shape[1]):
        return mask
    mask[y, x] = True
    distance = np.hypot(*(np.indices(values.shape) - np.array([y, x])[:, None, None]))
    near = (distance <= radius) & np.isfinite(values)
    if not (near & mask).any():
        return mask
    top = values[near & (distance <= radius / 4)].max()
    level = np.percentile(values[near], 20)
    if top - level <= _LOWEST_CONTRAST * max(1.0, abs(top)):
        return mask
    above = near & (values >= level + share * (top - level))
    if taken is not None and not taken[y, x]:
        above &= ~taken
    return _piece_at(above, y, x, mask)


def _piece_at(above: NDArray[np.bool_], y: int, x: int, seed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the connected piece at the seed, smoothed where that leaves it in place, without holes."""
    for candidate in (ndimage.binary_opening(above), above):
        pieces, _ = ndimage.label(candidate)
        if pieces[y, x]:
            filled: NDArray[np.bool_] = ndimage.binary_fill_holes(pieces == pieces[y, x])
            return filled
    return seed
