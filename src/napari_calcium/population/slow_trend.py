"""Slow common changes, taken out before cells are compared: bleaching, drift, arousal link all of them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.population.binned_activity import PopulationInput
from napari_calcium.settings import Seconds

__all__ = ["ComparedInput", "without_slow"]

_BLOCK_SAMPLES = 2**20


class ComparedInput(PopulationInput):
    """What cells are compared by."""

    slow: Annotated[Seconds, Ge(0), Le(3600)] = Field(
        0.0,
        title="Take out slower than",
        description="What changes more slowly than this is taken out of every cell first; 0 takes nothing "
        "out. Some times the longest course that should link cells, such as 60 s, where a common "
        "drift or arousal links them all.",
    )


def without_slow(x: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Subtract from every row its course averaged over windows.

    Parameters
    ----------
    x : (n_rois, n_bins) float32
        NaN marks a missing sample: it is left out of the averages, and stays missing.
    width : int
        Bins of a window; 0 or 1 subtract nothing and return `x` itself.

    Returns
    -------
    (n_rois, n_bins) float32
        Windows are weighted as a triangle of twice the width (two running means), and mirrored at the ends.

    Notes
    -----
    A high-pass without a shift in time: a course much faster than the window stays as it is, one that takes
    longer than some windows is gone. What lasts about as long as the window is halved, and leaves dips beside
    it, which make negative correlations of their own. Time is O(cells × bins), whatever the width; memory one
    block beside the result.
    """
    if width < 2 or x.shape[1] < 2:
        return x
    from scipy.ndimage import uniform_filter1d

    size = min(width, x.shape[1])
    result = np.empty_like(x)
    rows = max(1, _BLOCK_SAMPLES // x.shape[1])
    for start in range(0, len(x), rows):
        part = x[start : start + rows].astype(np.float64)
        there = ~np.isnan(part)
        known = there.astype(np.float64)
        part[~there] = 0.0
        slow, weight = part, known
        for _ in range(2):
            slow = uniform_filter1d(slow, size, axis=1, mode="reflect")
            weight = uniform_filter1d(weight, size, axis=1, mode="reflect")
        near = weight > 1e-9
        course = np.divide(slow, weight, out=np.zeros_like(slow), where=near)
        result[start : start + rows] = np.where(there, part - course, np.nan)
    return result
