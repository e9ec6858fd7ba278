from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.figures.raster_levels import event_levels, trace_levels
from napari_calcium.figures.raster_view import EVENTS, levels_key, prepare_view
from napari_calcium.figures.row_order import display_order
from napari_calcium.figures.row_sorting import ORDERS, sort_rows


def image(view) -> np.ndarray:
    rows, frames = view.pyramid.shape
    return view.pyramid.view((0, rows), (0, frames), rows, frames).image


@pytest.mark.parametrize("order", ORDERS)
def test_rows_cells_and_homes_belong_together(recording, order):
    view, made = prepare_view(recording, "dff", order, False, None, None)
    rows = sort_rows(recording, order)
    np.testing.assert_array_equal(view.cells, recording.roi_ids[rows])
    np.testing.assert_array_equal(image(view), trace_levels(recording.traces["dff"]).levels[rows])
    home = dict(zip(recording.roi_ids[display_order(recording)[0]], display_order(recording)[1], strict=True))
    assert view.homes.tolist() == [home[cell] for cell in view.cells]
    assert made is not None and view.frame_rate == recording.frame_rate


def test_events_have_levels_of_their_own(recording):
    view, made = prepare_view(recording, EVENTS, "id", False, None, None)
    assert made is None
    np.testing.assert_array_equal(image(view), event_levels(recording)[sort_rows(recording, "id")])


def test_activations_are_those_of_each_ensemble(recording):
    view, _ = prepare_view(recording, "dff", "ensemble", False, None, None)
    assert tuple(view.activations) == recording.ensembles.ids
    for k, times in view.activations.items():
        np.testing.assert_array_equal(times, recording.ensembles.activations_of(k).time_s)
    bare, _ = prepare_view(recording.replace(ensembles=None), "dff", "ensemble", False, None, None)
    assert not bare.activations and (bare.homes == -1).all()


def test_another_order_uses_the_levels_again(recording):
    first, made = prepare_view(recording, "dff", "id", False, None, None)
    second, again = prepare_view(recording, "dff", "rate", False, first.pyramid, made)
    assert again is made and second.pyramid.coarse[0] is first.pyramid.coarse[0]
    fresh, _ = prepare_view(recording, "dff", "rate", False, None, None)
    np.testing.assert_array_equal(image(second), image(fresh))


def test_the_key_is_the_same_only_for_the_same_levels(recording):
    def same(a, b) -> bool:
        return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))

    key = levels_key(recording, "dff", False)
    assert same(key, levels_key(recording.replace(features={}), "dff", False))
    assert not same(key, levels_key(recording, "dff", True))
    assert not same(key, levels_key(recording, "raw", False))
    assert not same(
        levels_key(recording, EVENTS, False), levels_key(recording.replace(ensembles=None), EVENTS, False)
    )
