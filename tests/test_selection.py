from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.selection import Selection

ids = st.lists(st.integers(-5, 30), max_size=12)


def spied(selection: Selection, name: str) -> Mock:
    seen = Mock()
    getattr(selection, f"{name}_changed").connect(seen)
    return seen


@given(ids)
def test_each_cell_is_selected_once_in_the_order_of_picking(cells):
    selection = Selection()
    selection.cells = cells
    assert list(selection.cells) == list(dict.fromkeys(cells))


@given(ids)
def test_an_equal_selection_is_no_change(cells):
    selection = Selection()
    selection.cells = cells
    seen = spied(selection, "cells")
    selection.cells = [*cells, *cells]
    seen.assert_not_called()


def test_an_echo_dies():
    selection = Selection()
    seen = spied(selection, "cells")
    selection.cells_changed.connect(lambda cells: setattr(selection, "cells", cells))
    selection.cells = (3, 1)
    seen.assert_called_once_with((3, 1))


@given(ids, st.integers(-5, 30))
def test_toggling_twice_changes_nothing_but_the_order(cells, cell):
    selection = Selection()
    selection.cells = cells
    before = set(selection.cells)
    selection.toggle(cell)
    assert set(selection.cells) == before ^ {cell}
    selection.toggle(cell)
    assert set(selection.cells) == before


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [
        ("ensemble", 3, 3.0),
        ("time", 1.5, 1.5),
        ("span", (1.0, 2.0), (2.0, 1.0)),
        ("marked", (1.0, 2.0), (2.0, 1.0)),
        ("focus", 4, 4),
    ],
)
def test_values_compare(name, value, same):
    selection = Selection()
    seen = spied(selection, name)
    setattr(selection, name, value)
    setattr(selection, name, same)
    seen.assert_called_once_with(value)


def test_time_begins_with_the_recording():
    selection = Selection()
    selection.time = -3.0
    assert selection.time == 0.0


def test_a_cell_in_focus_is_selected():
    selection = Selection()
    selection.cells = (1, 2)
    selection.focus = 7
    assert selection.cells == (1, 2, 7)


def test_a_cell_that_is_no_longer_selected_is_out_of_focus():
    selection = Selection()
    selection.focus = 7
    seen = spied(selection, "focus")
    selection.cells = (1,)
    assert selection.focus is None
    seen.assert_called_once_with(None)


def test_a_cell_stays_in_focus_while_others_come_and_go():
    selection = Selection()
    selection.focus = 7
    seen = spied(selection, "focus")
    selection.cells = (1, 7)
    assert selection.focus == 7
    seen.assert_not_called()


def test_clear_leaves_time_and_span_and_unmarks():
    selection = Selection()
    selection.marked = (2.0, 3.0)
    selection.cells, selection.ensemble, selection.time, selection.span = (1,), 2, 3.0, (1.0, 4.0)
    selection.clear()
    assert (selection.cells, selection.ensemble, selection.focus) == ((), None, None)
    assert selection.marked is None
    assert (selection.time, selection.span) == (3.0, (1.0, 4.0))
