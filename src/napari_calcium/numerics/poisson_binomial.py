"""Distribution of how many of several independent events with different probabilities happen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["poisson_binomial", "upper_tail"]


def poisson_binomial(probabilities: ArrayLike, largest: int | None = None) -> NDArray[np.float64]:
    """Return the probability of 0, 1, 2 … successes among independent trials that differ in probability.

    Parameters
    ----------
    probabilities : (n_trials,) or (n_trials, n_conditions)
        Chance of success of each trial, 0 to 1; several columns are several distributions at once.
    largest : int, optional
        Largest number of successes wanted; by default the number of trials. What lies above is left out,
        what remains is exact.

    Returns
    -------
    (largest + 1,) or (n_conditions, largest + 1) float64
        Entry k is the probability of exactly k successes.

    Notes
    -----
    Trials are added one by one; only sums of positive terms occur, so even tiny probabilities are exact to
    a few units in the 13th digit. Cost: trials × conditions × `largest`.

    References
    ----------
    Hong 2013, Comput. Stat. Data Anal. 59:41, doi:10.1016/j.csda.2012.10.006 (the recursion and others).

    Examples
    --------
    >>> poisson_binomial([0.5, 0.5]).tolist()
    [0.25, 0.5, 0.25]
    """
    given = np.asarray(probabilities, np.float64)
    p = given[:, None] if given.ndim == 1 else given
    size = len(p) if largest is None else min(largest, len(p))
    pmf = np.zeros((p.shape[1], size + 1))
    pmf[:, 0] = 1.0
    moved = np.empty_like(pmf)
    for trial, chance in enumerate(p[:, :, None]):
        top = min(trial + 1, size)
        np.multiply(pmf[:, :top], chance, out=moved[:, :top])
        pmf[:, : top + 1] *= 1 - chance
        pmf[:, 1 : top + 1] += moved[:, :top]
    if largest is not None and largest > size:
        pmf = np.pad(pmf, ((0, 0), (0, largest - size)))
    return pmf[0] if given.ndim == 1 else pmf


def upper_tail(pmf: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of at least k, for every k, from the probabilities of exactly k.

    Summed from the far end, so that small tails keep their digits.

    Parameters
    ----------
    pmf : (..., n) float64

    Returns
    -------
    (..., n) float64
        Entry 0 is the sum of all, at most 1.
    """
    return np.minimum(np.cumsum(pmf[..., ::-1], axis=-1)[..., ::-1], 1.0)
