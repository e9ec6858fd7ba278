"""Among cells that know nothing of each other, no test passes more often than it may.

Recordings are independent of each other, and of each one answer counts: whether there is any link at all
(with nothing to be found that is how often a false discovery rate may fail), and one cell's coupling.
"""

import numpy as np
from tests.nominal import assert_nominal, most_that_may_pass
from tests.population.neurons import activity, independent

from napari_calcium.population.cell_correlations import CorrelationSettings, correlate_cells
from napari_calcium.population.coupling import population_coupling
from napari_calcium.population.shift_test import shift_lags

N = 300
LINKS = CorrelationSettings(shifts=40, most_lag=0)


def test_links_between_strangers_are_as_rare_as_promised():
    any_link = [
        correlate_cells(activity(independent(seed, 12, 500)), np.arange(12), settings=LINKS).n_pairs > 0
        for seed in range(N)
    ]
    assert sum(any_link) <= most_that_may_pass(N, LINKS.false_discoveries / 100)


def test_strangers_are_coupled_as_rarely_as_promised():
    lags = shift_lags(500, 200, 20, 0)
    assert_nominal([population_coupling(independent(1000 + seed, 12, 500), lags)[2][0] for seed in range(N)])
