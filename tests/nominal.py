"""How many of independent tests may pass where there is nothing to find."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

UNLUCKY = 1e-3
"""A test that holds its level fails here for one seed in a thousand; one at twice its level nearly always."""


def most_that_may_pass(n_tests: int, level: float) -> int:
    """Return how many of independent tests at a level pass at most, but once in a thousand times."""
    return int(binom.ppf(1 - UNLUCKY, n_tests, level))


def assert_nominal(p_values, levels=(0.05, 0.01)) -> None:
    """Assert that independent p-values of nothing are small no more often than they may be.

    Parameters
    ----------
    p_values : (n,)
        One a recording: cells of one recording share its behaviour, and are not independent.
    levels : tuple of float
    """
    p = np.asarray(p_values, np.float64)
    assert np.isfinite(p).all()
    for level in levels:
        passed, most = int((p <= level).sum()), most_that_may_pass(len(p), level)
        assert passed <= most, f"{passed} of {len(p)} pass at p ≤ {level}, {most} may"
