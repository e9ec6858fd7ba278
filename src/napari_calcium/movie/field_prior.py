"""What displacement fields of a recording are like: a covariance learned from a sample of its frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.movie.grid import Grid

__all__ = ["learn_covariance", "posterior_covariance", "rigid_covariance", "smooth_covariance"]

_WHITE = 1e-4


def smooth_covariance(grid: Grid, sd: float, length: float) -> NDArray[np.float64]:
    """Return the covariance of one smooth quantity at the nodes.

    Parameters
    ----------
    grid : Grid
    sd : float
        Standard deviation at every node.
    length : float
        Distance over which it changes, in pixels: the correlation falls as ``exp(-d² / (2 length²))``.

    Returns
    -------
    (n_nodes, n_nodes) float64
        Positive definite: a ten-thousandth of the variance is independent from node to node.
    """
    y, x = (places.ravel() for places in np.meshgrid(grid.y, grid.x, indexing="ij"))
    squared = (y[:, None] - y) ** 2 + (x[:, None] - x) ** 2
    correlation: NDArray[np.float64] = np.exp(-0.5 * squared / length**2) + _WHITE * np.eye(len(y))
    return sd**2 * correlation


def rigid_covariance(grid: Grid, sd: float) -> NDArray[np.float64]:
    """Return the covariance (2 n_nodes, 2 n_nodes) of fields that are the same at all nodes."""
    both = np.tile(np.eye(2), (grid.n_nodes, 1))
    covariance: NDArray[np.float64] = sd**2 * (both @ both.T)
    return covariance


def posterior_covariance(information: NDArray[np.float64], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``inv(information + inv(prior))`` without inverting the prior, which may be singular.

    Parameters
    ----------
    information : (m, m) float64
        What one frame says about its field: the curvature of its misfit.
    prior : (m, m) float64
        Covariance of fields before the frame was seen; positive semi-definite.
    """
    values, vectors = np.linalg.eigh(prior)
    root = vectors * np.sqrt(np.maximum(values, 0))
    inner = np.eye(len(prior)) + root.T @ information @ root
    posterior: NDArray[np.float64] = root @ np.linalg.solve(inner, root.T)
    return 0.5 * (posterior + posterior.T)


def learn_covariance(
    information: NDArray[np.float64],
    evidence: NDArray[np.float64],
    start: NDArray[np.float64],
    *,
    rounds: int = 20,
    start_weight: float = 20.0,
) -> NDArray[np.float64]:
    """Return the covariance of fields that makes the sampled frames most likely, drawn towards `start`.

    Expectation maximisation for ``evidence[t] = information @ field[t] + noise`` where the noise has the
    covariance `information`: fields are estimated under the present covariance, and the covariance of the
    estimates plus that of their errors is the next one. An inverse-Wishart prior, worth `start_weight`
    frames, keeps directions open in which the sample hardly moved.

    Parameters
    ----------
    information : (m, m) float64
    evidence : (n, m) float64
        One row a sampled frame.
    start : (m, m) float64
        Covariance to begin with; positive definite.
    rounds : int
        Each costs O(m³ + n m²).
    start_weight : float
        In frames.

    References
    ----------
    Dempster, Laird and Rubin 1977, doi:10.1111/j.2517-6161.1977.tb01600.x.
    """
    covariance = start
    n = len(evidence)
    for _ in range(rounds):
        error = np.linalg.inv(information + np.linalg.inv(covariance))
        fields = evidence @ error
        covariance = (fields.T @ fields + n * error + start_weight * start) / (n + start_weight)
        covariance = 0.5 * (covariance + covariance.T)
    return covariance
