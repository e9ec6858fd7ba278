"""The neuropil around each cell, and how much of it the cell's trace holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

__all__ = ["estimate_coefficients", "neuropil_rings", "smoothed"]

_CUT = 0.1
_GROWTH = 1.5
_LEAST_PIXELS = 60
_MOST_PIXELS = 800
_SLOW_SECONDS = 30.0
_CORRELATION_SECONDS = 0.5
_QUIET_SD = 1.0
_ROUNDS = 4
_MOST = 1.2


def neuropil_rings(
    footprints: sparse.csr_array,
    shape: tuple[int, int],
    gap: float,
    width: float,
    seen: NDArray[np.bool_] | None = None,
) -> sparse.csr_array:
    """Return for each cell the pixels of a ring around it that belong to no cell, with weights of sum 1.

    Parameters
    ----------
    footprints : (n_rois, height * width) csr_array
    shape : (height, width)
    gap, width : float
        In pixels, from the cell's edge (as if it were a disc of its area) to the ring, and across the ring.
        The ring is widened where too few pixels are free; of a large one every other pixel is used.
    seen : (height, width) bool, optional
        Pixels that may be used; all by default.

    Returns
    -------
    (n_rois, height * width) csr_array of float64
        A row without entries where no pixel is free, or the cell has none.
    """
    free = _free(footprints, shape) & (True if seen is None else seen)
    data, columns, ends = [], [], [0]
    for k in range(footprints.shape[0]):
        span = slice(footprints.indptr[k], footprints.indptr[k + 1])
        pixels = _ring(footprints.indices[span], free, gap, width)
        columns.append(pixels)
        data.append(np.full(len(pixels), 1 / max(1, len(pixels))))
        ends.append(ends[-1] + len(pixels))
    empty = (np.zeros(0), np.zeros(0, np.int64))
    values = np.concatenate(data) if data else empty[0]
    places = np.concatenate(columns) if columns else empty[1]
    return sparse.csr_array((values, places, ends), shape=footprints.shape)


def _free(footprints: sparse.csr_array, shape: tuple[int, int]) -> NDArray[np.bool_]:
    rows = np.repeat(np.arange(footprints.shape[0]), np.diff(footprints.indptr))
    highest = np.zeros(footprints.shape[0], footprints.dtype)
    np.maximum.at(highest, rows, footprints.data)
    taken = np.zeros(shape[0] * shape[1], bool)
    taken[footprints.indices[footprints.data > _CUT * highest[rows]]] = True
    # The light of a cell reaches beyond its outline.
    return ~np.asarray(ndimage.binary_dilation(taken.reshape(shape), iterations=2))


def _ring(
    pixels: NDArray[np.integer], free: NDArray[np.bool_], gap: float, width: float
) -> NDArray[np.int64]:
    if not len(pixels):
        return np.zeros(0, np.int64)
    height, columns = free.shape
    y, x = np.divmod(pixels.astype(np.int64), columns)
    centre_y, centre_x = y.mean(), x.mean()
    inner = np.sqrt(len(pixels) / np.pi) + gap
    outer = inner + width
    while True:
        top, below = max(int(centre_y - outer), 0), min(int(centre_y + outer) + 2, height)
        left, right = max(int(centre_x - outer), 0), min(int(centre_x + outer) + 2, columns)
        distance = np.hypot(
            np.arange(top, below)[:, None] - centre_y, np.arange(left, right)[None] - centre_x
        )
        ring = free[top:below, left:right] & (distance >= inner) & (distance <= outer)
        whole = top == 0 and left == 0 and below == height and right == columns
        if ring.sum() >= _LEAST_PIXELS or whole:
            at_y, at_x = np.nonzero(ring)
            # More pixels would take time and hardly lower the noise of their mean.
            if len(at_y) > _MOST_PIXELS:
                even = (at_y + at_x + top + left) % 2 == 0
                at_y, at_x = at_y[even], at_x[even]
            return np.asarray((at_y + top) * columns + at_x + left, np.int64)
        outer = inner + _GROWTH * (outer - inner + 1)


def smoothed(traces: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return traces (n_rois, n_frames) smoothed in time by a Gaussian of `sigma` frames; 0 for none."""
    if sigma <= 0.1:
        return traces
    return np.asarray(ndimage.gaussian_filter1d(traces, sigma, axis=1, mode="nearest"))


def estimate_coefficients(
    raw: NDArray[np.float32],
    neuropil: NDArray[np.float32],
    frame_rate: float,
    *,
    typical: float,
    spread: float,
) -> NDArray[np.float64]:
    """Return how much of the neuropil each trace holds, from the frames in which the cell is quiet.

    Both traces are freed of what is slower than 30 s. Beginning with the typical coefficient, frames are
    taken as quiet whose rest is below 1 standard deviation of noise; the coefficient is then fitted on them,
    with a Gaussian prior, and so on four times. Neighbouring frames count as one sample per half second.

    Parameters
    ----------
    raw, neuropil : (n_rois, n_frames) float32
        Without NaN.
    frame_rate : float
        Hz.
    typical, spread : float
        Mean and standard deviation of the prior.

    Returns
    -------
    (n_rois,) float64
        Between 0 and 1.2; the typical one where the neuropil does not change.

    Notes
    -----
    A cell that is active whenever its neuropil is has few quiet frames that tell, and stays near the prior.
    """
    window = max(1, round(_SLOW_SECONDS * frame_rate / 2))
    per_sample = max(1.0, _CORRELATION_SECONDS * frame_rate)
    coefficients = np.full(len(raw), float(typical))
    for k in range(len(raw)):
        f, n = (row[k].astype(np.float64) for row in (raw, neuropil))
        f, n = (row - _slow(row, window) for row in (f, n))
        coefficients[k] = _coefficient(f, n, per_sample, typical, spread)
    return coefficients


def _slow(row: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return a running mean of a running mean, which together weigh a triangle of twice the window."""
    window = min(window, len(row))
    once = ndimage.uniform_filter1d(row, window, mode="nearest")
    return np.asarray(ndimage.uniform_filter1d(once, window, mode="nearest"))


def _coefficient(
    f: NDArray[np.float64], n: NDArray[np.float64], per_sample: float, typical: float, spread: float
) -> float:
    coefficient = typical
    for _ in range(_ROUNDS):
        rest = f - coefficient * n
        rest -= np.median(rest)
        noise = np.sqrt(np.mean(np.minimum(rest, 0) ** 2) * 2)
        quiet = rest < _QUIET_SD * noise
        if noise <= 0 or quiet.sum() < 2:
            return typical
        x = n[quiet] - n[quiet].mean()
        y = f[quiet] - f[quiet].mean()
        precision = per_sample * noise**2 / spread**2
        coefficient = float((x @ y + typical * precision) / (x @ x + precision))
        coefficient = min(max(coefficient, 0.0), _MOST)
    return coefficient
