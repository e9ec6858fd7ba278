"""False-discovery rate: how small a p-value must be when many were looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["q_values"]


def q_values(p_values: ArrayLike, n_tests: int | None = None) -> NDArray[np.float64]:
    """Return Benjamini–Hochberg q-values: the false-discovery rate at which each test is significant.

    Parameters
    ----------
    p_values : (n,)
        Between 0 and 1. NaN marks a test that could not be done: it is not counted and stays NaN.
    n_tests : int, optional
        How many tests were done in all, if more than those given here (tests left out because their
        p-value was large); by default the number of p-values that are not NaN.

    Returns
    -------
    (n,) float64
        At least the p-value, at most 1, in the order given. Rejecting all tests with ``q <= alpha`` is the
        Benjamini–Hochberg procedure at level `alpha`.

    Notes
    -----
    The rate is controlled for independent tests and for tests that depend on each other positively, as
    overlapping windows do. It costs one sort.

    References
    ----------
    Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57:289, doi:10.1111/j.2517-6161.1995.tb02031.x;
    Benjamini & Yekutieli 2001, Ann. Stat. 29:1165, doi:10.1214/aos/1013699998 (dependence).

    Examples
    --------
    >>> q_values([0.01, 0.5, 0.02]).tolist()
    [0.03, 0.5, 0.03]
    """
    p = np.asarray(p_values, np.float64)
    result = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    n = max(len(tested), n_tests or 0)
    scaled = p[order] * (n / np.arange(1, len(order) + 1))
    result[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return result
