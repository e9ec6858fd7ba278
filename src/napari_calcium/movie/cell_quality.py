"""Judge candidates: the numbers that tell cells from the rest, and their footprints as they are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.movie.peeling import Candidate, noise_of
from napari_calcium.movie.segmentation_settings import CombinedCells, FunctionalCells
from napari_calcium.movie.stretches import Found
from napari_calcium.rois import Rois

__all__ = ["judged", "over_threshold", "peak_snr", "skewness", "sparse_footprints"]

_MOST_DISC_RADII = 9.5 / 6


def sparse_footprints(
    candidates: list[Candidate], norms: NDArray[np.float64], shape: tuple[int, ...]
) -> sparse.csr_array:
    """Return footprints divided by their norms as rows (n, height * width), for frames of a shape."""
    size = (len(candidates), shape[0] * shape[1])
    if not candidates:
        return sparse.csr_array(size, dtype=np.float32)
    rows, columns, values = [], [], []
    for k, candidate in enumerate(candidates):
        y, x = np.nonzero(candidate.weights)
        at_y, at_x = y + candidate.corner[0], x + candidate.corner[1]
        inside = (at_y >= 0) & (at_y < shape[0]) & (at_x >= 0) & (at_x < shape[1])
        columns.append(at_y[inside] * shape[1] + at_x[inside])
        rows.append(np.full(len(columns[-1]), k))
        values.append(candidate.weights[y[inside], x[inside]] / norms[k])
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(entries, shape=size, dtype=np.float32)


def skewness(trace: NDArray[np.float32]) -> float:
    """Return the skewness of a trace (n_bins,), 0 if it is constant."""
    centred = trace - trace.mean(dtype=np.float64)
    sd = float(np.sqrt(np.mean(centred**2)))
    return float(np.mean(centred**3)) / sd**3 if sd > 0 else 0.0


def peak_snr(trace: NDArray[np.float32]) -> float:
    """Return the peak of a trace (n_bins,) above its median over its noise, 0 without noise."""
    centred = trace - np.median(trace)
    noise = noise_of(centred)
    return float(centred.max()) / noise if noise > 0 else 0.0


def over_threshold(values: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Return values over their threshold: 1 on it, more above; by difference where it is not positive."""
    return values / threshold if threshold > 0 else 1 + values - threshold


def judged(
    found: Found, sd: NDArray[np.float32], radius: float, settings: FunctionalCells | CombinedCells
) -> Rois:
    """Return candidates as ROIs with weights in brightness and their quality columns.

    Parameters
    ----------
    found : Found
    sd : (height, width) float32
        Noise of each pixel, which turns standard deviations into brightness; 0 where it is unknown.
    radius : float
        Of a soma in pixels.
    settings : FunctionalCells or CombinedCells
        The thresholds.
    """
    bright = found.footprints.copy()
    bright.data = bright.data * sd.ravel()[bright.indices]
    bright.eliminate_zeros()
    rows = np.repeat(np.arange(len(found)), np.diff(bright.indptr))
    highest = np.zeros(len(found), np.float32)
    np.maximum.at(highest, rows, bright.data)
    bright.data = (bright.data / highest[rows]).astype(np.float32)
    area = np.diff(bright.indptr).astype(np.float64)
    focus = np.sign(found.evidence) * np.sqrt(np.abs(found.evidence))
    focus_share = found.evidence / found.energy
    disc_share = found.disc_energy / found.energy
    quality = np.min(
        [
            over_threshold(focus, settings.focus),
            over_threshold(focus_share, settings.focus_share),
            over_threshold(disc_share, settings.disc_share),
            over_threshold(area, settings.area * np.pi * radius**2),
            over_threshold(found.skewness, settings.skewness),
            _MOST_DISC_RADII * radius / np.maximum(found.radius, 1e-9),
        ],
        axis=0,
    )
    columns = {
        "quality": quality,
        "focus_sd": focus,
        "focus_share": focus_share,
        "disc_share": disc_share,
        "radius_px": found.radius,
        "area_px": area,
        "skewness": found.skewness,
        "snr": found.snr,
        "contrast_sd": np.full(len(found), np.nan),
    }
    shape = (sd.shape[0], sd.shape[1])
    return Rois(np.arange(len(found)), bright, shape, accepted=quality >= 1, quality=columns)
