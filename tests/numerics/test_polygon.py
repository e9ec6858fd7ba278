from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.numerics.polygon import inside

SQUARE = np.array([(0, 0), (0, 4), (4, 4), (4, 0)], float)


def test_a_square_holds_what_is_in_it():
    points = np.array([(1, 1), (3.9, 3.9), (4.1, 1), (-1, 2), (2, np.nan)])
    assert inside(points, SQUARE).tolist() == [True, True, False, False, False]


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=20),
    st.floats(0.2, 3.0),
    st.integers(0, 3),
)
def test_scaling_turning_and_starting_elsewhere_change_nothing(places, factor, start):
    points = np.array(places)
    edge = (np.abs(points % 4) < 1e-6).any(axis=1) | (np.abs(points - 4) < 1e-6).any(axis=1)
    points = points[~edge]
    before = inside(points, SQUARE)
    assert (inside(factor * points, factor * SQUARE) == before).all()
    assert (inside(points, np.roll(SQUARE, start, axis=0)) == before).all()
    assert (inside(points, SQUARE[::-1]) == before).all()


def test_a_bay_is_outside():
    bay = np.array([(0, 0), (0, 6), (6, 6), (6, 4), (2, 4), (2, 2), (6, 2), (6, 0)], float)
    assert inside(np.array([(4, 3), (1, 3), (4, 5)]), bay).tolist() == [False, True, True]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_corners_enclose_nothing(n):
    assert not inside(np.zeros((3, 2)), SQUARE[:n]).any()
    assert inside(np.zeros((0, 2)), SQUARE).shape == (0,)
