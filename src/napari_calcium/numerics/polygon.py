"""Points within polygons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["inside"]


def inside(points: NDArray[np.float64], outline: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which points lie within a polygon.

    Parameters
    ----------
    points : (n, 2)
        NaN lies nowhere.
    outline : (m, 2)
        Corners in order, closed by itself; fewer than three enclose nothing.

    Returns
    -------
    (n,) bool
    """
    if len(outline) < 3 or not len(points):
        return np.zeros(len(points), bool)
    from skimage.measure import points_in_poly

    known = np.isfinite(points).all(axis=1)
    found = np.asarray(points_in_poly(np.nan_to_num(points), outline), bool)
    return known & found
