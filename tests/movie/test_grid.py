import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from napari_calcium.movie.grid import grid_for

shapes = st.tuples(st.integers(1, 300), st.integers(1, 300))


@given(shape=shapes, spacing=st.floats(16, 400))
@settings(max_examples=60, deadline=None)
def test_nodes_reach_from_edge_to_edge(shape, spacing):
    grid = grid_for(shape, spacing)
    assert min(grid.ny, grid.nx) >= 2
    for places, length in ((grid.y, shape[0]), (grid.x, shape[1])):
        assert places[0] == 0
        assert places[-1] == pytest.approx(max(length - 1, 1))


@given(shape=shapes, spacing=st.floats(16, 400), factor=st.sampled_from([1, 2, 4]))
@settings(max_examples=60, deadline=None)
def test_hats_interpolate_every_linear_field(shape, spacing, factor):
    grid = grid_for(shape, spacing).binned(factor)
    across_y, across_x = grid.hats((max(1, shape[0] // factor), max(1, shape[1] // factor)))
    for hats, places in ((across_y, grid.y), (across_x, grid.x)):
        assert_allclose(hats.sum(axis=1), 1, atol=1e-5)
        assert_allclose(hats @ places, np.arange(len(hats)), atol=1e-3)
        assert (np.count_nonzero(hats, axis=1) <= 2).all()


def test_a_binned_node_stays_at_its_place_in_the_tissue():
    grid = grid_for((96, 128), 32)
    binned = grid.binned(4)
    # Binned pixel k is centred on pixel 4 k + 1.5.
    assert_allclose(4 * binned.y + 1.5, grid.y)
    assert_allclose(4 * binned.x + 1.5, grid.x)


def test_mean_weights_give_the_mean_over_the_frame():
    grid = grid_for((97, 129), 32)
    nodes = np.random.default_rng(0).normal(size=(grid.ny, grid.nx))
    y, x = np.linspace(0, 96, 2001), np.linspace(0, 128, 2001)
    across_y = np.stack([np.interp(y, grid.y, row) for row in np.eye(grid.ny)], axis=1)
    across_x = np.stack([np.interp(x, grid.x, row) for row in np.eye(grid.nx)], axis=1)
    dense = across_y @ nodes @ across_x.T
    assert grid.mean_weights() @ nodes.ravel() == pytest.approx(
        np.trapezoid(np.trapezoid(dense, dx=1), dx=1) / 4e6, abs=1e-4
    )


def test_there_are_never_more_nodes_than_can_be_solved():
    assert grid_for((4096, 4096), 16).n_nodes <= 400
    assert grid_for((512, 512), 64).n_nodes == 81
