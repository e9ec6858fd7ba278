"""The outline of a soma in an image of how strongly each pixel follows its trace."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["soma_outline"]

_SMOOTHING = 0.8
_TOP = 15
_REFERENCE_RADII = 5 / 6
_REACH_RADII = 11 / 6
_CUT = 0.25


@lru_cache(maxsize=64)
def _distances(shape: tuple[int, int], seed: tuple[int, int]) -> NDArray[np.float64]:
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.hypot(y - seed[0], x - seed[1]))


def soma_outline(
    image: NDArray[np.float32], seed: tuple[int, int], radius: float
) -> NDArray[np.bool_] | None:
    """Return the pixels of the soma at a seed, or None where there is none.

    The image is smoothed a little; pixels above a quarter of the height near the seed and not too far from it
    are kept, thin bridges cut, and of the pieces the one nearest the seed is taken and filled: the nucleus
    is dim.

    Parameters
    ----------
    image : (height, width) float32
    seed : (y, x)
        In pixels of the image.
    radius : float
        Of a soma in pixels.

    Returns
    -------
    (height, width) bool, or None
    """
    smooth = ndimage.gaussian_filter(image, _SMOOTHING * min(1.0, radius / 6))
    distance = _distances((image.shape[0], image.shape[1]), seed)
    near = smooth[distance <= max(1.0, _REFERENCE_RADII * radius)]
    top = max(1, min(len(near), round(_TOP * (radius / 6) ** 2)))
    height = float(np.mean(np.partition(near, len(near) - top)[-top:]))
    if height <= 0:
        return None
    kept = (smooth > _CUT * height) & (distance <= _REACH_RADII * radius)
    if radius >= 3:
        kept = ndimage.binary_opening(kept)
    pieces, n = ndimage.label(kept)
    if n == 0:
        return None
    closest = int(np.argmin(np.where(kept, distance, np.inf)))
    return np.asarray(ndimage.binary_fill_holes(pieces == pieces.ravel()[closest]))
