import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.figures import time_matrix
from napari_calcium.figures.time_matrix import TimeMatrix, mean_of_known


def made(n=30, m=200, missing=0.1, seed=0):
    random = np.random.default_rng(seed)
    values = random.standard_normal((n, m)).astype(np.float32)
    values[random.random((n, m)) < missing] = np.nan
    return values


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 60), st.integers(1, 20), st.integers(1, 30))
def test_every_pixel_is_a_mean_of_all_it_stands_for(n, m, height, width):
    values = made(n, m, 0.0)
    image = mean_of_known(values, height, width)
    assert image.shape == (min(n, height), min(m, width))
    if n % image.shape[0] == 0 and m % image.shape[1] == 0:
        parts = values.reshape(image.shape[0], n // image.shape[0], image.shape[1], m // image.shape[1])
        np.testing.assert_allclose(image, parts.mean(axis=(1, 3)), atol=1e-5)


def test_what_is_not_known_does_not_count():
    values = np.array([[1.0, np.nan, np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(mean_of_known(values, 1, 2), [[1.0, np.nan]])


def test_rows_are_in_order_and_the_view_is_what_was_asked_for():
    values = made()
    rows = np.arange(30)[::-1]
    matrix = TimeMatrix.build(values, rows, np.arange(30) + 7, 2.0, 0.5)
    assert matrix.cells[0] == 36
    picture = matrix.view((3.2, 6.0), (4.0, 7.9), 500, 500)
    assert picture.rows == (3, 6) and picture.columns == (4, 12)
    np.testing.assert_array_equal(picture.image, values[rows][3:6, 4:12])
    assert matrix.column_at(2.0) == 0 and matrix.column_at(1.9) is None
    assert matrix.column_at(matrix.stop_s - 0.01) == 199 and matrix.column_at(matrix.stop_s) is None


def test_beside_the_matrix_there_is_nothing():
    matrix = TimeMatrix.build(made(), np.arange(30), np.arange(30), 0.0, 1.0)
    assert matrix.view((0, 30), (300, 400), 10, 10) is None
    empty = TimeMatrix.build(
        np.empty((0, 5), np.float32), np.empty(0, np.int64), np.empty(0, np.int64), 0.0, 1.0
    )
    assert empty.view((0, 1), (0, 5), 10, 10) is None


def test_a_large_matrix_is_read_from_its_means(monkeypatch):
    monkeypatch.setattr(time_matrix, "_ENOUGH", 1000)
    monkeypatch.setattr(time_matrix, "_COARSE_ROWS", 15)
    monkeypatch.setattr(time_matrix, "_COARSE_COLUMNS", 50)
    values = made(missing=0.0)
    matrix = TimeMatrix.build(values, np.arange(30), np.arange(30), 0.0, 1.0)
    assert matrix.coarse.shape == (15, 50)
    whole = matrix.view((0, 30), (0, 200), 15, 50)
    np.testing.assert_allclose(whole.image, mean_of_known(values, 15, 50), atol=1e-6)
    assert whole.rows == pytest.approx((0, 30)) and whole.columns == pytest.approx((0, 200))
    near = matrix.view((0, 5), (0, 100), 500, 500)
    np.testing.assert_array_equal(near.image, values[:5, :100])
