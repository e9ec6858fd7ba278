"""Coarser copies of frames: each level averages squares of two by two pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["level_factors", "pyramid"]

_COARSEST = 96


def level_factors(height: int, width: int) -> tuple[int, ...]:
    """Return by how much each level is binned, finest (1) first.

    Levels are added while the shorter side of the coarsest keeps at least 96 pixels.
    """
    factors = [1]
    while min(height, width) // (2 * factors[-1]) >= _COARSEST:
        factors.append(2 * factors[-1])
    return tuple(factors)


def pyramid(frames: NDArray[np.float32], factors: tuple[int, ...]) -> list[NDArray[np.float32]]:
    """Return frames (n, height, width) averaged by each factor, finest first; level 1 is the input itself.

    A last row or column that fills no square is left out. A pixel that is missing (NaN) makes its square
    missing.
    """
    from napari_calcium.movie.pyramid_kernel import halve

    levels = [frames]
    for _ in factors[1:]:
        n, height, width = levels[-1].shape
        half = np.empty((n, height // 2, width // 2), np.float32)
        halve(levels[-1], half)
        levels.append(half)
    return levels
