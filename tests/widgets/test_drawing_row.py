"""Layers drawn in napari as ROIs: what they hold in pixels, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Points, Shapes
from qtpy.QtCore import Qt

from napari_calcium.io.errors import ReadError
from napari_calcium.recording import Movie, Recording
from napari_calcium.widgets.drawing_row import DrawingRow, use_as_rois, use_layer
from napari_calcium.widgets.drawn_layers import drawing_of, drawn_layers, field_shape, new_drawing_layer
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.workbench import NO_RATE, workbench_of

SHAPE = (30, 40)


@pytest.fixture
def movie():
    frames = np.random.default_rng(0).poisson(100, (20, *SHAPE)).astype(np.uint16)
    return Recording("film", np.empty(0, np.int64), 10.0, movie=Movie(frames), pixel_size_um=2.0)


@pytest.fixture
def bench(qapp, viewer):
    made = workbench_of(viewer)
    yield made
    made.let_go()


def painted(*, scale=(2.0, 2.0), **options):
    image = np.zeros(SHAPE, int)
    image[5:10, 6:11] = 4
    return Labels(image, scale=scale, **options)


SQUARE = np.array([[10, 12], [10, 22], [20, 22], [20, 12]])
"""In µm; pixels 5 to 10, 6 to 11."""


# --- what a layer holds


def test_labels_are_taken_as_they_are(movie):
    np.testing.assert_array_equal(drawing_of(painted(), movie, SHAPE).label_image(), painted().data)


def test_labels_of_another_pixel_size_or_place_are_put_where_they_lie(movie):
    whole = np.zeros((60, 80), int)
    whole[10:20, 12:22] = 4
    fine = Labels(whole, scale=(1, 1), translate=(-0.5, -0.5))
    np.testing.assert_array_equal(drawing_of(fine, movie, SHAPE).label_image(), painted().data)
    small = Labels(painted().data[5:12, 6:15], scale=(2, 2), translate=(10, 12))
    np.testing.assert_array_equal(drawing_of(small, movie, SHAPE).label_image(), painted().data)


def test_labels_painted_at_several_moments_count_together(movie):
    stack = np.zeros((6, *SHAPE), np.uint8)
    stack[1, 5:8, 6:11], stack[4, 7:10, 6:11] = 4, 4
    layer = Labels(stack, scale=(0.1, 2, 2))
    np.testing.assert_array_equal(drawing_of(layer, movie, SHAPE).label_image(), painted().data)


def test_a_turned_layer_is_refused_in_one_line(movie):
    with pytest.raises(ReadError, match="turned"):
        drawing_of(painted(rotate=30), movie, SHAPE)


@pytest.mark.parametrize("in_time", [False, True])
def test_closed_shapes_are_rois_and_lines_are_none(movie, in_time):
    line = np.array([[0, 0], [50, 60]])
    data = [np.pad(d, ((0, 0), (1, 0))) if in_time else d for d in (SQUARE, line)]
    layer = Shapes(data, shape_type=["polygon", "line"])
    drawing = drawing_of(layer, movie, SHAPE)
    assert len(drawing) == 1 and "1 line left out" in drawing.notes[0]
    # The centre of the first pixel is at 0, so that the upper left edge lies on centres.
    inside = np.argwhere(drawing.label_image())
    assert inside.min(axis=0).tolist() == [5, 6] and inside.max(axis=0).tolist() == [9, 10]


def test_an_ellipse_is_round(movie):
    layer = Shapes([SQUARE], shape_type="ellipse")
    area = drawing_of(layer, movie, SHAPE).footprints.nnz
    assert area == pytest.approx(np.pi / 4 * 25, abs=4)


def test_a_point_is_a_disc_of_its_size(movie):
    layer = Points([[20, 24]], size=12)
    image = drawing_of(layer, movie, SHAPE).label_image()
    assert image[10, 12] and image.sum() == pytest.approx(np.pi * 9, abs=4)


def test_other_layers_and_missing_images_are_refused(movie):
    with pytest.raises(ReadError, match="Labels, Shapes or Points"):
        drawing_of(Image(np.zeros(SHAPE)), movie, SHAPE)
    with pytest.raises(ReadError, match="no image to draw on"):
        drawing_of(Points([[1, 1]]), movie, None)


def test_only_layers_of_the_user_are_offered(viewer, bench, movie):
    bench.session.open(movie)
    assert drawn_layers(viewer) == []
    viewer.add_labels(np.zeros(SHAPE, int), name="mine")
    viewer.add_points(name="dots")
    assert [layer.name for layer in drawn_layers(viewer)] == ["dots", "mine"]


def test_the_image_that_is_drawn_on_tells_its_size(viewer, movie, few):
    assert field_shape(viewer, movie) == SHAPE
    assert field_shape(viewer, few) is None
    with pytest.raises(ReadError, match="no image to draw on"):
        new_drawing_layer(viewer, few)
    viewer.add_image(np.zeros((3, 11, 12)))
    assert field_shape(viewer, few) == (11, 12)


# --- what becomes of them


@pytest.fixture
def row(viewer, bench, qtbot):
    made = DrawingRow(viewer, bench)
    qtbot.addWidget(made)
    made.show()
    return made


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_drawing_begins_with_the_brush_in_hand_on_the_recordings_pixels(row, bench, viewer, movie, qtbot):
    click(qtbot, row.draw)
    assert "Open a recording" in row.note.text()
    bench.session.open(movie)
    click(qtbot, row.draw)
    layer = viewer.layers.selection.active
    assert layer.mode == "paint" and layer.data.shape == SHAPE and tuple(layer.scale) == (2, 2)
    assert row.layers.currentText() == layer.name and row.use.isEnabled()


def test_what_is_drawn_becomes_cells_with_traces_in_one_step(row, bench, viewer, movie, qtbot):
    bench.session.open(movie)
    click(qtbot, row.draw)
    layer = viewer.layers.selection.active
    layer.data[5:10, 6:11] = 1
    layer.data[20:25, 6:11] = 2
    with qtbot.waitSignal(bench.runner.finished):
        click(qtbot, row.use)
    made = bench.session.recording
    assert made.n_rois == 2 and "raw" in made.traces
    assert bench.session.selection.cells == (0, 1)
    assert not layer.visible and "2 ROIs drawn by hand" in row.note.text()
    # A click on the image selects cells again.
    assert layer.mode == "pan_zoom" and layer_role(viewer.layers.selection.active) == "somata"
    bench.session.undo()
    assert bench.session.recording is movie


def test_more_are_added_or_take_the_place_of_all(row, bench, viewer, movie, qtbot):
    bench.session.open(movie)
    row.show_recording(movie)
    assert row.replace.isHidden()
    for replace, expected in ((False, 1), (False, 2), (True, 1)):
        layer = viewer.add_layer(painted(name=f"drawn {expected} {replace}"))
        with qtbot.waitSignal(bench.runner.finished):
            use_layer(viewer, layer, replace=replace)
        assert bench.session.recording.n_rois == expected
        # Who wants these in the place of all others does not want more to be detected.
        assert bench.plan.is_enabled("segmentation") != replace
    row.show_recording(bench.session.recording)
    assert not row.replace.isHidden()


def test_drawn_rois_give_the_cells_of_a_table_their_places(bench, viewer, few):
    bench.session.open(few)
    image = np.zeros(SHAPE, int)
    for label in range(1, 7):
        image[4 * label : 4 * label + 2, 3:9] = label
    told = use_layer(viewer, viewer.add_labels(image))
    assert "6 labels linked to 6 rows by order" in told
    assert bench.session.recording.rois is not None and bench.session.can_undo


def test_why_it_cannot_be_done_is_said_in_one_line(bench, viewer, movie, few):
    layer = viewer.add_layer(painted())
    assert "Open a recording" in use_layer(viewer, layer)
    bench.session.open(movie.replace(frame_rate=None))
    assert use_layer(viewer, layer) == f"⚠ {NO_RATE}"
    bench.session.open(movie)
    assert "nothing is drawn" in use_layer(viewer, viewer.add_labels(np.zeros(SHAPE, int)))
    assert bench.session.recording is movie


def test_from_the_menu_it_takes_the_active_layer(bench, viewer, movie, qtbot, monkeypatch):
    said = []
    for name in ("show_info", "show_warning"):
        monkeypatch.setattr(f"napari_calcium.widgets.drawing_row.{name}", said.append)
    bench.session.open(movie)
    viewer.layers.selection.active = None
    use_as_rois(viewer)
    assert "Choose the Labels, Shapes or Points layer" in said[-1]
    viewer.layers.selection.active = viewer.add_layer(painted())
    with qtbot.waitSignal(bench.runner.finished):
        use_as_rois(viewer)
    assert bench.session.recording.n_rois == 1 and "1 ROI drawn" in said[-1]
