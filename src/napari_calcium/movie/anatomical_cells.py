"""Somata in the mean image: bright rings and discs of about the right size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

__all__ = ["anatomical_footprints"]

_RISE = 0.4


def anatomical_footprints(
    enhanced: NDArray[np.float32], radius: float, contrast: float
) -> tuple[sparse.csr_array, NDArray[np.float64]]:
    """Return footprints of equal weights and the contrast of each.

    Places where a Gaussian-smoothed image stands out from its surround are seeds; from these a watershed
    floods the pixels that reach some of the seed's height, up to 1.5 radii away.

    Parameters
    ----------
    enhanced : (height, width) float32
        As :func:`~napari_calcium.movie.summary_images.enhanced_mean` makes it; NaN counts as 0.
    radius : float
        Of a soma in pixels.
    contrast : float
        Least height of a seed.

    Returns
    -------
    footprints : (n, height * width) csr_array of float32
    contrasts : (n,) float64
        Height of each seed, in the unit of the image; descending.
    """
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    image = np.nan_to_num(enhanced.astype(np.float64))
    bump = ndimage.gaussian_filter(image, radius / 2) - ndimage.gaussian_filter(image, 1.5 * radius)
    seeds = peak_local_max(
        bump, min_distance=max(1, round(radius)), threshold_abs=max(contrast, 1e-6), exclude_border=False
    )
    if not len(seeds):
        return sparse.csr_array((0, image.size), dtype=np.float32), np.zeros(0)
    heights = bump[seeds[:, 0], seeds[:, 1]]
    order = np.lexsort((seeds[:, 1], seeds[:, 0], -heights))
    seeds, heights = seeds[order], heights[order]
    markers = np.zeros(image.shape, np.int32)
    markers[seeds[:, 0], seeds[:, 1]] = np.arange(1, len(seeds) + 1)
    distance, nearest = ndimage.distance_transform_edt(markers == 0, return_indices=True)
    height = bump[nearest[0], nearest[1]]
    labels = watershed(-bump, markers, mask=(bump > _RISE * height) & (distance <= 1.5 * radius))
    pixels = np.flatnonzero(labels)
    rows = labels.ravel()[pixels] - 1
    footprints = sparse.csr_array(
        (np.ones(len(pixels), np.float32), (rows, pixels)), shape=(len(seeds), image.size)
    )
    return footprints, heights
