"""The canvas with napari's viewer model and no window: layers, picks, time, and layers lost on the way."""

from __future__ import annotations

from dataclasses import dataclass
from unittest.mock import Mock

import numpy as np
import pytest
from app_model.types import KeyBinding
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)

from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.recording import Movie, Recording
from napari_calcium.session import Session
from napari_calcium.widgets.soma_highlight import CELL_EDGE, CELL_FILL, FIRST_MEMBER
from napari_calcium.widgets.theme import ensemble_mark, plot_colors
from napari_calcium.widgets.tissue_layers import layer_role


@dataclass
class MouseEvent:
    """What napari passes to mouse callbacks."""

    position: tuple[float, ...]
    dims_displayed: tuple[int, ...]
    type: str = "mouse_press"
    pos: tuple[float, float] = (100.0, 100.0)
    modifiers: tuple[str, ...] = ()
    button: int = 1
    view_direction: object = None
    handled: bool = False
    is_dragging: bool = True


def click(viewer, place, *, shift=False, moved=0.0, button=1) -> None:
    """Press and release at (y, x) in world coordinates, with a move of so many screen pixels between."""
    position = (*viewer.dims.point[:-2], *place)
    made = MouseEvent(position, viewer.dims.displayed, modifiers=("Shift",) if shift else (), button=button)
    mouse_press_callbacks(viewer, made)
    if moved:
        made.type, made.pos = "mouse_move", (100.0 + moved, 100.0)
        mouse_move_callbacks(viewer, made)
    made.type = "mouse_release"
    mouse_release_callbacks(viewer, made)


