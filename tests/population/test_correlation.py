from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from napari_calcium.population import correlation
from napari_calcium.population.correlation import correlation_matrix, symmetric_product
from napari_calcium.progress import Cancelled


def data(seed=0, shape=(30, 400), offset=0.0):
    random = np.random.default_rng(seed)
    shared = random.standard_normal(shape[1])
    return (random.standard_normal(shape) + 0.7 * shared + offset).astype(np.float32)


def test_pearson_is_numpys():
    x = data()
    np.testing.assert_allclose(correlation_matrix(x), np.corrcoef(x), atol=2e-6)


def test_a_large_mean_does_not_swallow_the_correlation():
    x = data(offset=20_000.0)
    np.testing.assert_allclose(correlation_matrix(x), np.corrcoef(x.astype(float)), atol=2e-3)


def test_spearman_is_that_of_pandas():
    x = np.round(data(), 1)  # with ties
    np.testing.assert_allclose(
        correlation_matrix(x, "spearman"), pd.DataFrame(x.T).corr("spearman"), atol=2e-6
    )


def test_cosine_is_that_of_scikit_learn():
    x = np.abs(data())
    np.testing.assert_allclose(correlation_matrix(x, "cosine"), cosine_similarity(x), atol=2e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 0.5))
def test_with_gaps_each_pair_is_taken_over_its_common_samples(seed, missing):
    x = data(seed, (8, 60))
    x[np.random.default_rng(seed).random(x.shape) < missing] = np.nan
    np.testing.assert_allclose(correlation_matrix(x), pd.DataFrame(x.T).corr(min_periods=2), atol=2e-4)


def test_a_gap_of_all_cells_is_as_if_the_time_were_not_there():
    x = data()
    gap = x.copy()
    gap[:, 100:150] = np.nan
    left = np.delete(x, np.s_[100:150], axis=1)
    np.testing.assert_allclose(correlation_matrix(gap), np.corrcoef(left), atol=2e-6)


def test_constant_and_empty_cells_have_no_correlation():
    x = data()
    x[3], x[7] = 2.5, np.nan
    matrix = correlation_matrix(x)
    assert np.isnan(matrix[[3, 7]]).all() and np.isnan(matrix[:, [3, 7]]).all()
    rest = np.delete(np.arange(len(x)), [3, 7])
    np.testing.assert_allclose(matrix[np.ix_(rest, rest)], np.corrcoef(x[rest]), atol=2e-6)


@pytest.mark.parametrize("shape", [(0, 10), (1, 10), (2, 1), (3, 2)])
def test_few_cells_and_few_bins_are_results(shape):
    matrix = correlation_matrix(np.ones(shape))
    assert matrix.shape == (shape[0], shape[0])
    assert np.isnan(matrix).all()


@pytest.mark.parametrize("method", ["pearson", "spearman", "cosine"])
def test_permuting_cells_permutes_the_matrix(method):
    x = data()
    order = np.random.default_rng(1).permutation(len(x))
    permuted = correlation_matrix(x[order], method)
    np.testing.assert_allclose(permuted, correlation_matrix(x, method)[np.ix_(order, order)], atol=1e-6)


def test_gain_and_offset_of_a_cell_do_not_matter():
    x = data()
    scaled = x * np.linspace(0.5, 4, len(x), dtype=np.float32)[:, None] + 3
    np.testing.assert_allclose(correlation_matrix(scaled), correlation_matrix(x), atol=1e-5)


def test_input_is_left_alone_and_workers_do_not_matter(monkeypatch):
    monkeypatch.setattr(correlation, "_TILE_ROWS", 7)
    monkeypatch.setattr(correlation, "_CHUNK_BINS", 64)
    x = data()
    x.flags.writeable = False
    gap = x.copy()
    gap[0, :30] = np.nan
    for values in (x, gap):
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(4) as four:
            first = correlation_matrix(values, executor=one)
            assert first.tobytes() == correlation_matrix(values, executor=four).tobytes()
        np.testing.assert_allclose(first, pd.DataFrame(values.T).corr(), atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 30), st.integers(0, 40), st.integers(1, 9), st.integers(1, 13))
def test_product_by_tiles_is_the_product(n_rows, n_columns, tile, chunk):
    a = np.random.default_rng(0).standard_normal((n_rows, n_columns)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correlation, "_TILE_ROWS", tile)
        patch.setattr(correlation, "_CHUNK_BINS", chunk)
        result = symmetric_product(lambda columns: a[:, columns], n_rows, n_columns)
    np.testing.assert_allclose(result, a @ a.T, atol=1e-4)
    np.testing.assert_array_equal(result, result.T)


def test_cancelling_ends_the_work():
    def cancel(done, total):
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        correlation_matrix(data(), on_progress=cancel)


def test_infinite_values_are_refused():
    x = data()
    x[2, 5] = np.inf
    with pytest.raises(ValueError, match="row 2, frame 5"):
        correlation_matrix(x)
