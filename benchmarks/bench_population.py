"""Time and peak memory of the population's stages; the correlation also beside the bare BLAS product."""

import time

import numpy as np
from threadpoolctl import threadpool_limits

from napari_calcium.memory import peak_memory_mb
from napari_calcium.population.binned_activity import Activity
from napari_calcium.population.cell_correlations import correlate_cells
from napari_calcium.population.correlation import correlation_matrix
from napari_calcium.population.coupling import couple_cells, sliding_coupling
from napari_calcium.population.dimensionality import reduce_dimensions
from napari_calcium.population.neuron_clusters import cluster_cells
from napari_calcium.population.sorting import SortAlongChain, sort_cells

SHAPES = ((324, 15_000), (2_000, 20_000), (10_000, 20_000))


def traces(shape):
    """Noise that all cells share in part."""
    random = np.random.default_rng(0)
    values = random.standard_normal(shape, dtype=np.float32)
    values += 0.2 * random.standard_normal(shape[1], dtype=np.float32)
    return values


class Correlation:
    """The matrix, and how much longer it takes than the bare product of the same array."""

    params = SHAPES
    param_names = ("shape",)
    timeout = 900

    def setup(self, shape):
        self.x = traces(shape)

    def time_matrix(self, shape):
        correlation_matrix(self.x)

    def peakmem_matrix(self, shape):
        correlation_matrix(self.x)

    def track_ratio_to_blas(self, shape):
        return ratio_to_blas(self.x)

    track_ratio_to_blas.unit = "times the bare product"


class Coupling:
    """Sliding coupling, which must not depend on the width of the windows."""

    params = ((10, 100, 1000), (5_000, 20_000))
    param_names = ("width", "bins")
    timeout = 300

    def setup(self, width, bins):
        self.x = traces((500, bins))

    def time_sliding(self, width, bins):
        sliding_coupling(self.x, width, 10)


class Stages:
    """Whole stages on a recording of the size of the course's file."""

    timeout = 600

    def setup(self):
        self.activity, self.ids = Activity(traces((324, 15_000)), 0.2), np.arange(324)

    def time_correlation(self):
        correlate_cells(self.activity, self.ids)

    def time_coupling(self):
        couple_cells(self.activity, self.ids)

    def time_dimensionality(self):
        reduce_dimensions(self.activity, self.ids)

    def time_sorting(self):
        sort_cells(self.activity, self.ids, SortAlongChain())

    def time_clusters(self):
        cluster_cells(self.activity, self.ids)


def ratio_to_blas(x, rounds=3):
    """Return the matrix's time over that of ``X @ X.T``, the best of some rounds taken in turn."""
    own, bare = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        x @ x.T
        bare.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        correlation_matrix(x)
        own.append(time.perf_counter() - begin)
    return min(own) / min(bare)


if __name__ == "__main__":
    for shape in SHAPES:
        x = traces(shape)
        ratio = ratio_to_blas(x, 3 if shape[0] < 10_000 else 2)
        print(f"{shape}: correlation {ratio:.2f} x the bare product, peak {peak_memory_mb():,.0f} MB")
    for bins in (5_000, 10_000, 20_000):
        x = traces((500, bins))
        with threadpool_limits(limits=1):
            begin = time.process_time()
            sliding_coupling(x, 100, 10)
            print(f"sliding coupling of 500 x {bins}: {time.process_time() - begin:.2f} s of CPU")
    for width in (10, 100, 1000):
        begin = time.process_time()
        sliding_coupling(x, width, 10)
        print(f"sliding coupling, windows of {width} bins: {time.process_time() - begin:.2f} s of CPU")
