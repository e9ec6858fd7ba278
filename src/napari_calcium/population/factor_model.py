"""Factor analysis by expectation and maximisation, from matrix products alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["factor_model"]

_MOST_ROUNDS = 2000
_SETTLED = 1e-6
_LEAST_NOISE = 1e-4


def factor_model(
    z: NDArray[np.float32], start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Tell the variance that cells share from what each has alone.

    Parameters
    ----------
    z : (n_rois, n_bins) float32
        Rows of mean 0 and length 1.
    start : (n_rois, k) float64
        Loadings to begin with, those of the principal components for instance.

    Returns
    -------
    loadings : (n_rois, k) float64
        Correlation of cell and factor; factors in the order of what they explain.
    scores : (n_bins, k) float64
        Most probable factors at each moment.
    noise : (n_rois,) float64
        Variance of each cell alone, 0.0001 … 1 (all of the cell's is 1).

    Notes
    -----
    Rubin & Thayer 1982, doi:10.1007/BF02293851. The correlation matrix is never made: a round costs four
    products of cells × bins × k, and memory is that of z.
    """
    loadings = start.copy()
    noise = np.clip(1 - np.einsum("ij,ij->i", start, start), _LEAST_NOISE, 1.0)
    for _ in range(_MOST_ROUNDS):
        guess, spread = _posterior(loadings, noise)
        cross = np.asarray(z @ (z.T @ guess.T.astype(np.float32)), np.float64)
        loadings = np.asarray(np.linalg.solve((spread + guess @ cross).T, cross.T).T, np.float64)
        new = np.clip(1 - np.einsum("ij,ij->i", loadings, cross), _LEAST_NOISE, 1.0)
        settled = float(np.abs(new - noise).max(initial=0.0)) < _SETTLED
        noise = new
        if settled:
            break
    # Of all rotations that explain the same, the one whose factors are told apart best.
    turn = np.linalg.svd(loadings / np.sqrt(noise)[:, None], full_matrices=False)[2]
    loadings = loadings @ turn.T
    loadings *= np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    guess, _ = _posterior(loadings, noise)
    scores = np.asarray(z.T @ guess.T.astype(np.float32), np.float64) * np.sqrt(z.shape[1])
    return loadings, scores, noise


def _posterior(
    loadings: NDArray[np.float64], noise: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what takes activity to the mean of the factors, (k, n_rois), and their remaining covariance."""
    weighted = loadings / noise[:, None]
    inverse = np.eye(loadings.shape[1]) + loadings.T @ weighted
    spread = np.asarray(np.linalg.inv(inverse), np.float64)
    return spread @ weighted.T, spread
