"""Which neurons are active together beyond chance: the neuron–neuron view, without a dense matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.trains import Trains

__all__ = ["Covariation", "Raster", "covariation", "decomposed", "standardised", "strongest", "whitened"]

_DENSE = 1500  # up to so many neurons the whole matrix is decomposed
_LEAST_RATE = 0.3  # quieter moments count no more than this, or a lone coincidence would count for too much
_TOLERANCE = 1e-4
_ROUGH = 0.005  # of the residual; the value itself is off by far less
_BASIS = 40  # Lanczos vectors for one value


@dataclass(frozen=True)
class Covariation:
    """Directions of the population along which neurons are active together beyond chance.

    Attributes
    ----------
    values : (k,) float64
        Strength of each direction, largest first.
    vectors : (n_rois, k) float64
        Unit vectors; the entry of largest magnitude is positive.
    activity : (k, n_windows) float64
        Course of each direction over the windows.
    """

    values: NDArray[np.float64]
    vectors: NDArray[np.float64]
    activity: NDArray[np.float64]


@dataclass(frozen=True)
class Raster:
    """A sparse neurons × windows raster, minus the product of a value per neuron and a value per window.

    The second, rank-one term is never made dense, so cost and memory follow the number of events.

    Attributes
    ----------
    sparse, transposed : scipy.sparse.csr_array
        (n_rois, n_windows) and its transpose.
    by_row : (n_rois,) float64
    by_window : (n_windows,) float64
    diagonal : (n_rois,) float64
        Sum of squares of each row.
    """

    sparse: Any
    transposed: Any
    by_row: NDArray[np.float64]
    by_window: NDArray[np.float64]
    diagonal: NDArray[np.float64]

    def project(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the course over the windows of each column: transposed raster times vectors."""
        shared = np.multiply.outer(self.by_window, self.by_row @ vectors)
        return np.asarray(self.transposed @ vectors - shared)

    def product(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the raster's cross products, diagonal left out, times vectors."""
        course = self.project(vectors)
        spread = self.sparse @ course - np.multiply.outer(self.by_row, self.by_window @ course)
        return np.asarray(spread - (self.diagonal * vectors.T).T)

    def matrix(self) -> NDArray[np.float64]:
        """Return the dense cross products, diagonal 0."""
        cross = self.sparse @ self.by_window
        outer = np.multiply.outer(cross, self.by_row)
        dense = (self.sparse @ self.transposed).toarray() - outer - outer.T
        dense += np.multiply.outer(self.by_row, self.by_row) * (self.by_window @ self.by_window)
        np.fill_diagonal(dense, 0)
        return np.asarray(dense, np.float64)


def _raster(
    entries: NDArray[np.float64],
    row: NDArray[np.int64],
    window: NDArray[np.int64],
    by_row: NDArray[np.float64],
    by_window: NDArray[np.float64],
) -> Raster:
    from scipy.sparse import csr_array

    # Rows and windows come in order, so this is the compressed form already.
    offsets = np.searchsorted(row, np.arange(len(by_row) + 1))
    sparse = csr_array((entries, window, offsets), shape=(len(by_row), len(by_window)))
    cross = sparse @ by_window
    squares = np.bincount(row, entries**2, minlength=len(by_row))
    diagonal = squares - 2 * by_row * cross + by_row**2 * (by_window @ by_window)
    return Raster(sparse, sparse.T.tocsr(), by_row, by_window, diagonal)


def whitened(trains: Trains) -> Raster:
    """Return the raster in half-overlapping windows with 0 expected and 1 variance at chance.

    Entry (i, t) is ``(x - r_i n_t / m) / sqrt(r_i g_t)`` with x 0 or 1, r_i the windows of neuron i, n_t the
    neurons of window t, m their sum and g_t the slow rate. Taking out r_i n_t / m takes out whatever moves
    all neurons at once; dividing by g_t makes a coincidence count for less when everybody is busy.
    """
    step = max(1, trains.width // 2)
    row, window, n_windows = _active_windows(trains, step)
    size = np.bincount(row, minlength=trains.n_rois).astype(np.float64)
    count = np.bincount(window, minlength=n_windows).astype(np.float64)
    rate = np.sqrt(np.maximum(trains.rate[::step][:n_windows], _LEAST_RATE))
    entries = 1 / np.sqrt(size[row]) / rate[window]
    return _raster(entries, row, window, np.sqrt(size) / max(size.sum(), 1.0), count / rate)


def standardised(trains: Trains) -> Raster:
    """Return the raster in bins side by side, each neuron with mean 0 and variance 1 (0 if constant)."""
    row, window, n_windows = _active_windows(trains, trains.width)
    mean = np.bincount(row, minlength=trains.n_rois) / n_windows
    deviation = np.sqrt(mean * (1 - mean))
    inverse = np.divide(1.0, deviation, out=np.zeros_like(mean), where=deviation > 0)
    return _raster(inverse[row], row, window, mean * inverse, np.ones(n_windows))


def _active_windows(trains: Trains, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return row and window wherever a neuron is active, for windows that start every `step` frames."""
    n_windows = max(1, (trains.n_frames - trains.width) // step + 1)
    first = np.maximum(-(-(trains.frames - trains.width + 1) // step), 0)
    last = np.minimum(trains.frames // step, n_windows - 1)
    # Events come sorted by row and frame: windows that the one before is in too are there already.
    same = trains.rows[1:] == trains.rows[:-1]
    first[1:] = np.where(same, np.maximum(first[1:], last[:-1] + 1), first[1:])
    length = np.maximum(last - first + 1, 0)
    row = np.repeat(trains.rows, length)
    window = np.arange(length.sum()) + np.repeat(first - np.cumsum(length) + length, length)
    return row, window, n_windows


def strongest(trains: Trains) -> float:
    """Return the strength of the strongest direction alone (for surrogates); 0 with fewer than 2 neurons."""
    raster = whitened(trains)
    values, _ = decomposed(raster, trains.n_rois, 1)
    return float(values[0]) if len(values) else 0.0


def covariation(trains: Trains, above: float, extra_share: float) -> tuple[int, Covariation]:
    """Return the directions stronger than a threshold, and some weaker ones beside them.

    Parameters
    ----------
    trains : Trains
    above : float
        Threshold, from surrogates.
    extra_share : float
        Of k strong directions, ``max(2, extra_share * k)`` weaker ones are returned too: an ensemble near
        the threshold is spread over several directions on both sides of it.

    Returns
    -------
    n_strong : int
    Covariation
        Empty if no direction is strong.
    """
    raster = whitened(trains)
    wanted = 32
    while True:
        values, vectors = decomposed(raster, trains.n_rois, wanted)
        strong = int((values > above).sum())
        kept = strong + max(2, int(extra_share * strong)) if strong else 0
        if kept <= len(values) or len(values) < wanted:
            break
        wanted *= 2
    vectors = vectors[:, :kept]
    return strong, Covariation(values[:kept], vectors, raster.project(vectors).T)


def decomposed(raster: Raster, n_rois: int, wanted: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest eigenvalues and their vectors (fewer than wanted if there are no more)."""
    if n_rois < 2:
        return np.zeros(0), np.zeros((n_rois, 0))
    if n_rois <= 64 or (n_rois <= _DENSE and wanted > 1):
        values, vectors = np.linalg.eigh(raster.matrix())
        values, vectors = values[::-1][:wanted], vectors[:, ::-1][:, :wanted]
    else:
        values, vectors = _lanczos(raster, n_rois, min(wanted, n_rois // 2))
    largest = np.abs(vectors).argmax(axis=0)
    sign = np.sign(vectors[largest, np.arange(len(values))])
    return values, vectors * np.where(sign == 0, 1.0, sign)


def _lanczos(raster: Raster, n_rois: int, wanted: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.sparse.linalg import LinearOperator, eigsh

    operator = LinearOperator((n_rois, n_rois), matvec=raster.product, dtype=np.float64)
    single = wanted == 1
    tolerance = _ROUGH if single else _TOLERANCE
    basis = min(_BASIS, n_rois) if single else None
    start = np.random.default_rng(0).standard_normal(n_rois)
    if not raster.product(start).any():  # nothing varies; ARPACK would refuse
        return np.zeros(0), np.zeros((n_rois, 0))
    values, vectors = eigsh(operator, wanted, which="LA", v0=start, tol=tolerance, ncv=basis)
    order = np.argsort(-values, kind="stable")
    return values[order], vectors[:, order]
