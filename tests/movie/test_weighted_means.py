import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from napari_calcium.movie.demixing import weighted_sums
from napari_calcium.movie.weighted_means import add_up


@given(
    seed=st.integers(0, 10_000), n_rows=st.integers(0, 6), n_frames=st.integers(1, 5), density=st.floats(0, 1)
)
@settings(max_examples=40, deadline=None)
def test_sums_are_those_of_a_plain_product(seed, n_rows, n_frames, density):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n_rows, 30)) * (rng.random((n_rows, 30)) < density)
    frames = rng.normal(size=(n_frames, 30)).astype(np.float32)
    ours = weighted_sums(sparse.csr_array(dense), frames)
    assert_allclose(ours, dense @ frames.T.astype(np.float64), atol=1e-12)


def test_large_offsets_lose_nothing():
    n = 4001
    frames = np.full((1, n), 30_000.3, np.float32)
    weights = sparse.csr_array(np.full((1, n), 1 / n))
    assert_allclose(weighted_sums(weights, frames), float(np.float32(30_000.3)), rtol=1e-12)


def test_missing_pixels_count_only_where_they_are_used():
    frames = np.ones((1, 6), np.float32)
    frames[0, 5] = np.nan
    weights = sparse.csr_array(np.array([[1.0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1]]))
    out = np.empty((2, 1))
    add_up(weights.indptr, weights.indices, weights.data, frames, out)
    assert out[0, 0] == 2
    assert np.isnan(out[1, 0])
