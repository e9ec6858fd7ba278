"""Boxes and lassos around somata, with the mouse of a real viewer."""

from __future__ import annotations

import time

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication
from tests.widgets.settling import settle

from napari_calcium.widgets.cells_dock import CellsDock
from napari_calcium.widgets.viewer_session import session_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def viewer(make_napari_viewer, recording):
    made = make_napari_viewer(show=True)
    made.window.resize(1000, 800)
    session_of(made).open(recording)
    settle()
    return made


def drag(viewer, path, *, modifiers: tuple = ()) -> None:
    """Press at the first world position (y, x), move along the others, let go at the last."""
    settle()
    canvas = viewer.window._qt_viewer.canvas
    places = [(canvas.view.transform * canvas.view.scene.transform).map([x, y, 0, 1])[:2] for y, x in path]
    events = canvas._scene_canvas.events
    press = events.mouse_press(pos=places[0], modifiers=modifiers, button=1)
    for place in places[1:]:
        events.mouse_move(
            pos=place, modifiers=modifiers, button=1, press_event=press, last_event=press, buttons=[1]
        )
        time.sleep(0.006)  # napari passes a move on every 5 ms
        QApplication.processEvents()
    events.mouse_release(pos=places[-1], modifiers=modifiers, button=1)
    settle()


def centres(recording) -> np.ndarray:
    return recording.rois.centroids * recording.pixel_size_um


def box_around(recording, rows) -> list[tuple[float, float]]:
    chosen = centres(recording)[list(rows)]
    return [tuple(chosen.min(axis=0) - 0.5), tuple(chosen.max(axis=0) + 0.5)]


def within(recording, box) -> set[int]:
    (top, left), (bottom, right) = box
    y, x = centres(recording).T
    return set(recording.roi_ids[(y > top) & (y < bottom) & (x > left) & (x < right)].tolist())


def test_a_box_selects_what_is_in_it_and_shift_adds(viewer, recording):
    session = session_of(viewer)
    first, second = box_around(recording, (0, 1)), box_around(recording, (5, 6))
    session.selection.tool = "box"
    drag(viewer, first)
    assert set(session.selection.cells) == within(recording, first)
    drag(viewer, second, modifiers=("Shift",))
    assert set(session.selection.cells) == within(recording, first) | within(recording, second)
    drag(viewer, second)
    assert set(session.selection.cells) == within(recording, second)


def test_a_box_can_be_drawn_from_any_corner(viewer, recording):
    session = session_of(viewer)
    box = box_around(recording, (2, 9))
    (top, left), (bottom, right) = box
    session.selection.tool = "box"
    for path in (
        [(bottom, left), (top, right)],
        [(bottom, right), (top, left)],
        [(top, right), (bottom, left)],
    ):
        session.selection.cells = ()
        drag(viewer, path)
        assert set(session.selection.cells) == within(recording, box)


def test_a_lasso_selects_what_it_encloses(viewer, recording):
    session = session_of(viewer)
    middle = centres(recording)[3]
    angle = np.linspace(0, 2 * np.pi, 30)
    circle = middle + 12 * np.column_stack([np.sin(angle), np.cos(angle)])
    session.selection.tool = "lasso"
    drag(viewer, circle)
    near = np.hypot(*(centres(recording) - middle).T) < 11.5
    assert set(recording.roi_ids[near].tolist()) <= set(session.selection.cells)
    assert int(recording.roi_ids[3]) in session.selection.cells


def test_dragging_selects_and_does_not_move_the_picture(viewer, recording):
    session = session_of(viewer)
    before = viewer.scene.camera.center
    session.selection.tool = "box"
    drag(viewer, box_around(recording, (0, 1)))
    assert viewer.scene.camera.center == before
    assert [layer.name for layer in viewer.layers if layer.name == "Selecting"] == []
    session.selection.tool = "click"
    assert viewer.scene.camera.mouse_pan


def test_a_click_with_a_tool_in_hand_selects_nothing(viewer, recording):
    session = session_of(viewer)
    session.selection.cells = (2,)
    session.selection.tool = "box"
    place = tuple(centres(recording)[7])
    drag(viewer, [place, place])
    assert session.selection.cells == (2,)


def test_keys_take_a_tool_and_put_it_away(viewer):
    session = session_of(viewer)
    keys = {str(key): slot for key, slot in viewer.keymap.items()}
    keys["Alt+B"](viewer)
    assert session.selection.tool == "box"
    keys["Alt+L"](viewer)
    assert session.selection.tool == "lasso"
    keys["Alt+L"](viewer)
    assert session.selection.tool == "click"
    keys["Alt+B"](viewer)
    session.selection.cells = (1, 2)
    keys["Escape"](viewer)
    assert session.selection.tool == "click"
    assert session.selection.cells == (1, 2)
    keys["Escape"](viewer)
    assert session.selection.cells == ()


def test_buttons_and_keys_show_the_same(viewer, qtbot):
    dock = CellsDock(viewer)
    viewer.window.add_dock_widget(dock, name="Cells")
    settle()
    dock.tools["box"].click()
    assert session_of(viewer).selection.tool == "box"
    dock.tools["lasso"].click()
    assert [button.isChecked() for button in dock.tools.values()] == [False, True]
    session_of(viewer).selection.tool = "click"
    assert not any(button.isChecked() for button in dock.tools.values())


def test_a_box_on_the_heatmap_selects_rows(viewer, traces_only):
    session = session_of(viewer)
    session.open(traces_only)
    settle()
    layer = next(layer for layer in viewer.layers if layer.metadata["napari_calcium"]["role"] == "heatmap")
    bottom = float(layer.extent.world[1][0])
    height = bottom / traces_only.n_rois
    session.selection.tool = "box"
    drag(viewer, [(2.1 * height, 5.0), (6.9 * height, 20.0)])
    # Rows whose middle is in the box.
    assert session.selection.cells == tuple(traces_only.roi_ids[2:7].tolist())
