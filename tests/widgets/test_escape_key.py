from unittest.mock import Mock

import numpy as np
import pytest
from app_model.types import KeyBinding
from napari.components import ViewerModel
from napari.utils.key_bindings import KeymapHandler

from napari_calcium.widgets.escape_key import bind_escape


@pytest.fixture
def clear():
    return Mock()


@pytest.fixture
def viewer(clear):
    made = ViewerModel()
    bind_escape(made, clear)
    return made


def press(viewer) -> None:
    """Press Escape as napari's canvas does: the active layer comes first."""
    handler = KeymapHandler()
    active = viewer.layers.selection.active
    handler.keymap_providers = [viewer] if active is None else [active, viewer]
    handler.press_key(KeyBinding.from_str("Escape"))


@pytest.mark.parametrize("add", ["add_labels", "add_shapes", "add_image", "add_points"])
def test_escape_clears_whichever_layer_is_active(viewer, clear, add):
    data = {"add_labels": np.zeros((5, 5), int), "add_image": np.zeros((5, 5))}.get(add)
    getattr(viewer, add)(*([] if data is None else [data]))
    press(viewer)
    clear.assert_called_once()


def test_escape_clears_without_any_layer(viewer, clear):
    press(viewer)
    clear.assert_called_once()


def test_escape_ends_a_drawing_first(viewer, clear):
    shapes = viewer.add_shapes()
    shapes.mode = "add_polygon"
    press(viewer)
    clear.assert_not_called()
    shapes.mode = "pan_zoom"
    press(viewer)
    clear.assert_called_once()


def test_a_layer_that_becomes_active_twice_is_bound_once(viewer, clear):
    labels = viewer.add_labels(np.zeros((5, 5), int))
    other = viewer.add_image(np.zeros((5, 5)))
    for layer in (labels, other, labels):
        viewer.layers.selection.active = layer
    press(viewer)
    clear.assert_called_once()


def test_the_users_own_binding_stays(viewer, clear):
    own = Mock(spec=[])
    labels = viewer.add_labels(np.zeros((5, 5), int))
    labels.bind_key("Escape", lambda layer: own(), overwrite=True)
    viewer.layers.selection.active = None
    viewer.layers.selection.active = labels
    press(viewer)
    own.assert_called_once()
    clear.assert_not_called()
