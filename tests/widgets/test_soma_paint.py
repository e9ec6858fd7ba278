from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.widgets.soma_paint import PAINT_COLORS, SomaPaint, limits_of
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.viewer_session import session_of


def test_each_soma_has_the_colour_of_its_number(viewer, recording):
    session_of(viewer).open(recording)
    paint = SomaPaint(viewer)
    values = np.linspace(0, 1, recording.n_rois)
    values[3] = np.nan
    paint.show(recording, "SNR", values)
    layer = viewer.layers["SNR"]
    labels = recording.rois.label_image()
    for row in (0, 11, 19):
        assert np.unique(layer.data[labels == row + 1]) == pytest.approx(values[row])
    assert np.isnan(layer.data[labels == 4]).all()
    assert np.isnan(layer.data[labels == 0]).all()
    assert tuple(layer.contrast_limits) == pytest.approx(limits_of(values))
    assert layer.colorbar.visible


def test_the_colours_are_those_of_the_scale_in_the_dock(viewer, recording):
    session_of(viewer).open(recording)
    SomaPaint(viewer).show(recording, "SNR", np.linspace(0, 1, recording.n_rois))
    shown = 255 * viewer.layers["SNR"].colormap.map(np.linspace(0, 1, len(PAINT_COLORS)))[:, :3]
    np.testing.assert_allclose(shown, PAINT_COLORS, atol=3)


def test_it_lies_where_the_somata_lie_below_what_is_selected_and_the_active_layer_stays(viewer, recording):
    session_of(viewer).open(recording)
    active = viewer.layers.selection.active
    SomaPaint(viewer).show(recording, "SNR", np.arange(recording.n_rois, dtype=float))
    layer, somata = viewer.layers["SNR"], viewer.layers["Somata"]
    np.testing.assert_allclose(layer.extent.world, somata.extent.world)
    assert layer.units == somata.units
    assert viewer.layers.selection.active is active
    roles = [layer_role(each) for each in viewer.layers]
    assert roles.index("number") < roles.index("selected")


def test_another_number_uses_the_same_layer_and_clear_takes_it_away(viewer, recording):
    session_of(viewer).open(recording)
    paint = SomaPaint(viewer)
    paint.show(recording, "SNR", np.arange(recording.n_rois, dtype=float))
    layer = viewer.layers["SNR"]
    paint.show(recording, "Rate", np.zeros(recording.n_rois))
    assert layer.name == "Rate" and len([k for k in viewer.layers if layer_role(k) == "number"]) == 1
    paint.clear()
    paint.clear()
    assert not [k for k in viewer.layers if layer_role(k) == "number"]


def test_a_layer_that_the_user_deleted_comes_back_with_the_next_number(viewer, recording):
    session_of(viewer).open(recording)
    paint = SomaPaint(viewer)
    paint.show(recording, "SNR", np.arange(recording.n_rois, dtype=float))
    viewer.layers.remove("SNR")
    paint.show(recording, "Rate", np.arange(recording.n_rois, dtype=float))
    assert "Rate" in viewer.layers


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [3.0], [np.inf, 1.0]])
def test_limits_of_little_are_limits(values):
    low, high = limits_of(np.array(values, float))
    assert np.isfinite([low, high]).all() and high > low
