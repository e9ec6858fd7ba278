"""Principal components of the standardised cells, and how many of them chance does not explain."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.population.row_shifting import cell_shifts, rolled
from napari_calcium.population.shift_test import power_spectra
from napari_calcium.progress import Progress, silent

__all__ = [
    "chance_eigenvalues",
    "independent_samples",
    "leading_components",
    "marchenko_pastur_edge",
    "n_beyond_chance",
    "participation_ratio",
]

_EXACT = 1500
"""Up to so many cells (or bins, if fewer) eigenvalues are exact; beyond, they are found by iteration."""


def leading_components(
    z: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the leading principal components.

    Parameters
    ----------
    z : (n_rois, n_bins) float32
        Rows of mean 0 and length 1, so that eigenvalues are those of the correlation matrix.
    k : int
        How many; no more than there are cells and bins.

    Returns
    -------
    eigenvalues : (k,) float64
        Descending; their sum over all components is n_rois.
    cells : (n_rois, k) float64
        Orthonormal weights of the cells, the sum of each column positive.
    time : (n_bins, k) float64
        ``z.T @ cells``: the components over time.

    Notes
    -----
    Exact up to 1,500 cells or bins, whichever are fewer; beyond by randomised subspace iteration with a fixed
    start (Halko et al. 2011, doi:10.1137/090771806), which costs about 12 · k passes over the data.
    """
    n, n_bins = z.shape
    k = min(k, n, n_bins)
    if k == 0:
        return np.empty(0), np.empty((n, 0)), np.empty((n_bins, 0))
    # One thread: the same bytes on any machine, and small matrices are quicker so.
    with threadpool_limits(limits=1, user_api="blas"):
        cells = _exact(z, k) if min(n, n_bins) <= _EXACT else _iterated(z, k)
        cells = cells * np.where(cells.sum(axis=0) < 0, -1.0, 1.0)
        time = np.asarray(z.T @ cells.astype(np.float32), np.float64)
    return np.einsum("ij,ij->j", time, time), cells, time


def _iterated(z: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    from sklearn.utils.extmath import randomized_svd

    return np.asarray(randomized_svd(z, k, n_oversamples=10, n_iter=5, random_state=0)[0], np.float64)


def _exact(z: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    from scipy.linalg import eigh

    n, n_bins = z.shape
    wide = n <= n_bins
    gram = np.asarray(z @ z.T if wide else z.T @ z, np.float64)
    size = len(gram)
    vectors = np.asarray(eigh(gram, subset_by_index=(size - k, size - 1))[1][:, ::-1], np.float64)
    if wide:
        return vectors
    cells = z.astype(np.float64) @ vectors
    return np.asarray(cells / np.maximum(np.linalg.norm(cells, axis=0), 1e-300), np.float64)


def chance_eigenvalues(
    z: NDArray[np.float32],
    roi_ids: NDArray[np.int64],
    k: int,
    *,
    n_copies: int = 20,
    percentile: float = 95.0,
    seed: int = 0,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float64]:
    """Return the eigenvalues that cells have which know nothing of each other: parallel analysis.

    Parameters
    ----------
    z : (n_rois, n_bins) float32
        As for :func:`leading_components`.
    roi_ids : (n_rois,) int64
        Together with the seed they draw the shifts.
    k : int
    n_copies : int
        Copies in which every cell is shifted round the circle on its own.
    percentile : float
        Of the copies.
    seed, on_progress, executor
        As elsewhere.

    Returns
    -------
    (k,) float64

    Notes
    -----
    Horn 1965, doi:10.1007/BF02289447, with circular shifts in place of random numbers, since activity that
    lasts has fewer independent samples than bins, and so larger eigenvalues by chance. One copy of the data
    is in memory a worker.
    """
    n, n_bins = z.shape
    k = min(k, n, n_bins)
    shifts = cell_shifts(roi_ids, n_bins, n_copies, seed)
    work = partial(_eigenvalues_of_copy, z, shifts, k)
    found = np.empty((n_copies, k))
    for block, values in map_blocks(work, n_copies, 1, on_progress=on_progress, executor=executor):
        found[block] = values
    return (
        np.asarray(np.percentile(found, percentile, axis=0), np.float64) if n_copies else np.full(k, np.nan)
    )


def _eigenvalues_of_copy(
    z: NDArray[np.float32], shifts: NDArray[np.int64], k: int, block: slice
) -> NDArray[np.float64]:
    return leading_components(rolled(z, shifts[block.start]), k)[0][None]


def n_beyond_chance(eigenvalues: NDArray[np.float64], chance: NDArray[np.float64]) -> int:
    """Return how many leading components exceed chance, up to the first that does not."""
    with np.errstate(invalid="ignore"):
        beyond = eigenvalues > chance
    return len(beyond) if beyond.all() else int(np.argmin(beyond))


def participation_ratio(z: NDArray[np.float32]) -> float:
    """Return the effective number of dimensions: (Σλ)² / Σλ² over all eigenvalues of the correlation matrix.

    Parameters
    ----------
    z : (n_rois, n_bins) float32
        Rows of mean 0 and length 1.

    Returns
    -------
    float
        1 if all cells do the same, at most the number of cells (or bins); NaN without cells.

    Notes
    -----
    Needs no eigenvalue: Σλ² is the sum of all squared correlations, so it is one matrix product, done in
    tiles. Noise of single cells raises it, and so do more cells and more bins: compare like with like
    (Gao & Ganguli 2015, doi:10.1016/j.conb.2015.04.003).
    """
    n, n_bins = z.shape
    if not n:
        return float("nan")
    rows = z if n <= n_bins else np.ascontiguousarray(z.T)
    trace = float(np.einsum("ij,ij->", z, z, dtype=np.float64))
    squares = 0.0
    for start in range(0, len(rows), 512):
        tile = rows[start : start + 512] @ rows.T
        squares += float(np.einsum("ij,ij->", tile, tile, dtype=np.float64))
    return trace**2 / squares if squares > 0 else float("nan")


def independent_samples(z: NDArray[np.float32]) -> float:
    """Return how many independent samples in time the cells have on average, from their autocorrelation.

    The variance that circular shifts give to a correlation is one over it. As many as bins for white noise;
    fewer the longer activity lasts. NaN for fewer than two cells.
    """
    n = len(z)
    if n < 2:
        return float("nan")
    power = power_spectra(z)
    whole = power.sum(axis=0, dtype=np.float64)
    own = float(np.einsum("ij,ij->", power, power, dtype=np.float64))
    pairs = (float(whole @ whole) - own) / (n * (n - 1))
    return 1.0 / pairs if pairs > 0 else float("nan")


def marchenko_pastur_edge(n_rois: int, n_samples: float) -> float:
    """Return the largest eigenvalue of the correlation matrix of independent cells, (1 + √(n / samples))².

    Notes
    -----
    Marčenko & Pastur 1967, doi:10.1070/SM1967v001n04ABEH001994. It holds for many cells and independent
    samples in time, so the number of :func:`independent_samples` belongs here, not that of the bins. Single
    eigenvalues scatter about the edge, and heavy tails (few, large transients) pass it.
    """
    if not (n_rois > 0 and n_samples > 0):
        return float("nan")
    return float((1.0 + np.sqrt(n_rois / n_samples)) ** 2)