def centre(recording: Recording, cell: int) -> np.ndarray:
    """A pixel that belongs to the cell alone, in world coordinates."""
    row = list(recording.rois.ids).index(cell)
    own = np.argwhere(recording.rois.label_image() == row + 1)
    return own[len(own) // 2] * recording.pixel_size_um


def nothing(recording: Recording) -> np.ndarray:
    return np.argwhere(recording.rois.label_image() == 0)[0] * recording.pixel_size_um


def layer_of(viewer, role):
    found = [layer for layer in viewer.layers if layer_role(layer) == role]
    return found[0] if found else None


@pytest.fixture
def opened(session, recording) -> Session:
    session.open(recording)
    return session


# --- layers


def test_a_recording_with_positions_is_shown_as_tissue(viewer, opened):
    assert [layer_role(layer) for layer in viewer.layers] == ["image", "activity", "somata", "selected"]


def test_every_layer_has_units_and_the_scale_of_the_pixels(viewer, opened, recording):
    for layer in viewer.layers:
        assert [str(unit) for unit in layer.units][-2:] == ["micrometer", "micrometer"]
        assert tuple(layer.scale[-2:]) == (recording.pixel_size_um,) * 2
    activity = layer_of(viewer, "activity")
    assert str(activity.units[0]) == "second"
    assert activity.scale[0] == pytest.approx(1 / recording.frame_rate)


def test_somata_are_seen_where_there_is_no_picture_behind_them(viewer, session, recording):
    alone = recording.replace(images={}, movie=None)
    session.open(alone)
    assert layer_of(viewer, "somata").opacity == 0.5
    session.apply(alone.replace(images=recording.images), "Add mean.tif")
    assert layer_of(viewer, "somata").opacity == 0.2
    session.undo()
    assert layer_of(viewer, "somata").opacity == 0.5


def test_pixels_of_unknown_size_are_pixels(viewer, session, recording):
    session.open(recording.replace(pixel_size_um=None))
    for layer in viewer.layers:
        assert str(layer.units[-1]) == "pixel"
        assert layer.scale[-1] == 1


def test_the_scale_bar_shows_micrometres_where_they_are_known(viewer, session, recording, traces_only):
    bar = viewer.canvas.overlays.scale_bar
    session.open(recording)
    assert bar.visible
    session.open(traces_only)
    assert not bar.visible
    session.open(recording.replace(pixel_size_um=None))
    assert not bar.visible


def test_the_movie_is_shown_lazily_instead_of_the_activity(viewer, session, recording):
    class Film:
        shape, dtype, ndim = (recording.n_frames, 96, 96), np.dtype(np.uint16), 3
        size = recording.n_frames * 96 * 96
        read = 0

        def __getitem__(self, key):
            first = key[0] if isinstance(key, tuple) else key
            frames = np.arange(self.shape[0])[first]
            self.read += np.size(frames)
            return np.zeros((*np.shape(frames), 96, 96), np.uint16)

    film = Film()
    session.open(recording.replace(movie=Movie(film)))
    assert layer_of(viewer, "movie").data is film
    assert layer_of(viewer, "activity") is None
    assert film.read < 20


def test_hovering_names_the_cell_and_its_ensembles(viewer, opened, recording):
    features = layer_of(viewer, "somata").features
    assert list(features["index"]) == list(range(1, len(recording.rois) + 1))
    assert list(features["cell"]) == [recording.cell_name(k) for k in recording.rois.ids]
    member = int(recording.ensembles.members_of(1).roi_id[0])
    row = list(recording.rois.ids).index(member)
    assert "1" in features["ensembles"][row].split(", ")
    status = layer_of(viewer, "somata").get_status(
        centre(recording, member), view_direction=None, dims_displayed=[0, 1], world=True
    )
    assert f"cell: {member}" in status["value"]


def test_a_stage_that_leaves_the_picture_leaves_the_layers(viewer, session, raw_recording, recording):
    session.open(raw_recording)
    before = list(viewer.layers)
    session.apply(recording, "All stages")
    assert list(viewer.layers) == before
    session.undo()
    assert list(viewer.layers) == before


def test_the_activity_follows_the_traces(viewer, session, raw_recording, recording):
    session.open(raw_recording)
    before = np.asarray(layer_of(viewer, "activity").data[5])
    session.apply(recording, "All stages")
    assert not np.array_equal(before, layer_of(viewer, "activity").data[5])


def test_another_recording_takes_the_place_of_the_last(viewer, session, recording, traces_only):
    session.open(recording)
    session.open(traces_only)
    assert {layer_role(layer) for layer in viewer.layers} == {"heatmap", "marks", "cursor"}
    session.open(recording)
    assert {layer_role(layer) for layer in viewer.layers} == {"image", "activity", "somata", "selected"}


def test_closing_the_recording_empties_the_canvas(viewer, opened):
    opened.close()
    assert len(viewer.layers) == 0


def test_somata_cannot_be_painted_over(viewer, opened):
    somata = layer_of(viewer, "somata")
    somata.mode = "paint"
    assert str(somata.mode) == "pan_zoom"


@pytest.mark.parametrize("n", [0, 1])
def test_a_recording_of_no_cell_or_one(viewer, session, recording, n):
    rows = np.arange(n)
    few = Recording(
        "few",
        recording.roi_ids[:n],
        recording.frame_rate,
        {"raw": type(recording.traces["raw"])(recording.traces["raw"].values[:n], "a.u.")},
        rois=recording.rois.take(rows),
        images=recording.images,
    )
    session.open(few)
    session.open(few.replace(rois=None, images={}))
    assert layer_of(viewer, "heatmap") is not None


# --- lighting up


def test_selected_cells_light_up(viewer, opened, recording):
    opened.selection.cells = (3, 5)
    data = layer_of(viewer, "selected").data
    labels = recording.rois.label_image()
    assert set(np.unique(labels[data == CELL_EDGE])) >= {4, 6}
    assert set(np.unique(labels[data == CELL_FILL])) <= {4, 6}


def test_an_ensemble_lights_up_in_its_colour(viewer, opened, recording):
    opened.choose_ensemble(1)
    opened.selection.cells = ()
    layer = layer_of(viewer, "selected")
    assert set(np.unique(layer.data)) == {0, FIRST_MEMBER + 1}
    shown = layer.colormap.map(np.array([FIRST_MEMBER + 1], np.uint8))[0][:3]
    np.testing.assert_allclose(shown, np.array(rgb(ensemble_color(1))) / 255, atol=0.01)
    lit = layer.data > 0
    members = recording.ensembles.members_of(1).roi_id
    everyone = np.isin(recording.rois.label_image() - 1, members)
    assert lit[everyone].all()


def test_letting_the_ensemble_go_puts_the_light_out(viewer, opened):
    opened.choose_ensemble(1)
    opened.selection.clear()
    assert not layer_of(viewer, "selected").data.any()


# --- picking


def test_a_click_on_a_soma_selects_it(viewer, opened, recording):
    click(viewer, centre(recording, 7))
    assert opened.selection.cells == (7,)
    click(viewer, centre(recording, 2))
    assert opened.selection.cells == (2,)


def test_shift_adds_and_takes_out(viewer, opened, recording):
    click(viewer, centre(recording, 7))
    click(viewer, centre(recording, 2), shift=True)
    assert opened.selection.cells == (7, 2)
    click(viewer, centre(recording, 7), shift=True)
    assert opened.selection.cells == (2,)


@pytest.mark.parametrize("shift", [False, True])
def test_a_click_on_nothing_keeps_the_selection(viewer, opened, recording, shift):
    opened.selection.cells = (7,)
    click(viewer, nothing(recording), shift=shift)
    click(viewer, (-500.0, 9000.0), shift=shift)
    assert opened.selection.cells == (7,)


def test_a_drag_is_no_click(viewer, opened, recording):
    click(viewer, centre(recording, 7), moved=20)
    assert opened.selection.cells == ()


def test_a_trembling_hand_still_clicks(viewer, opened, recording):
    click(viewer, centre(recording, 7), moved=2)
    assert opened.selection.cells == (7,)


def test_the_right_button_is_not_ours(viewer, opened, recording):
    click(viewer, centre(recording, 7), button=2)
    assert opened.selection.cells == ()


def test_escape_clears(viewer, opened):
    opened.choose_ensemble(1)
    viewer.keymap[KeyBinding.from_str("Escape")](viewer)
    assert (opened.selection.cells, opened.selection.ensemble) == ((), None)


def test_any_layer_may_be_active_or_none(viewer, opened, recording):
    other = viewer.add_points(np.zeros((1, 2)))
    for active in (other, layer_of(viewer, "image"), None):
        opened.selection.clear()
        viewer.layers.selection.active = active
        click(viewer, centre(recording, 7))
        assert opened.selection.cells == (7,)


def test_a_click_that_paints_or_draws_does_not_pick(viewer, opened, recording):
    drawing = viewer.add_shapes()
    drawing.mode = "add_rectangle"
    click(viewer, centre(recording, 7))
    assert opened.selection.cells == ()


def test_hidden_somata_can_still_be_clicked(viewer, opened, recording):
    layer_of(viewer, "somata").visible = False
    click(viewer, centre(recording, 7))
    assert opened.selection.cells == (7,)


def test_picking_follows_a_moved_layer(viewer, opened, recording):
    layer_of(viewer, "somata").translate = (50, 0)
    click(viewer, np.add(centre(recording, 7), (50, 0)))
    assert opened.selection.cells == (7,)


# --- focus


def test_a_cell_in_focus_is_centred_on_the_image(viewer, opened, recording):
    viewer.scene.camera.zoom *= 8
    whole = np.asarray(viewer.layers.extent.world)[:, -2:]
    places = recording.rois.centroids * recording.pixel_size_um
    inner = int(np.argmin(np.abs(places - whole.mean(axis=0)).max(axis=1)))
    opened.selection.focus = int(recording.rois.ids[inner])
    assert viewer.scene.camera.center[-2:] == pytest.approx(tuple(places[inner]))


def test_a_cell_at_the_edge_leaves_no_empty_ground_beside_the_picture(viewer, opened, recording):
    viewer.scene.camera.zoom *= 4
    low, high = np.asarray(viewer.layers.extent.world)[:, -2:]
    half = np.asarray(viewer.canvas.size) / viewer.scene.camera.zoom / 2
    for cell in recording.rois.ids.tolist():
        opened.selection.focus = cell
        centre = np.asarray(viewer.scene.camera.center[-2:])
        room = np.maximum((high - low) / 2 - half, 0)
        assert (np.abs(centre - (low + high) / 2) <= room + 1e-6).all()


def test_while_the_whole_picture_is_in_view_a_cell_in_focus_moves_nothing(viewer, opened):
    viewer.reset_view()
    before = viewer.scene.camera.center[-2:]
    opened.selection.focus = 7
    assert viewer.scene.camera.center[-2:] == pytest.approx(before)
    viewer.canvas.size = (200, 900)
    assert viewer.scene.camera.center[-2:] == pytest.approx(before)


def test_in_every_theme_an_ensemble_has_the_colour_of_the_plots(viewer, opened, recording):
    selected = layer_of(viewer, "selected")
    for theme in ("light", "dark"):
        viewer.theme = theme
        ground = plot_colors(viewer).background
        colours = np.asarray(selected.colormap.colors)[FIRST_MEMBER:]
        for place, ensemble in enumerate(recording.ensembles.ids):
            wanted = np.array(rgb(ensemble_mark(ensemble, ground))) / 255
            np.testing.assert_allclose(colours[place, :3], wanted, atol=1e-6)


def test_a_recording_in_other_units_comes_without_warnings(viewer, opened, traces_only, recwarn):
    assert viewer.canvas.overlays.scale_bar.visible
    opened.open(traces_only.replace(frame_rate=None))
    opened.apply(traces_only, "Frame rate")
    assert [str(w.message) for w in recwarn.list if "dimension" in str(w.message)] == []
    assert not viewer.canvas.overlays.scale_bar.visible


def test_a_click_on_the_image_does_not_move_it(viewer, opened, recording):
    before = viewer.scene.camera.center
    click(viewer, centre(recording, 7))
    assert viewer.scene.camera.center == before


def test_a_cell_without_a_place_is_no_problem(viewer, session, recording):
    session.open(recording.replace(rois=recording.rois.take(np.arange(3)), ensembles=None))
    before = viewer.scene.camera.center
    session.selection.focus = 15
    assert viewer.scene.camera.center == before


# --- time


def test_the_slider_and_the_time_follow_each_other(viewer, opened, recording):
    opened.selection.time = 12.3
    assert viewer.dims.current_step[0] == int(12.3 * recording.frame_rate)
    assert opened.selection.time == 12.3
    viewer.dims.set_current_step(0, 40)
    assert opened.selection.time == pytest.approx(40 / recording.frame_rate)


def test_time_shows_the_frame_during_which_it_falls(viewer, opened, recording):
    rate = recording.frame_rate
    for frame in range(0, 100, 7):
        opened.selection.time = (frame + 0.9) / rate
        assert viewer.dims.current_step[0] == frame
        opened.selection.time = frame / rate
        assert viewer.dims.current_step[0] == frame


def test_the_slider_begins_where_the_session_is(viewer, session, recording):
    session.open(recording)
    assert viewer.dims.current_step[0] == 0
    assert session.selection.time == 0


def test_moving_other_axes_does_not_touch_the_time(viewer, opened):
    viewer.add_image(np.zeros((3, 40, 9, 9)), name="stack")
    opened.selection.time = 5.0
    viewer.dims.set_current_step(0, 2)
    assert opened.selection.time == 5.0


def test_time_beyond_the_end_stays_at_the_last_frame(viewer, opened, recording):
    opened.selection.time = 1e6
    assert viewer.dims.current_step[0] == recording.n_frames - 1


def test_time_without_a_frame_rate_counts_frames(viewer, session, raw_recording):
    session.open(raw_recording.replace(frame_rate=None))
    viewer.dims.set_current_step(0, 30)
    assert session.selection.time == 30.0


# --- the heatmap


def test_traces_alone_are_a_heatmap_in_seconds(viewer, session, traces_only):
    session.open(traces_only)
    heatmap = layer_of(viewer, "heatmap")
    (_, start), (_, stop) = heatmap.extent.world
    half = heatmap.scale[1] / 2
    assert start - half == pytest.approx(0)
    assert stop + half == pytest.approx(traces_only.duration_s)


def test_a_click_on_a_row_selects_the_cell_and_the_moment(viewer, session, traces_only):
    session.open(traces_only)
    heatmap = layer_of(viewer, "heatmap")
    for row in (0, 7, traces_only.n_rois - 1):
        y, x = heatmap.data_to_world((row, 30))
        click(viewer, (y, x))
        assert session.selection.cells == (int(traces_only.roi_ids[row]),)
        assert session.selection.time == pytest.approx(x)
    click(viewer, (-1.0, 5.0))
    assert len(session.selection.cells) == 1


def test_selected_rows_are_marked(viewer, session, traces_only):
    session.open(traces_only)
    session.selection.cells = (3, 9)
    heights = sorted({float(start[0]) for start, _ in layer_of(viewer, "marks").data})
    expected = [float(layer_of(viewer, "heatmap").data_to_world((row, 0))[0]) for row in (3, 9)]
    assert heights == pytest.approx(expected)
    session.selection.clear()
    assert len(layer_of(viewer, "marks").data) == 0


def test_the_cursor_stands_at_the_time(viewer, session, traces_only):
    session.open(traces_only)
    session.selection.time = 17.5
    assert layer_of(viewer, "cursor").data[0, 0, 1] == 17.5


@pytest.mark.parametrize("add", ["add_image", "add_labels"])
def test_the_heatmap_goes_when_an_image_comes(viewer, session, traces_only, add):
    session.open(traces_only)
    session.selection.cells = (3,)
    getattr(viewer, add)(np.zeros((9, 9), int if add == "add_labels" else float))
    assert len(viewer.layers) == 1
    session.selection.cells = (4,)
    session.selection.time = 3.0


def test_beside_an_image_there_is_no_heatmap(viewer, session, traces_only):
    viewer.add_image(np.zeros((9, 9)))
    session.open(traces_only)
    assert len(viewer.layers) == 1


def test_points_may_be_drawn_on_the_heatmap(viewer, session, traces_only):
    session.open(traces_only)
    viewer.add_points(np.zeros((1, 2)))
    assert layer_of(viewer, "heatmap") is not None


def test_the_heatmap_follows_the_stages(viewer, session, raw_recording, traces_only):
    session.open(raw_recording.replace(rois=None, images={}, pixel_size_um=None))
    before, name = layer_of(viewer, "heatmap"), layer_of(viewer, "heatmap").name
    session.apply(traces_only, "All stages")
    assert layer_of(viewer, "heatmap") is before
    assert before.name != name


# --- under our feet


@pytest.mark.parametrize("role", ["image", "activity", "somata", "selected"])
def test_a_deleted_layer_is_let_go(viewer, opened, recording, role):
    viewer.layers.remove(layer_of(viewer, role))
    opened.choose_ensemble(0)
    opened.selection.focus = 3
    opened.selection.time = 4.0
    click(viewer, centre(recording, 7))
    opened.apply(recording.replace(ensembles=None), "Other")
    assert layer_of(viewer, role) is None


def test_a_deleted_picture_does_not_come_back_with_other_cells(viewer, session, recording):
    session.open(recording.replace(movie=Movie(np.zeros((400, 96, 96), np.uint16))))
    viewer.layers.remove(layer_of(viewer, "image"))
    rois = recording.rois.take(np.arange(len(recording.rois)) > 0)
    other = session.recording.replace(rois=rois, candidates=rois, ensembles=None)
    session.apply(other, "A cell deleted")
    assert layer_of(viewer, "somata") is not None
    assert layer_of(viewer, "image") is None


@pytest.mark.parametrize("role", ["heatmap", "marks", "cursor"])
def test_a_deleted_part_of_the_heatmap_is_let_go(viewer, session, traces_only, role):
    session.open(traces_only)
    viewer.layers.remove(layer_of(viewer, role))
    session.selection.cells = (3,)
    session.selection.time = 4.0
    session.choose_ensemble(0)
    session.apply(traces_only.replace(ensembles=None), "Other")
    assert layer_of(viewer, role) is None


def test_all_layers_deleted_at_once(viewer, opened, traces_only):
    viewer.layers.clear()
    opened.selection.cells = (3,)
    opened.open(traces_only)
    assert layer_of(viewer, "heatmap") is not None


def test_renamed_layers_stay_ours(viewer, opened, recording):
    for layer in viewer.layers:
        layer.name = "mine"
    opened.selection.cells = (3,)
    assert layer_of(viewer, "selected").data.any()
    click(viewer, centre(recording, 7))
    assert opened.selection.cells == (7,)


def test_layers_may_be_reordered_and_others_stand_between(viewer, opened, recording):
    viewer.add_image(np.zeros((9, 9)))
    viewer.layers.move(0, 3)
    click(viewer, centre(recording, 7))
    assert opened.selection.cells == (7,)


def test_own_doing_is_not_taken_for_the_users(viewer, session, recording):
    picked = Mock()
    session.open(recording)
    session.selection.time_changed.connect(picked)
    session.selection.time = 3.21
    picked.assert_called_once_with(3.21)


def test_the_activity_of_a_large_field_has_fewer_pixels_in_the_same_place(
    viewer, session, recording, monkeypatch
):
    monkeypatch.setattr("napari_calcium.widgets.tissue_layers._MOST_ACTIVITY_PIXELS", 40**2)
    session.open(recording)
    activity, somata = layer_of(viewer, "activity"), layer_of(viewer, "somata")
    assert activity.data.shape[1:] == (32, 32)
    np.testing.assert_allclose(
        activity.extent.world[:, 1:], somata.extent.world, atol=1.5 * activity.scale[1]
    )
    labels, every = recording.rois.label_image(), 3
    frame = int(np.argmax(recording.traces["denoised"].values[4]))
    lit = np.asarray(activity.data[frame])[labels[::every, ::every] == 5]
    assert lit.max() > 0.9


def test_other_cells_of_the_same_field_leave_the_view_and_what_is_hidden(viewer, session, recording):
    moving = recording.replace(movie=Movie(np.zeros((400, 96, 96), np.uint16)))
    session.open(moving)
    viewer.scene.camera.zoom, viewer.scene.camera.center = 3.0, (0.0, 20.0, 30.0)
    next(layer for layer in viewer.layers if layer_role(layer) == "movie").visible = False
    fewer = moving.replace(rois=moving.rois.take(np.arange(5)))
    session.apply(fewer, "Choose cells")
    assert viewer.scene.camera.zoom == 3.0 and viewer.scene.camera.center[-2:] == (20.0, 30.0)
    assert not next(layer for layer in viewer.layers if layer_role(layer) == "movie").visible
    session.open(recording.replace(movie=None, pixel_size_um=7.0))
    assert viewer.scene.camera.zoom != 3.0


def test_stages_of_a_movie_change_the_layers_that_are_there(viewer, session, recording):
    rois, images = recording.rois, dict(recording.images)
    raw = recording.replace(
        movie=Movie(np.zeros((400, 96, 96), np.uint16)),
        rois=None,
        images={},
        traces={},
        roi_ids=np.empty(0, np.int64),
        events=None,
        ensembles=None,
        features=None,
    )
    session.open(raw)
    (film,) = viewer.layers
    registered = raw.replace(images=images | {"max_projection": images["mean"] * 2})
    session.apply(registered, "Registration")
    names = [layer.name for layer in viewer.layers]
    assert names.index("Mean image") < names.index("Max projection image") < names.index("Movie")
    segmented = registered.replace(rois=rois, roi_ids=rois.ids)
    session.apply(segmented, "Cells")
    before = list(viewer.layers)
    assert film in before and [layer_role(layer) for layer in before][-2:] == ["somata", "selected"]
    few = rois.take(np.arange(3))
    session.apply(segmented.replace(rois=few, roi_ids=few.ids), "Other cells")
    assert list(viewer.layers) == before
    np.testing.assert_array_equal(viewer.layers["Somata"].data, few.label_image())
    session.selection.cells = (int(few.ids[1]),)
    assert set(np.unique(viewer.layers["Selected cells"].data)) == {0, CELL_FILL, CELL_EDGE}
    brighter = dict(registered.images) | {"mean": images["mean"] * 3}
    session.apply(registered.replace(images=brighter), "Again")
    assert "Somata" not in viewer.layers and viewer.layers["Mean image"].data is brighter["mean"]
    session.apply(raw, "Raw")
    assert list(viewer.layers) == [film]
