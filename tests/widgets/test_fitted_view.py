"""The picture fills the canvas until somebody looks closer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_calcium.widgets.fitted_view import FittedView


@pytest.fixture
def viewer():
    model = ViewerModel()
    model.canvas.size = (600, 800)
    model.add_image(np.zeros((100, 100)))
    return model


def shown_share(viewer) -> float:
    """Return how much of the canvas the image takes along its tighter side."""
    return viewer.scene.camera.zoom * 100 / min(viewer.canvas.size)


def test_docks_that_take_room_do_not_cut_off_the_picture(viewer):
    fitted = FittedView(viewer)
    fitted.fit(margin=0.1)
    before = shown_share(viewer)
    for size in ((300, 800), (300, 250), (900, 900)):
        viewer.canvas.size = size
        assert shown_share(viewer) == pytest.approx(before, rel=1e-3)
        assert fitted.is_fitted


@pytest.mark.parametrize("change", [{"zoom": 9.0}, {"center": (0.0, 20.0, 30.0)}])
def test_what_somebody_looks_at_closer_stays(viewer, change):
    fitted = FittedView(viewer)
    fitted.fit()
    viewer.scene.camera.update(change)
    before = (viewer.scene.camera.zoom, viewer.scene.camera.center)
    viewer.canvas.size = (300, 250)
    assert (viewer.scene.camera.zoom, viewer.scene.camera.center) == before
    assert not fitted.is_fitted


def test_home_fits_again(viewer):
    fitted = FittedView(viewer)
    viewer.scene.camera.zoom = 9.0
    viewer.reset_view()
    viewer.canvas.size = (300, 250)
    assert shown_share(viewer) < 1
    assert fitted.is_fitted


def test_a_view_that_was_never_fitted_and_one_in_three_dimensions_are_left_alone(viewer):
    fitted = FittedView(viewer)
    before = viewer.scene.camera.zoom
    viewer.canvas.size = (300, 250)
    assert viewer.scene.camera.zoom == before
    viewer.add_image(np.zeros((5, 100, 100)))
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    assert not fitted.is_fitted


def test_it_does_not_keep_a_viewer_alive():
    import gc
    import weakref

    model = ViewerModel()
    fitted, gone = FittedView(model), weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    fitted.fit()
    assert not fitted.is_fitted


def test_looking_at_a_place_leaves_no_empty_ground_and_keeps_a_whole_picture_whole(viewer):
    fitted = FittedView(viewer)
    fitted.fit()
    centre = viewer.scene.camera.center[-2:]
    fitted.look_at(3.0, 97.0)
    assert viewer.scene.camera.center[-2:] == pytest.approx(centre)
    assert fitted.is_fitted
    viewer.scene.camera.zoom *= 10
    fitted.look_at(50.0, 40.0)
    assert viewer.scene.camera.center[-2:] == pytest.approx((50.0, 40.0))
    fitted.look_at(-20.0, 99.0)
    half = np.asarray(viewer.canvas.size) / viewer.scene.camera.zoom / 2
    low, high = np.asarray(viewer.layers.extent.world)[:, -2:]
    assert viewer.scene.camera.center[-2:] == pytest.approx((low[0] + half[0], high[1] - half[1]))
    assert not fitted.is_fitted


def test_looking_at_a_place_without_layers_does_nothing():
    model = ViewerModel()
    before = model.scene.camera.center
    FittedView(model).look_at(5.0, 5.0)
    assert model.scene.camera.center == before
